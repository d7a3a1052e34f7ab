"""A loop as one operation, and its derivative: the same loop backwards, with the step's pullback as its step.

On library arrays a loop is an operation of the recording. On arrays of a tape it runs one level down, with the carries
kept, and puts one entry on the tape; the entry's pullback is a loop over arrays of whatever tapes are open when it is
called. So any order of derivatives follows from the one rule.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from ...core.array import UNTRACED, Array, unwrap_closed
from ...core.cotangents import as_constant
from ...core.dtypes import is_inexact
from ...core.namespaces import namespace_of
from ...core.tape import ALONG
from ...core.tracer_like import CAPTURING, inner_tape
from ...transforms.custom_vjp import FunctionPull
from ..tracing.trace_builder import find_builder
from .body import Backward, Body
from .runner import Runner

_count = itertools.count(1)


@dataclass(eq=False)
class Loop:
    """A loop over a body.

    Attributes
    ----------
    body : Body
    n : int or None
        The number of steps, or the largest, if there is one.
    reverse : bool
        Whether they are taken from the last to the first.
    loop_type : {"scan", "counted", "while"}
        "counted" takes only the first of the rows, as many as one more operand says. "while" runs as long as the first
        result of a step is true; one more operand says whether to begin, and the number of steps is returned instead of
        that result.
    """

    body: Body
    n: int | None
    reverse: bool
    loop_type: str = "scan"

    def applied(self, carry: Any, rows: Any, constants: Any, more: Any = None) -> Any:
        """The last carry and the stacked rows, as two tuples."""
        out = self.apply([*carry, *rows, *constants], more)
        return tuple(out[: self.body.carry]), tuple(out[self.body.carry :])

    def apply(self, operands: list[Any], more: Any = None) -> list[Any]:
        """The last carry and the stacked rows, of operands of any level."""
        values = [unwrap_closed(x) for x in operands]
        tapes = [x.tape for x in values if type(x) is Array]
        tape: Any = max(tapes, key=lambda t: t.order, default=UNTRACED)
        if tape is UNTRACED:
            return self._record(self._completed(values), more)
        if CAPTURING:
            tape = inner_tape(tape, [*values, more])
        if tape.capture is not None:
            values = [
                tape.capture(x) if type(x) is Array and x.tape is not tape else x for x in values
            ]
        traced = [i for i, x in enumerate(values) if type(x) is Array and x.tape is tape]
        slots = [values[i].slot for i in traced]
        lower = [x.value if i in traced else x for i, x in enumerate(values)]
        backward = self.body.backward(frozenset(i for i in traced if i >= self.body.carry))
        lower = [
            x.value if type(x) is Array and x.tape is tape else x for x in self._completed(lower)
        ]
        unlimited = self.n is None
        body = self.body if unlimited else self.body.saving(backward.saved)
        outs = Loop(body, self.n, self.reverse, self.loop_type).apply(lower, more)
        outs, kept = outs[: len(self.body.outputs)], outs[len(self.body.outputs) :]
        tracked = [k for k, y in enumerate(outs) if is_inexact(y.dtype)]
        if unlimited:
            pull: Any = Forward(self, lower, more, tracked, traced)
        else:
            saved = dict(zip(backward.saved, kept, strict=True))
            steps = outs[self.body.carry] if self.loop_type == "while" else more
            pull = Reverse(self, backward, lower, saved, steps, tracked, traced)
        entry = FunctionPull(self.name, len(slots), pull)
        return record_outputs(tape, outs, tracked, slots, [lower[i] for i in traced], entry)

    @property
    def name(self) -> str:
        """The name of the user's function."""
        return "while_loop" if self.loop_type == "while" else "scan"

    def _completed(self, values: list[Any]) -> list[Any]:
        """The operands with what the sweep, unlike the step, uses from outside."""
        n = self.body.carry + self.body.rows
        return [*values, *self.body.outside[len(values) - n :]] if self.body.outside else values

    def _record(self, values: list[Any], more: Any) -> list[Any]:
        n, m = self.body.carry, self.body.carry + self.body.rows
        args: Any = tuple(values[:n]), tuple(values[n:m]), tuple(values[m:])
        args += () if more is None else (more,)
        runner = Runner(self)
        builder = find_builder(args)
        if builder is None:
            carry, rows = runner(*args)
        else:
            # the name tells loops over the same operands apart
            carry, rows = builder.record(f"{self.name}_{next(_count)}", runner, args, {})
        return [*carry, *rows]


def record_outputs(
    tape: Any, outs: list[Any], tracked: list[int], slots: list[int], inputs: list[Any], pull: FunctionPull
) -> list[Any]:  # fmt: skip
    """The outputs as arrays of the tape, which gets one entry for all of them."""
    entries = tape.entries
    first = len(entries)
    wrapped = list(outs)
    for j, k in enumerate(tracked):
        wrapped[k] = Array(outs[k], tape, first + j)
    if tracked:
        entries.extend([None] * (len(tracked) - 1))
        fits = [(x.shape, x.dtype) for x in inputs]
        entries.append((pull, *slots, fits, [outs[k] for k in tracked]))
    return wrapped


