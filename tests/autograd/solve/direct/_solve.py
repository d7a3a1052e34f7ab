"""Helpers of `test_solve.py` and the test files split from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import pullback as pb

xp = pb.xp


la = pb.linalg


def adjoint(M: Any) -> Any:
    M = xp.matrix_transpose(M)
    return xp.conj(M) if xp.isdtype(M.dtype, "complex floating") else M


def shifted(M: Any, by: float = 4.0) -> Any:
    n = M.shape[-1]
    like = pb.autograd.core.array.backend_array(M)
    return M + pb.backend.backend_of(like).asarray(by * np.eye(n), dtype=_name(M))


def _name(M: Any) -> str:
    return np.dtype(M.dtype).name


@dataclass(frozen=True)
class Kind:
    """A structure: how such a matrix is made of any, and how `solve` is told of it."""

    name: str
    make: Callable[[Any], Any]
    settings: dict[str, Any]


def kind(name: str, make: Callable[[Any], Any], **settings: Any) -> Kind:
    return Kind(name, make, settings)


def _circulant(M: Any) -> Any:
    c = shifted(M)[..., 0]
    return xp.stack([xp.roll(c, k, axis=-1) for k in range(M.shape[-1])], axis=-1)


def _band(M: Any, low: int, up: int) -> Any:
    return xp.tril(xp.triu(shifted(M), k=-low), k=up)


KINDS = [
    kind("general", shifted),
    kind("symmetric", lambda M: shifted(M + xp.matrix_transpose(M))),
    kind("hermitian", lambda M: shifted(M + adjoint(M))),
    kind("positive", lambda M: shifted(M @ adjoint(M))),
    kind("lower", lambda M: xp.tril(shifted(M))),
    kind("upper", lambda M: xp.triu(shifted(M))),
    kind("unit lower", lambda M: shifted(xp.tril(0.3 * M, k=-1), 1.0)),
    kind("unit upper", lambda M: shifted(xp.triu(0.3 * M, k=1), 1.0)),
    kind("diagonal", lambda M: _band(M, 0, 0)),
    kind("tridiagonal", lambda M: _band(M, 1, 1)),
    kind("banded", lambda M: _band(M, 2, 1), bandwidths=(2, 1)),
    kind("circulant", _circulant),
]


# What A's and b's shapes are: vectors, many right-hand sides, batches on either side, empty.
SHAPES = [
    ((4, 4), (4,)),
    ((4, 4), (4, 2)),
    ((2, 4, 4), (4,)),
    ((2, 4, 4), (4, 1)),
    ((4, 4), (3, 4, 2)),
    ((2, 4, 4), (3, 1, 4, 2)),
    ((4, 4), (4, 0)),
    ((0, 4, 4), (4, 1)),
    ((1, 1), (1,)),
    ((40, 40), (40,)),
    ((2, 40, 40), (40, 2)),
]


def draw(shape: tuple[int, ...], number: str = "real", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    out = rng.uniform(-1, 1, shape)
    return out + 1j * rng.uniform(-1, 1, shape) if number == "complex" else out


def host(x: Any, lib: Any = None) -> np.ndarray:
    x = pb.autograd.core.array.backend_array(x)
    return np.asarray(x) if lib is None else lib.to_numpy(x)


def solve(kind: Kind, M: Any, b: Any, **more: Any) -> Any:
    return la.solve(kind.make(xp.asarray(M)), b, assume=kind.name, **kind.settings, **more)
