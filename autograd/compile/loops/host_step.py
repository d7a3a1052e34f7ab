"""A solver as one operation of a program: it reads values, and the functions that it calls are recorded before.

Each function becomes a `Body` without a carry, with the arrays of the recording that it closes over as its constants,
and is replayed by a `StepCode` in memory of its own. How often the solver calls it may differ from replay to replay.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....backend import backend_of, is_array
from ...core.array import backend_array
from ...core.levels.batched import Batched
from ...core.tracer_like import Callee, recording
from ...functions.writes import Writes
from ...pytree import tree
from ..tracing.trace_builder import TraceBuilder, Traced, TraceError, find_builder, users_line
from ..tracing.tracer_namespace import tracer_class
from .adjoint import derived
from .body import Body
from .runner import StepCode

_ONCE = range(1)
_count = itertools.count(1)


def host_step(
    name: str, run: Callable[[Any, Any], Any], functions: Sequence[Callee], operands: Any, recorder: Callable[..., Any]
) -> Any:  # fmt: skip
    """``run(functions, operands)`` as one operation of the innermost recording that an operand belongs to.

    `recorder` makes the recorder of loops within a function.
    """
    builder = find_builder(operands)
    if builder is None:
        return run(tuple([f.callable() for f in functions]), operands)
    made = [_recorded(name, f, builder, recorder) for f in functions]
    step = HostStep(run, tuple([maker for maker, _ in made]))
    # the number tells solves of the same operands apart: each may call other functions
    return builder.record(
        f"{name}_{next(_count)}", step, (operands, [arrays for _, arrays in made]), {}
    )


@dataclass(frozen=True, eq=False)
class HostStep:
    """A solver: ``step(operands, closed over)`` calls `run` with functions that are made of what each closes over."""

    run: Callable[[Any, Any], Any]
    makers: tuple[Callable[..., Any], ...]

    def __call__(self, operands: Any, closed_over: Any) -> Any:
        """The results of `run`, in memory that no operand shares."""
        functions = [make(*arrays) for make, arrays in zip(self.makers, closed_over, strict=True)]
        return _fresh(self.run(tuple(functions), operands), tree.leaves((operands, closed_over)))


def _fresh(out: Any, given: list[Any]) -> Any:
    """A result with copies of the arrays that may be operands, or views of them: which are may change by values."""
    if isinstance(out, tuple | list):
        parts = [_fresh(part, given) for part in out]
        return out._make(parts) if hasattr(out, "_make") else type(out)(parts)
    if not is_array(out):
        return out
    if isinstance(out, np.generic):
        return np.asarray(out)
    if type(out) is np.ndarray:
        shared = not out.flags.owndata or any(out is x for x in given)
    else:
        shared = any(out is x for x in given) or getattr(out, "base", None) is not None
    return backend_of(out).xp.copy(out) if shared else out


class Replayed:
    """What makes a recorded function of the values that it closes over."""

    def __init__(self, body: Body, single: bool) -> None:
        self.code = StepCode(body, False)
        self.single = single

    def __call__(self, *closed_over: Any) -> Callable[..., Any]:
        """The function, with these values."""
        code, single = self.code, self.single

        def call(*args: Any) -> Any:
            _, rows = code((), (), (*args, *closed_over), _ONCE, 1)
            out = tuple([y[0, ...] for y in rows])
            return out[0] if single else out

        return call


def _recorded(
    name: str, callee: Callee, outer: TraceBuilder, recorder: Callable[..., Any]
) -> tuple[Callable[..., Any], Any]:
    """What makes a function of the values that it closes over, and these, as values of the recording around it."""
    if callee.arrays is not None:
        return callee.function, callee.arrays
    builder = TraceBuilder(outer.precision, outer=outer)
    given: list[Any] = []
    outside: list[Any] = []

    def argument(x: Any) -> Any:
        real = x.real_value if isinstance(x, Traced) else x
        made = tracer_class(real, builder.depth)(
            builder, builder.value(real, input_index=len(given)), real
        )
        given.append(made)
        return made

    def adopted(x: Any) -> Any:
        outside.append(x.moved(x.recorder, x.of))
        made = x.moved(builder, builder.value(x.real_value, input_index=len(given)))
        made.of.numbers = x.of.numbers
        given.append(made)
        return made

    builder.adopted = adopted
    arguments = [argument(x) for x in callee.examples]
    with recording(recorder(builder)), Writes() as writes:
        out = callee.function(*arguments)
    for x in writes.outlasting(out, arguments):
        raise TraceError(
            f"{name}: a function that it calls writes in place to an array of shape {tuple(x.shape)} that it closes "
            "over; return what is written"
        )
    single = not isinstance(out, tuple)
    results = [_result(name, y, builder) for y in ((out,) if single else out)]
    builder.open = False
    outer.by_layout |= builder.by_layout
    body = Body(
        0, 0, list(builder.ops), results, given, builder.precision, builder.fast, derived, outside
    )
    replayed = Replayed(body, single)
    replayed.code.prepare()
    body.release()
    return replayed, outside


def _result(name: str, y: Any, builder: TraceBuilder) -> Any:
    """A result of a function as a tracer of its recording."""
    y = backend_array(y)
    while type(y) is Batched:
        # Where it differs from row to row, this asks `vmap` for one row at a time, or is an error that says so.
        y = y.read(f"{name} of a function")
    if isinstance(y, Traced):
        return builder.adopt(y)
    if not is_array(y):
        raise TraceError(
            f"{name}: a function that it calls returns {type(y).__name__}, at {users_line()}; an array is needed"
        )
    return tracer_class(y, builder.depth)(builder, builder.constant(y), y)
