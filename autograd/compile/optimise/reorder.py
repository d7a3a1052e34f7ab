"""Steps that are done earlier, where that frees memory and costs nothing: updates as soon as their gradient is there.

A training step computes all gradients and then all updates, so that every gradient is kept until the last one is
there. What an update needs besides are parameters and state of its own.
"""

from __future__ import annotations

from ..ir.elementwise import is_elementwise
from .eviction import Done
from .fuse import Statements
from .memory_plan import Plan
from .recompute_graph import Graph, Step

SMALL = 1 << 12  # bytes of values that may be made early, whatever it saves


def early_order(graph: Graph, out: Statements, plan: Plan) -> list[int]:
    """The steps in an order in which what makes results alone comes as early as it can."""
    early = _early(graph)
    written = {v: plan.donated[v] for v in plan.donated}
    readers: dict[int, list[int]] = {}  # of each input, by its index
    for i, step in enumerate(graph.steps):
        for index in _inputs(step, out):
            readers.setdefault(index, []).append(i)
    # the step behind which each is done; one that stays is behind itself
    place: list[int] = []
    for i, step in enumerate(graph.steps):
        if not early[i]:
            place.append(i)
            continue
        after = [place[graph.maker[v]] for v in step.reads]
        for w in step.makes:
            replaced = written.get(graph.values[w])
            if replaced is not None:  # all others read the old one first
                after += [place[j] for j in readers.get(replaced, ()) if j < i]
        place.append(max(after, default=0))
    for i in range(len(place) - 1, -1, -1):
        makes = graph.steps[i].makes
        uses = [place[s] if early[s] else s - 1 for w in makes for s in graph.uses[w]]
        if early[i] and uses and all(graph.size[w] for w in makes):
            place[i] = max(place[i], min(uses))  # what an update alone needs, not before it
    return sorted(range(len(place)), key=lambda i: (place[i], early[i], i))


def updates_after_reads(graph: Graph, out: Statements, plan: Plan, done: list[Done]) -> list[Done]:
    """The steps with what is written in place of a donated argument behind all that reads the argument.

    A value that is computed again may need a parameter after its update was done in the program as it was.
    """
    reads = [_inputs(step, out) for step in graph.steps]
    last: dict[int, int] = {}
    for position, (i, _) in enumerate(done):
        last |= dict.fromkeys(reads[i], position)
    places: list[tuple[int, int]] = []
    for position, (i, again) in enumerate(done):
        place = position
        makes = graph.steps[i].makes
        if again is None and makes and not any(graph.uses[w] for w in makes):
            written = (plan.donated.get(graph.values[w]) for w in makes)
            place = max(place, *(last.get(k, 0) for k in written if k is not None), 0)
        places.append((place, position))
    order = sorted(range(len(done)), key=lambda k: (places[k][0], places[k][0] != k, k))
    return [done[k] for k in order]


def _inputs(step: Step, out: Statements) -> set[int]:
    """The arguments that a step reads, by their indices."""
    return {out.root(v).input_index for op in step.ops for v in op.inputs()} - {-1}


def _early(graph: Graph) -> list[bool]:
    """Whether a step makes results of the program, is elementwise and needed for those alone, or next to nothing."""
    early = [False] * len(graph.steps)
    for i in range(len(graph.steps) - 1, -1, -1):
        step = graph.steps[i]
        if not (step.repeatable or step.statement.start is not None or _copies(step)):
            continue
        elementwise = all(map(is_elementwise, step.ops))
        early[i] = all(
            not graph.size[w] or (elementwise and graph.uses[w] and all(early[s] for s in graph.uses[w]))
            for w in step.makes
        )  # fmt: skip
        size = sum(graph.size[v] for v in (*step.reads, *step.makes))
        early[i] = early[i] or (step.repeatable and size <= SMALL)
    return early


def _copies(step: Step) -> bool:
    return all(op.name == "copied" for op in step.ops)
