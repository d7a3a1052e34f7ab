"""A program as a graph of steps and of the values that they leave in memory, for `eviction.py` and `rematerialise.py`.

A step is a statement of `fuse.py`, or one of the independent pieces of a loop. Views and what only its own loop reads
are no values here.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass, field

import numpy as np

from ....backend import backend_of
from ...core.signatures import COLLECTIVE_STEPS
from ..ir.program import ARRAY, Op, Program, Value
from .costs import BYTE, CALL, arithmetic
from .fuse import Statement, Statements
from .memory_plan import ALIGN, Plan, elementwise_in
from .memory_use import returned

# Functions of the namespace that are not done again: what they return is new, or belongs to somebody.
_ONCE = frozenset(("recomputed", "fused_update", "to_device", "copied")) | COLLECTIVE_STEPS


@dataclass(eq=False)
class Step:
    """Operations that are done together.

    Attributes
    ----------
    ops : list of Op
    statement : Statement
        Which they are of.
    reads, makes : tuple of int
        The values, by their numbers.
    heirs : dict
        ``heirs[made]``: values that are read, in whose place this one may be written.
    repeatable : bool
        Whether doing it again gives the same, and changes nothing else.
    """

    ops: list[Op]
    statement: Statement
    reads: tuple[int, ...] = ()
    makes: tuple[int, ...] = ()
    heirs: dict[int, tuple[int, ...]] = field(default_factory=dict)
    cost: float = 0.0
    repeatable: bool = False


@dataclass(eq=False)
class Graph:
    """The steps of a program in order, and the values between them.

    Attributes
    ----------
    steps : list of Step
    values : list of Value
    size : list of int
        Bytes that a value takes; 0 where its memory is the caller's.
    maker : list of int
        The step that makes each value.
    uses : list of list of int
        The steps that read it.
    over : list of tuple of int
        The results of calls that are views of it.
    """

    steps: list[Step]
    values: list[Value]
    size: list[int]
    maker: list[int]
    uses: list[list[int]]
    over: list[tuple[int, ...]]

    def parents(self, v: int) -> tuple[int, ...]:
        """The values that a value is made of."""
        return self.steps[self.maker[v]].reads

    def children(self, v: int) -> list[int]:
        """The values that are made of it."""
        return [w for s in self.uses[v] for w in self.steps[s].makes]


@functools.cache
def is_pure(name: str) -> bool:
    """Whether a function of this name is one of the library's namespace, whose functions keep no state."""
    if name in _ONCE:
        return False
    try:
        operator.attrgetter(name)(backend_of(np.zeros(0)).xp)
    except AttributeError:
        # `tracing/precision.py`, `rounding.py`, `cuda/moves.py`
        return name in ("rounded", "narrowed", "piecewise", "add_at")
    return True


def may_repeat(op: Op) -> bool:
    """Whether an operation can be done twice: a function of arrays to arrays, or a loop of those."""
    if not all(v.value_type == ARRAY for v in op.outputs()):
        return False
    loop = hasattr(op.function, "loop_type") and op.name.startswith(("scan_", "while_loop_"))
    return loop or is_pure(op.name)


def make_graph(
    program: Program, out: Statements, plan: Plan, order: list[int] | None = None
) -> Graph:
    """The graph of a program; with `order`, its steps in that order."""
    steps = [step for s in out.items for step in _pieces(s)]
    if order is not None:
        steps = [steps[i] for i in order]
    sizes = {v: -(-v.nbytes // ALIGN) * ALIGN for v in plan.offsets} | returned(program, out, plan)
    made = {v: i for i, step in enumerate(steps) for op in step.ops for v in op.outputs()}
    read: list[dict[Value, None]] = []
    for i, step in enumerate(steps):
        found = (x for op in step.ops for v in op.inputs() for x in out.lies_in(v))
        read.append(dict.fromkeys(v for v in found if made.get(v, i) != i))
    results = {v for v in program.outputs if type(v) is Value}
    kept = dict.fromkeys(v for step in read for v in step)
    values = [v for v in made if v in kept or v in results or v in sizes]
    number = {v: k for k, v in enumerate(values)}
    graph = Graph(
        steps, values, [sizes.get(v, 0) for v in values], [made[v] for v in values],
        [[] for _ in values], [() for _ in values],
    )  # fmt: skip
    for i, step in enumerate(steps):
        step.reads = tuple(number[v] for v in read[i])
        step.makes = tuple(number[v] for op in step.ops for v in op.outputs() if v in number)
        step.cost = _seconds(step, out, values, number)
        step.repeatable = step.statement.start is None and all(map(may_repeat, step.ops))
        for v in step.reads:
            graph.uses[v].append(i)
        step.heirs = _heirs(graph, step, out, plan)
    for view, below in out.alias.items():
        for x in below:
            if view in number and x in number:
                graph.over[number[x]] += (number[view],)
    return graph


def _seconds(step: Step, out: Statements, values: list[Value], number: dict[Value, int]) -> float:
    """The estimated time of a step: what stays within its loop is not moved."""
    moved = {out.root(v) for op in step.ops for v in op.inputs() if v.value_type == ARRAY}
    moved -= {v for op in step.ops for v in op.outputs()}
    moved |= {values[w] for w in step.makes if values[w].value_type == ARRAY}
    return CALL + BYTE * sum(v.nbytes for v in moved) + sum(map(arithmetic, step.ops))


def _heirs(graph: Graph, step: Step, out: Statements, plan: Plan) -> dict[int, tuple[int, ...]]:
    """The operands in whose place each result may be written: both in the block, and read element by element."""
    found = {}
    for w in step.makes:
        new = graph.values[w]
        if new not in plan.offsets:
            continue
        found[w] = tuple(
            v
            for v in step.reads
            if (old := graph.values[v]).shape == new.shape
            and old.dtype == new.dtype
            and old in plan.offsets
            and elementwise_in(out, step.statement, old, new)
        )
    return found


def _pieces(s: Statement) -> list[Step]:
    """A statement as steps: operations of one loop that have nothing to do with each other are several."""
    if s.method not in ("loop", "blocks") or s.start is not None:
        return [Step(s.ops, s)]
    piece: dict[Op, list[Op]] = {}
    maker = {v: op for op in s.ops for v in op.outputs()}
    for op in s.ops:
        mine = piece[op] = [op]
        for v in op.inputs():
            other = piece[maker[v]] if v in maker else mine
            if other is not mine:
                other += mine
                piece |= dict.fromkeys(mine, other)
                mine = other
    position = {op: i for i, op in enumerate(s.ops)}
    found = {id(ops): sorted(ops, key=position.__getitem__) for ops in piece.values()}
    return [Step(ops, s) for ops in sorted(found.values(), key=lambda ops: position[ops[0]])]
