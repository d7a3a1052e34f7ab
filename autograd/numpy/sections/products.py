"""Products of vectors and matrices: `dot`, `cross`, `einsum`, `trace`, `outer` and their kin.

`matmul`, `vecdot`, `matvec` and `vecmat` are among the ufuncs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.array import Array, backend_array
from ...functions import namespace as xp
from ..arguments import as_array, refuse_out
from ..operands import arrays, as_default_integer, of_one_dtype, one_axis

__all__ = [
    "cross",
    "dot",
    "einsum",
    "einsum_path",
    "inner",
    "kron",
    "outer",
    "tensordot",
    "trace",
    "vdot",
]


def dot(a: Any, b: Any, out: Any = None) -> Array:
    """NumPy's product: with a number, of vectors, of matrices, or over the last axis of `a` and one of `b`.

    ``dot(a, b)[i, j, k, m] = Σ_n a[i, j, n] b[k, n, m]``, without a conjugate.

    Parameters
    ----------
    a, b
        Arrays, numbers or lists.
    out
        Refused.

    Returns
    -------
    Array

    Raises
    ------
    ValueError
        If the lengths of the two axes differ.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> A = np.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> pb.grad(lambda v: np.sum(np.dot(A, v)))(np.asarray([1.0, 1.0]))
    Array([4., 6.], dtype=float64, device='cpu')
    """
    refuse_out("dot", out)
    a, b = of_one_dtype(a, b)
    if not (a.ndim and b.ndim):
        return xp.multiply(a, b)
    _same_length("dot", a, b, a.shape[-1], b.shape[-2 if b.ndim > 1 else 0])
    if a.ndim <= 2 and b.ndim <= 2:
        return xp.matmul(a, b)
    return xp.dot(a, b)


def inner(a: Any, b: Any, /) -> Array:
    """The products over the last axes, ``Σ_k a[…, k] b[…, k]`` for each pair of rows, without a conjugate.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.inner([[1.0, 2.0], [0.0, 1.0]], [3.0, 4.0])
    Array([11.,  4.], dtype=float64, device='cpu')
    """
    a, b = of_one_dtype(a, b)
    if a.ndim and b.ndim:
        _same_length("inner", a, b, a.shape[-1], b.shape[-1])
    return xp.inner(a, b)


def outer(a: Any, b: Any, out: Any = None) -> Array:
    """``a[i] b[j]`` of the flattened arrays, without a conjugate.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.outer([1.0, 2.0], [3.0, 4.0])
    Array([[3., 4.],
           [6., 8.]], dtype=float64, device='cpu')
    """
    refuse_out("outer", out)
    return xp.outer(*arrays(a, b))


def vdot(a: Any, b: Any, /) -> Array:
    """``Σ conj(a) b`` over all elements of two arrays of one size, in order.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.vdot([1j, 2.0], [1j, 1.0])
    Array(3.+0.j, dtype=complex128, device='cpu')
    """
    a, b = of_one_dtype(a, b)
    _same_length("vdot", a, b, a.size, b.size)
    return xp.vdot(a, b)


def kron(a: Any, b: Any) -> Array:
    """The Kronecker product: each element of `a` times all of `b`, in blocks.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.kron([1.0, 10.0], [1.0, 2.0])
    Array([ 1.,  2., 10., 20.], dtype=float64, device='cpu')
    """
    return xp.kron(*arrays(a, b))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Array:
    """The sum over pairs of axes: the last `axes` of `a` with the first of `b`, or two lists of axes.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.tensordot(np.ones((2, 3, 4)), np.ones((4, 3, 5)), axes=([1, 2], [1, 0])).shape
    (2, 5)
    """
    a, b = of_one_dtype(a, b)
    if not isinstance(axes, int | np.integer):
        first, second = ((k,) if isinstance(k, int | np.integer) else tuple(k) for k in axes)
        axes = tuple(int(k) for k in first), tuple(int(k) for k in second)
    else:
        axes = int(axes)
    return xp.tensordot(a, b, axes=axes)


def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Array:
    """The vector product of vectors of three components; of two, a third that is 0 is added.

    Parameters
    ----------
    a, b
        Arrays whose vectors have 2 or 3 components; they broadcast.
    axisa, axisb, axisc : int
        The axes of the vectors in `a`, in `b` and in the result.
    axis : int, optional
        All three.

    Returns
    -------
    Array
        Vectors of 3 components; their last component alone, where `a` and `b` have 2 (NumPy deprecates that).

    Raises
    ------
    ValueError
        If there are more or fewer components.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    Array([0., 0., 1.], dtype=float64, device='cpu')
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = arrays(a, b)
    a, b = xp.moveaxis(a, axisa, -1), xp.moveaxis(b, axisb, -1)
    sizes = a.shape[-1], b.shape[-1]
    if not set(sizes) <= {2, 3}:
        raise ValueError(
            f"cross: vectors of {sizes[0]} and {sizes[1]} components; they need 2 or 3"
        )
    if sizes == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    if min(sizes) == 3:
        shape = np.broadcast_shapes(a.shape, b.shape)
        dtype = xp.result_type(a, b)
        a, b = (xp.astype(xp.broadcast_to(x, shape), dtype, copy=False) for x in (a, b))
        out = xp.linalg.cross(a, b)
    else:
        a, b = (_third(x) for x in (a, b))
        parts = [(1, 2), (2, 0), (0, 1)]
        out = xp.stack([a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in parts], axis=-1)
    return xp.moveaxis(out, -1, one_axis(axisc, out.ndim))


