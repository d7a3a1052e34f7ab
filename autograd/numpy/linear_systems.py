"""Linear systems and products of `pullback.numpy.linalg`: solves, inverses, determinants, powers, chains."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array
from ..core.dtypes import is_complex
from ..functions import namespace as xp
from ..functions.creation import as_floating
from ..solve.direct.least_squares import lstsq as lstsq_of_full_rank
from .arguments import as_array, refuse_out
from .operands import NO_VALUE, constant, of_one_dtype


def floating(*xs: Any) -> Any:
    """Arrays of the floating dtype that they promote to."""
    found = of_one_dtype(*xs)
    found = tuple(as_floating(x) for x in found)
    return found if len(found) > 1 else found[0]


def solve(a: Any, b: Any) -> Array:
    """The solution x of ``a x = b``; one adjoint solve gives its derivatives.

    Parameters
    ----------
    a
        Matrices (…, n, n).
    b
        One vector (n,), or matrices (…, n, k); what has more than one dimension is taken as matrices, as in NumPy 2.

    Returns
    -------
    Array

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> A = np.asarray([[2.0, 0.0], [1.0, 4.0]])
    >>> pb.grad(lambda b: np.sum(np.linalg.solve(A, b)))(np.asarray([2.0, 5.0]))
    Array([0.375, 0.25 ], dtype=float64, device='cpu')
    """
    a, b = floating(a, b)
    require_square(a, "solve")
    return xp.linalg.solve(a, b)


def inv(a: Any) -> Array:
    """The inverse of square matrices.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.inv([[2.0, 0.0], [0.0, 4.0]])
    Array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float64, device='cpu')
    """
    a = floating(a)
    require_square(a, "inv")
    return xp.linalg.inv(a)


def det(a: Any) -> Array:
    """The determinant of square matrices; its derivative is right for singular ones, too.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.det([[2.0, 0.0], [0.0, 4.0]])
    Array(8., dtype=float64, device='cpu')
    """
    a = floating(a)
    require_square(a, "det")
    return xp.linalg.det(a)


def slogdet(a: Any) -> Any:
    """The sign of the determinant and the logarithm of its absolute value, as `SlogdetResult`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.slogdet([[1.0, 0.0], [0.0, 1.0]]).sign
    Array(1., dtype=float64, device='cpu')
    """
    a = floating(a)
    require_square(a, "slogdet")
    return xp.linalg.slogdet(a)


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = NO_VALUE) -> Array:
    """The Moore–Penrose inverse of matrices (…, m, n).

    Parameters
    ----------
    a
        Matrices.
    rcond, rtol
        Singular values up to this times the largest are taken as 0: 1e-15 by default, and for ``rtol=None``
        ``max(m, n) ε``.
    hermitian : bool
        `a` is Hermitian; its Hermitian part is used.

    Raises
    ------
    ValueError
        If both `rcond` and `rtol` are given.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.pinv([[2.0, 0.0], [0.0, 0.0]])
    Array([[0.5, 0. ],
           [0. , 0. ]], dtype=float64, device='cpu')
    """
    a = floating(a)
    if rcond is not None and rtol is not NO_VALUE:
        raise ValueError("pinv: rtol and rcond are one setting; give one of them")
    if rcond is None:
        rcond = 1e-15 if rtol is NO_VALUE else rtol
    if rcond is None:
        rcond = max(a.shape[-2:]) * xp.finfo(a.dtype).eps
    if hermitian:
        require_square(a, "pinv")
        a = (a + adjoint(a)) / 2.0
    return xp.linalg.pinv(a, rtol=rcond)


def adjoint(a: Array) -> Array:
    """The conjugate transpose."""
    turned = xp.matrix_transpose(a)
    return xp.conj(turned) if is_complex(a.dtype) else turned


def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Array, Array, Array, Array]:
    """The x of least norm that minimises ‖a x − b‖, the squared residuals, the rank and the singular values of `a`.

    Parameters
    ----------
    a
        A matrix (m, n).
    b
        A vector (m,), or a matrix (m, k) with a column for each problem.
    rcond : number, optional
        Singular values up to this times the largest are taken as 0; by default ``max(m, n) ε``.

    Returns
    -------
    x, residuals, rank, s
        As in NumPy: the residuals are empty if m ≤ n or the rank is below n. All but the rank are differentiable, at
        matrices near which the rank does not change.

    Notes
    -----
    At full rank x comes from a QR factorisation, else from `pinv`; a compiled program, which cannot look at the rank,
    takes `pinv`, and has residuals if m > n.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> x, residuals, rank, s = np.linalg.lstsq([[1.0], [1.0]], [1.0, 3.0])
    >>> x, residuals
    (Array([2.], dtype=float64, device='cpu'), Array([2.], dtype=float64, device='cpu'))
    """
    a, b = floating(a, b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise np.linalg.LinAlgError(
            f"lstsq: a (m, n) and b (m,) or (m, k) are needed, not shapes {a.shape} and {b.shape}"
        )
    (m, n), columns = a.shape, b if b.ndim == 2 else xp.expand_dims(b, axis=-1)
    s = xp.linalg.svdvals(a)
    if rcond is None or rcond < 0:
        rcond = (1 if rcond is not None else max(m, n)) * xp.finfo(a.dtype).eps
    sizes = constant(s)
    used = sizes > rcond * xp.max(sizes) if min(m, n) else sizes > 0
    rank = xp.count_nonzero(used)
    value = backend_array(rank)
    known = None if backend_of(value).recording else int(value)
    if known == min(m, n):
        x = lstsq_of_full_rank(a, columns, check=False)
    else:
        x = xp.linalg.pinv(a, rtol=rcond) @ columns
    if m > n and known in (None, n):
        rest = columns - a @ x
        square = xp.square(xp.abs(rest)) if not is_complex(rest.dtype) else _squares(rest)
        residuals = xp.sum(square, axis=0)
    else:
        residuals = s[:0]
    return (x if b.ndim == 2 else xp.squeeze(x, axis=-1)), residuals, rank, s


def _squares(x: Array) -> Array:
    return xp.square(xp.real(x)) + xp.square(xp.imag(x))


def matrix_power(a: Any, n: int) -> Array:
    """The n-th power of square matrices; of their inverses for negative n.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.matrix_power([[1.0, 1.0], [0.0, 1.0]], 3)
    Array([[1., 3.],
           [0., 1.]], dtype=float64, device='cpu')
    """
    a = as_array(a)
    require_square(a, "matrix_power")
    return xp.linalg.matrix_power(a if n >= 0 else as_floating(a), n)


def tensorinv(a: Any, ind: int = 2) -> Array:
    """The inverse of the map that `a` is in `tensordot`, whose first `ind` axes are those of its results.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.tensorinv(np.eye(4).reshape(2, 2, 4)).shape
    (4, 2, 2)
    """
    a = floating(a)
    if ind <= 0:
        raise ValueError(f"tensorinv: ind={ind} has to be positive")
    shape = a.shape[ind:] + a.shape[:ind]
    rows = math.prod(a.shape[ind:])
    return xp.reshape(inv(xp.reshape(a, (-1, rows) if rows else (0, 0))), shape)


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Array:
    """The x with ``tensordot(a, x, x.ndim) = b``; `axes` of `a` are moved to its end first.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.tensorsolve(np.eye(4).reshape(2, 2, 4), np.ones((2, 2)))
    Array([1., 1., 1., 1.], dtype=float64, device='cpu')
    """
    a, b = floating(a, b)
    if axes is not None:
        last = [k % a.ndim for k in axes]
        a = xp.permute_dims(a, (*(k for k in range(a.ndim) if k not in last), *last))
    shape = a.shape[b.ndim :]
    n = math.prod(shape)
    if a.size != n * n:
        raise np.linalg.LinAlgError(
            f"tensorsolve: a of shape {a.shape} for b of shape {b.shape} is no square system"
        )
    return xp.reshape(xp.linalg.solve(xp.reshape(a, (n, n)), xp.reshape(b, (n,))), shape)


def multi_dot(arrays: Any, *, out: Any = None) -> Array:
    """The product of matrices in the order that takes the fewest multiplications; the first and last may be vectors.

    References
    ----------
    Cormen, Leiserson, Rivest and Stein, Introduction to algorithms, §15.2.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.multi_dot([np.ones((2, 3)), np.ones((3, 4)), np.ones(4)])
    Array([12., 12.], dtype=float64, device='cpu')
    """
    refuse_out("multi_dot", out)
    factors = list(of_one_dtype(*arrays))
    if len(factors) < 2:
        raise ValueError("multi_dot: two arrays at least are needed")
    if len(factors) == 2:
        return xp.dot(*factors)
    row, column = factors[0].ndim == 1, factors[-1].ndim == 1
    if row:
        factors[0] = xp.expand_dims(factors[0], axis=0)
    if column:
        factors[-1] = xp.expand_dims(factors[-1], axis=1)
    if any(x.ndim != 2 for x in factors):
        raise np.linalg.LinAlgError(
            "multi_dot: matrices are needed, and vectors at the ends alone, not shapes "
            + ", ".join(str(x.shape) for x in factors)
        )
    splits = _best_splits([factors[0].shape[0], *(x.shape[1] for x in factors)])

    def product(first: int, last: int) -> Array:
        if first == last:
            return factors[first]
        middle = splits[first, last]
        return xp.matmul(product(first, middle), product(middle + 1, last))

    found = product(0, len(factors) - 1)
    shape = found.shape[1 if row else 0 : 1 if column else 2]
    return found if len(shape) == 2 else xp.reshape(found, shape)


def _best_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Behind which factor to split the product of factors i … j; factor k is sizes[k] × sizes[k + 1]."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    splits = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            price = {
                k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            }
            splits[i, j] = min(price, key=price.__getitem__)
            cost[i, j] = price[splits[i, j]]
    return splits


def require_square(a: Array, name: str) -> None:
    """Check that an array holds square matrices.

    Raises
    ------
    numpy.linalg.LinAlgError
        If it does not.
    """
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(
            f"{name}: square matrices are needed, not an array of shape {a.shape}"
        )
