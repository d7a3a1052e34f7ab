"""The sweep through the step of a loop, recorded behind the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.array import Array, unwrap_closed
from ...core.cotangents import DEFERRED
from ...core.dtypes import is_inexact
from ...core.namespaces import namespace_of
from ...core.sweep import empty_cotangents, sweep
from ...core.tape import TapeData
from ..ir.program import OPAQUE, Op
from ..tracing.trace_builder import TraceBuilder, Traced
from ..tracing.tracer_namespace import tracer_class
from .replay import replayed

if TYPE_CHECKING:
    from .body import Body


@dataclass(eq=False)
class Adjoint:
    """The operations of a step and of the sweep through it, with the tracers of its cotangents.

    Attributes
    ----------
    ops : list of Op
        The step's and the sweep's.
    seeds : dict
        ``seeds[k]``: the tracer that stands for the cotangent of output k.
    shares : dict
        ``shares[i]``: the tracer of the share of input i, for those that have one.
    """

    ops: list[Op]
    seeds: dict[int, Any]
    shares: dict[int, Any]


def swept(
    body: Body, tape: TapeData, builder: TraceBuilder, seeds: dict[int, int], slots: dict[int, int]
) -> Adjoint:
    """The adjoint of a step whose operations are on a closed tape.

    Parameters
    ----------
    body, tape, builder
        The step, its tape, and the trace in which it was recorded.
    seeds, slots : dict
        The slots of the outputs, and of the inputs.
    """
    cts = empty_cotangents(tape)
    given: dict[int, Any] = {}
    was_open, builder.open = builder.open, True
    start = len(builder.ops)
    try:
        for k, y in enumerate(body.results):
            if y.of.value_type == OPAQUE or not is_inexact(y.dtype):
                continue
            zeros = namespace_of(y.real_value).zeros_like(y.real_value)
            given[k] = tracer_class(zeros, builder.depth)(
                builder, builder.value(zeros, input_index=k), zeros
            )
            if k in seeds:
                slot = seeds[k]
                cts[slot] = given[k] if cts[slot] is None else cts[slot] + given[k]
        sweep(tape, cts)
        if builder.tape is not None:
            builder.tape.close()  # what it holds are values of the step
        shares: dict[int, Any] = {}
        for i, slot in slots.items():
            ct = cts[slot]
            if ct is None:
                continue
            ct = unwrap_closed(ct.materialize() if type(ct) in DEFERRED else ct)
            if not isinstance(ct, Traced):
                ct = tracer_class(ct, builder.depth)(builder, builder.constant(ct), ct)
            # a new tracer: this one may be written to in place
            shares[i] = ct.moved(builder, ct.of)
        return Adjoint([*body.ops, *builder.ops[start:]], given, shares)
    finally:
        if builder.tape is not None:
            builder.tape.close()
        builder.open = was_open


def derived(body: Body) -> Adjoint:
    """The adjoint of a step of which the operations alone are known: they are run again, on a tape."""
    builder = TraceBuilder(body.precision, body.fast)
    tape = TapeData()
    known: dict[Any, Any] = {}
    slots: dict[int, int] = {}
    for i, x in enumerate(body.tracers):
        mine = x.moved(builder, x.of)
        if x.of.value_type != OPAQUE and is_inexact(x.dtype):
            known[x.of] = tape.watch(mine)
            slots[i] = known[x.of].slot
        else:
            known[x.of] = mine
    try:
        replayed(body.ops, known, builder)
        outs = [known.get(v, v.held) for v in body.outputs]
    finally:
        tape.close()
    seeds = {k: y.slot for k, y in enumerate(outs) if type(y) is Array and y.tape is tape}
    found = swept(body, tape, builder, seeds, slots)
    return Adjoint(builder.ops, found.seeds, found.shares)
