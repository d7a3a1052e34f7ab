"""The exceptions that a factorisation raises, which are the same for every library."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


class SingularMatrixError(np.linalg.LinAlgError):
    """A matrix that is singular to working precision; the message estimates its condition number.

    It is a ``numpy.linalg.LinAlgError`` and the same on every backend, where CuPy would return NaN.

    Examples
    --------
    >>> import pullback as pb
    >>> try:
    ...     pb.linalg.solve(pb.asarray([[1.0, 1.0], [1.0, 1.0]]), pb.asarray([1.0, 1.0]))
    ... except pb.linalg.SingularMatrixError as error:
    ...     print("singular")
    singular
    """


class NotPositiveDefiniteError(np.linalg.LinAlgError):
    """A matrix that was said to be positive definite is not; the message names the leading minor.

    It is a ``numpy.linalg.LinAlgError`` and the same on every backend, where CuPy would return NaN.

    Examples
    --------
    >>> import pullback as pb
    >>> try:
    ...     pb.xp.linalg.cholesky(pb.asarray([[1.0, 2.0], [2.0, 1.0]]))
    ... except pb.linalg.NotPositiveDefiniteError as error:
    ...     print("not positive definite")
    not positive definite
    """


def where(index: tuple[int, ...]) -> str:
    """`` [2, 0]`` for a matrix of a batch, nothing for a matrix that is alone."""
    return f" {list(index)}" if index else ""


def singular(rcond: float, dtype: Any, index: tuple[int, ...] = ()) -> SingularMatrixError:
    """The error for a matrix of the reciprocal condition number `rcond`."""
    size = "infinite" if rcond == 0 else f"about {1 / rcond:.1e}"
    return SingularMatrixError(
        f"matrix{where(index)} is singular to working precision: its condition number is {size}, and {dtype} has "
        f"{-math.log10(np.finfo(dtype).eps):.0f} digits; regularise it, use lstsq, or take the result as it is by "
        "check=False"
    )


def zero_pivot(position: int, index: tuple[int, ...] = ()) -> SingularMatrixError:
    """The error for a factor whose diagonal has a zero at `position`, counted from 0."""
    return SingularMatrixError(
        f"matrix{where(index)} is singular: pivot {position} is exactly zero, its condition number infinite; "
        "regularise it, or use lstsq"
    )


def not_positive(order: int, index: tuple[int, ...] = ()) -> NotPositiveDefiniteError:
    """The error for a leading minor of this order that is not positive."""
    return NotPositiveDefiniteError(
        f"matrix{where(index)} is not positive definite: the leading minor of order {order} is not positive; add to "
        'its diagonal, or use assume="symmetric" or "hermitian"'
    )
