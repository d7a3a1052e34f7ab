"""Simplification of a program before it is laid out: no identities, repeated work or work for nothing.

Constants are folded while the trace is made (an operation on constants is no operation of the program).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from ...core.signatures import COLLECTIVE_STEPS
from ..ir.program import ARRAY, NUMBER, Op, Program, Value, replace, values_in
from ..ir.views import is_basic

# Operations that stay two where two of them have the same inputs.
IMPURE = frozenset(("recomputed",)) | COLLECTIVE_STEPS


def simplify(program: Program) -> None:
    """Run all passes, which change the program itself."""
    before = len(program.ops)
    _rename(program, _identities(program))
    after_identities = len(program.ops)
    _rename(program, _repeated(program))
    after_repeated = len(program.ops)
    without_use(program)
    program.removed = {
        "identities": before - after_identities,
        "common subexpressions": after_identities - after_repeated,
        "dead": after_repeated - len(program.ops),
    }


def _rename(program: Program, same: dict[Value, Value]) -> None:
    """Put one value for another, and drop the operations that made the others."""
    if not same:
        return

    def new(x: Any) -> Any:
        while type(x) is Value and x in same:
            x = same[x]
        return x

    kept = []
    for op in program.ops:
        if all(v in same for v in op.outputs()):
            continue
        op.args, op.settings = replace(op.args, new), replace(op.settings, new)
        kept.append(op)
    program.ops = kept
    program.outputs = [new(x) for x in program.outputs]


# ── identities ────────────────────────────────────────────────────────────────────────────────


def _identities(program: Program) -> dict[Value, Value]:
    """Results that are one of their operands: ``x · 1``, casts to the same dtype, reshapes to the same shape."""
    same: dict[Value, Value] = {}
    for op in program.ops:
        if type(op.result) is Value:
            operand = _operand_returned(op) or _written_already(op, same)
            if operand is not None and _alike(operand, op.result):
                same[op.result] = operand
    return same


def _written_already(op: Op, same: dict[Value, Value]) -> Value | None:
    """The array into which a part is written, where it holds that part: ``x[k] += y`` writes ``x[k]`` twice."""
    if op.name != "setitem" or not is_basic(op.args[2]) or values_in(op.args[2]):
        return None
    x, value, key = op.args
    x, value = same.get(x, x), same.get(value, value) if type(value) is Value else value
    if type(value) is not Value or type(x) is not Value:
        return None
    read, written = value.op, x.op
    if read is not None and read.name == "getitem" and is_basic(read.args[1]):
        base, part = read.args
        if same.get(base, base) is x and part == key:
            return x
    if written is not None and written.name == "setitem" and is_basic(written.args[2]):
        _, before, part = written.args
        if type(before) is Value and same.get(before, before) is value and part == key:
            return x
    return None


def _alike(x: Value, y: Value) -> bool:
    return x.value_type == y.value_type == ARRAY and x.shape == y.shape and x.dtype == y.dtype


def _operand_returned(op: Op) -> Value | None:
    args = op.args
    if op.name == "multiply":
        for one, other in (args[:2], args[1::-1]):
            if _is_number(one, 1) and type(other) is Value:
                return other
    elif op.name == "divide":
        if _is_number(args[1], 1) and type(args[0]) is Value:
            return args[0]
    elif op.name == "asarray":
        if type(args[0]) is Value and op.settings.get("copy") is not True:
            return args[0]
    elif op.name in _SAME and type(args[0]) is Value:
        return args[0]
    return None


_SAME = frozenset(("copy", "reshape", "broadcast_to", "astype", "squeeze", "sum_to_shape"))


def _is_number(x: Any, number: float) -> bool:
    """Whether an argument is this number, as one or as a constant 0-d array."""
    if type(x) is Value:
        if not x.constant or x.shape != () or x.value_type not in (ARRAY, NUMBER):
            return False
        x = x.held
    if isinstance(x, np.ndarray):
        x = x.item()
    return isinstance(x, int | float) and not isinstance(x, bool) and x == number


# ── common subexpressions ─────────────────────────────────────────────────────────────────────


def _repeated(program: Program) -> dict[Value, Value]:
    """Results that an earlier operation has made: the same function of the same operands."""
    same: dict[Value, Value] = {}
    seen: dict[Hashable, Op] = {}
    for op in program.ops:
        if op.name in IMPURE:
            continue
        key = (op.name, _key(op.args, same), _key(op.settings, same))
        try:
            first = seen.setdefault(key, op)
        except TypeError:  # something that cannot be hashed
            continue
        if first is not op:
            results = zip(op.outputs(), first.outputs(), strict=True)
            same.update(results)
    return same


def _key(x: Any, same: dict[Value, Value]) -> Hashable:
    cls = type(x)
    if cls is Value:
        x = same.get(x, x)
        if x.constant and x.shape == () and isinstance(x.held, np.ndarray):
            return "0-d", str(x.dtype), x.held.tobytes()
        return id(x)
    if isinstance(x, tuple | list):
        return cls, tuple(_key(part, same) for part in x)
    if cls is dict:
        return tuple(sorted((k, _key(v, same)) for k, v in x.items()))
    if cls is slice:
        return "slice", _key((x.start, x.stop, x.step), same)
    return cls, repr(x) if cls is float else x  # −0.0 is not 0.0


# ── dead code ─────────────────────────────────────────────────────────────────────────────────


def without_use(program: Program) -> None:
    """Drop what no output needs, except collectives: other ranks wait for this one in them."""
    needed = set(values_in(program.outputs))
    kept = []
    for op in reversed(program.ops):
        if op.name in COLLECTIVE_STEPS or any(v in needed for v in op.outputs()):
            needed.update(op.inputs())
            kept.append(op)
    program.ops = kept[::-1]
