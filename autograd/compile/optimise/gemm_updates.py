"""Updates taken into the product that they come from: ``p ← p − s · A B`` is one call of BLAS.

A step of gradient descent on a matrix needs no gradient in memory: BLAS adds the product, times a number, to the
parameter where it lies. That is possible where the caller donated the parameter and nobody else reads the gradient.
"""

from __future__ import annotations

from typing import Any

from ..ir.program import ARRAY, NUMBER, Program, Value
from .fuse import Statement, Statements
from .memory_plan import Plan


def accumulate(program: Program, out: Statements, plan: Plan, *, constant: bool = False) -> bool:
    """Change the statements where an update can be taken into its product; whether any was changed.

    With `constant`, only where the factor is known before any call: a captured graph has it in it.
    """
    readers = _readers(program, out)
    changed = False
    for loop in list(out.items):
        found = _update(loop, out, plan, readers)
        if found is None or (constant and not _is_known(found[2])):
            continue
        product, p, scale, sign = found
        merged = Statement("gemm", [product.op, *loop.ops])
        merged.made = {v for op in merged.ops[:-1] for v in op.outputs()}
        merged.start = (p, scale, sign)
        first, last = out.items.index(product), out.items.index(loop)
        between = out.items[first + 1 : last]
        late = any(p in out.read(s) for s in between)
        late = late or (
            type(scale) is Value and scale.value_type == ARRAY and not _before(out, first, scale)
        )
        out.items[last if late else first] = merged
        del out.items[first if late else last]
        out.floors.clear()
        changed = True
    return changed


def _readers(program: Program, out: Statements) -> dict[Value, int]:
    """The number of operations that read each buffer."""
    count: dict[Value, int] = {}
    for s in out.items:
        for op in s.ops:
            for v in op.inputs():
                root = out.root(v)
                count[root] = count.get(root, 0) + 1
    for v in program.outputs:
        if type(v) is Value:
            root = out.root(v)
            count[root] = count.get(root, 0) + 1
    return count


def _update(
    loop: Statement, out: Statements, plan: Plan, readers: dict[Value, int]
) -> tuple[Statement, Value, Any, int] | None:
    """The product, the parameter, the factor and its sign, if a loop is ``p ± s · g`` and nothing else."""
    if loop.method not in ("loop", "blocks") or [op.name for op in loop.ops] not in (
        ["multiply", "add"],
        ["multiply", "subtract"],
    ):
        return None
    scaling, adding = loop.ops
    new = adding.result
    if new not in plan.donated or scaling.result not in adding.args:
        return None
    position = adding.args.index(scaling.result)
    if adding.name == "subtract" and position == 0:
        return None
    p = adding.args[1 - position]
    if type(p) is not Value or p.input_index != plan.donated[new]:
        return None
    for g, scale in (scaling.args, scaling.args[::-1]):
        product = _product(g, out) if type(g) is Value else None
        if product is None or readers.get(g) != 1 or readers.get(scaling.result) != 1:
            continue
        if p in out.read(product):
            continue
        if _is_scalar(scale, g):
            return product, p, scale, -1 if adding.name == "subtract" else 1
    return None


def _product(g: Value, out: Statements) -> Statement | None:
    return next(
        (s for s in out.items if s.method == "gemm" and s.start is None and s.op.result is g), None
    )


def _is_scalar(x: Any, g: Value) -> bool:
    if type(x) is not Value:
        return isinstance(x, int | float) and not isinstance(x, bool)
    return x.shape == () and (x.value_type == NUMBER or x.dtype == g.dtype)


def _is_known(x: Any) -> bool:
    return type(x) is not Value or x.constant


def _before(out: Statements, index: int, v: Value) -> bool:
    """Whether a value is there before a statement."""
    root = out.root(v)
    if root.op is None:
        return True
    return any(root in s.results() for s in out.items[:index])
