"""When a state is written."""

from __future__ import annotations

import time

import pytest

from pullback.train.fitting import keeping
from pullback.train.fitting.keeping import Keeper, check_every


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless it is moved."""
    now = [100.0]
    monkeypatch.setattr(keeping.time, "monotonic", lambda: now[0])
    yield now
    assert time.monotonic() == now[0]


def test_it_is_due_every_few_seconds(clock):
    written = []
    keeper = Keeper(lambda *args: written.append(args), lambda: f"random {clock[0]}", 5.0)
    clock[0] = 104.9
    assert not keeper.due()
    keeper.begin(2)
    clock[0] = 105.0
    assert keeper.due()
    keeper.save(1, 7)
    assert written == [(1, 7, "random 104.9")]
    assert not keeper.due()
    clock[0] = 110.0
    assert keeper.due()


def test_slow_writing_takes_two_percent_of_the_time(clock):
    def write(*args):
        clock[0] += 1.0

    keeper = Keeper(write, lambda: None, 5.0)
    keeper.save(0, 0)
    clock[0] = 150.9
    assert not keeper.due()
    clock[0] = 151.0
    assert keeper.due()


def test_every_0_is_always(clock):
    def write(*args):
        clock[0] += 1.0

    keeper = Keeper(write, lambda: None, 0)
    assert keeper.due()
    keeper.save(0, 1)
    assert keeper.due()


@pytest.mark.parametrize("every", [-1, float("nan"), float("inf"), "5", True, None])
def test_seconds_are_checked(every):
    with pytest.raises(ValueError, match="every="):
        check_every(every)
