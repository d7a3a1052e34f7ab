"""Gradients of functions: `grad` and `value_and_grad`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...backend import backend_of
from ...backend.common.base import LAZY
from ..core.array import Array
from ..core.levels.batched import Batched
from ..core.namespaces import NAMESPACES, namespace_of
from ..core.sweep import empty_cotangents, sweep
from ..core.tape import TapeData
from ..core.views import marked
from ..pytree import tree
from .arguments import (
    checked_leaf,
    common_array_type,
    constants,
    host_leaf,
    leaf_gradient,
    normalize_argnums,
    restore_type,
    scalar_output,
    seed_for,
    settled,
    split_aux,
    validate_argnums,
)
from .transformed import check_function, transformed


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns ``f(*args)`` and its gradient.

    Parameters
    ----------
    f : callable
        Returns one real number, or ``(number, aux)`` with `has_aux`.
    argnums : int or tuple of int
        Which arguments to differentiate: arrays, floats or pytrees of them. The others may be
        anything.
    has_aux : bool
        `f` returns something besides, which is passed on.

    Returns
    -------
    callable
        ``(value, gradient)``, or ``((value, aux), gradient)``. The gradient has the structure,
        shapes, dtypes, device and array class of the argument; for complex z it is ∂L/∂Re z + i
        ∂L/∂Im z, so that ``z − s · gradient`` descends. With several `argnums` it is a tuple.
        Of a function of Dask arrays, value and gradient of a Dask argument stay lazy; where an argument is NumPy's or
        a number, its gradients and the value are computed together, by one ``dask.compute``, and are NumPy's.

    Raises
    ------
    TypeError
        If `f` does not return one real number, or an argument has an integer or boolean dtype.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.value_and_grad(lambda x: pb.xp.sum(x**2))(np.asarray([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """
    check_function("value_and_grad", f)
    indices, several = normalize_argnums(argnums)

    def with_grad(*args: Any, **kwargs: Any) -> Any:
        if several or not args or indices[0]:  # else they name the first of them
            validate_argnums(indices, args)
        chosen = tuple([args[i] for i in indices]) if several else args[indices[0]]
        leaves, spec = tree.flatten(chosen)
        tape = TapeData()
        array_type = common_array_type(leaves)
        values = (
            leaves
            if array_type
            else [checked_leaf(x, i, leaves, chosen, args) for i, x in enumerate(leaves)]
        )
        try:
            tape.hold_all(values, array_type)
            watched = tape.watch_all(values, array_type)
            inputs = tree.unflatten(spec, watched if array_type else marked(watched, leaves))
            out = f(*_replaced(args, indices, inputs if several else (inputs,)), **kwargs)
            aux = None
            if has_aux:
                out, aux = split_aux(out)
            scalar_output(out, "grad")
            gradients = _gradients(tape, out, values, array_type)
        finally:
            tape.close()
        if LAZY and leaves and not (array_type is np.ndarray and _is_on_numpy(out)):
            *gradients, out = settled([*gradients, out], [*leaves, host_leaf(leaves)])
        if array_type is None:
            gradients = [restore_type(g, leaf) for g, leaf in zip(gradients, leaves, strict=True)]
        result = tree.unflatten(spec, gradients)
        value = restore_type(out, leaves[0] if leaves else out) if type(out) is Array else out
        if id(value) in map(id, leaves) and type(value) in NAMESPACES and type(value) is not Array:
            # A change to the value would change the caller's own array.
            value = namespace_of(value).copy(value)
        return ((value, constants(aux)) if has_aux else value), result

    return transformed(with_grad, value_and_grad, f, argnums=argnums, has_aux=has_aux)


def _replaced(args: tuple[Any, ...], indices: tuple[int, ...], inputs: Any) -> Sequence[Any]:
    """The arguments, with `inputs` at `indices`."""
    if len(args) == len(indices) == 1:
        return inputs
    arguments = list(args)
    for index, argument in zip(indices, inputs, strict=True):
        arguments[index] = argument
    return arguments


def _is_on_numpy(out: Any) -> bool:
    return type(out) is Array and type(out.value) is np.ndarray


def _gradients(tape: TapeData, out: Any, values: list[Any], array_type: type | None) -> list[Any]:
    """Sweep from a 0-d output back to the inputs, slots 0 … k−1 of the tape.

    `array_type` is the result of `common_array_type`.
    """
    seed = None
    if type(out) is Array and out.tape is tape:
        cts = empty_cotangents(tape)
        cts[out.slot] = seed = seed_for(out.value)
    elif tape.collective:  # other ranks' outputs may depend on what this one has
        cts = empty_cotangents(tape)
    else:
        return [leaf_gradient(None, value, set()) for value in values]
    sweep(tape, cts, consume=True)
    del cts[len(values) :]
    taken = {id(seed)}  # kept for all sweeps: it may not reach the caller
    if array_type is not None and set(map(type, cts)) == {array_type}:
        gradients = list(map(backend_of(cts[0]).as_gradient, cts))
        if len({id(seed), *map(id, gradients)}) == len(gradients) + 1:
            return gradients
    gradients = [leaf_gradient(ct, value, taken) for ct, value in zip(cts, values, strict=True)]
    return [Array(g) if type(g) is Batched else g for g in gradients]


def grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """The gradient of a function of arrays, floats or pytrees that returns one real number.

    Parameters
    ----------
    f : callable
        Returns a 0-d array, or ``(0-d array, aux)`` with `has_aux`.
    argnums : int or tuple of int
        Which arguments to differentiate.
    has_aux : bool
        `f` returns something besides; the result is then ``(gradient, aux)``.

    Returns
    -------
    callable
        The gradient, as `value_and_grad` describes it.

    Raises
    ------
    TypeError
        As `value_and_grad`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.grad(lambda x: x**3)(2.0)
    12.0
    >>> pb.grad(pb.grad(lambda x: x**3))(2.0)
    12.0
    """
    check_function("grad", f)
    both = value_and_grad(f, argnums, has_aux=has_aux).func  # type: ignore[attr-defined]  # a `Transformed`

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return transformed(gradient, grad, f, argnums=argnums, has_aux=has_aux)
