"""The memory of each value: a donated array of the caller, an output buffer, or a part of one block.

Intervals of statements in which values are alive are laid out so that no two that overlap in time overlap in memory;
an elementwise result takes the place of an operand that is not needed any more.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

from ..ir.program import ARRAY, NUMBER, OPAQUE, Program, Value
from ..ir.views import contiguous
from .fuse import Statement, Statements, stored

ALIGN = 64  # bytes
SMALL = 4096  # bytes of values that may lie by themselves


@dataclass
class Plan:
    """The storage of every value that has one.

    Attributes
    ----------
    offsets : dict
        ``offsets[value]``: its first byte in the block.
    size : int
        Bytes of the block.
    outputs : dict
        ``outputs[value]``: the number of an output, which has a buffer of its own.
    donated : dict
        ``donated[value]``: the index of the input whose array it is written into.
    heirs : dict
        ``heirs[value]``: the operand in whose place in the block it is written.
    """

    offsets: dict[Value, int] = field(default_factory=dict)
    size: int = 0
    outputs: dict[Value, int] = field(default_factory=dict)
    donated: dict[Value, int] = field(default_factory=dict)
    heirs: dict[Value, Value] = field(default_factory=dict)
    own: set[Value] = field(default_factory=set)
    # the inputs that `donated` writes over
    replaced: set[Value] = field(default_factory=set)


def find_aliases(out: Statements) -> None:
    """Note whose buffers each result of a call may lie in: those that it shared memory with while tracing."""
    out.alias.clear()
    for s in out.items:
        if s.method != "call":
            continue
        shares = s.op.shares
        below: set[Value] = set()
        for i, v in enumerate(s.op.inputs()):
            # what is inside an object is not looked at
            if v.value_type != NUMBER and (shares is None or i in shares or v.value_type == OPAQUE):
                below.update(out.lies_in(v))
        if below:
            out.alias |= dict.fromkeys(s.op.outputs(), frozenset(below))


def to_watch(plan: Plan, out: Statements, s: Statement) -> list[Value]:
    """The arguments of a call that may be written over while its result is read, if that was a view of them.

    While tracing it was none; but that may depend on how the arguments lie.
    """
    shares = s.op.shares
    if shares is None:
        return []
    written = plan.own | plan.replaced
    return [
        v
        for i, v in enumerate(s.op.inputs())
        if v.value_type == ARRAY and i not in shares and any(x in written for x in out.lies_in(v))
    ]


def lives(program: Program, out: Statements) -> tuple[dict[Value, int], dict[Value, int]]:
    """The statement that makes each buffer, and the last that reads it."""
    first: dict[Value, int] = {}
    last: dict[Value, int] = {}
    for index, s in enumerate(out.items):
        i = out.time(index)
        for op in s.ops:
            for v in op.inputs():
                last |= dict.fromkeys(out.lies_in(v), i)
        for v in s.results():
            first[v] = i
            last[v] = max(i, last.get(v, i))
    end = out.time(len(out.items) - 1) + 1 if out.items else 0
    for v in program.outputs:
        if type(v) is Value:
            last |= dict.fromkeys(out.lies_in(v), end)
    return first, last


def make_plan(
    program: Program,
    out: Statements,
    donated: set[int],
    replaced_inputs: dict[int, int],
    *,
    apart: int = 0,
    tight: bool = False,
) -> Plan:
    """Lay out all values.

    Parameters
    ----------
    program, out
        The program and its statements.
    donated : set of int
        Inputs whose arrays may be written to.
    replaced_inputs : dict
        ``replaced_inputs[k]``: the input that output k most resembles.
    apart : int
        Bytes up to which every value has memory of its own: where memory is used again, what could run side by side
        has to wait.
    tight : bool
        Whether small values lie by themselves, if the block is smaller then: one that stays long may otherwise stand
        in the middle of what a large one could take.
    """
    plan = Plan()
    find_aliases(out)
    first, last = lives(program, out)
    kept = stored(program, out)
    maker = {v: s for s in out.items for v in s.results()}
    # in order: a set's would be another in each process, and with it the text of every kernel
    buffered = [v for v, s in maker.items() if v in kept and s.method != "call"]
    plan.own = set(buffered)
    results = {v for v in program.outputs if type(v) is Value}
    taken: set[int] = {v.input_index for v in results if v.input_index >= 0}
    for k, v in enumerate(program.outputs):
        if type(v) is not Value or v not in plan.own or v in plan.outputs:
            continue
        plan.outputs[v] = k
        input_index = replaced_inputs.get(k, -1)
        if (
            input_index in donated
            and input_index not in taken
            and _may_replace(program.inputs[input_index], v, out, first, last, maker)
        ):
            plan.donated[v] = input_index
            plan.replaced.add(program.inputs[input_index])
            taken.add(input_index)
    inside = [v for v in buffered if v not in plan.outputs]
    if sum(-(-v.nbytes // ALIGN) * ALIGN for v in inside) <= apart:
        for v in inside:
            plan.offsets[v] = plan.size
            plan.size += -(-v.nbytes // ALIGN) * ALIGN
    else:
        _lay_out(plan, inside, out, first, last, maker)
        if tight:
            other = Plan()
            small = [v for v in inside if v.nbytes <= SMALL]
            _lay_out(other, small, out, first, last, maker)
            _lay_out(
                other, [v for v in inside if v.nbytes > SMALL], out, first, last, maker, other.size
            )
            if other.size < plan.size:
                plan.offsets, plan.size, plan.heirs = other.offsets, other.size, other.heirs
    return plan


def _may_replace(
    old: Value,
    new: Value,
    out: Statements,
    first: dict[Value, int],
    last: dict[Value, int],
    maker: dict[Value, Statement],
) -> bool:
    """Whether `new` may be written over `old`: an array of the same shape and dtype that is never read afterwards."""
    if old.value_type != ARRAY or old.shape != new.shape or old.dtype != new.dtype:
        return False
    end = last.get(old, -1)
    if end < first[new]:
        return True
    return (
        end == first[new]
        and _alone(out, maker[new], old, end)
        and elementwise_in(out, maker[new], old, new)
    )


def _alone(out: Statements, s: Statement, old: Value, time: int) -> bool:
    """Whether, of what is done at the same time, one statement alone reads `old`."""
    if not out.times:
        return True
    others = [x for i, x in enumerate(out.items) if out.times[i] == time and x is not s]
    return not any(old in out.read(x) for x in others)


def elementwise_in(out: Statements, s: Statement, old: Value, new: Value) -> bool:
    """Whether a statement reads `old` at the element alone at which it writes `new`."""
    if s.shared or any(old in out.alias.get(out.root(v), ()) for op in s.ops for v in op.inputs()):
        return False  # a view may have its elements in another order
    if s.start is not None:
        return s.start[0] is old and all(out.root(v) is not old for v in s.op.inputs())
    if s.method == "into":
        if s.op.name not in IN_PLACE:
            return False
    elif s.method == "blocks":
        positions = {op.result: i for i, op in enumerate(s.ops)}
        readers = [i for i, op in enumerate(s.ops) if any(out.root(v) is old for v in op.inputs())]
        if new not in positions or readers[-1] > positions[new]:
            return False  # each operation is done on a whole block before the next
    elif s.method != "loop" or new not in s.made:
        return False
    return all(
        _is_whole(out, v, old) and old.shape == new.shape
        for op in s.ops
        for v in op.inputs()
        if out.root(v) is old
    )


def _is_whole(out: Statements, v: Value, old: Value) -> bool:
    """Whether `v` is `old`, or the same elements in the same order under another name."""
    return v is old or (
        v.shape == old.shape
        and out.refs[v].offset == 0
        and not out.refs[v].inside
        and out.refs[v].strides == contiguous(old.shape)
    )


IN_PLACE = frozenset(
    """add subtract multiply divide negative exp log sqrt tanh relu abs maximum minimum sin cos expm1 log1p sigmoid pow
    relu_vjp copied""".split()  # noqa: SIM905 - a table
)


def _lay_out(
    plan: Plan,
    values: list[Value],
    out: Statements,
    first: dict[Value, int],
    last: dict[Value, int],
    maker: dict[Value, Statement],
    base: int = 0,
) -> None:
    """First fit from `base` on over the intervals, in the order in which they begin."""
    spans: list[tuple[int, int]] = [(0, base)] if base else []  # bytes that are taken, in order
    ending: dict[int, list[Value]] = {}  # values by the last statement that reads them
    now = -1
    inherited: set[Value] = set()
    for v in sorted(values, key=lambda v: first[v]):
        start = first[v]
        for i in range(now, start):
            for gone in ending.pop(i, ()):
                low = plan.offsets[gone]
                spans.pop(bisect.bisect_left(spans, (low, low + gone.nbytes)))
        if start != now:
            now, inherited = start, set()
        heirs = (
            old
            for old in ending.get(start, ())
            if old.shape == v.shape
            and old.dtype == v.dtype
            and (first[old] < start or (first[old] == start and old in out.read(maker[v])))
        )
        old = next(
            (x for x in heirs if x not in inherited and _heir(out, maker[v], x, v, start)), None
        )
        if old is not None:
            inherited.add(old)
            plan.heirs[v] = plan.heirs.get(old, old)
        offset = _gap(spans, v.nbytes) if old is None else plan.offsets[old]
        plan.offsets[v] = offset
        ending.setdefault(last[v], []).append(v)
        bisect.insort(spans, (offset, offset + v.nbytes))
        plan.size = max(plan.size, offset + v.nbytes)


def _heir(out: Statements, s: Statement, old: Value, new: Value, time: int) -> bool:
    return elementwise_in(out, s, old, new) and _alone(out, s, old, time)


def _gap(taken: list[tuple[int, int]], size: int) -> int:
    """The lowest aligned offset at which `size` bytes are free; `taken` is in order."""
    offset = 0
    for low, high in taken:
        if low - offset >= size:
            return offset
        if high > offset:
            offset = -(-high // ALIGN) * ALIGN
    return offset
