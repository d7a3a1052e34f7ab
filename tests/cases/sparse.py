"""Rows of the rule table for products with sparse matrices."""

from __future__ import annotations

import numpy as np

from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find
from pullback.backend import Pattern, backend_of

from ._table import R, Z, row

_product, _sampled = function_of(find("sparse_product")), function_of(find("sddmm"))

INDPTR, INDICES = [0, 2, 2, 5], [0, 3, 1, 2, 2]  # an empty row, and one place twice


def _pattern(like):
    """The pattern where `like` lies."""
    while hasattr(like, "tape"):
        like = like.value
    there = backend_of(like).asarray
    return Pattern((3, 4), there(np.asarray(INDPTR)), there(np.asarray(INDICES)))


def _dense(data):
    out = np.zeros((3, 4), data.dtype)
    for i in range(3):
        for k in range(INDPTR[i], INDPTR[i + 1]):
            out[i, INDICES[k]] += data[k]
    return out


def _times(transposed):
    return {
        "_call": lambda data, x, **_: _product(
            data, x, pattern=_pattern(data), transposed=transposed
        ),
        "_ref": lambda data, x, **_: (_dense(data).T if transposed else _dense(data)) @ x,
        "pattern": None,  # found beside the elements, where they lie
        "transposed": transposed,
    }


def _sampled_ref(u, v, **_):
    return np.asarray(
        [u[i] @ v[INDICES[k]] for i in range(3) for k in range(INDPTR[i], INDPTR[i + 1])]
    )


SAMPLED = {
    "_call": lambda u, v, **_: _sampled(u, v, pattern=_pattern(u)),
    "_ref": _sampled_ref,
    "pattern": None,
}

CASES = [
    row("sparse_product", "real", R(5), R(4, 2), **_times(False)),
    row("sparse_product", "complex", Z(5), Z(4, 1), **_times(False)),
    row("sparse_product", "transposed", R(5), R(3, 2), **_times(True)),
    row("sparse_product", "transposed, complex", Z(5), Z(3, 3), **_times(True)),
    row("sddmm", "real", R(3, 2), R(4, 2), **SAMPLED),
    row("sddmm", "one column", R(3, 1), R(4, 1), **SAMPLED),
    row("sddmm", "complex", Z(3, 2), Z(4, 2), **SAMPLED),
]
