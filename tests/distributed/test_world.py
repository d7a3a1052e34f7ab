"""Tests of distributed/world.py: what there is before `init`, within `simulate`, and what `init` refuses."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback import distributed as d
from pullback.distributed.communicators import threads
from pullback.distributed.world import _STARTERS


def test_a_world_of_one_before_init():
    assert (d.rank(), d.size()) == (0, 1)
    assert d.world() is not d.world()  # nothing is kept


def test_init_within_simulate_is_the_simulated_world():
    def run():
        return d.init("mpi") is d.world(), d.init("mpi").name, d.size()

    assert d.simulate(run, 2) == [(True, "threads", 2)] * 2
    assert not threads.STARTED


def test_init_makes_a_world_once(monkeypatch):
    made = []
    recorded = pb.compile(lambda x: d.all_reduce(x), fast=False)
    recorded(np.ones(2))  # in the world of one rank that there is before

    def start(timeout):
        made.append(timeout)
        return threads.alone()

    monkeypatch.setitem(_STARTERS, "threads", start)
    try:
        first = d.init("threads", timeout=3)
        assert d.init("threads") is first is d.world()
        assert made == [3]
        check_another_kind()
        assert float(d.all_reduce(2.0)) == 2
        with pytest.raises(d.DistributedError, match="belongs to rank 0 of another world"):
            recorded(np.ones(2))
    finally:
        threads.STARTED.clear()


def check_another_kind():
    with pytest.raises(
        d.DistributedError, match=r"init\('mpi'\): the world is <threads: rank 0 of 1> already"
    ):
        d.init("mpi")


def test_an_unknown_kind():
    with pytest.raises(ValueError, match="kind='gloo' is none of 'mpi'"):
        d.init("gloo")


def test_it_is_loaded_on_demand():
    assert "distributed" in dir(pb)
    assert set(dir(d)) == set(d.__all__)
