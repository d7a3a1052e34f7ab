"""The precision of products: what `pb.compile(f, precision=…)` does to a recording.

Operands of float32 products are rounded to a format that devices multiply faster, and their products are added up in
float32. All else stays as it is, parameters among it: they are the *master weights* (Micikevicius et al., Mixed
precision training, 2018). Rounding is an operation of the program, so that each array is rounded once, and a CPU gives
the numbers of a GPU to the order of sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....backend import backend_of
from ....backend.generic.rounding import rounded
from ..ir.program import ARRAY, Op, Program, Value
from ..optimise.simplify import without_use

PRECISIONS = ("float32", "tf32", "bfloat16", "float16")
TRANSPOSES = frozenset(("matrix_transpose", "permute_dims"))


def check(precision: str) -> None:
    """Refuse what is no precision.

    Raises
    ------
    ValueError
        Naming those that there are.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"compile: precision={precision!r} is none of {', '.join(PRECISIONS)}")


def round_operands(recorder: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands of a product, rounded as the recording says; those that are not float32 as they are."""
    if any(not str(getattr(x, "dtype", "")).endswith("float32") for x in args):
        return args
    return tuple([_rounded(recorder, x) for x in args])


def _rounded(recorder: Any, x: Any) -> Any:
    to = recorder.precision
    if not hasattr(x, "real_value"):
        return round_array(x, to=to)
    return recorder.record("rounded", round_array, (x,), {"to": to})


def round_array(x: Any, /, *, to: str) -> Any:
    """`rounded` of a library's array.

    Raises
    ------
    TypeError
        For libraries whose arrays have no bits to look at.
    """
    if not hasattr(x, "view"):
        raise TypeError(
            f"compile(precision={to!r}): arrays of {backend_of(x).name} cannot be rounded; take NumPy's or CuPy's, "
            "or precision='float32'"
        )
    return rounded(x, to)


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

    The products of the second kind are returned. Others, of batches and of constants, multiply rounded numbers in
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
    """The same matrix as products read it; made once."""
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
