"""Pullbacks and directional derivatives of functions of one argument, in HIPS autograd's convention.

For complex numbers it carries ∂L/∂Re z − i ∂L/∂Im z, the conjugate of what `pullback.grad` returns: what goes in and
what comes out is conjugated here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ...autograd.core.array import Array
from ...autograd.core.dtypes import is_complex
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.sweep import empty_cotangents, sweep
from ...autograd.core.tape import TapeData
from ...autograd.core.views import marked
from ...autograd.pytree import tree
from ...autograd.transforms.arguments import (
    checked_leaf,
    common_array_type,
    leaf_gradient,
    restore_type,
    seed_for,
)
from ...autograd.transforms.jvp import zero_cotangent
from ...autograd.transforms.vjp import Pullback, recorded
from .values import as_leaf, conj, plain
from .vector_spaces import real_size, vspace

Function = Callable[..., Any]


def make_vjp(fun: Function, x: Any) -> tuple[Callable[[Any], Any], Any]:
    """The pullback of a function at `x`, and its value.

    Parameters
    ----------
    fun : callable
        Of one argument; returns an array or a container of arrays.
    x
        An array, a float, or a container of them.

    Returns
    -------
    vjp : callable
        ``vjp(g)``, of the structure of `x`, for `g` of the structure of the value. It may be called any number of times.
    value

    Warns
    -----
    UserWarning
        If the value does not depend on `x`; the pullback then returns zeros.
    """
    pullback = _recorded(fun, x)
    value = plain(pullback.result())
    if not _depends(pullback):
        warnings.warn("Output seems independent of input.", stacklevel=3)
        return (lambda g: vspace(x).zeros()), value

    def vjp(g: Any) -> Any:
        return tree.map(_result, pullback.pull(tree.map(conj, g))[0])

    return vjp, value


def make_jvp(fun: Function, x: Any) -> Callable[[Any], tuple[Any, Any]]:
    """The derivative of a function at `x` along a direction: ``jvp(v)`` returns the value and J v."""

    def jvp(v: Any) -> tuple[Any, Any]:
        pullback = _recorded(fun, x)
        value = plain(pullback.result())
        if not _depends(pullback):
            warnings.warn("Output seems independent of input.", stacklevel=3)
            return value, vspace(value).zeros()
        zeros = tree.unflatten(pullback.out_spec, [zero_cotangent(y) for y in pullback.out_leaves])
        back, _ = recorded(pullback.pull, (zeros,))
        (tangent,) = back.pull((v,))
        like = pullback.leaves[0] if pullback.leaves else None
        return value, tree.map(lambda t: plain(restore_type(t, like)), tangent)

    return jvp


def _recorded(fun: Function, x: Any) -> Pullback:
    return recorded(fun, (tree.map(as_leaf, x),))[0]


def _depends(pullback: Pullback) -> bool:
    return any(type(y) is Array and y.tape is pullback.tape for y in pullback.out_leaves)


def _result(x: Any) -> Any:
    return conj(plain(x))


def value_and_gradient(fun: Function, x: Any, refusal: str) -> tuple[Any, Any]:
    """The value of a function that consists of one real number, and its gradient.

    Raises
    ------
    TypeError
        With the text `refusal`, if the value is something else.
    """
    leaves, spec = tree.flatten(x)
    array_type = common_array_type(leaves)
    if array_type is None:
        leaves = [as_leaf(leaf) for leaf in leaves]
        values = [checked_leaf(leaf, i, leaves, x) for i, leaf in enumerate(leaves)]
    else:
        values = leaves
    tape = TapeData()
    try:
        tape.hold_all(values, array_type)
        watched = tape.watch_all(values, array_type)
        out = fun(tree.unflatten(spec, watched if array_type else marked(watched, leaves)))
        if real_size(out) != 1:
            raise TypeError(refusal)
        cts: list[Any] = [None] * len(values)
        taken: set[int] = set()
        if type(out) is Array and out.tape is tape:
            cts = empty_cotangents(tape)
            value = out.value
            seed = seed_for(value) if value.shape == () else namespace_of(value).ones_like(value)
            cts[out.slot] = seed
            taken.add(id(seed))  # it may be kept for all sweeps
            sweep(tape, cts, consume=True)
        else:
            warnings.warn("Output seems independent of input.", stacklevel=4)
    finally:
        tape.close()
    gradients = [
        _unconjugated(leaf_gradient(ct, value, taken), value, leaf)
        for ct, value, leaf in zip(cts, values, leaves, strict=False)
    ]
    return plain(out), tree.unflatten(spec, gradients)


def _unconjugated(gradient: Any, value: Any, leaf: Any) -> Any:
    out = restore_type(gradient, leaf)
    return conj(plain(out)) if type(out) is Array or is_complex(value.dtype) else out
