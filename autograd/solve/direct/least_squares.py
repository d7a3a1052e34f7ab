"""Least squares: `lstsq` by one QR factorisation for all orders of derivatives, and `ridge`.

The solution x of min ‖A x − b‖ and its residual r = b − A x solve the *augmented system*

    [I   A] [r]   [b]
    [Aᴴ  0] [x] = [0],

which is a linear system like any other: the adjoint solve (`adjoint.py`) gives (p, q) from the cotangents of (r, x),
b̄ = p, and of −(p, q) (r, x)ᵀ the parts where A and Aᴴ stand make Ā = −p xᵀ − conj(r qᵀ). With A = Q R, for any f, g,

    R x = Qᴴ f − R⁻ᴴ g,    r = f − Q R x.

The solution of least norm of an under-determined system is the r of Aᴴ instead of A and (0, b) on the right.

Sources: Björck, Numerical methods for least squares problems, 1996, §1.4 and §2.5; Golub and Pereyra, The
differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate, 1973.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....backend import backend_of
from ....backend.common.base import LAZY
from ....backend.common.lengths import same_length
from ...core.array import backend_array
from ...core.defvjp import function_of
from ...core.dtypes import is_complex
from ...core.generated import xp as generated
from ...core.namespaces import namespace_of
from ...core.registry import find
from ...core.tracer_like import host_step
from ...core.typing import XP, DType, RawArray, Value
from ...functions.creation import asarray
from ..errors import SingularMatrixError
from ..runner import operands, run
from .factorize import factorize


@dataclass(frozen=True)
class Augmented:
    """The augmented system of A (…, m, n), m ≥ n; right-hand sides and solutions are (…, m + n, k)."""

    m: int
    check: bool = True
    core = 2
    vectors = False

    def factor(self, A: RawArray) -> Any:
        """Q (…, m, n), R (…, n, n) as triangles are solved, and where A is 0.

        Of A = 0 the solution of least norm is 0, by Q = 0 and R = I. NaN and infinities make Q and R NaN.
        """
        xp = namespace_of(A)
        usable = xp.all(xp.isfinite(A), axis=(-2, -1), keepdims=True)
        Q, R = xp.linalg.qr(xp.where(usable, A, xp.ones_like(A)))
        nothing = ~xp.any(A != 0, axis=(-2, -1), keepdims=True)
        i = xp.arange_like(R.shape[-1], R)
        R = xp.where(nothing, xp.astype(i[:, None] == i[None, :], R.dtype), R)
        if self.check and R.size:
            R = _full_rank(R, usable[..., 0, 0], xp)
        nan = xp.full_like(A[..., :1, :1], float("nan"))
        Q = xp.where(usable, xp.where(nothing, xp.zeros_like(Q), Q), nan)
        return Q, xp.factor(xp.where(usable, R, nan), structure="upper", check=False), nothing

    def solve(self, factor: Any, b: RawArray, transposed: bool) -> Any:
        """(r, x) for (f, g); the transposed system is the conjugate one."""
        xp = namespace_of(b)
        Q, by_R, nothing = factor
        m = self.m
        if transposed:
            b = _conj(b, xp)
        f, g = b[..., :m, :], b[..., m:, :]
        # R⁻ᴴ g = conj(R⁻ᵀ conj(g))
        moved = _conj(by_R.solve(_conj(g, xp), True), xp)
        Rx = _conj(xp.matrix_transpose(Q), xp) @ f - moved
        x = by_R.solve(Rx, False)
        r = f - Q @ Rx
        # near A = 0 there is no solution but for g = 0: as a function of A, x has no derivative there
        x = xp.where(nothing & (g != 0), xp.full_like(x, float("nan")), x)
        out = xp.concat([r, x], axis=-2)
        return _conj(out, xp) if transposed else out

    def matrix_bar(self, row: Value, column: Value, xp: XP) -> Any:
        """−p xᵀ − conj(r qᵀ) for row = (p, q) and column = (r, x)."""
        m = self.m
        p, q = row[..., :m, :], row[..., m:, :]
        r, x = column[..., :m, :], column[..., m:, :]
        return -(p @ xp.matrix_transpose(x)) - _conj(r @ xp.matrix_transpose(q), xp)


def _conj(x: Value, xp: XP) -> Any:
    return xp.conj(x) if is_complex(x.dtype) else x


def _full_rank(R: Any, usable: Any, xp: XP) -> Any:
    """R, or an error if its diagonal says that columns depend on each other, to working precision."""
    sizes = xp.abs(xp.linalg.diagonal(R))
    largest = xp.max(sizes, axis=-1)
    ratio = xp.min(sizes, axis=-1) / xp.where(largest == 0, xp.ones_like(largest), largest)
    ratio = xp.where(usable, ratio, xp.ones_like(ratio))
    return host_step("full_rank", _checked_rank, (), (ratio, R))


def _checked_rank(_: Any, operands: Any) -> Any:
    ratio, R = operands
    xp = namespace_of(R)
    if bool(xp.any(~(ratio > R.shape[-1] * xp.finfo(R.dtype).eps))):
        raise SingularMatrixError(
            "lstsq: the matrix does not have full rank: the diagonal of its R spreads over a factor of "
            f"{1 / max(float(xp.min(ratio)), 1e-300):.1e}; leave out dependent columns, or use ridge"
        )
    return R


def lstsq(A: Any, b: Any, *, check: bool = True) -> Any:
    """x that minimises ‖A x − b‖₂, and among several the one of least norm, for A of full rank.

    Parameters
    ----------
    A
        Matrices (…, m, n), real or complex: m ≥ n of rank n (over-determined), or m < n of rank m (under-determined).
    b
        One vector (m,), or matrices (…, m, k) with a column for each problem; batches broadcast.
    check : bool
        Whether a rank below min(m, n), seen on the diagonal of R, is an error (which reads a flag from the device).

    Returns
    -------
    Array
        x (n,) or (…, n, k). Of A = 0 it is 0, whose derivative in A is NaN: there is none.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    SingularMatrixError
        With `check`.

    Notes
    -----
    One QR factorisation serves the solution and derivatives of any order. With r = b − A x and the adjoint (p, q),
    q = −(AᴴA)⁻¹ x̄ and p = −A q for a cotangent x̄: b̄ = p, Ā = −p xᵀ − r qᵀ (real A).

    References
    ----------
    Björck, Numerical methods for least squares problems, 1996.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> A, b = np.asarray([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.asarray([1.0, 2.0, 4.0])
    >>> pb.linalg.lstsq(A, b)
    Array([0.83333333, 1.5       ], dtype=float64, device='cpu')
    >>> pb.grad(lambda b: pb.linalg.lstsq(A, b)[0])(b).round(4)
    array([ 0.8333,  0.3333, -0.1667])
    """
    A, b = operands(A, b)
    _shapes(A, b, "lstsq")
    m, n = A.shape[-2:]
    vector = len(b.shape) == 1
    b = generated.expand_dims(b, axis=-1) if vector else asarray(b)
    if LAZY and not {type(backend_array(A)), type(backend_array(b))}.isdisjoint(LAZY):
        out = _by_qr(A, b)
        return generated.squeeze(out, axis=-1) if vector else out
    dtype = b.dtype if is_complex(b.dtype) else A.dtype
    zeros = _zeros_like(b, (*b.shape[:-2], n, b.shape[-1]), dtype)
    if m >= n:
        out = _augmented(A, [b, zeros], m, check)[..., m:, :]
    else:
        out = _augmented(_adjoint(A), [zeros, b], n, check)[..., :n, :]
    return generated.squeeze(out, axis=-1) if vector else out


def _by_qr(A: Any, b: Any) -> Any:
    """x = R⁻¹ Qᴴ b of tall A = Q R, which Dask has by blocks of rows."""
    if A.shape[-2] < A.shape[-1]:
        raise NotImplementedError(
            f"lstsq: the Dask array of shape {tuple(A.shape)} has fewer rows than columns; x.compute() gives NumPy's"
        )
    Q, R = function_of(find("linalg.qr"))(A)
    return factorize(R, assume="upper").solve(generated.matmul(_adjoint(Q), b))


def _augmented(A: Any, parts: list[Any], m: int, check: bool) -> Any:
    right = function_of(find("concat"))(parts, axis=-2)
    if 0 in A.shape[-2:]:
        return right
    return run(Augmented(m, check), A, right, order=sum(A.shape[-2:]), name="lstsq")


def _adjoint(A: Any) -> Any:
    A = generated.matrix_transpose(A)
    return generated.conj(A) if is_complex(A.dtype) else A


def _zeros_like(b: Any, shape: tuple[int, ...], dtype: DType) -> Any:
    value = backend_array(b)
    xp = namespace_of(value)
    return xp.astype(xp.zeros_on_device_of(shape, value), dtype)


def _shapes(A: Any, b: Any, name: str) -> None:
    m = A.shape[-2] if len(A.shape) > 1 else None
    rows = b.shape[-1 if len(b.shape) == 1 else -2] if len(b.shape) else None
    if m is None or rows is None or not same_length(rows, m):
        raise ValueError(
            f"{name}: A (…, m, n) and b (m,) or (…, m, k) are needed, not shapes {tuple(A.shape)} and {tuple(b.shape)}"
        )


def ridge(A: Any, b: Any, alpha: Any, *, check: bool = True) -> Any:
    """x that minimises ‖A x − b‖² + α ‖x‖², differentiable in A, b and α.

    x = (AᴴA + α I)⁻¹ Aᴴ b, or Aᴴ (A Aᴴ + α I)⁻¹ b where that is the smaller system, by Cholesky.

    Parameters
    ----------
    A
        Matrices (…, m, n), real or complex.
    b
        One vector (m,), or matrices (…, m, k); batches broadcast.
    alpha
        A number or 0-d array, not negative; for α = 0 a matrix of full rank is needed. An array (n,) has a weight for
        each element of x.
    check : bool
        Whether a matrix that is not positive definite is an error.

    Returns
    -------
    Array
        x (n,) or (…, n, k).

    Raises
    ------
    ValueError
        If the shapes do not fit, or, with `check`, a weight is negative.
    NotPositiveDefiniteError, SingularMatrixError
        With `check`.

    Notes
    -----
    The condition number of AᴴA is the square of that of A; if α is small against the precision, `lstsq` of A with
    √α I below it is more accurate.

    References
    ----------
    Hoerl and Kennard, Ridge regression: biased estimation for nonorthogonal problems, 1970.

    Examples
    --------
    >>> import pullback as pb
    >>> A, b = pb.asarray([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), pb.asarray([1.0, 2.0, 4.0])
    >>> pb.linalg.ridge(A, b, 0.1)
    Array([0.83700441, 1.46842878], dtype=float64, device='cpu')
    >>> pb.grad(lambda alpha: pb.xp.sum(pb.linalg.ridge(A, b, alpha) ** 2))(0.1)
    -0.8...
    """
    A, b = operands(A, b)
    _shapes(A, b, "ridge")
    m, n = A.shape[-2:]
    per_element = len(getattr(alpha, "shape", ())) > 0
    if per_element and tuple(alpha.shape) != (n,):
        raise ValueError(f"ridge: alpha is a number or ({n},), not of shape {tuple(alpha.shape)}")
    _not_negative(alpha, check)
    vector = len(b.shape) == 1
    b = generated.expand_dims(b, axis=-1) if vector else b
    A = asarray(A)
    Ah = _adjoint(A)
    if m < n and not per_element:
        out = Ah @ factorize(_shifted(A @ Ah, alpha), assume="positive", check=check).solve(b)
    else:
        out = factorize(_shifted(Ah @ A, alpha), assume="positive", check=check).solve(Ah @ b)
    return generated.squeeze(out, axis=-1) if vector else out


def _not_negative(alpha: Any, check: bool) -> None:
    """Raise if `check` is set and a weight is negative; for arrays this reads a flag from the device."""
    value = backend_array(alpha)
    if not check:
        return
    if not hasattr(value, "shape"):
        negative = value < 0
    elif backend_of(value).recording or not value.size:
        return
    else:
        negative = bool(namespace_of(value).any(value < 0))
    if negative:
        raise ValueError(
            f"ridge: alpha={value} has a negative weight, for which ‖A x − b‖² + α ‖x‖² is not what is minimised by a "
            "ridge; give weights of at least 0"
        )


def _shifted(G: Any, alpha: Any) -> Any:
    """G + α I."""
    value = backend_array(G)
    xp = namespace_of(value)
    i = xp.arange_like(value.shape[-1], value)
    # not the library's own array, whose operators may refuse an `Array` beside it
    eye = asarray(xp.astype(i[:, None] == i[None, :], value.dtype))
    if hasattr(alpha, "dtype"):
        alpha = generated.astype(asarray(alpha), G.dtype)
    return G + eye * alpha
