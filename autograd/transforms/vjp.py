"""Pullbacks of functions, to be called any number of times: `vjp`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...backend import backend_of
from ...backend.common.base import LAZY
from ..core.array import Array, backend_array, unwrap_closed
from ..core.cotangents import as_constant, fit
from ..core.dtypes import is_complex
from ..core.levels.batched import Batched
from ..core.namespaces import namespace_of
from ..core.sweep import empty_cotangents, sweep
from ..core.tape import TapeData
from ..core.tracer_like import TRACERS
from ..core.transfer import check_library
from ..core.views import marked
from ..pytree import tree
from .arguments import (
    checked_leaf,
    constants,
    leaf_gradient,
    restore_type,
    settled,
    split_aux,
)
from .transformed import check_function


def vjp(f: Callable[..., Any], *args: Any, has_aux: bool = False) -> Any:
    """The value of a function, and the pullback of cotangents through it.

    Parameters
    ----------
    f : callable
        Returns an array or a pytree of arrays (with `has_aux`, a pair of that and anything).
    *args
        Arrays, floats, or pytrees of them; copied, so that later changes to them do no harm.
    has_aux : bool
        Pass on a second output.

    Returns
    -------
    out
        ``f(*args)``.
    pull : callable
        ``pull(ct) -> tuple`` of cotangents, one per argument, for a cotangent of the structure of
        `out`. It may be called any number of times. Where the function is one of Dask arrays, `out` stays lazy, and so
        do cotangents of Dask arguments; those of NumPy arguments are computed at each call, in one ``dask.compute``.
    aux
        Only with `has_aux`.

    Raises
    ------
    TypeError
        If an argument has an integer or boolean dtype.
    ValueError
        From `pull`, if the cotangent's structure or shapes are not the output's.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> out, pull = pb.vjp(lambda x: x * x, np.asarray([1.0, 2.0]))
    >>> pull(np.asarray([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    check_function("vjp", f)
    pullback, aux = recorded(f, args, has_aux=has_aux)
    return (
        (pullback.result(), pullback.pull, aux) if has_aux else (pullback.result(), pullback.pull)
    )


@dataclass(frozen=True, eq=False)
class Pullback:
    """One call of a function on a closed tape, to be swept any number of times.

    Attributes
    ----------
    tape
        The tape; its first slots are those of `values`.
    leaves, spec, values
        The leaves of the arguments, their structure, and their values one level down.
    out_leaves, out_spec
        The leaves and the structure of what the function returned.
    """

    tape: TapeData
    leaves: list[Any]
    spec: Any
    values: list[Any]
    out_leaves: list[Any]
    out_spec: Any

    @classmethod
    def of(
        cls, tape: TapeData, leaves: list[Any], spec: Any, values: list[Any], out: Any
    ) -> Pullback:
        """The pullback of a function that returned `out`, with the entries of its closed tape."""
        kept = tape.detached()
        out_leaves, out_spec = tree.flatten(out)
        outs = [
            Array(y.value, kept, y.slot) if type(y) is Array and y.tape is tape else y
            for y in out_leaves
        ]
        return cls(kept, leaves, spec, values, outs, out_spec)

    def result(self) -> Any:
        """The function's result, in the array type of the caller."""
        like = self.leaves[0] if self.leaves else None
        return tree.unflatten(self.out_spec, [_result(y, like) for y in self.out_leaves])

    def pull(self, ct: Any) -> tuple[Any, ...]:
        """Cotangents of the arguments, for one of the output."""
        ct_leaves, ct_spec = tree.flatten(ct)
        if ct_spec != self.out_spec:
            raise ValueError(
                f"pull: the cotangent has structure {ct_spec}, the output {self.out_spec}"
            )
        cts = empty_cotangents(self.tape)
        for y, c in zip(self.out_leaves, ct_leaves, strict=True):
            if type(y) is Array and y.tape is self.tape:
                _seed(cts, y, c)
        sweep(self.tape, cts)
        taken: set[int] = {id(backend_array(c)) for c in ct_leaves}
        gradients = [leaf_gradient(cts[i], value, taken) for i, value in enumerate(self.values)]
        if LAZY:
            gradients = settled(gradients, self.leaves)
        return tree.unflatten(
            self.spec,
            [restore_type(g, leaf) for g, leaf in zip(gradients, self.leaves, strict=True)],
        )


def recorded(
    f: Callable[..., Any], args: tuple[Any, ...], *, has_aux: bool = False
) -> tuple[Pullback, Any]:
    """Call a function with copies of its arguments on a tape, and return its pullback and aux."""
    tape = TapeData(copies=True)
    leaves, spec = tree.flatten(args)
    values = []
    for i, leaf in enumerate(leaves):
        value = checked_leaf(leaf, i, leaves, list(args))
        values.append(value if type(value) is Array else namespace_of(value).copy(value))
    try:
        out = f(*tree.unflatten(spec, marked([tape.watch(v) for v in values], leaves)))
        aux = None
        if has_aux:
            out, aux = split_aux(out)
    finally:
        tape.close()
    return Pullback.of(tape, leaves, spec, values, out), constants(aux)


def _result(y: Any, like: Any) -> Any:
    if type(y) is not Array:
        return y
    value = unwrap_closed(y)
    if type(value) is Array:
        return value.__copy__()  # the tape keeps the other
    if type(like) is Array or type(value) is Batched:
        return Array(value)
    # A rule may keep the very buffer, and the caller write to it.
    return namespace_of(value).copy(value)


def _seed(cts: list[Any], y: Array, ct: Any) -> None:
    """Seed the cotangent of one output, in the output's shape and dtype, conjugated for the sweep.

    Raises
    ------
    ValueError
        If its shape is not the output's.
    """
    ct = unwrap_closed(ct)
    if isinstance(ct, bool | int | float | complex):
        ct = (
            namespace_of(y.value).full_like(y.value, ct)
            if y.shape == ()
            else _wrong_shape((), y.shape)
        )
    if tuple(ct.shape) != tuple(y.shape):
        _wrong_shape(ct.shape, y.shape)
    check_library("pull: the cotangent", ct, y)
    if LAZY and (home := backend_of(backend_array(y))).takes_in(ct):
        ct = home.asarray(ct)
    if type(ct) in LAZY:
        ct = namespace_of(ct).filled(ct)
    if is_complex(ct.dtype):
        ct = namespace_of(ct).conj(ct)
    ct = fit(ct, y.value.shape, y.value.dtype, "a seed")
    inner = backend_array(y.value)
    if type(inner) in TRACERS and type(ct) not in (Array, Batched):
        # rules run in the namespace of their cotangent; that of rows finds the tracers beside them itself
        ct = inner.as_tracer(ct)
    if type(y.value) in (Array, Batched) or type(ct) is Batched:
        ct = as_constant(ct)
    cts[y.slot] = ct if cts[y.slot] is None else cts[y.slot] + ct


def _wrong_shape(got: Any, wanted: Any) -> Any:
    raise ValueError(f"pull: the cotangent has shape {tuple(got)}, the output {tuple(wanted)}")
