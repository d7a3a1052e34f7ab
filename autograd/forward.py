"""Derivatives along a direction, and whole matrices of derivatives, from pullbacks alone.

The pullback u ↦ Jᵀu is linear in u; its own pullback is v ↦ J v. So forward mode needs no rules of its own: one
sweep to record Jᵀu, one through that record. Whatever has a VJP rule has a JVP (Townsend, "A new trick for calculating
Jacobian vector products", 2017).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from . import namespace, tree
from .array import Array, peel, raw
from .backward import SPACES
from .boundary import check_places, constants, give_back, places_of
from .pull import vjp
from .transforms import grad


def _zeros(x: Any) -> Any:
    """A cotangent of zeros for an output, as an untraced `Array`."""
    value = peel(x) if hasattr(x, "shape") else namespace.asarray(x)
    return Array(SPACES.of(raw(value)).zeros_like(raw(value)))


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
        return tree.map(lambda y: give_back(y, like), moved)

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
    One sweep per output element, or one per input element where those are fewer: the function itself is evaluated
    once.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.jacobian(lambda x: x**2)(np.asarray([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """
    places, several = places_of(argnums)

    @functools.wraps(f)
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        check_places(places, args)
        chosen = tuple(args[i] for i in places)

        def of_chosen(*xs: Any) -> Any:
            arguments = list(args)
            for place, x in zip(places, xs, strict=True):
                arguments[place] = x
            return f(*arguments, **kwargs)

        out, pull = vjp(of_chosen, *chosen)
        out_leaves, out_spec = tree.flatten(out)
        in_leaves, in_spec = tree.flatten(chosen)
        n_out = sum(_size(y) for y in out_leaves)
        n_in = sum(_size(x) for x in in_leaves)
        if n_out <= n_in:
            blocks = _by_rows(pull, out_leaves, out_spec, in_leaves)
        else:
            _, push = vjp(pull, tree.map(_zeros, out))
            blocks = _by_columns(push, out_leaves, in_leaves, in_spec)
        like = in_leaves[0] if in_leaves else None
        rows = [
            tree.unflatten(in_spec, [give_back(block, like) for block in row]) for row in blocks
        ]
        return tree.unflatten(out_spec, [row if several else row[0] for row in rows])

    return jacobian_of


def _size(x: Any) -> int:
    return math.prod(getattr(x, "shape", ()))


def _basis(x: Any) -> list[Any]:
    """The unit vectors of the space of `x`, each in its shape."""
    zeros = _zeros(x)
    n = _size(x)
    flat = namespace.reshape(zeros, (n,))
    space = SPACES.of(zeros.value)
    one_hot = space.arange_like(n, zeros.value)
    return [
        namespace.reshape(namespace.astype(Array(one_hot == i), flat.dtype), zeros.shape)
        for i in range(n)
    ]


def _by_rows(
    pull: Any, out_leaves: list[Any], out_spec: Any, in_leaves: list[Any]
) -> list[list[Any]]:
    """Jᵀ e for each output element e; conjugated, since a pullback is the Hermitian adjoint."""
    blocks = []
    zeros = [_zeros(y) for y in out_leaves]
    for k, y in enumerate(out_leaves):
        rows: list[list[Any]] = [[] for _ in in_leaves]
        for unit in _basis(y):
            ct = tree.unflatten(out_spec, [unit if i == k else z for i, z in enumerate(zeros)])
            for column, bar in zip(rows, tree.leaves(pull(ct)), strict=True):
                column.append(namespace.conj(namespace.asarray(bar)))
        shape = tuple(getattr(y, "shape", ()))
        blocks.append([_stacked(row, shape, x, 0) for row, x in zip(rows, in_leaves, strict=True)])
    return blocks


def _by_columns(
    push: Any, out_leaves: list[Any], in_leaves: list[Any], in_spec: Any
) -> list[list[Any]]:
    """J e for each input element e."""
    blocks: list[list[Any]] = [[] for _ in out_leaves]
    zeros = [_zeros(x) for x in in_leaves]
    for k, x in enumerate(in_leaves):
        columns: list[list[Any]] = [[] for _ in out_leaves]
        for unit in _basis(x):
            tangent = tree.unflatten(in_spec, [unit if i == k else z for i, z in enumerate(zeros)])
            (moved,) = push(tangent)
            for column, y_dot in zip(columns, tree.leaves(moved), strict=True):
                column.append(namespace.asarray(y_dot))
        for block, column, y in zip(blocks, columns, out_leaves, strict=True):
            block.append(_stacked(column, tuple(getattr(y, "shape", ())), x, -1))
    return blocks


def _stacked(parts: list[Any], out_shape: tuple[int, ...], x: Any, axis: int) -> Any:
    """Rows (axis 0) or columns (axis −1) put together, in the shape of the output and then of `x`."""
    shape = (*out_shape, *getattr(x, "shape", ()))
    if not parts:
        return (
            namespace.reshape(_zeros(x), (0,)) if 0 in shape and _size(x) == 0 else _empty(shape, x)
        )
    return namespace.reshape(namespace.stack(parts, axis=axis), shape)


def _empty(shape: tuple[int, ...], x: Any) -> Any:
    value = raw(_zeros(x))
    return Array(SPACES.of(value).zeros_beside(shape, value))


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
