"""The schedule of a program on a CUDA device: slots, which run one after another.

A slot is one call, one matrix product, or one kernel launch. All loops that need nothing from each other go into one
launch, whatever their shapes: so the updates of all parameters are one kernel, and it is often one that something
else needs anyway.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..ir.program import Value
from ..optimise.fuse import REDUCTIONS, Statement, Statements
from .parts import Part, may_follow, new_part, reduced_axes

LARGEST = 400  # operations in one kernel


@dataclass(eq=False)
class Slot:
    """One step of the device.

    Attributes
    ----------
    statement : Statement or None
        A call or a product.
    parts : list of Part
        Otherwise, what one kernel does.
    """

    statement: Statement | None = None
    parts: list[Part] = field(default_factory=list)

    @property
    def statements(self) -> list[Statement]:
        """The statements that run in it."""
        if self.statement is not None:
            return [self.statement]
        return [s for part in self.parts for s in part.phases]


def split_reductions(out: Statements) -> None:
    """Give reductions over other axes than their loop's first one a loop of their own."""
    items: list[Statement] = []
    for s in out.items:
        items.append(s)
        if s.method != "loop":
            continue
        by_axes: dict[frozenset[int], Statement] = {}
        for op in [op for op in s.ops if op.name in REDUCTIONS]:
            axes = reduced_axes(op)
            if not by_axes:
                by_axes[axes] = s
            elif axes not in by_axes:
                by_axes[axes] = Statement("loop", [], s.shape)
                items.append(by_axes[axes])
            if by_axes[axes] is not s:
                s.ops.remove(op)
                by_axes[axes].ops.append(op)
    out.items = items


def schedule(out: Statements) -> list[Slot]:
    """The slots of a program; `out.items` is brought into their order, with the time of each."""
    split_reductions(out)
    slots: list[Slot] = []
    time: dict[Statement, int] = {}
    maker: dict[Value, Statement] = {}
    home: dict[Statement, Part] = {}
    for i, s in enumerate(out.items):
        needs = {maker[out.root(v)] for op in s.ops for v in op.inputs() if out.root(v) in maker}
        floor = max((out.floors.get(v, 0) for op in s.ops for v in op.inputs()), default=0)
        before = max((time[x] for x in out.items[: min(floor, i)]), default=-1) if floor else -1
        if s.method != "loop":
            time[s] = len(slots)
            slots.append(Slot(s))
        else:
            time[s] = _assign_slot(out, slots, s, needs, time, home, before)
        maker |= dict.fromkeys(s.results(), s)
    _sink(out, slots, time, maker)
    order = sorted(out.items, key=lambda s: time[s])  # stable: phases stay in order
    out.items, out.times = order, [time[s] for s in order]
    for s, part in home.items():
        s.shared = part.by_row(s.shape)
    return slots


def _assign_slot(
    out: Statements,
    slots: list[Slot],
    s: Statement,
    needs: set[Statement],
    time: dict[Statement, int],
    home: dict[Statement, Part],
    before: int,
) -> int:
    """Put a loop into a slot: behind the loop that makes its operand, beside others, or alone."""
    latest = max((time[x] for x in needs), default=-1)
    for part in dict.fromkeys(home[x] for x in needs if time[x] == latest and x in home):
        same = {x for x in needs if time[x] == latest}
        if latest > before and same <= set(part.phases) and _widened(part, s, out):
            part.phases.append(s)
            home[s] = part
            return latest
    part = home[s] = new_part(s)
    for i in range(max(latest, before) + 1, len(slots)):
        slot = slots[i]
        if slot.statement is None and _size(slot) + len(s.ops) <= LARGEST:
            slot.parts.append(part)
            return i
    slots.append(Slot(None, [part]))
    return len(slots) - 1


def _sink(
    out: Statements, slots: list[Slot], time: dict[Statement, int], maker: dict[Value, Statement]
) -> None:
    """Dissolve kernels all of whose parts can wait for a later one."""
    needed: dict[Statement, int] = {}  # when a result is read first
    for s in out.items:
        for op in s.ops:
            for v in op.inputs():
                source = maker.get(out.root(v))
                if source is not None and time[source] != time[s]:
                    needed[source] = min(needed.get(source, len(slots)), time[s])
    for i, slot in enumerate(slots):
        if slot.statement is not None:
            continue
        later = [_later(slots, i, part, needed) for part in slot.parts]
        if not all(later):
            continue
        for part, k in zip(slot.parts, later, strict=True):
            slots[k].parts.append(part)
            time |= dict.fromkeys(part.phases, k)
        slot.parts = []
    kept = [slot for slot in slots if slot.statement is not None or slot.parts]
    for i, slot in enumerate(kept):
        time |= dict.fromkeys(slot.statements, i)
    slots[:] = kept


def _later(slots: list[Slot], i: int, part: Part, needed: dict[Statement, int]) -> int:
    """The next kernel before anything needs what a part makes; 0 if there is none."""
    end = min((needed[s] for s in part.phases if s in needed), default=len(slots))
    size = sum(len(s.ops) for s in part.phases)
    for k in range(i + 1, end):
        if slots[k].parts and _size(slots[k]) + size <= LARGEST:
            return k
    return 0


def _widened(part: Part, s: Statement, out: Statements) -> bool:
    """Whether a loop can follow in a part; a part without reductions may become one with them."""
    if may_follow(part, s, out):
        return True
    reductions = [op for op in s.ops if op.name in REDUCTIONS]
    if part.reduced or not reductions or s.shape != part.shape:
        return False
    wider = Part(part.shape, reduced_axes(reductions[0]), part.phases)
    if not may_follow(wider, s, out):
        return False
    part.reduced = wider.reduced
    return True


def _size(slot: Slot) -> int:
    return sum(len(s.ops) for part in slot.parts for s in part.phases)
