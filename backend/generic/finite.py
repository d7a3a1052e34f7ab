"""NaN and infinities in a system: they make its whole solution NaN, whatever the method would make of them.

Elimination divides by an infinite pivot and goes on: A = diag(∞, 1) has the finite "solution" (0, b₂), and a triangle
hands on only what stands beside the infinity. No such number means anything. So each matrix that holds NaN or an
infinity, where it is read, has the factor NaN; and each column of a right-hand side that does has the solution NaN. Of
a batch, the others stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.typing import XP, RawArray


def all_finite(xp: XP, x: Any, axes: tuple[int, ...]) -> Any:
    """Whether all elements along the axes are finite; None where it is known on the host that all are."""
    if type(x) is np.ndarray:
        finite = np.isfinite(x)
        return None if finite.all() else finite.all(axis=axes)
    return xp.all(xp.isfinite(x), axis=axes)


def matrices(xp: XP, A: RawArray) -> tuple[Any, Any]:
    """A (…, n, n) with the unit matrix in the place of what is not finite, and where that is (None: nowhere)."""
    finite = all_finite(xp, A, (-2, -1))
    if finite is None:
        return A, None
    i = xp.arange_like(A.shape[-1], A)
    unit = xp.astype(i[:, None] == i[None, :], A.dtype)
    return xp.where(finite[..., None, None], A, unit), ~finite


def spoilt(xp: XP, x: Any, where: Any) -> Any:
    """The array x (…, n, k) with NaN where `where` (…) holds."""
    return (
        x if where is None else xp.where(where[..., None, None], xp.full_like(x, float("nan")), x)
    )


def rows(xp: XP, x: Any) -> Any:
    """The array x (…, n) with NaN in each row that holds NaN or an infinity."""
    finite = all_finite(xp, x, (-1,))
    if finite is None:
        return x
    return xp.where(finite[..., None], x, xp.full_like(x, float("nan")))


def columns(xp: XP, out: Any, b: RawArray) -> Any:
    """Solutions (…, n, k), or (n,), with NaN in each column for which that of b is not finite."""
    axis = -1 if len(b.shape) == 1 else -2
    finite = all_finite(xp, b, (axis,))
    if finite is None:
        return out
    finite = xp.expand_dims(finite, axis=axis)
    return xp.where(finite, out, xp.full_like(out, float("nan")))


@dataclass(frozen=True, eq=False)
class NotFinite:
    """The factor of one NumPy matrix that holds NaN or an infinity.

    Attributes
    ----------
    A : array or None
        The whole matrix, for the determinant, which is NumPy's; None where only its diagonals are stored.
    n : int
        Its order.
    dtype : dtype
        Its dtype.
    standard : bool
        Whether the solution is what `numpy.linalg.solve` makes of it, for the standard's own `solve`.
    """

    A: Any
    n: int
    dtype: Any
    standard: bool = False

    def solve(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        """NaN."""
        if self.standard and not transposed:
            try:
                return np.linalg.solve(self.A, b)
            except np.linalg.LinAlgError:
                pass  # a pivot of 0 beside infinities: no solution either
        return np.full(b.shape, np.nan, np.result_type(b.dtype, self.dtype))

    def slogdet(self) -> tuple[Any, Any]:
        """NumPy's, or NaN."""
        if self.A is not None:
            sign, size = np.linalg.slogdet(self.A)
            return np.asarray(sign), np.asarray(size)
        real = np.empty(0, self.dtype).real.dtype
        return np.asarray(np.nan, self.dtype), np.asarray(np.nan, real)

    def inverse(self) -> np.ndarray:
        """NaN."""
        return np.full((self.n, self.n), np.nan, self.dtype)

    def rcond(self, A: RawArray) -> float:
        """Unknown."""
        return float("nan")
