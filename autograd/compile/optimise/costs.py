"""Estimates of the time that operations take, to choose between them: arithmetic of products, and bytes moved.

Only ratios matter here, so that one set of rates does for all machines.
"""

from __future__ import annotations

import math
from typing import Any

from ..ir.elementwise import TABLE
from ..ir.program import ARRAY, Op, Value

FLOP = 1 / 50e9  # seconds of one operation of a product
BYTE = 1 / 10e9  # seconds of one byte read or written
SLOW = 1e-9  # seconds of one element of exp, log, tanh and their like
CALL = 1e-6  # seconds of any operation


def seconds(op: Op) -> float:
    """The time that an operation takes by itself, roughly."""
    arrays = [v for v in (*op.inputs(), *op.outputs()) if v.value_type == ARRAY]
    return CALL + BYTE * sum(v.nbytes for v in arrays) + arithmetic(op)


def arithmetic(op: Op) -> float:
    """The part of it that is not moving bytes."""
    time = FLOP * _flops(op)
    how = TABLE.get(op.name)
    if how is not None and (how.slow or "V." in how.text or not how.text):
        time += SLOW * sum(v.size for v in op.outputs())
    body, steps = getattr(op.function, "code", None), getattr(op.function, "n", None)  # of a loop
    if body is not None and steps:
        program = getattr(body, "program", None)
        time += steps * (sum(map(seconds, program.ops)) if program is not None else CALL)
    return time


def _flops(op: Op) -> float:
    """The multiplications and additions of a product; of a factorisation, those of its cube."""
    operands: list[Any] = [x for x in op.args if type(x) is Value and x.value_type == ARRAY]
    results = [v for v in op.outputs() if v.value_type == ARRAY]
    if not operands or not results:
        return 0
    name, x, out = op.name, operands[0], results[0]
    if name == "matmul":
        return 2 * out.size * x.shape[-1] if x.shape else 0
    if name in ("tensordot", "einsum"):
        return 2 * math.sqrt(math.prod(v.size for v in operands[:2]) * out.size)
    if name.startswith("convolution") and len(operands) > 1:
        kernel = out if name == "convolution_vjp_W" else operands[1]
        y = {"convolution": out, "convolution_vjp_x": x}.get(name, operands[1])
        pool = op.settings.get("pool")
        pixels = y.shape[0] * math.prod(pool["spatial"] if pool else y.shape[2:])
        return 2 * pixels * kernel.size
    if name.startswith(("attention", "self_attention")):
        return (12 if "vjp" in name else 4) * x.size * x.shape[-2]
    if "_sequence" in name:
        return 2 * x.size * max(v.shape[-1] for v in operands if v.shape)
    if name.startswith("linalg.") or name in ("solve_by", "inverse_by", "slogdet_by", "expm"):
        return max(v.size * (v.shape[-1] if v.shape else 1) for v in operands)
    return 0
