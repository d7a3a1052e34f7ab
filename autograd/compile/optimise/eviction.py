"""Which values to forget, and when to compute them again: a program is gone through within a limit of memory.

When the next value does not fit, the value goes that costs least to compute again for its bytes and for the time until
it is needed: Kirisame et al., Dynamic tensor rematerialization, ICLR 2021, which uses the time since the last use,
where here the future is known. What a value costs includes the forgotten values next to it: to compute it again, those
that it is made of have to be computed again as well, and it is one more step on the way to those that are made of it.
Neighbours that are forgotten are kept in groups, whose costs are sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from .recompute_graph import Graph

NEVER = 1 << 40  # later than all steps
# Values of one chain that are computed again for another one; a longer chain is not looked at.
LONGEST = 64

# A step, and the values that it makes once more; None where it is done for the first time.
Done = tuple[int, tuple[int, ...] | None]


class Eviction:
    """One way through a program.

    Parameters
    ----------
    graph : Graph
    limit : int
        The most bytes of values.
    power : float
        Of the costs, where they are weighed against bytes and time: with 1/2, values that are near their next use stay
        rather than those that are dear, which is better where few are dear (a transformer's products).

    Attributes
    ----------
    done : list of (int, tuple of int or None)
        The steps in their order, with those that are done again.
    peak : int
        The most bytes that values take.
    cost : float
        The estimated seconds of the steps that are done again.
    """

    def __init__(self, graph: Graph, limit: int, power: float = 1.0) -> None:
        n = len(graph.values)
        self.graph, self.limit, self.power = graph, limit, power
        self.done: list[Done] = []
        self.used = self.peak = 0
        self.cost = 0.0
        self.now = 0
        self.next = [0] * n  # the position in `uses` of the next one
        self.resident = [False] * n
        self.made = [False] * n  # at least once
        self.waiting = [0] * n  # the steps that are about to read it
        self.held = [False] * n  # needed for what is forgotten, and not to be had again
        self.group: dict[int, int] = {}  # of what is forgotten
        self.members: dict[int, set[int]] = {}
        self.groups = 0
        self.group_cost: dict[int, float] = {}
        self.dirty: set[int] = set()
        # for the choice, of all values at once
        self.price = np.full(n, np.inf)
        self.bytes = np.asarray([max(size, 1) for size in graph.size], float)
        self.soon = np.asarray([uses[0] if uses else NEVER for uses in graph.uses], float)
        self.free = np.zeros(n, bool)  # resident, and nobody waits for it
        self.may_go = self._may_go()
        self.views = {w for over in graph.over for w in over}

    def _may_go(self) -> list[bool]:
        graph = self.graph

        def again(v: int) -> bool:
            return graph.steps[graph.maker[v]].repeatable

        return [
            graph.size[v] > 0 and again(v) and all(map(again, graph.over[v]))
            for v in range(len(graph.values))
        ]

    # ── the way through ───────────────────────────────────────────────────────────────────────

    def run(self) -> bool:
        """Go through the program; False where the limit is too small for it."""
        graph = self.graph
        for self.now, step in enumerate(graph.steps):
            for v in step.reads:
                self._lock(v, 1)
            if not all(self.resident[v] or self._bring(v) for v in step.reads):
                return False
            for v in step.reads:
                while self.next[v] < len(graph.uses[v]) and graph.uses[v][self.next[v]] <= self.now:
                    self.next[v] += 1
                self.soon[v] = self._next_use(v)
            if not self._make(self.now, step.makes, step.makes):
                return False
            self.done.append((self.now, None))
            for v in step.reads:
                self._lock(v, -1)
            for v in (*step.reads, *step.makes):
                self._forget_if_done(v)
        return True

    def _next_use(self, v: int) -> int:
        uses, k = self.graph.uses[v], self.next[v]
        return uses[k] if k < len(uses) else NEVER

    def _lock(self, v: int, by: int) -> None:
        self.waiting[v] += by
        self.free[v] = not self.waiting[v]  # a step has what it reads when it unlocks it

    def _bring(self, v: int) -> bool:
        """Compute a value again, and before it what it needs."""
        graph = self.graph
        stack: list[tuple[int, set[int]]] = [(v, set())]  # a value, and what it waits for
        while stack:
            # It is still missing: since it came onto the stack, only what it is made of was computed.
            w, locked = stack[-1]
            index = graph.maker[w]
            step = graph.steps[index]
            if not step.repeatable:
                return False
            for u in step.reads:
                if u not in locked:
                    locked.add(u)
                    self._lock(u, 1)
            missing = next((u for u in step.reads if not self.resident[u]), None)
            if missing is not None:
                stack.append((missing, set()))
                continue
            new = tuple(
                u for u in step.makes
                if not self.resident[u] and (self.waiting[u] or self._next_use(u) < NEVER)
            )  # fmt: skip
            if not self._make(index, new, step.makes):
                return False
            self.done.append((index, new))
            self.cost += step.cost
            stack.pop()
            for u in locked:
                self._lock(u, -1)
            for u in locked:
                self._forget_if_done(u)
        return True

    def _make(self, index: int, new: tuple[int, ...], makes: tuple[int, ...]) -> bool:
        """Find room for what a step makes."""
        graph = self.graph
        heirs = graph.steps[index].heirs
        taken: set[int] = set()
        need = 0
        for w in new:
            # an operand that nobody reads afterwards gives its place
            old = next(
                (
                    v for v in heirs.get(w, ())
                    if v not in taken and self.waiting[v] == 1 and self._next_use(v) == NEVER
                ), None,
            )  # fmt: skip
            if old is None:
                need += graph.size[w]
            else:
                taken.add(old)
        while self.used + need > self.limit:
            if not self._evict():
                return False
        self.peak = max(self.peak, self.used + need)
        for w in new:
            self._appear(w)
        return True

    # ── what is there ─────────────────────────────────────────────────────────────────────────

    def _appear(self, v: int) -> None:
        self.resident[v] = self.made[v] = True
        self.used += self.graph.size[v]
        self.free[v] = not self.waiting[v]
        self._leave_group(v)
        self._touch((v,))

    def _disappear(self, v: int) -> None:
        self.resident[v] = self.free[v] = False
        self.used -= self.graph.size[v]

    def _forget_if_done(self, v: int) -> None:
        """Free a value that is not read any more; if others that are forgotten are made of it, it is one of them."""
        graph = self.graph
        if self.waiting[v] or self._next_use(v) < NEVER or self.held[v]:
            return
        if not graph.size[v] and v not in self.views:
            return  # the caller's, or a number
        groups = {self.group[w] for w in graph.children(v) if w in self.group}
        if groups and not graph.steps[graph.maker[v]].repeatable:
            self.held[v] = True
            return
        self._disappear(v)
        if groups:
            self._join({v}, groups)
        self._touch((v,))

    # ── what to forget ────────────────────────────────────────────────────────────────────────

    def _evict(self) -> bool:
        """Forget the value that is worth least; False where there is none."""
        self._update()
        with np.errstate(invalid="ignore"):
            score = np.where(
                self.free,
                self.price**self.power / (self.bytes * (self.soon - self.now + 1)),
                np.inf,
            )
        if not len(score):
            return False
        v = int(np.argmin(score))
        if not math.isfinite(score[v]):
            return False
        if any(self.waiting[w] for w in self.graph.over[v]):
            self.price[v] = np.inf
            return True
        alone, groups = self._around(v)
        for w in (v, *self.graph.over[v]):
            if self.resident[w]:
                self._disappear(w)
        self._join({*alone, v}, groups)
        self._touch((v,))
        return True

    def _around(self, v: int) -> tuple[list[int], set[int]]:
        """What has to be computed again before `v`, and the groups that it would belong to."""
        graph = self.graph
        alone: list[int] = []
        groups: set[int] = set()
        seen, stack = {v}, [v]
        while stack:
            for u in graph.parents(stack.pop()):
                if u in seen or self.resident[u]:
                    continue
                seen.add(u)
                if u in self.group:
                    groups.add(self.group[u])
                else:
                    alone.append(u)
                    stack.append(u)
            if len(alone) > LONGEST:
                break
        groups.update(self.group[w] for w in graph.children(v) if w in self.group)
        return alone, groups

    def _update(self) -> None:
        """The prices of the values whose neighbours have changed."""
        graph = self.graph
        for v in self.dirty:
            if not self.resident[v] or not self.may_go[v]:
                continue
            alone, groups = self._around(v)
            makers = {graph.maker[u] for u in alone}
            if len(alone) > LONGEST or not all(graph.steps[s].repeatable for s in makers):
                self.price[v] = np.inf
                continue
            self.price[v] = graph.steps[graph.maker[v]].cost + sum(
                graph.steps[s].cost for s in makers
            )
            self.price[v] += sum(self.group_cost[g] for g in groups)
        self.dirty.clear()

    def _touch(self, values: Iterable[int]) -> None:
        """Note that the prices next to these values have changed."""
        graph = self.graph
        for v in values:
            self.dirty.add(v)
            self.dirty.update(graph.parents(v))
            stack = [v]
            seen = {v}
            while stack:  # through what is not there to what is made of it
                for w in graph.children(stack.pop()):
                    if w in seen or not self.made[w]:
                        continue
                    seen.add(w)
                    if self.resident[w]:
                        self.dirty.add(w)
                    elif len(seen) <= LONGEST and w not in self.group:
                        stack.append(w)

    def _join(self, values: set[int], groups: set[int]) -> None:
        """Make one group of values and groups."""
        graph = self.graph
        for g in groups:
            values = values | self.members.pop(g)
            del self.group_cost[g]
        self.groups += 1
        self.members[self.groups] = values
        self.group |= dict.fromkeys(values, self.groups)
        self.group_cost[self.groups] = sum(
            graph.steps[s].cost for s in {graph.maker[v] for v in values}
        )
        self._touch_around(values)

    def _touch_around(self, values: set[int]) -> None:
        graph = self.graph
        for v in values:
            self.dirty.update(graph.parents(v))
            self.dirty.update(graph.children(v))

    def _leave_group(self, v: int) -> None:
        """Take a value out of its group, which may fall into parts."""
        g = self.group.pop(v, None)
        if g is None:
            return
        graph = self.graph
        rest = self.members.pop(g) - {v}
        del self.group_cost[g]
        for w in rest:
            del self.group[w]
        while rest:
            part, stack = set(), [rest.pop()]
            while stack:
                w = stack.pop()
                part.add(w)
                near = {u for u in (*graph.parents(w), *graph.children(w)) if u in rest}
                rest -= near
                stack.extend(near)
            self._join(part, set())
