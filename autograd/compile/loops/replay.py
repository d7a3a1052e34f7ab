"""Replays of a recorded step on arrays of a tape, from which its derivatives are found."""

from __future__ import annotations

from typing import Any

from ...core.array import Array, unwrap_closed
from ...core.namespaces import NAMESPACES
from ..ir.program import Op, Tuple, Value, replace
from ..tracing.trace_builder import TraceBuilder, Traced, TraceError

_SAME = frozenset(("copied", "rounded", "item"))


def replayed(ops: list[Op], known: dict[Value, Any], builder: TraceBuilder) -> None:
    """Run the operations, and put what they give into `known`."""

    def value(x: Any) -> Any:
        if type(x) is not Value:
            return x
        return known.get(x, x.held)

    for op in ops:
        args, settings = replace(op.args, value), replace(op.settings, value)
        _bind(op.result, _call(op, args, settings, builder), known)


def _bind(result: Any, out: Any, known: dict[Value, Any]) -> None:
    if type(result) is Tuple:
        for part, x in zip(result.items, out, strict=True):
            _bind(part, x, known)
    elif type(result) is Value:
        known[result] = unwrap_closed(out)


def _call(op: Op, args: Any, settings: Any, builder: TraceBuilder) -> Any:
    if not _holds(Array, (args, settings)):
        if not _holds(Traced, (args, settings)):
            return op.function(*args, **settings)
        return builder.record(op.name, op.function, args, settings)
    loop = getattr(op.function, "loop", None)
    if loop is not None:
        return loop.applied(*args)
    if op.name in _SAME:
        return args[0]
    function: Any = NAMESPACES[Array]
    for part in op.name.split("."):
        function = getattr(function, part, None)
    try:
        if function is not None:
            return function(*args, **settings)
    except TraceError:
        pass  # a composition that reads values, which is no derivative rule
    raise TraceError(
        f"the derivative of the operation {op.name} within a recorded loop ({op.line}): it is recorded in one piece, "
        "and only its first derivative in reverse mode is known; leave the function uncompiled, or write the loop in "
        "Python"
    )


def _holds(array_type: type, x: Any) -> bool:
    """Whether there is an array of a type among nested arguments."""
    if isinstance(x, tuple | list):
        return any(_holds(array_type, part) for part in x)
    if type(x) is dict:
        return any(_holds(array_type, part) for part in x.values())
    if type(x) is slice:
        return _holds(array_type, (x.start, x.stop, x.step))
    return isinstance(x, array_type)
