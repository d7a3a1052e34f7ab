"""`numpy.linalg` for traced and plain arrays.

`eigh` and `eigvalsh` read one triangle of a matrix, and what is not read has the derivative 0, as in HIPS autograd; the
functions of `pullback.numpy.linalg` take the matrix for symmetric, and give each triangle half.
"""

from __future__ import annotations

from typing import Any

import numpy.linalg as _np

from ....autograd.core.array import Array as _Array
from ....autograd.functions import namespace as _xp
from ....autograd.numpy import namespace as _ours
from ..values import plain as _plain
from .wrap import wrap_namespace as _wrap_namespace


def _find(name: str) -> Any:
    return getattr(_ours.linalg, name)


__all__ = _wrap_namespace(_np, globals(), _find)
_eigh, _eigvalsh = globals()["eigh"], globals()["eigvalsh"]


def T(x: Any) -> Any:
    """The last two axes swapped."""
    return _plain(_xp.matrix_transpose(_xp.asarray(x)))


def _dot(a: Any, b: Any) -> Any:
    return _plain(_xp.matmul(_xp.asarray(a), _xp.asarray(b)))


def eigh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues and eigenvectors of Hermitian matrices, of which one triangle is read."""
    return _eigh(_of_triangle(a, UPLO))


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues of Hermitian matrices, of which one triangle is read."""
    return _eigvalsh(_of_triangle(a, UPLO))


def _of_triangle(a: Any, UPLO: str) -> Any:
    """A Hermitian matrix with a triangle of `a`, if that is traced; else one whose lower triangle it is.

    The upper triangle is made the lower one here, not left to LAPACK, whose eigenvectors have other signs then: traced
    and plain arrays have to give the same.
    """
    upper = UPLO.upper() == "U"
    if type(a) is not _Array:
        return _np_adjoint(a) if upper else a
    a = _xp.matrix_transpose(_xp.conj(a)) if upper else a
    strict = _xp.tril(a, k=-1)
    diagonal = _xp.real(_xp.linalg.diagonal(a))
    eye = _xp.eye(a.shape[-1], dtype=diagonal.dtype)
    return strict + _xp.matrix_transpose(_xp.conj(strict)) + diagonal[..., None] * eye


def _np_adjoint(a: Any) -> Any:
    return _plain(_xp.matrix_transpose(_xp.conj(_xp.asarray(a))))


def __dir__() -> list[str]:
    return sorted(__all__)