def _third(x: Array) -> Array:
    """Vectors with a third component, 0."""
    return x if x.shape[-1] == 3 else xp.concat([x, xp.zeros_like(x[..., :1])], axis=-1)


def trace(
    a: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: Any = None,
    out: Any = None,
) -> Array:
    """The sum along a diagonal of two axes, ``Σ_i a[i, i + offset]``.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.trace([[1.0, 2.0], [3.0, 4.0]])
    Array(5., dtype=float64, device='cpu')
    """
    refuse_out("trace", out)
    x = xp.moveaxis(as_default_integer(as_array(a)), (axis1, axis2), (-2, -1))
    return xp.linalg.trace(x, offset=offset, dtype=None if dtype is None else np.dtype(dtype))


def einsum(*operands: Any, out: Any = None, optimize: Any = False, **kwargs: Any) -> Array:
    """Sums of products by labels of axes, in both of NumPy's forms; `pb.xp.einsum` says more.

    Parameters
    ----------
    *operands
        ``subscripts, x1, x2, …``, or ``x1, [0, 1], x2, [1, 2], …, [0, 2]``.
    out
        Refused.
    optimize : bool, str or list
        The order of the products; found for large products in any case.
    dtype, casting, order
        As in NumPy; `order` may not be "F".

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> pb.grad(lambda x: np.einsum("ij,ij->", x, x))(np.asarray([[1.0, 2.0]]))
    Array([[2., 4.]], dtype=float64, device='cpu')
    """
    refuse_out("einsum", out)
    dtype, casting = kwargs.pop("dtype", None), kwargs.pop("casting", "safe")
    order = kwargs.pop("order", "K")
    if kwargs:
        raise TypeError(f"einsum() got an unexpected keyword argument {next(iter(kwargs))!r}")
    if order not in ("K", "A", "C"):
        raise ValueError(f'einsum(order={order!r}): arrays have no memory order here, but for "C"')
    first = 1 if isinstance(operands[0], str) else 0
    step = 1 if first else 2
    places = range(first, len(operands) - (0 if first else len(operands) % 2), step)
    found = arrays(*(operands[k] for k in places))
    common = xp.result_type(*found) if dtype is None else np.dtype(dtype)
    given = list(operands)
    for k, x in zip(places, found, strict=True):
        if not np.can_cast(x.dtype, common, casting):
            raise TypeError(
                f"einsum: casting={casting!r} does not allow {x.dtype} to become {common}"
            )
        given[k] = x if x.dtype == common else xp.astype(x, common)
    return xp.einsum(*given, optimize=optimize or None)


def einsum_path(*operands: Any, optimize: Any = "greedy", einsum_call: bool = False) -> Any:
    """NumPy's plan of an `einsum`: the order of its products, and a description; from the shapes alone.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.einsum_path("ij,jk", np.ones((2, 3)), np.ones((3, 2)))[0]
    ['einsum_path', (0, 1)]
    """
    shapes_only = [
        np.broadcast_to(np.zeros((), x.dtype), x.shape) if hasattr(x, "shape") else x
        for x in (backend_array(x) if type(x) is Array else x for x in operands)
    ]
    return np.einsum_path(*shapes_only, optimize=optimize)


def _same_length(name: str, a: Array, b: Array, n: int, m: int) -> None:
    if n != m:
        raise ValueError(f"{name}: shapes {a.shape} and {b.shape} not aligned: {n} is not {m}")
