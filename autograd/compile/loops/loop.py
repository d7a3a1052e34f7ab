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
from ...transforms.custom_vjp import FunctionPull
from ..cpu.numba_kernels import wanted as kernels_wanted
from ..tracing.trace_builder import find_builder
from .body import Backward, Body
from .runner import Runner

_count = itertools.count(1)


@dataclass(eq=False)
class Loop:
    """`n` steps of a body, backwards if `reverse`."""

    body: Body
    n: int
    reverse: bool
    name: str = "scan"

    def applied(self, carry: Any, rows: Any, constants: Any) -> Any:
        """The last carry and the stacked rows, as two tuples."""
        out = self.apply([*carry, *rows, *constants])
        return tuple(out[: self.body.carry]), tuple(out[self.body.carry :])

    def apply(self, operands: list[Any]) -> list[Any]:
        """The last carry and the stacked rows, of operands of any level."""
        values = [unwrap_closed(x) for x in operands]
        tapes = [x.tape for x in values if type(x) is Array]
        tape = max(tapes, key=lambda t: t.order, default=UNTRACED)
        if tape is UNTRACED:
            return self._record(self._completed(values))
        if tape.capture is not None:
            values = [
                tape.capture(x) if type(x) is Array and x.tape is not tape else x for x in values
            ]
        traced = [i for i, x in enumerate(values) if type(x) is Array and x.tape is tape]
        slots = [values[i].slot for i in traced]
        lower = [x.value if i in traced else x for i, x in enumerate(values)]
        backward = self.body.backward(frozenset(i for i in traced if i >= self.body.carry))
        lower = self._completed(lower)
        saving = Loop(self.body.saving(backward.saved), self.n, self.reverse, self.name)
        outs = saving.apply(lower)
        outs, saved = outs[: len(self.body.outputs)], outs[len(self.body.outputs) :]
        tracked = [k for k, y in enumerate(outs) if is_inexact(y.dtype)]
        pull = _Pull(
            self, backward, lower, dict(zip(backward.saved, saved, strict=True)), tracked, traced
        )
        return _wrapped(tape, outs, tracked, slots, [lower[i] for i in traced], pull, self.name)

    def _completed(self, values: list[Any]) -> list[Any]:
        """The operands with what the sweep, unlike the step, uses from outside."""
        n = self.body.carry + self.body.rows
        return [*values, *self.body.outside[len(values) - n :]] if self.body.outside else values

    def _record(self, values: list[Any]) -> list[Any]:
        n, m = self.body.carry, self.body.carry + self.body.rows
        args = tuple(values[:n]), tuple(values[n:m]), tuple(values[m:])
        runner = Runner(self, kernels_wanted(self.body.fast))
        builder = find_builder(args)
        if builder is None:
            carry, rows = runner(*args)
        else:
            # the name tells loops over the same operands apart
            carry, rows = builder.record(f"{self.name}_{next(_count)}", runner, args, {})
        return [*carry, *rows]


def _wrapped(
    tape: Any, outs: list[Any], tracked: list[int], slots: list[int], inputs: list[Any], pull: Any, name: str
) -> list[Any]:  # fmt: skip
    """The outputs on the tape, with one entry for all."""
    entries = tape.entries
    first = len(entries)
    wrapped = list(outs)
    for j, k in enumerate(tracked):
        wrapped[k] = Array(outs[k], tape, first + j)
    if tracked:
        entries.extend([None] * (len(tracked) - 1))
        fits = [(x.shape, x.dtype) for x in inputs]
        kept = [outs[k] for k in tracked]
        entries.append((FunctionPull(name, len(slots), pull), *slots, fits, kept))
    return wrapped


class _Pull:
    """The pullback of one loop: cotangents of its outputs to those of its traced inputs."""

    def __init__(
        self, loop: Loop, backward: Backward, lower: list[Any], saved: dict[int, Any], tracked: list[int],
        traced: list[int],
    ) -> None:  # fmt: skip
        self.loop, self.backward, self.lower, self.saved = loop, backward, lower, saved
        self.tracked, self.traced = tracked, traced

    def __call__(self, cts: list[Any]) -> list[Any]:
        backward, lower = self.backward, self.lower
        known = dict(zip(self.tracked, cts, strict=True))
        above = any(type(x) is Array for x in (*cts, *lower))

        sums = [i for what, i in backward.carry if what == "sum"]
        sources: dict[str, Any] = {
            "ct": known, "seed": known, "saved": self.saved, "row": lower,
            "sum": dict(zip(sums, backward.zeros, strict=True)),
        }  # fmt: skip

        operands = [sources[what][i] for what, i in (*backward.carry, *backward.rows)]
        operands += [lower[i] for i in backward.constants]
        back = Loop(backward.body, self.loop.n, not self.loop.reverse, self.loop.name)
        outs = back.apply(operands)
        carry = {i: x for (_, i), x in zip(backward.carry, outs, strict=False)}
        rows = dict(zip(backward.gives, outs[len(backward.carry) :], strict=True))
        shares = [{**carry, **rows}.get(i) for i in self.traced]
        return [as_constant(x) if above and x is not None else x for x in shares]
