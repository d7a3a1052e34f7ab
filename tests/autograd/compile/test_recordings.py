"""The warning about recordings: it comes where they take the time, names what changed, and comes once."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile import api

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file


@pytest.fixture
def clock(monkeypatch: Any) -> Any:
    """A clock that goes by one second when it is read, and as a test says."""

    class Clock:
        now = 0.0

        def __call__(self) -> float:
            self.now += 1.0
            return self.now

    found = Clock()
    monkeypatch.setattr(api, "perf_counter", found)
    return found


def call(compiled: Any, *args: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        compiled(*args)
    return [str(w.message) for w in seen]


def test_shapes_warn_once_more_were_recorded_than_are_kept(clock):
    compiled = pb.compile(lambda x: x + 1.0, fast=False, programs=70)
    said = [call(compiled, np.ones(n)) for n in range(1, 75)]
    assert said[:70] == [[]] * 70
    (text,) = said[70]
    assert "recorded 71 times, which takes 50% of the time" in text
    assert "'0' changed from float64[70] to float64[71]" in text
    assert "70 programs used last" in text
    assert said[71:] == [[]] * 3


def test_values_that_are_read_warn_earlier(clock):
    compiled = pb.compile(lambda x, n: x * float(n), fast=False)
    said = [call(compiled, np.ones(2), n) for n in range(67)]
    assert said[:64] == [[]] * 64
    (text,) = said[64]
    assert "'1' changed from 63 to 64; its value is read at" in text
    assert "test_recordings.py" in text


def test_static_values_that_are_new_each_time(clock):
    compiled = pb.compile(lambda f, x: f(x), static_argnums=0, fast=False)
    said = [call(compiled, lambda x: x + 1.0, np.ones(2)) for _ in range(66)]
    assert [len(s) for s in said] == [0] * 64 + [1, 0]


def test_recordings_that_take_little_of_the_time_do_not_warn(clock):
    """One in thousands of calls: a second of every six."""
    compiled = pb.compile(lambda x: x + 1.0, fast=False, programs=3)
    said = []
    for n in range(1, 20):
        said += call(compiled, np.ones(n))
        clock.now += 4.0
    assert said == []
    for n in range(20, 24):  # now they do
        said += call(compiled, np.ones(n))
    assert len(said) == 1


def test_a_structure_that_changes(clock):
    compiled = pb.compile(lambda x: x[0] + 1.0, fast=False, programs=2)
    said = [call(compiled, [np.ones(2)] * n) for n in range(1, 4)]
    assert "the structure of the arguments changed (2 leaves, then 3)" in said[2][0]


def test_forgetting_begins_anew(clock):
    compiled = pb.compile(lambda x: x + 1.0, fast=False, programs=2)
    assert sum(len(call(compiled, np.ones(n))) for n in range(1, 5)) == 1
    compiled.clear()
    assert sum(len(call(compiled, np.ones(n))) for n in range(1, 5)) == 1
