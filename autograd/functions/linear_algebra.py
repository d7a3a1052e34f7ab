"""Linear algebra functions: NumPy's products `dot`, `inner`, `outer`, `vdot` and `kron`, and `create_diagonal`.

All are compositions of the standard's functions, which take their derivatives from them.
"""

from __future__ import annotations

from ..core.array import Array
from ..core.generated import xp as generated
from ..core.typing import ArrayLike
from .creation import asarray, zeros_on_device_of


def dot(a: ArrayLike, b: ArrayLike) -> Array:
    """NumPy's ``dot``: a product with a number, of vectors, or over the last axis of `a` and the last but one of `b`.

    Parameters
    ----------
    a, b : array or number
        Of a numeric dtype. For matrices `matmul` is the same; for more axes it is not.

    Returns
    -------
    Array
        The other axes of `a`, then those of `b`, in the dtype that both promote to.

    Notes
    -----
    The pullback is that of `tensordot`, of matrices a_bar = ct bᵀ and b_bar = aᵀ ct; or that of `multiply`. No
    conjugates.

    References
    ----------
    As ``numpy.dot``.

    Examples
    --------
    >>> import pullback as pb
    >>> a, b = pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])
    >>> pb.xp.dot(a, b)
    Array(11., dtype=float64, device='cpu')
    >>> pb.grad(pb.xp.dot)(a, b)
    Array([3., 4.], dtype=float64, device='cpu')
    """
    a, b = asarray(a), asarray(b)
    if not (a.ndim and b.ndim):
        return a * b
    return generated.tensordot(a, b, axes=((a.ndim - 1,), (max(b.ndim - 2, 0),)))


def inner(a: ArrayLike, b: ArrayLike) -> Array:
    """NumPy's ``inner``: ``Σ_k a[…, k] b[…, k]`` over the last axes, without a conjugate.

    Parameters
    ----------
    a, b : array or number
        Of a numeric dtype, and one length along the last axis.

    Returns
    -------
    Array
        The other axes of `a`, then those of `b`, in the dtype that both promote to.

    Notes
    -----
    The pullback is that of `tensordot`, of vectors a_bar = ct · b and b_bar = ct · a.

    References
    ----------
    As ``numpy.inner``.

    Examples
    --------
    >>> import pullback as pb
    >>> a, b = pb.xp.asarray([[1.0, 2.0], [0.0, 1.0]]), pb.xp.asarray([3.0, 4.0])
    >>> pb.xp.inner(a, b)
    Array([11.,  4.], dtype=float64, device='cpu')
    >>> pb.grad(lambda b: pb.xp.sum(pb.xp.inner(a, b)))(b)
    Array([1., 3.], dtype=float64, device='cpu')
    """
    a, b = asarray(a), asarray(b)
    if not (a.ndim and b.ndim):
        return a * b
    return generated.tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 1,)))


def outer(a: ArrayLike, b: ArrayLike) -> Array:
    """NumPy's ``outer``: ``a[i] b[j]`` of the flattened arrays.

    Parameters
    ----------
    a, b : array or number
        Of a numeric dtype and any shape.

    Returns
    -------
    Array
        (elements of a, elements of b), in the dtype that both promote to.

    Notes
    -----
    The pullback is a_bar = ct b and b_bar = aᵀ ct, in the shapes of a and b.

    References
    ----------
    As ``numpy.outer``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.outer(pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0]))
    Array([[3., 4.],
           [6., 8.]], dtype=float64, device='cpu')
    """
    return generated.expand_dims(_flat(a), axis=1) * _flat(b)


def vdot(a: ArrayLike, b: ArrayLike) -> Array:
    """NumPy's ``vdot``: ``Σ conj(a) b`` of all elements in order.

    Parameters
    ----------
    a, b : array
        Of a numeric dtype and as many elements.

    Returns
    -------
    Array
        0-d, in the dtype that both promote to.

    Notes
    -----
    The pullback is a_bar = conj(ct · b) and b_bar = ct · conj(a), with the conjugated cotangents that the
    sweep carries.

    References
    ----------
    As ``numpy.vdot``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.vdot(pb.xp.asarray([1j, 2.0]), pb.xp.asarray([1j, 1.0]))
    Array(3.+0.j, dtype=complex128, device='cpu')
    """
    return generated.vecdot(_flat(a), _flat(b))


def kron(a: ArrayLike, b: ArrayLike) -> Array:
    """The Kronecker product: each element of `a` times all of `b`, in blocks.

    Parameters
    ----------
    a, b
        Arrays; the one with fewer axes has axes of length 1 put in front.

    Returns
    -------
    Array
        Of the lengths of `a` times those of `b`.

    Notes
    -----
    The pullback, with ct in blocks: a_bar[i] = Σ_j ct[i, j] · b[j] and b_bar[j] = Σ_i ct[i, j] · a[i].

    References
    ----------
    As ``numpy.kron``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.kron(pb.xp.asarray([1.0, 10.0]), pb.xp.asarray([1.0, 2.0]))
    Array([ 1.,  2., 10., 20.], dtype=float64, device='cpu')
    """
    a, b = asarray(a), asarray(b)
    ndim = max(a.ndim, b.ndim)
    rows = (1,) * (ndim - a.ndim) + a.shape
    columns = (1,) * (ndim - b.ndim) + b.shape
    blocks = generated.reshape(a, tuple(k for n in rows for k in (n, 1)))
    inside = generated.reshape(b, tuple(k for n in columns for k in (1, n)))
    return generated.reshape(
        blocks * inside, tuple(n * m for n, m in zip(rows, columns, strict=True))
    )


def _flat(x: ArrayLike) -> Array:
    return generated.reshape(asarray(x), (-1,))


def create_diagonal(x: ArrayLike, /, *, offset: int = 0) -> Array:
    """Matrices with the last axis of `x` on a diagonal.

    Parameters
    ----------
    x
        Array (…, n).
    offset : int
        The diagonal, above (positive) or below the main one.

    Returns
    -------
    Array
        Of shape (…, n + |offset|, n + |offset|).

    Notes
    -----
    The pullback is x_bar = the diagonal of ct.

    References
    ----------
    As ``array_api_extra.create_diagonal``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.create_diagonal(pb.xp.asarray([1.0, 2.0]))
    Array([[1., 0.],
           [0., 2.]], dtype=float64, device='cpu')
    """
    x = asarray(x)
    if not x.ndim:
        raise ValueError("create_diagonal: an array of one dimension at least is needed")
    n = x.shape[-1] + abs(offset)
    first = offset if offset > 0 else -offset * n
    flat = zeros_on_device_of((*x.shape[:-1], n * n), x)
    if x.shape[-1]:
        last = first + (x.shape[-1] - 1) * (n + 1)
        flat = generated.setitem(flat, x, (..., slice(first, last + 1, n + 1)))
    return generated.reshape(flat, (*x.shape[:-1], n, n))
