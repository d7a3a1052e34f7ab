"""Tests of `autograd/compile/cpu/native/scratch.py`."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native import scratch
from pullback.autograd.compile.cpu.native.scratch import borrowed


@pytest.fixture(autouse=True)
def of_its_own(monkeypatch):
    monkeypatch.setattr(scratch, "_free", [])


def test_two_arrays_apart_at_lines_of_the_cache():
    for dtype in (np.float32, np.float64):
        with borrowed(7, dtype) as (a, b):
            assert a.shape == b.shape == (7,)
            assert a.dtype == b.dtype == dtype
            assert not np.may_share_memory(a, b)
            assert all(x.__array_interface__["data"][0] % 64 == 0 for x in (a, b))


def test_memory_is_used_again_unless_it_is_in_use():
    with borrowed(100, np.float64) as (a, _):
        place = a.__array_interface__["data"][0]
        with borrowed(100, np.float64) as (other, _):
            assert not np.may_share_memory(a, other)
    with borrowed(10, np.float32) as (first, _), borrowed(10, np.float32) as (second, _):
        assert place in [x.__array_interface__["data"][0] for x in (first, second)]
    assert len(scratch._free) == 2
    with borrowed(1000, np.float64) as (large, _):
        assert large.shape == (1000,)
    assert len(scratch._free) == 2


def test_it_is_given_back_after_an_error():
    with pytest.raises(ValueError, match="no"), borrowed(3, np.float32):
        raise ValueError("no")
    assert len(scratch._free) == 1
