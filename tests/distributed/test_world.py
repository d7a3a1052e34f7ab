"""Tests of distributed/world.py: what there is before `init`, within `simulate`, and what `init` refuses."""

from __future__ import annotations

import importlib
import warnings

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


def test_a_collective_of_a_process_that_has_not_joined_the_others_warns(monkeypatch):
    """Under mpirun and without `init` each process is a world of its own, which nothing else would tell."""
    # the package's attribute of this name is the function
    module = importlib.import_module("pullback.distributed.world")
    monkeypatch.setattr(module, "STARTED", [])
    step = d.data_parallel(lambda w, x: pb.xp.mean(x @ w))
    calls = [
        lambda: d.all_reduce(np.ones(2)),
        lambda: d.replicate(np.ones(2)),
        lambda: step(np.ones(2), np.ones((3, 2))),
    ]
    for call in calls:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            call()  # one process without a launcher
            with monkeypatch.context() as patch:
                patch.setenv("OMPI_COMM_WORLD_SIZE", "2")
                assert d.size() == 1  # asking is no error: the command line does
                assert d.simulate(lambda: d.all_reduce(1.0), 2) == [2.0, 2.0]
                with pytest.raises(RuntimeWarning, match=r"2 processes.*distributed\.init"):
                    call()
