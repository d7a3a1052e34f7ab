"""Passes over the roundings that `tracing/precision.py` puts before products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.program import ARRAY, Op, Program, Value
from .simplify import without_use

TRANSPOSES = frozenset(("matrix_transpose", "permute_dims"))


def cast_before_transpose(program: Program) -> None:
    """Round a matrix before it is transposed, so that it is rounded once for both its products."""
    ops: list[Op] = []
    for op in program.ops:
        turn = op.args[0].op if op.name == "rounded" and type(op.args[0]) is Value else None
        if turn is None or turn.name not in TRANSPOSES or len(op.result.shape) != 2:
            ops.append(op)
            continue
        base = turn.args[0]
        early = Value(f"{op.result.name}r", ARRAY, base.shape, base.dtype)
        first = Op("rounded", op.function, (base,), op.settings, early, op.line)
        second = Op(
            turn.name, turn.function, (early, *turn.args[1:]), turn.settings, op.result, op.line
        )
        early.op, op.result.op = first, second
        ops += [first, second]
    program.ops = ops


# ── on a device ───────────────────────────────────────────────────────────────────────────────


def store_rounded(program: Program) -> set[Op]:
    """Let products of matrices read rounded operands as 16 bits; or, for TF32, do the rounding themselves.

    The products that round themselves are returned. Others, of batches and of constants, multiply rounded numbers in
    float32, which gives the same.
    """
    found: set[Op] = set()
    new: dict[Value, Value] = {}
    after: dict[Op, list[Op]] = {}
    for op in program.ops:
        sources = [_rounding(x) for x in op.args] if op.name == "matmul" else [None]
        if all(sources):
            op.args = tuple([_stored(x, new, after) for x in op.args])
            if sources[0] is not None and sources[0].settings["to"] == "tf32":
                found.add(op)
    program.ops = [each for op in program.ops for each in (op, *after.get(op, ()))]
    without_use(program)
    return found


def _rounding(x: Any) -> Op | None:
    """The rounding that a matrix comes from, seen through transpositions."""
    if type(x) is not Value or len(x.shape) != 2 or not x.size:
        return None
    while x.op is not None and x.op.name in TRANSPOSES:
        x = x.op.args[0]
    return x.op if x.op is not None and x.op.name == "rounded" else None


def _stored(v: Value, new: dict[Value, Value], after: dict[Op, list[Op]]) -> Value:
    """The matrix as products read it, made once."""
    if v in new:
        return new[v]
    op = v.op
    assert op is not None
    if op.name == "rounded" and op.settings["to"] == "tf32":
        new[v] = op.args[0]
        return new[v]
    if op.name == "rounded":
        made = Op("narrowed", op.function, op.args, op.settings, line=op.line)
        dtype = np.dtype(np.uint16)
    else:
        base = _stored(op.args[0], new, after)
        made = Op(op.name, op.function, (base, *op.args[1:]), op.settings, line=op.line)
        dtype = base.dtype
    made.result = new[v] = Value(f"{v.name}s", ARRAY, v.shape, dtype, op=made)
    after.setdefault(op, []).append(made)
    return new[v]
