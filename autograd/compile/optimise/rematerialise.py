"""A program within a limit of memory: values are forgotten, and computed again where they are needed.

First, updates are done as soon as their gradients are there (`reorder.py`), which costs nothing. Then the program is
gone through within a limit (`eviction.py`), written anew (`recompute_emit.py`) and laid out; as its memory is then not
quite what the way through said, for what fuses and how the block is filled, the limit of that way is searched for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..ir.program import Op, Program, Value
from .eviction import NEVER, Eviction
from .fuse import Statements
from .memory_plan import Plan
from .memory_use import largest, memory_needed
from .recompute_emit import emit
from .recompute_graph import Graph, make_graph
from .reorder import early_order, updates_after_reads

# Ways through a program that are tried.
TRIES = 10
# The part of the limit that may stay unused, when there is a way.
SLACK = 0.02

Layout = Callable[[Program], tuple[Statements, Plan]]


@dataclass(eq=False)
class _Found:
    """A program, the bytes that it needs, and the seconds of what is done again."""

    program: Program
    out: Statements
    plan: Plan
    need: int
    cost: float = 0.0
    # the operation that each is a copy of
    source: dict[Op, Op] = field(default_factory=dict)


def rematerialise(program: Program, limit: int, lay_out: Layout) -> dict[Op, Op]:
    """Change a program so that it takes at most `limit` bytes.

    Parameters
    ----------
    program : Program
        Simplified; its operations are replaced, its inputs and outputs stay.
    limit : int
        As `memory_use.memory_needed` counts.
    lay_out : callable
        The statements and the plan of a program, as it will be run.

    Returns
    -------
    dict
        The operation that each new one is a copy of; empty where nothing was changed.

    Raises
    ------
    ValueError
        If there is no way to take so little.
    """
    search = _Search(program, limit, lay_out)
    found = search.run()
    if found is None:
        raise ValueError(_too_small(search))
    program.ops = found.program.ops
    for op in program.ops:
        for v in op.outputs():
            v.op = op
    return found.source


def check_limit(memory: Any) -> None:
    """Refuse what is no number of bytes.

    Raises
    ------
    TypeError
        If it is no integer.
    ValueError
        If it is not positive.
    """
    if isinstance(memory, bool) or not hasattr(memory, "__index__"):
        raise TypeError(
            f"compile: memory={memory!r} has to be a number of bytes as an integer, such as 2 * 2**30, or None for no "
            "limit"
        )
    if operator.index(memory) < 1:
        raise ValueError(f"compile: memory={memory!r} has to be at least 1 byte; None for no limit")


class _Search:
    """The programs that were tried for one limit."""

    def __init__(self, program: Program, limit: int, lay_out: Layout) -> None:
        self.program, self.limit, self.lay_out = program, limit, lay_out
        out, plan = lay_out(program)
        self.base = _Found(program, out, plan, memory_needed(program, out, plan))
        self.least = self.base
        self.graph = make_graph(program, out, plan)

    def run(self) -> _Found | None:
        """The cheapest program that takes at most the limit."""
        if self.base.need <= self.limit:
            return self.base
        order = early_order(self.graph, self.base.out, self.base.plan)
        if order != list(range(len(order))):
            earlier = make_graph(self.program, self.base.out, self.base.plan, order)
            found = self._tried(earlier, NEVER)
            if found is not None and found.need <= self.base.need:
                self.graph = earlier
                if found.need <= self.limit:
                    return found
        return self._search()

    def _search(self) -> _Found | None:
        best: _Found | None = None
        inner, low, high = self.limit, 0, 0  # `low` fits, `high` does not
        for _ in range(TRIES):
            found = self._tried(self.graph, inner)
            if found is None:
                low = max(low, inner)
                if best is not None or not high:
                    break
                inner = (inner + high) // 2
            elif found.need <= self.limit:
                best = found if best is None or found.cost <= best.cost else best
                low = inner
                if found.need >= (1 - SLACK) * self.limit or not found.cost:
                    break
                inner = (inner + high) // 2 if high else inner + self.limit - found.need
            else:
                high = inner
                shrunk = int(inner * min(self.limit / found.need, 0.995))
                inner = (low + high) // 2 if shrunk <= low else shrunk
            if high and high - low <= SLACK / 2 * self.limit:
                break
        return best or self._smallest()

    def _smallest(self) -> _Found | None:
        """The program that takes least, if that is little enough; the way to it does not depend on the limit."""
        self.least = self.base
        low, high = 0, self.base.need
        for _ in range(TRIES):
            middle = (low + high) // 2
            if self._tried(self.graph, middle) is None:
                low = middle
            else:
                high = middle
        return self.least if self.least.need <= self.limit else None

    def _tried(self, graph: Graph, inner: int) -> _Found | None:
        """The program of the way through within `inner` bytes."""
        way = Eviction(graph, inner)
        if not way.run():
            return None
        done = updates_after_reads(graph, self.base.out, self.base.plan, way.done)
        program, source = emit(self.program, self.base.out, graph, done)
        out, plan = self.lay_out(program)
        need = memory_needed(program, out, plan) + self._lost(plan)
        found = _Found(program, out, plan, need, way.cost, source)
        if need < self.least.need:
            self.least = found
        return found

    def _lost(self, plan: Plan) -> int:
        """Bytes of results that would no longer be written in place of donated arguments."""
        return sum(v.nbytes for v in self.base.plan.donated if v not in plan.donated)


def _too_small(search: _Search) -> str:
    least, base = search.least, search.base
    values = largest(least.program, least.out, least.plan)
    names = "; ".join(_described(v) for v in values)
    return (
        f"compile({search.program.name}, memory={search.limit:,}): the program needs {base.need:,} bytes, and "
        f"{least.need:,} at least with values computed again. When most is in use, the largest values are {names}. "
        "Raise memory to that, make the batch smaller, or compute in a smaller dtype"
    )


def _described(v: Value) -> str:
    op = v.op
    where = f" at {op.line}" if op is not None and op.line else ""
    name = op.name if op is not None else "an argument"
    return f"{name} {v.dtype}{list(v.shape)} ({v.nbytes:,} bytes){where}"