@dataclass(frozen=True, eq=False)
class Reverse:
    """The pullback of one loop: cotangents of its outputs to those of its traced inputs.

    Attributes
    ----------
    loop, backward
        The loop, and the step of its backward pass.
    lower : list
        The operands, one level down.
    saved : dict
        The carries of all steps, stacked, for those leaves that are needed.
    steps
        How many steps there were, if that depends on values.
    tracked, traced : list of int
        The outputs and the inputs that are on the tape.
    """

    loop: Loop
    backward: Backward
    lower: list[Any]
    saved: dict[int, Any]
    steps: Any
    tracked: list[int]
    traced: list[int]

    def __call__(self, cts: list[Any]) -> list[Any]:
        """The shares of the traced inputs."""
        backward, lower, loop = self.backward, self.lower, self.loop
        known = dict(zip(self.tracked, cts, strict=True))
        sums = [i for what, i in backward.carry if what == "sum"]
        sources: dict[str, Any] = {
            "ct": known, "seed": known, "saved": self.saved, "row": lower,
            "sum": dict(zip(sums, backward.zeros, strict=True)),
        }  # fmt: skip
        operands = [sources[what][i] for what, i in (*backward.carry, *backward.rows)]
        operands += [lower[i] for i in backward.constants]
        loop_type = "scan" if loop.loop_type == "scan" else "counted"
        outs = Loop(backward.body, loop.n, not loop.reverse, loop_type).apply(operands, self.steps)
        shares = {i: x for (_, i), x in zip(backward.carry, outs, strict=False)}
        shares |= zip(backward.gives, outs[len(backward.carry) :], strict=True)
        return _one_level([shares.get(i) for i in self.traced], [*cts, *lower])


@dataclass(frozen=True, eq=False)
class Forward:
    """The pullback of a loop whose carries are not kept, which serves derivatives along directions alone.

    `linearize` sweeps with cotangents of zero, whose pullback is zero, and differentiates that pullback: the tangents
    of the inputs are carried along in a loop of their own.
    """

    loop: Loop
    lower: list[Any]
    more: Any
    tracked: list[int]
    traced: list[int]

    def __call__(self, cts: list[Any]) -> list[Any]:
        """Zeros, whose derivative with respect to the cotangents is known.

        Raises
        ------
        TypeError
            In reverse mode.
        """
        if not ALONG.depth:
            raise TypeError(
                "while_loop: reverse mode needs the carry of every step, and a compiled loop keeps them only where it "
                "is known how many there can be: give max_steps=, use pb.scan with a length, or, for an iteration to "
                "convergence, pb.implicit.fixed_point; forward derivatives, pb.jvp, need nothing"
            )
        tapes = [x.tape for x in cts if type(x) is Array and x.tape.open]
        tape = max(tapes, key=lambda t: t.order, default=UNTRACED)
        shares = [unwrap_closed(namespace_of(x).zeros_like(x)) for x in self._inputs()]
        if tape is UNTRACED:
            return _one_level(shares, [*cts, *self.lower])
        given = [k for k, x in enumerate(cts) if type(x) is Array and x.tape is tape]
        pull = FunctionPull("while_loop", len(given), lambda ts: self._along(ts, given))
        below = [cts[k].value for k in given]
        return record_outputs(
            tape, shares, list(range(len(shares))), [cts[k].slot for k in given], below, pull
        )

    def _inputs(self) -> list[Any]:
        return [self.lower[i] for i in self.traced]

    def _along(self, tangents: list[Any], given: list[int]) -> list[Any]:
        """The tangents of the outputs, for those of the traced inputs."""
        body = self.loop.body
        along = body.tangent(frozenset(i for i in self.traced if i >= body.carry))
        known = dict(zip(self.traced, tangents, strict=True))
        lower = [*self.lower, *body.outside[len(self.lower) - body.carry - body.rows :]]
        every = [
            known[i] if i in known else unwrap_closed(namespace_of(lower[i]).zeros_like(lower[i]))
            for i in along.of
        ]
        n = body.carry + len(along.leaves)
        operands = [
            *lower[: body.carry],
            *every[: len(along.leaves)],
            *lower[body.carry :],
            *every[len(along.leaves) :],
        ]
        outs = Loop(along.body, None, False, "while").apply(operands, self.more)
        found = dict(zip(along.leaves, outs[body.carry : n], strict=True))
        return _one_level([found[self.tracked[k]] for k in given], [*tangents, *lower])


def _one_level(shares: list[Any], others: list[Any]) -> list[Any]:
    """The shares, as arrays where others are traced further down."""
    above = any(type(x) is Array for x in others)
    return [as_constant(x) if above and x is not None else x for x in shares]
