"""Derivatives along a direction, from pullbacks alone: `jvp`, `linearize` and `hvp`.

The pullback u ↦ Jᵀu is linear in u; its own pullback is v ↦ J v. So forward mode needs no rules of
its own: one sweep to tape Jᵀu, one through that tape. Whatever has a VJP rule has a JVP (Townsend,
"A new trick for calculating Jacobian vector products", 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...backend.common.base import LAZY
from ..core.array import Array, backend_array, unwrap_closed
from ..core.namespaces import namespace_of
from ..core.tape import ALONG
from ..functions import namespace
from ..pytree import tree
from .arguments import constants, host_leaf, restore_type, settled
from .grad import grad
from .transformed import check_function
from .vjp import vjp


def zero_cotangent(x: Any) -> Any:
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
        ``jvp(*tangents)``, one tangent per argument in its structure; returns J · tangents in the
        structure of `out`. The function is evaluated once, whatever the number of calls.

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
    check_function("linearize", f)
    out, push = _linearized(f, *args)

    def jvp_at(*tangents: Any) -> Any:
        return _settled(push(*tangents), args)

    return out, jvp_at


def _linearized(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[..., Any]]:
    """`linearize`, with tangents that stay lazy where the function's results are."""
    out, pull = vjp(f, *args)
    with ALONG:
        _, push = vjp(pull, tree.map(zero_cotangent, out))
    like = next(iter(tree.leaves(args)), None)

    def jvp_at(*tangents: Any) -> Any:
        (out_tangent,) = push(tangents)
        return tree.map(lambda y: restore_type(y, like), out_tangent)

    return out, jvp_at


def _settled(results: Any, args: Any) -> Any:
    """A tree of results, computed together where they are lazy and an argument is NumPy's."""
    given = tree.leaves(args) if LAZY else []
    if not given:
        return results
    leaves, spec = tree.flatten(results)
    return tree.unflatten(spec, settled(leaves, [host_leaf(given)] * len(leaves)))


def _check_directions(primals: Any, tangents: Any) -> None:
    """Raise where `jvp` cannot tell arguments apart, or a tangent has another shape than its argument."""
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple | list):
            raise TypeError(
                f"jvp: {name} has to be a tuple with one entry for each argument, not {type(given).__name__}: for one "
                "argument pb.jvp(f, (x,), (v,))"
            )
    if len(primals) != len(tangents):
        raise ValueError(f"jvp: {len(primals)} primals but {len(tangents)} tangents")
    for i, (x, v) in enumerate(zip(primals, tangents, strict=True)):
        of_v, of_x = getattr(v, "shape", None), getattr(x, "shape", None)
        if of_v is not None and of_x is not None and tuple(of_v) != tuple(of_x):
            raise ValueError(
                f"jvp: the tangent of argument {i} has shape {tuple(of_v)}, the argument {tuple(of_x)}"
            )


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
        Of arrays or pytrees of them; returns the same (with `has_aux`, a pair of that and
        anything).
    primals, tangents : tuple
        The arguments, and a direction for each.
    has_aux : bool
        Pass on a second output.

    Returns
    -------
    out
        ``f(*primals)``.
    out_tangent
        ``Σ_k ∂f/∂x_k · tangent_k``. Both are computed, together, where the function is one of Dask arrays and an
        argument is NumPy's.
    aux
        Only with `has_aux`.

    Raises
    ------
    TypeError
        If `primals` or `tangents` is no tuple, or an argument has an integer or boolean dtype.
    ValueError
        If a tangent's structure or shape is not its argument's.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.jvp(pb.xp.sin, (np.asarray([0.0]),), (np.asarray([2.0]),))
    (array([0.]), array([2.]))
    """
    check_function("jvp", f)
    _check_directions(primals, tangents)
    if not has_aux:
        out, push = _linearized(f, *primals)
        return _settled((out, push(*tangents)), primals)
    kept: list[Any] = []

    def first(*args: Any) -> Any:
        out, aux = f(*args)
        kept[:] = [aux]
        return out

    out, push = _linearized(first, *primals)
    return *_settled((out, push(*tangents)), primals), constants(kept[0])


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
    check_function("hvp", f)
    _, pull = vjp(grad(f), x)
    return pull(v)[0]
