"""A gradient in two halves, whose parts are handed over while the sweep goes on: what `pb.distributed` sends early.

`value_and_grad` gives all gradients at the end. Here the function is called first (`forward`); what happens next may
depend on its value; and then the sweep hands over each leaf's gradient as soon as no further share of it can come,
last layers first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..core.array import Array, unwrap_closed
from ..core.cotangents import DEFERRED
from ..core.dtypes import is_complex
from ..core.namespaces import namespace_of
from ..core.sweep import completion, empty_cotangents, sweep, sweep_announced
from ..core.tape import TapeData
from ..core.typing import Cotangent, PyTree, Value
from ..core.views import marked
from ..pytree import tree
from .arguments import (
    checked_leaf,
    common_array_type,
    constants,
    leaf_gradient,
    scalar_output,
    split_aux,
)


@dataclass(eq=False)
class Differentiated:
    """Some arguments of a call, taken apart.

    Attributes
    ----------
    indices : tuple of int
        Which arguments.
    leaves, spec
        Their leaves, and the structure of the list of them.
    values : list
        The leaves one level down: numbers are arrays.
    array_type : type or None
        Of all leaves, as `common_array_type` has it.
    """

    indices: tuple[int, ...]
    leaves: list[Any]
    spec: Any
    values: list[Value]
    array_type: type | None


def differentiated(indices: tuple[int, ...], args: tuple[Any, ...]) -> Differentiated:
    """The arguments that a gradient is asked for.

    Raises
    ------
    TypeError
        If one of them is not an array or a float, or has an integer or boolean dtype.
    """
    chosen = [args[i] for i in indices]
    leaves, spec = tree.flatten(chosen)
    array_type = common_array_type(leaves)
    values = (
        leaves
        if array_type
        else [checked_leaf(x, i, leaves, chosen, args) for i, x in enumerate(leaves)]
    )
    return Differentiated(indices, leaves, spec, values, array_type)


@dataclass(eq=False)
class Forward:
    """A function's value, on a tape whose sweep is still to come.

    Attributes
    ----------
    tape
        Its first slots are those of `values`; open until `sweep`, `gradients` or `close`.
    values : list
        The leaves of the differentiated arguments, one level down.
    out
        The value: an `Array` of the tape, or what does not depend on the leaves.
    aux
        What else the function returned.
    complete : dict
        Of `sweep.completion`.
    """

    tape: TapeData
    values: list[Value]
    out: Any
    aux: PyTree
    complete: dict[int, list[int]]

    @property
    def value(self) -> Any:
        """The function's value, one level down."""
        return self.out.value if self._traced else unwrap_closed(self.out)

    @property
    def _traced(self) -> bool:
        return type(self.out) is Array and self.out.tape is self.tape

    @property
    def _has_sweep(self) -> bool:
        # even without a value of the tape there is one where other ranks' values depend on this rank's leaves
        return self._traced or self.tape.collective

    def order(self) -> list[int]:
        """The leaves in the order in which their gradients will be complete; those without a use first."""
        if not self._has_sweep:
            return list(range(len(self.values)))
        return [slot for slots in self.complete.values() for slot in slots]

    def sweep(
        self,
        seed: Cotangent,
        announce: Callable[[int, Value | None], None],
        between: Callable[[], None] | None = None,
    ) -> None:
        """Sweep from the value back to the leaves, and close the tape.

        Parameters
        ----------
        seed
            The cotangent of the value: an array of no dimension of its dtype.
        announce : callable
            ``announce(i, gradient)``, once for each leaf; None for one that the value does not depend on. The array may
            be another leaf's too, and is not to be written to.
        between : callable, optional
            Called after each operation.
        """
        try:
            if not self._has_sweep:
                for i in range(len(self.values)):
                    announce(i, None)
                return
            cts = empty_cotangents(self.tape)
            if self._traced:
                cts[self.out.slot] = seed

            def taken(slot: int) -> None:
                ct, cts[slot] = cts[slot], None
                announce(slot, None if ct is None else _gradient(ct, self.values[slot]))

            sweep_announced(self.tape, cts, self.complete, taken, between)
        finally:
            self.close()

    def gradients(self, seed: Cotangent) -> list[Value]:
        """Sweep as `sweep` does, for all gradients at the end, each in memory of its own."""
        try:
            if not self._has_sweep:
                return [leaf_gradient(None, value, set()) for value in self.values]
            cts = empty_cotangents(self.tape)
            if self._traced:
                cts[self.out.slot] = seed
            sweep(self.tape, cts, consume=True)
            taken = {id(seed)}
            return [leaf_gradient(cts[i], value, taken) for i, value in enumerate(self.values)]
        finally:
            self.close()

    def plain_aux(self) -> PyTree:
        """What the function returned besides, off the tape, once that is closed."""
        return constants(self.aux)

    def close(self) -> None:
        """Stop recording, where no sweep is to follow."""
        self.tape.close()


def _gradient(ct: Cotangent, value: Value) -> Value:
    """The gradient from the cotangent at an input, unconjugated; not a copy."""
    if type(ct) in DEFERRED:
        ct = ct.materialize()
    return namespace_of(ct).conj(ct) if is_complex(value.dtype) else ct


def forward(
    f: Callable[..., Any],
    of: Differentiated,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    has_aux: bool = False,
) -> Forward:
    """Call a function with the leaves of some of its arguments on a tape.

    Parameters
    ----------
    f : callable
        Returns one real number, or ``(number, aux)`` with `has_aux`.
    of : Differentiated
        Those arguments.
    args, kwargs
        What it is called with.

    Raises
    ------
    TypeError
        If it does not return one real number.
    """
    tape = TapeData()
    try:
        tape.hold_all(of.values, of.array_type)
        watched = tape.watch_all(of.values, of.array_type)
        inputs = tree.unflatten(of.spec, watched if of.array_type else marked(watched, of.leaves))
        arguments = list(args)
        for index, argument in zip(of.indices, inputs, strict=True):
            arguments[index] = argument
        out = f(*arguments, **kwargs)
        aux = None
        if has_aux:
            out, aux = split_aux(out)
        scalar_output(out, "grad")
    except BaseException:
        tape.close()
        raise
    return Forward(tape, list(of.values), out, aux, completion(tape, len(of.values)))
