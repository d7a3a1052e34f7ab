"""Tests of `backend/cuda/driver.py`, on the mocks of `_graph_runtime.py`."""

from __future__ import annotations

import re
import threading

import numpy as np
import pytest

from pullback.backend.cuda import driver

from . import test_graph_runtime
from ._graph_runtime import (
    CONTEXT,
    FAKE,
    Array,
    runtime,  # noqa: F401 - a fixture
)
from .test_kernels import _compile

assert test_graph_runtime  # which gives the mock its streams


@pytest.mark.parametrize("count", [1, driver.WORDS, 2 * driver.WORDS + 3])
def test_words_are_taken_when_the_call_returns(runtime, count):  # noqa: F811 - a fixture
    """What is written into the host's array afterwards is not sent."""
    host = np.arange(count) - 2**62
    out = np.full(count + 1, 7, np.int64).view(Array)
    runtime.upload(out, host)
    wanted, host[:] = host.copy(), 0
    FAKE.cuda.current.synchronize()
    np.testing.assert_array_equal(out[:count], wanted)
    assert out[count] == 7


def test_a_thread_that_only_launches_kernels_has_a_context(runtime, monkeypatch):  # noqa: F811 - a fixture
    monkeypatch.setenv("PULLBACK_GRAPHS", "0")
    segment = runtime.segment([test_graph_runtime._add()], runtime.memory(256), 2, ["in", "inout"])
    x, y = np.ones(1).view(Array), np.zeros(1).view(Array)
    failed = []

    def call():
        assert not hasattr(CONTEXT, "bound")
        try:
            segment(x, y)
        except AssertionError as error:
            failed.append(error)

    for _ in range(2):
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    FAKE.cuda.current.synchronize()
    assert (failed, y[0]) == ([], 2)


def test_the_kernel_is_compiled_once(runtime):  # noqa: F811 - a fixture
    for _ in range(2):
        runtime.upload(np.zeros(1).view(Array), np.zeros(1))
    assert FAKE.compiled == [driver.SOURCE]


@pytest.mark.cupy
def test_the_kernel_compiles_and_keeps_its_parameters_where_they_are():
    """Words that are picked by the number of a thread would otherwise be copied to local memory."""
    ptx, _ = _compile(driver.SOURCE)
    assert re.search(r"\.entry send_words\b", ptx)
    assert ".local" not in ptx
