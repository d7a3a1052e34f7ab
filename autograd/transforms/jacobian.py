"""Derivatives along a direction, and whole matrices of derivatives, from pullbacks alone.

The pullback u ↦ Jᵀu is linear in u; its own pullback is v ↦ J v. So forward mode needs no rules of its own: one
sweep to record Jᵀu, one through that record. Whatever has a VJP rule has a JVP (Townsend, "A new trick for calculating
Jacobian vector products", 2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...backend import backend_of
from ..core.array import Array, backend_array, unwrap_closed
from ..core.dtypes import is_complex
from ..core.namespaces import namespace_of
from ..functions import namespace
from ..pytree import tree
from .arguments import constants, normalize_argnums, restore_type, validate_argnums
from .batching.sweep import is_batched, rows_of, sizes
from .grad import grad
from .transformed import transformed
from .vjp import Recording, recorded, vjp


def _zeros(x: Any) -> Any:
    """A cotangent of zeros for an output, as an untraced `Array`."""
    value = unwrap_closed(x) if hasattr(x, "shape") else namespace.asarray(x)
    return Array(namespace_of(backend_array(value)).zeros_like(backend_array(value)))


def linearize(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of a function, and its derivative at that point as a linear function of tangents.

    Parameters
    ----------
    f : callable
        Of arrays or pytrees of them; returns the same.
    *args
        Where to linearise: real or complex floating-point arrays.

    Returns
    -------
    out
        ``f(*args)``.
    jvp : callable
        ``jvp(*tangents)``, one tangent per argument in its structure; returns J · tangents in the structure of
        `out`. The function is evaluated once, whatever the number of calls.

    Raises
    ------
    TypeError
        If an argument has an integer or boolean dtype.
    ValueError
        From `jvp`, if a tangent's structure or shape is not its argument's.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> out, jvp = pb.linearize(lambda x: x * x, np.asarray([1.0, 2.0]))
    >>> jvp(np.asarray([1.0, 0.0])), jvp(np.asarray([0.0, 1.0]))
    (array([2., 0.]), array([0., 4.]))
    """
    out, pull = vjp(f, *args)
    _, push = vjp(pull, tree.map(_zeros, out))
    like = next(iter(tree.leaves(args)), None)

    def jvp_at(*tangents: Any) -> Any:
        (moved,) = push(tangents)
        return tree.map(lambda y: restore_type(y, like), moved)

    return out, jvp_at


def jvp(
    f: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """The value of a function and its derivative along a direction.

    Parameters
    ----------
    f : callable
        Of arrays or pytrees of them; returns the same (with `has_aux`, a pair of that and anything).
    primals, tangents : tuple
        The arguments, and a direction for each.
    has_aux : bool
        Pass on a second output.

    Returns
    -------
    out
        ``f(*primals)``.
    out_tangent
        ``Σ_k ∂f/∂x_k · tangent_k``.
    aux
        Only with `has_aux`.

    Raises
    ------
    TypeError
        If an argument has an integer or boolean dtype.
    ValueError
        If a tangent's structure or shape is not its argument's.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.jvp(pb.xp.sin, (np.asarray([0.0]),), (np.asarray([2.0]),))
    (array([0.]), array([2.]))
    """
    if len(primals) != len(tangents):
        raise ValueError(f"jvp: {len(primals)} primals but {len(tangents)} tangents")
    if not has_aux:
        out, push = linearize(f, *primals)
        return out, push(*tangents)
    kept: list[Any] = []

    def first(*args: Any) -> Any:
        out, aux = f(*args)
        kept[:] = [aux]
        return out

    out, push = linearize(first, *primals)
    return out, push(*tangents), constants(kept[0])


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
        ``(*s, *shape of the argument's leaf)``; a tuple of those for several `argnums`. For complex arrays the entries
        are ∂f/∂z of a holomorphic function.

    Notes
    -----
    The function is evaluated once. All rows go through the tape in one sweep, in chunks that bound the memory
    (`batching/sweep.py`), or all columns through the tape of the pullback, whichever is cheaper. For real arguments of
    a     function with complex values it is always the columns, for complex arguments of one with real values the rows.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.jacobian(lambda x: x**2)(np.asarray([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """
    places, several = normalize_argnums(argnums)

    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        validate_argnums(places, args)
        chosen = tuple(args[i] for i in places)

        def of_chosen(*xs: Any) -> Any:
            arguments = list(args)
            for place, x in zip(places, xs, strict=True):
                arguments[place] = x
            return f(*arguments, **kwargs)

        recording, _ = recorded(of_chosen, chosen)
        in_leaves, in_spec = recording.leaves, recording.spec
        blocks = rows_of(recording) if _rows_are_cheaper(recording) else _by_columns(recording)
        like = in_leaves[0] if in_leaves else None
        rows = [
            tree.unflatten(in_spec, [restore_type(block, like) for block in row]) for row in blocks
        ]
        return tree.unflatten(recording.out_spec, [row if several else row[0] for row in rows])

    return transformed(jacobian_of, jacobian, f, argnums=argnums)


# What the second recording and its longer tape cost, in elements per operation. Measured.
COLUMNS_EXTRA = 1 << 13


def _rows_are_cheaper(recording: Recording) -> bool:
    """Whether to sweep once for each output element, not over the pullback's tape once for each input element."""
    ys, xs = recording.out_leaves, recording.values
    from_complex = any(is_complex(x.dtype) for x in xs)
    to_complex = any(is_complex(y.dtype) for y in ys if hasattr(y, "dtype"))
    if to_complex and not all(is_complex(x.dtype) for x in xs):
        return False  # the cotangent of a real input is real
    if from_complex and not to_complex:
        return True
    fewer = sum(map(_size, ys)) - sum(map(_size, xs))
    if fewer <= 0:
        return True
    entries = [entry for entry in recording.record.entries if entry is not None]
    if not all(map(is_batched, entries)):
        return False
    per_operation = sum(sizes(recording.record)) / max(len(entries), 1)
    return fewer * per_operation < COLUMNS_EXTRA


def _size(x: Any) -> int:
    return math.prod(getattr(x, "shape", ()))


def _by_columns(recording: Recording) -> list[list[Any]]:
    """The rows of the pullback u ↦ Jᴴ u: conj(J), transposed."""
    zeros = tree.unflatten(recording.out_spec, [_zeros(y) for y in recording.out_leaves])
    back, _ = recorded(recording.pull, (zeros,))
    columns = rows_of(back)
    return [
        [_turned(column[i], x) for column, x in zip(columns, recording.values, strict=True)]
        for i in range(len(recording.out_leaves))
    ]


def _turned(block: Any, x: Any) -> Any:
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
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """The product of the Hessian of a function with a vector, at the cost of two gradients.

    Parameters
    ----------
    f : callable
        Of one array or pytree; returns a 0-d real array.
    x, v
        The point and the vector, of one structure.

    Returns
    -------
    The structure of `x`.

    Notes
    -----
    ``∇²f(x) v = ∇(∇f(x) · v)`` (Pearlmutter, 1994).

    Raises
    ------
    ValueError
        If the structures or shapes of `x` and `v` differ.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.hvp(lambda x: x[0] ** 2 * x[1], np.asarray([1.0, 3.0]), np.asarray([1.0, 0.0]))
    array([6., 2.])
    """
    _, pull = vjp(grad(f), x)
    return pull(v)[0]
