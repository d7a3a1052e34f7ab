"""The memory that a program takes while it runs, beyond its arguments and its results.

That is the block, in which the values between lie, and what calls of library functions return, at the moment at which
most of it is alive. Arguments, results and what is written in place of donated arguments are the caller's. What a
function takes within itself is not known, nor is what an object holds that is no array (a factor).
"""

from __future__ import annotations

from ..ir.program import ARRAY, Program, Value
from .fuse import Statements
from .memory_plan import Plan, lives


def returned(program: Program, out: Statements, plan: Plan) -> dict[Value, int]:
    """The bytes of each array that a call returns; 0 where it is a view of one of the call's arguments."""
    results = {v for v in program.outputs if type(v) is Value}
    found: dict[Value, int] = {}
    for s in out.items:
        if s.method != "call":
            continue
        for v in s.results():
            if v.value_type == ARRAY and v not in plan.own and v not in results:
                found[v] = 0 if s.op.shares else v.nbytes
    return found


def memory_needed(program: Program, out: Statements, plan: Plan) -> int:
    """The bytes of the block and of what calls return, where that is most."""
    return plan.size + max(_totals(program, out, returned(program, out, plan)), default=0)


def _totals(program: Program, out: Statements, sizes: dict[Value, int]) -> list[int]:
    """The bytes of these values that are alive at each time."""
    first, last = lives(program, out)
    end = max((*last.values(), -1)) + 2
    change = [0] * (end + 1)
    for v, size in sizes.items():
        change[first[v]] += size
        change[last[v] + 1] -= size
    total, totals = 0, []
    for step in change:
        total += step
        totals.append(total)
    return totals


def largest(program: Program, out: Statements, plan: Plan, count: int = 4) -> list[Value]:
    """The largest values that are alive when most memory is taken."""
    sizes = {v: v.nbytes for v in plan.offsets} | returned(program, out, plan)
    if not sizes:
        return []
    totals = _totals(program, out, sizes)
    peak = totals.index(max(totals))
    first, last = lives(program, out)
    alive = [v for v in sizes if first[v] <= peak <= last[v]]
    return sorted(alive, key=lambda v: -sizes[v])[:count]
