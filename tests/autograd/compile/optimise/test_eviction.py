"""A way through a program within a limit: what is read is there, and no more is kept than the limit."""

from __future__ import annotations

import random

import pytest

import pullback as pb
from pullback.autograd.compile.optimise.eviction import NEVER, Eviction
from pullback.autograd.compile.optimise.recompute_graph import Graph, Step

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._recompute import Laid, chain, loss

UNIT = 16 * 8 * 8


def followed(graph, way):
    """The most bytes that are alive, where each value lives until it is read last; every read finds its value."""
    made: dict[int, int] = {}
    last: dict[tuple[int, int], int] = {}
    for time, (index, again) in enumerate(way.done):
        step = graph.steps[index]
        for v in step.reads:
            last[v, made[v]] = time
        for w in step.makes if again is None else again:
            made[w] = time
            last[w, time] = time
    ends: dict[int, list[int]] = {}
    for (v, _), time in last.items():
        ends.setdefault(time, []).append(v)
    starts: dict[int, list[int]] = {}
    for v, time in last:
        starts.setdefault(time, []).append(v)
    alive = most = 0
    for time in range(len(way.done)):
        alive += sum(graph.size[v] for v in starts.get(time, ()))
        most = max(most, alive)
        alive -= sum(graph.size[v] for v in ends.get(time, ()))
    return most


@pytest.mark.parametrize("units", [6, 8, 12, 20])
def test_every_read_finds_its_value_within_the_limit(units):
    graph = Laid(pb.grad(loss), *chain(16)).graph()
    way = Eviction(graph, units * UNIT)
    assert way.run()
    assert way.peak <= units * UNIT
    # an operand that gives its place is counted twice here
    assert followed(graph, way) <= (units + 1) * UNIT
    first = [i for i, again in way.done if again is None]
    assert first == list(range(len(graph.steps)))
    done_again = [graph.steps[i].cost for i, again in way.done if again is not None]
    assert way.cost == pytest.approx(sum(done_again))


def test_less_memory_costs_more_time():
    graph = Laid(pb.grad(loss), *chain(36)).graph()
    costs = []
    for limit in (NEVER, 60 * UNIT, 30 * UNIT, 15 * UNIT, 9 * UNIT):
        way = Eviction(graph, limit)
        assert way.run()
        costs.append(way.cost)
    assert costs[0] == 0
    assert costs == sorted(costs)
    plain = sum(step.cost for step in graph.steps)
    assert costs[3] < plain / 3  # one more forward pass


def test_a_limit_without_a_way():
    graph = Laid(pb.grad(loss), *chain(4)).graph()
    assert not Eviction(graph, UNIT).run()
    assert not Eviction(graph, 0).run()


def test_groups_are_the_values_that_are_forgotten_side_by_side():
    graph = Laid(pb.grad(loss), *chain(16)).graph()
    way = Eviction(graph, 10 * UNIT)
    assert way.run()
    for g, members in way.members.items():
        assert all(way.group[v] == g and not way.resident[v] for v in members)
        cost = sum(graph.steps[s].cost for s in {graph.maker[v] for v in members})
        assert way.group_cost[g] == pytest.approx(cost)
    assert not any(way.waiting)


class Watched(Eviction):
    """A way that looks at each step whether what it says of the values is so."""

    def _lock(self, v, by):
        super()._lock(v, by)
        assert by > 0 or self.resident[v]

    def _forget_if_done(self, v):
        assert self.resident[v]
        super()._forget_if_done(v)

    def _around(self, v):
        assert self.resident[v]  # nothing is done to price what is not there
        return super()._around(v)

    def _make(self, index, new, makes):
        for v in self.graph.steps[index].reads:
            assert self.resident[v]
        assert not any(self.resident[w] for w in new)
        found = super()._make(index, new, makes)
        there = [v for v, resident in enumerate(self.resident) if resident]
        assert self.used == sum(self.graph.size[v] for v in there)
        assert all(self.resident[v] for v in self.free.nonzero()[0])
        return found


def drawn(rng):
    """A graph of steps that make several values, some of them views of others, and some once."""
    graph = Graph([], [], [], [], [], [])
    for i in range(rng.randint(3, 25)):
        known = range(len(graph.size))
        reads = set(rng.sample(known, min(len(known), rng.randint(0, 3))))
        reads.update(v for v in known if reads.intersection(graph.over[v]))
        makes = tuple(range(len(known), len(known) + rng.randint(1, 3)))
        for w in makes:
            graph.values.append(w)
            graph.size.append(rng.choice((0, 64, 64, 128, 256)))
            graph.maker.append(i)
            graph.uses.append([])
            graph.over.append(())
        for v in sorted(reads):
            graph.uses[v].append(i)
        if reads and rng.random() < 0.2:
            graph.over[min(reads)] += (makes[0],)
        step = Step([], None, tuple(sorted(reads)), makes, cost=rng.random())
        step.repeatable = rng.random() < 0.9
        graph.steps.append(step)
    return graph


def test_what_is_counted_is_what_is_there():
    """Of steps of several values of which some are there, and of views that went before what they are views of."""
    again = 0
    for seed in range(150):
        rng = random.Random(seed)
        graph = drawn(rng)
        way = Watched(graph, NEVER)
        assert way.run()
        for part in (0.8, 0.6, 0.4):
            within = Watched(graph, int(way.peak * part), rng.choice((1.0, 0.5)))
            if within.run():
                assert within.peak <= within.limit
                again += sum(values is not None for _, values in within.done)
    assert again > 100


def test_a_change_ends_at_what_is_there():
    """In a chain, the price of a value depends on what is forgotten up to the next one that is there."""
    steps = [Step([], None, (i - 1,) if i else (), (i,), repeatable=True) for i in range(4)]
    graph = Graph(steps, list(range(4)), [64] * 4, list(range(4)), [[1], [2], [3], []], [()] * 4)
    way = Eviction(graph, NEVER)
    way.made, way.resident = [True] * 4, [True, False, True, True]
    way._touch((0,))
    assert way.dirty == {0, 2}
