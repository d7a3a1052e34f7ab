"""Rows for `einsum` and the matrix exponential."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

import pullback as pb
import pullback.numpy

from ._table import Case, R, X, Z, row

SIZES = {"i": 3, "j": 2, "k": 4, "l": 2, "m": 3}

SUBSCRIPTS = [
    "ij,jk->ik", "ij,jk", "ij->ji", "ij->", "i,j->ij", "i,i", "ij,ij->i", "ij,j->i", "bij,bjk->bik", "ij,kl->",
    "ij,jk,kl->il", "ii->", "ii", "ii->i", "iij,j->i", "iji->j", "iii->i", "ij,jj->i", "...i,i->...",
    "...ij,...jk->...ik", "i...->...", "...,...", ",i->i", "i,i,i->i",
]  # fmt: skip


def _einsum(arrays: Any, subscripts: str) -> Any:
    return pb.xp.einsum(subscripts, *arrays)


def _numpy(arrays: Any, subscripts: str) -> Any:
    return np.asarray(np.einsum(subscripts, *arrays))


def _shape(term: str) -> list[int]:
    named = term.replace("...", "")
    return [2] * ("..." in term) + [SIZES.get(c, 2) for c in named]


def _sums(make: Any, label: str, subscripts: list[str]) -> list[Case]:
    return [
        row(
            "einsum", f"{s}{label}", [make(*_shape(term)) for term in s.partition("->")[0].split(",")],
            subscripts=s, _call=_einsum, _ref=_numpy,
        )
        for s in subscripts
    ]  # fmt: skip


def _stretched(s: str, *shapes: tuple[int, ...]) -> Case:
    """Axes of length 1 that stretch."""
    arrays = [R(*shape) for shape in shapes]
    return row("einsum", f"{s} {shapes}", arrays, subscripts=s, _call=_einsum, _ref=_numpy)


CASES = [
    *_sums(R, "", SUBSCRIPTS),
    *_sums(Z, " complex", ["ij,jk->ik", "ii->i", "i,i", "ij,jk,kl->il"]),
    _stretched("ij,ij->i", (3, 1), (3, 4)),
    _stretched("ij,ij->j", (1, 4), (3, 4)),
    _stretched("ij,ij->", (1, 1), (3, 4)),
    _stretched("...i,...i->...", (1, 3), (2, 3)),
    _stretched("ii,i->i", (1, 1), (3,)),
    _stretched("ij,jk->ik", (0, 2), (2, 3)),
    _stretched("ij,jk->ik", (3, 0), (0, 2)),
    *(
        row("convolve", label, x, y, _call=pullback.numpy.convolve, _ref=np.convolve)
        for label, x, y in (("plain", R(4), R(3)), ("longer second", R(2), R(5)), ("complex", Z(3), Z(2)))
    ),
    *(
        row("expm", label, x, _ref=scipy.linalg.expm)
        for label, x in (
            ("plain", R(3, 3)), ("batch", R(2, 2, 2)), ("complex", Z(2, 2)), ("zeros", X(np.zeros((2, 2)))),
            ("1 × 1", R(1, 1)), ("nilpotent", X([[0.0, 1.0], [0.0, 0.0]])),
        )
    ),
]  # fmt: skip
