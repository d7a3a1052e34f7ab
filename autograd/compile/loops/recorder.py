"""The recorder of loops within a recording: each step is run once, on tracers of a recording of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....backend import is_array
from ...core.array import Array, backend_array, unwrap_closed
from ...core.dtypes import is_inexact
from ...core.levels.batched import Batched
from ...core.namespaces import namespace_of
from ...core.tracer_like import TRACERS, Unrecorded, recording
from ...functions.creation import asarray
from ...functions.writes import Writes
from ..tracing.trace_builder import TraceBuilder, Traced, TraceError, users_line
from ..tracing.tracer_namespace import tracer_class
from .adjoint import swept
from .body import Body
from .capture import CaptureTape
from .host_step import host_step
from .loop import Loop


class Recorder:
    """The recorder of the loops in one trace."""

    def __init__(self, builder: TraceBuilder, bodies: list[Body] | None = None) -> None:
        self.builder = builder
        self.bodies: list[Body] = [] if bodies is None else bodies

    def close(self) -> None:
        """Free what only derivatives needed, such as the arrays of the recorded call."""
        for body in self.bodies:
            body.release()

    def constant(self, x: Any) -> Any:
        """A raw array, or the rows of one, as a constant of the program."""
        builder = self.builder
        if type(x) is Batched:
            inside = self.constant(x.value)
            return x if inside is x.value else Batched(inside, x.level, x.mapped)
        if type(x) is Array or type(x) in TRACERS:
            return x
        return tracer_class(x, builder.depth)(builder, builder.constant(x), x)

    def host_step(self, name: str, run: Any, functions: Any, operands: Any) -> Any:
        """``run(functions, operands)`` as one operation, if an operand belongs to the program."""
        return host_step(
            name, run, functions, operands, lambda builder: Recorder(builder, self.bodies)
        )

    def scan(
        self, step: Any, carry: list[Array], columns: list[Array], n: int, reverse: bool
    ) -> tuple[list[Array], list[Array]]:
        """The last carry and the stacked rows of a scan, as one operation."""
        first = n - 1 if reverse else 0
        body = self._body("scan", step, carry, columns, first)
        outs = Loop(body, n, reverse).apply([*carry, *columns, *body.outside])
        outs = [x if type(x) is Array else Array(x) for x in outs]
        return outs[: len(carry)], outs[len(carry) :]

    def while_loop(self, test: Any, step: Any, carry: list[Array], most: int | None) -> list[Array]:
        """The last carry of a loop with a condition, as one operation."""

        def both(leaves: list[Array], _: list[Array]) -> tuple[list[Array], list[Array]]:
            new = step(leaves)
            return new, [_truth(test(new))]

        begin = _truth(test(carry))
        body = self._body("while_loop", both, carry, [], 0)
        loop = Loop(body, most, False, "while")
        outs = loop.apply([*carry, *body.outside], unwrap_closed(begin))
        return [x if type(x) is Array else Array(x) for x in outs[: len(carry)]]

    def _body(
        self, name: str, step: Callable[..., Any], carry: list[Array], columns: list[Array], first: int
    ) -> Body:  # fmt: skip
        """The step as a body, whose constants are what it uses from outside."""
        builder = TraceBuilder(self.builder.precision, outer=self.builder)
        given: list[Any] = []  # a tracer of the step for each input
        outside: list[Any] = []  # what it stands for, of the constants

        def tracer(real: Any) -> Any:
            made = tracer_class(real, builder.depth)(
                builder, builder.value(real, input_index=len(given)), real
            )
            given.append(made)
            return made

        def lowered(x: Array) -> Any:
            outside.append(x.__copy__())
            inner = backend_array(x)
            if type(inner) not in TRACERS:
                if type(inner) is Batched or not is_array(inner):
                    raise Unrecorded  # the steps of all rows one by one
                return tracer(inner)
            if inner.recorder.depth >= builder.depth:
                raise TraceError(
                    f"{name}: the step combines an array that is traced outside of it with a mask or an index of its "
                    f"own, at {users_line()}, in a way that cannot be recorded; make that array part of the carry"
                )
            return input_like(inner)

        def input_like(x: Any) -> Any:
            made = x.moved(builder, builder.value(x.real_value, input_index=len(given)))
            made.of.numbers = x.of.numbers
            given.append(made)
            return made

        def adopted(x: Any) -> Any:
            outside.append(x.moved(x.recorder, x.of))
            return input_like(x)

        builder.adopted = adopted
        tape = builder.tape = CaptureTape(lowered)
        reals = [*map(_real, carry), *(_row(_real(x), first) for x in columns)]
        inputs = [tracer(real) for real in reals]
        watched = [tape.watch(x) if is_inexact(x.dtype) else Array(x) for x in inputs]
        # the slots are read now, since a step that writes to an input in place gives it another one
        slots = {i: x.slot for i, x in enumerate(watched) if x.tape is tape}
        try:
            with recording(Recorder(builder, self.bodies)), Writes() as writes:
                out = step(watched[: len(carry)], watched[len(carry) :])
            new, rows = out
            results = [self._result(name, y, tape, builder) for y in (*new, *rows)]
            for x in writes.outlasting(out, watched):
                raise TraceError(
                    f"{name}: the step writes in place to an array of shape {tuple(x.shape)} that it closes over, "
                    "which would happen once and not in each step; make that array part of the carry"
                )
        finally:
            tape.close()
        builder.open = False
        self.builder.by_layout |= builder.by_layout
        seeds = {k: slot for k, (slot, _) in enumerate(results) if slot >= 0}
        index = {x.of: i for i, x in enumerate(given)}
        slots |= {index[x.value.of]: x.slot for x in tape.inside}

        def seen(x: Array) -> Any:
            known = tape.known(x)
            return lowered(x) if known is None else known

        def sweep(body: Body) -> Any:
            # a pullback that calls the user's functions again meets arrays outside of the step as the step did
            builder.tape = CaptureTape(seen)
            return swept(body, tape, builder, seeds, slots)

        body = Body(
            len(carry), len(columns), list(builder.ops), [y for _, y in results],
            given, builder.precision, builder.fast, sweep,
        )  # fmt: skip
        body.outside = outside
        self.bodies.append(body)
        return body

    def _result(
        self, name: str, y: Any, tape: CaptureTape, builder: TraceBuilder
    ) -> tuple[int, Any]:
        """The slot of a result of the step, −1 if it is on no tape, and its tracer."""
        slot = -1
        if type(backend_array(y)) is Batched:
            raise Unrecorded  # what varies from row to row came in from outside
        y = unwrap_closed(y)
        if type(y) is Array and y.tape is not tape:
            y = tape.of(y)
        if type(y) is Array:
            y, slot = unwrap_closed(y.value), y.slot
        if type(y) is Array:
            raise TraceError(
                f"{name}: a function within the step that is recorded in one piece (checkpoint, custom_vjp, implicit) "
                "closes over a traced array; pass it to that function as an argument"
            )
        if not isinstance(y, Traced):
            if not is_array(y):
                raise Unrecorded
            y = tracer_class(y, builder.depth)(builder, builder.constant(y), y)
        elif y.recorder is not builder:
            y = builder.adopt(y)
        return slot, y


def _truth(x: Any) -> Array:
    return Array(x) if hasattr(x, "dtype") else asarray(x)


def _real(x: Any) -> Any:
    inner = backend_array(x)
    return inner.real_value if type(inner) in TRACERS else inner


def _row(x: Any, i: int) -> Any:
    return namespace_of(x).asarray(x[(i, ...)] if len(x.shape) > 1 else x[i])
