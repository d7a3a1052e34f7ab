"""Full matrices of derivatives: `jacobian` by rows or by columns, and `hessian`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...backend import backend_of
from ...backend.common.base import LAZY
from ..core.array import Array
from ..core.dtypes import is_complex
from ..core.namespaces import namespace_of
from ..pytree import tree
from .arguments import normalize_argnums, restore_type, settled, validate_argnums
from .batching.sweep import is_batched, rows_of, sizes
from .grad import grad
from .jvp import zero_cotangent
from .transformed import check_function, transformed
from .vjp import Pullback, recorded


def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The matrix of all first derivatives of a function.

    Parameters
    ----------
    f : callable
        Of arrays or pytrees of them; returns an array or a pytree of arrays.
    argnums : int or tuple of int
        Which arguments to differentiate.

    Returns
    -------
    callable
        Returns, for each output leaf of shape s, the structure of the argument with leaves of shape
        ``(*s, *shape of the argument's leaf)``; a tuple of those for several `argnums`. For complex
        arrays the entries are ∂f/∂z of a holomorphic function. Of functions of Dask arrays, derivatives by NumPy's
        arguments are computed in one ``dask.compute``, others stay lazy.

    Notes
    -----
    The function is evaluated once. All rows go through the tape in one sweep, in chunks that bound the memory
    (`batching/sweep.py`), or all columns through the tape of the pullback, whichever is cheaper. For real arguments of
    a function with complex values it is always the columns, for complex arguments of one with real values the rows.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.jacobian(lambda x: x**2)(np.asarray([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """
    check_function("jacobian", f)
    indices, several = normalize_argnums(argnums)

    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        validate_argnums(indices, args)
        chosen = tuple(args[i] for i in indices)

        def of_chosen(*xs: Any) -> Any:
            arguments = list(args)
            for index, x in zip(indices, xs, strict=True):
                arguments[index] = x
            return f(*arguments, **kwargs)

        pullback, _ = recorded(of_chosen, chosen)
        in_leaves, in_spec = pullback.leaves, pullback.spec
        blocks = rows_of(pullback) if _rows_are_cheaper(pullback) else _by_columns(pullback)
        if LAZY:
            flat = [block for row in blocks for block in row]
            done = iter(settled(flat, in_leaves * len(blocks)))
            blocks = [[next(done) for _ in row] for row in blocks]
        like = in_leaves[0] if in_leaves else None
        rows = [
            tree.unflatten(in_spec, [restore_type(block, like) for block in row]) for row in blocks
        ]
        return tree.unflatten(pullback.out_spec, [row if several else row[0] for row in rows])

    return transformed(jacobian_of, jacobian, f, argnums=argnums)


# The measured cost of the second pullback and its longer tape, in elements per operation.
COLUMNS_EXTRA = 1 << 13


def _rows_are_cheaper(pullback: Pullback) -> bool:
    """Whether sweeps for all outputs cost less than sweeps of the pullback for all inputs."""
    ys, xs = pullback.out_leaves, pullback.values
    from_complex = any(is_complex(x.dtype) for x in xs)
    to_complex = any(is_complex(y.dtype) for y in ys if hasattr(y, "dtype"))
    if to_complex and not all(is_complex(x.dtype) for x in xs):
        return False  # the cotangent of a real input is real
    if from_complex and not to_complex:
        return True
    fewer = sum(map(_size, ys)) - sum(map(_size, xs))
    if fewer <= 0:
        return True
    entries = [entry for entry in pullback.tape.entries if entry is not None]
    if not all(map(is_batched, entries)):
        return False
    per_operation = sum(sizes(pullback.tape)) / max(len(entries), 1)
    return fewer * per_operation < COLUMNS_EXTRA


def _size(x: Any) -> int:
    return math.prod(getattr(x, "shape", ()))


def _by_columns(pullback: Pullback) -> list[list[Any]]:
    """The rows of the pullback u ↦ Jᴴ u: conj(J), transposed."""
    zeros = tree.unflatten(pullback.out_spec, [zero_cotangent(y) for y in pullback.out_leaves])
    back, _ = recorded(pullback.pull, (zeros,))
    columns = rows_of(back)
    return [
        [_with_axes_last(column[i], x) for column, x in zip(columns, pullback.values, strict=True)]
        for i in range(len(pullback.out_leaves))
    ]


def _with_axes_last(block: Any, x: Any) -> Any:
    """The conjugate, with the axes of `x` moved from the front to the end."""
    xp = namespace_of(block)
    n = len(x.shape)
    order = (*range(n, len(block.shape)), *range(n))
    block = xp.permute_dims(xp.conj(block) if is_complex(block.dtype) else block, order)
    return block if type(block) is Array else backend_of(block).as_gradient(block)


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The matrix of all second derivatives of a function that returns one real number.

    Parameters
    ----------
    f : callable
        Returns a 0-d real array.
    argnums : int or tuple of int
        Which arguments to differentiate.

    Returns
    -------
    callable
        Returns the `jacobian` of the gradient.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.hessian(lambda x: x[0] ** 2 * x[1])(np.asarray([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    check_function("hessian", f)
    return jacobian(grad(f, argnums), argnums)
