"""Polynomials by their coefficients, the highest power first: `polyval`, `polyfit`, `roots` and their kin.

NumPy's classes (`poly1d`, `numpy.polynomial`) have no counterpart: coefficients are arrays. Where NumPy drops leading
zeros, so do these functions outside of compiled programs, whose shapes cannot depend on values.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.defvjp import function_of
from ...core.dtypes import is_complex, is_inexact
from ...core.registry import find
from ...functions import namespace as xp
from ...functions.creation import as_floating
from ..arguments import as_array
from ..decompositions import eigvals
from ..linear_systems import floating, inv, lstsq
from ..operands import arrays, beside, of_one_dtype

__all__ = [
    "poly",
    "polyadd",
    "polyder",
    "polydiv",
    "polyfit",
    "polyint",
    "polymul",
    "polysub",
    "polyval",
    "roots",
]


def _coefficients(p: Any, name: str) -> Array:
    """Coefficients as a vector."""
    if isinstance(p, np.poly1d):
        raise TypeError(f"{name}: a numpy.poly1d; give its coefficients, p.coeffs")
    x = as_array(p)
    x = xp.reshape(x, (1,)) if not x.ndim else x
    if x.ndim != 1:
        raise ValueError(f"{name}: a vector of coefficients is needed, not shape {x.shape}")
    return x


def _host_values(x: Array) -> np.ndarray | None:
    """The values, or None in a compiled program."""
    value = backend_array(x)
    backend = backend_of(value)
    return None if backend.recording else backend.to_numpy(value)


def _pair(a1: Any, a2: Any, name: str) -> tuple[Array, ...]:
    """Two vectors of coefficients, of one library and dtype."""
    for p in (a1, a2):
        if isinstance(p, np.poly1d):
            raise TypeError(f"{name}: a numpy.poly1d; give its coefficients, p.coeffs")
    return tuple(_coefficients(p, name) for p in of_one_dtype(a1, a2))


def polyval(p: Any, x: Any) -> Array:
    """The value ``p[0] x^(n−1) + … + p[n−1]``, by Horner's scheme; differentiable in both.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> pb.value_and_grad(lambda x: np.polyval([1.0, 0.0, 2.0], x))(3.0)
    (11.0, 6.0)
    """
    if isinstance(p, np.poly1d) or isinstance(x, np.poly1d):
        raise TypeError("polyval: a numpy.poly1d; give its coefficients, p.coeffs")
    p, x = arrays(p, x)
    p = _coefficients(p, "polyval")
    dtype = xp.result_type(p, x)
    y = xp.zeros_like(x, dtype=dtype)
    for k in range(p.shape[0]):
        y = y * x + p[k] if k else y + p[k]
    return y


def polyadd(a1: Any, a2: Any) -> Array:
    """The sum of two polynomials.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.polyadd([1.0, 2.0], [1.0, 0.0, 0.0])
    Array([1., 1., 2.], dtype=float64, device='cpu')
    """
    return _summed(a1, a2, xp.add, "polyadd")


def polysub(a1: Any, a2: Any) -> Array:
    """The difference of two polynomials.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.polysub([1.0, 2.0], [1.0, 0.0, 0.0])
    Array([-1.,  1.,  2.], dtype=float64, device='cpu')
    """
    return _summed(a1, a2, xp.subtract, "polysub")


def _summed(a1: Any, a2: Any, operation: Any, name: str) -> Array:
    a, b = _pair(a1, a2, name)
    size = max(a.size, b.size)
    return operation(_lengthened(a, size), _lengthened(b, size))


def _lengthened(a: Array, size: int) -> Array:
    """Zeros in front, up to a length."""
    return a if a.size == size else xp.pad(a, (size - a.size, 0))


def polymul(a1: Any, a2: Any) -> Array:
    """The product of two polynomials, a convolution of the coefficients, without leading zeros.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.polymul([1.0, 2.0], [1.0, -2.0])
    Array([ 1.,  0., -4.], dtype=float64, device='cpu')
    """
    a, b = (_without_leading_zeros(p) for p in _pair(a1, a2, "polymul"))
    return function_of(find("convolve"))(a, b)


def _without_leading_zeros(p: Array) -> Array:
    host = _host_values(p)
    if host is None or not p.size:
        return p
    used = np.flatnonzero(host)
    return p[min(int(used[0]), p.size - 1) :] if used.size else p[-1:]


def polydiv(u: Any, v: Any) -> tuple[Array, Array]:
    """The quotient and the remainder of two polynomials, by long division.

    Leading coefficients of the remainder that are 0 to within 1e-14 are dropped, as in NumPy.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.polydiv([1.0, 0.0, -3.0], [1.0, -2.0])
    (Array([1., 2.], dtype=float64, device='cpu'), Array([1.], dtype=float64, device='cpu'))
    """
    a, b = floating(*_pair(u, v, "polydiv"))
    m, n = a.size - 1, b.size - 1
    if m < n:
        quotient = xp.zeros_like(a[:1])
        return quotient, _without_small_leading(a)
    scale = 1.0 / b[0]
    parts = []
    rest = a
    for _ in range(m - n + 1):
        factor = scale * rest[0]
        parts.append(factor)
        head = rest[: n + 1] - factor * b
        rest = xp.concat([head[1:], rest[n + 1 :]]) if rest.size > 1 else head
    quotient = xp.stack(parts)
    # what is left in front of the remainder is 0 to rounding
    return quotient, _without_small_leading(rest if n else xp.zeros_like(a[:1]))


def _without_small_leading(r: Array) -> Array:
    host = _host_values(r)
    first = 0
    while host is not None and first < r.size - 1 and np.abs(host[first]) <= 1e-8:
        first += 1
    return r[first:] if first else r


def polyder(p: Any, m: int = 1) -> Array:
    """The coefficients of the m-th derivative.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.polyder([1.0, 2.0, 3.0])
    Array([2., 2.], dtype=float64, device='cpu')
    """
    p = _coefficients(p, "polyder")
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    for _ in range(m):
        n = p.size - 1
        p = p[:-1] * _powers(n, p) if n > 0 else p[:0]
    return p


def polyint(p: Any, m: int = 1, k: Any = None) -> Array:
    """The coefficients of the m-th integral, with the constants `k` of the integrations, 0 by default.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.polyint([2.0, 2.0], k=5.0)
    Array([1., 2., 5.], dtype=float64, device='cpu')
    """
    p = _coefficients(p, "polyint")
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    p = p if m == 0 else as_floating(p)
    constants = xp.reshape(beside([0.0] if k is None else k, p), (-1,))
    if not hasattr(k, "dtype") and not is_complex(constants.dtype):
        constants = xp.astype(constants, p.dtype)
    if constants.size == 1 and m > 1:
        constants = xp.broadcast_to(constants, (m,))
    if constants.size < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        p, last = of_one_dtype(p / _powers(p.size, p), constants[i : i + 1])
        p = xp.concat([p, last])
    return p


def _powers(n: int, p: Array) -> Array:
    """The numbers n, n − 1, …, 1 in the library and dtype of `p`."""
    xp_below = backend_of(backend_array(p)).xp
    return Array(
        xp_below.astype(n - xp_below.arange_like(n, backend_array(p)), backend_array(p).dtype)
    )


def poly(seq_of_zeros: Any) -> Array:
    """The coefficients of the polynomial with these zeros, or of the characteristic polynomial of a matrix.

    They are real where the zeros are, or come in conjugate pairs (in compiled programs: where the zeros are).

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.poly([1.0, 2.0])
    Array([ 1., -3.,  2.], dtype=float64, device='cpu')
    """
    zeros = as_array(seq_of_zeros)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] and zeros.size:
        zeros = eigvals(zeros)
    elif zeros.ndim == 0:
        raise ValueError("poly: a vector of zeros or a square matrix is needed, not a number")
    elif zeros.ndim != 1:
        raise ValueError(f"poly: a vector or a square matrix is needed, not shape {zeros.shape}")
    if not zeros.size:
        return as_array(1.0)
    zeros = as_floating(zeros)
    out = xp.ones_like(zeros[:1])
    for k in range(zeros.size):
        out = xp.pad(out, (0, 1)) - xp.pad(out, (1, 0)) * zeros[k]
    if is_complex(out.dtype):
        host = _host_values(zeros)
        if host is not None and np.array_equal(np.sort(host), np.sort(host.conj())):
            return xp.real(out)
    return out


def roots(p: Any) -> Array:
    """The zeros of a polynomial, the eigenvalues of its companion matrix.

    That of a simple one is ``dr = −Σ dp_k r^(n−k) / p'(r)``. The derivative of a multiple zero does not exist, and is
    NaN or very large. In a compiled program the first and the last coefficient are taken to be different from 0.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> pb.jacobian(lambda p: np.sort(np.roots(p)))(np.asarray([1.0, -3.0, 2.0]))
    Array([[ 1.,  1.,  1.],
           [-4., -2., -1.]], dtype=float64, device='cpu')
    """
    p = as_floating(_coefficients(p, "roots"))
    host = _host_values(p)
    behind = 0
    if host is not None:
        used = np.flatnonzero(host)
        if not used.size:
            return p[:0]
        behind = p.size - 1 - int(used[-1])
        p = p[int(used[0]) : int(used[-1]) + 1]
    n = p.size - 1
    if n < 1:
        return xp.pad(p[:0], (0, behind))
    first = xp.expand_dims(-p[1:] / p[0], axis=0)
    i = xp.reshape(_powers(n, p), (1, -1))
    below = xp.astype(xp.reshape(i, (-1, 1)) == i - 1, p.dtype)[1:, :]
    found = eigvals(xp.concat([first, below], axis=0))
    return found if not behind else xp.pad(found, (0, behind))


def polyfit(
    x: Any,
    y: Any,
    deg: Any,
    rcond: Any = None,
    full: bool = False,
    w: Any = None,
    cov: Any = False,
) -> Any:
    """The polynomial of a degree that fits points best, by least squares; differentiable in `x`, `y` and `w`.

    Parameters
    ----------
    x
        The coordinates of the points (m,).
    y
        Their values (m,), or (m, k) for k fits.
    deg : int
        The degree.
    rcond : number, optional
        As in `linalg.lstsq`; by default ``m ε``.
    full : bool
        Return the residuals, the rank, the singular values and `rcond`, too.
    w
        Weights (m,) of the residuals.
    cov : bool or "unscaled"
        Return the covariance matrix of the coefficients, too; "unscaled" does not multiply by the residuals' variance.

    Returns
    -------
    Array or tuple
        The coefficients (deg + 1,) or (deg + 1, k), and what else is asked for.

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> x = np.asarray([0.0, 1.0, 2.0])
    >>> pb.grad(lambda y: np.polyfit(x, y, 1)[0])(np.asarray([1.0, 2.0, 4.0])).round(3)
    Array([-0.5,  0. ,  0.5], dtype=float64, device='cpu')
    """
    order = int(deg) + 1
    x, y = floating(x, y)
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or x.shape[0] != y.shape[0]:
        raise TypeError(
            f"polyfit: x (m,) and y (m,) or (m, k) are needed, not {x.shape} and {y.shape}"
        )
    rcond = x.size * xp.finfo(x.dtype).eps if rcond is None else rcond
    columns = [xp.ones_like(x)]
    for _ in range(order - 1):
        columns.append(columns[-1] * x)
    lhs, rhs = xp.stack(columns[::-1], axis=1), y
    if w is not None:
        w = beside(w, x)
        w = w if is_inexact(w.dtype) else xp.astype(w, x.dtype)
        if w.ndim != 1 or w.shape != x.shape:
            raise TypeError(f"polyfit: weights of shape {w.shape} for {x.size} points")
        lhs = lhs * w[:, None]
        rhs = rhs * (w[:, None] if rhs.ndim == 2 else w)
    scale = xp.linalg.vector_norm(lhs, axis=0)
    lhs = lhs / scale
    c, residuals, rank, s = lstsq(lhs, rhs, rcond)
    c = c / (scale[:, None] if c.ndim == 2 else scale)
    known = _host_values(rank)
    if known is not None and int(known) != order and not full:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=2)
    if full:
        return c, residuals, rank, s, rcond
    if not cov:
        return c
    base = inv(xp.matrix_transpose(lhs) @ lhs) / (scale[:, None] * scale)
    if cov == "unscaled":
        return c, base if y.ndim == 1 else base[:, :, None]
    if x.size <= order:
        raise ValueError(
            "the number of data points must exceed order to scale the covariance matrix"
        )
    factor = residuals / (x.size - order)
    return c, base * factor if y.ndim == 1 else base[:, :, None] * factor
