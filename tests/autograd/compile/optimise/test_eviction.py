"""A way through a program within a limit: what is read is there, and no more is kept than the limit."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.autograd.compile.optimise.eviction import NEVER, Eviction

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
