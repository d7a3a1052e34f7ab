"""The order of collectives on a device and the watch over them, on the stand-in."""

from __future__ import annotations

import gc
import threading
import time
import types
import weakref

import numpy as np
import pytest

from pullback.backend.cuda.collectives.lane import Lane
from pullback.backend.cuda.collectives.nccl import Library

from ....standin import cuda, nccl, streams
from ....standin.functions import cupy
from .test_nccl import Failed, made

LIBRARY = Library(cupy, lambda: cuda.nccl)


def lane(timeout=60.0, interval=0.02):
    """A lane that looks often, and what it told."""
    told = []
    return Lane(cupy, timeout, Failed, told.append, interval), told


def pair(timeout=60.0, interval=0.02):
    """Two ranks in this thread: their links, and what each was told."""
    name, found = LIBRARY.unique_id(), [None, None]
    lanes = [lane(timeout, interval) for _ in range(2)]

    def rank(r):
        found[r] = LIBRARY.connect(lanes[r][0], name, r, 2)

    threads = [threading.Thread(target=rank, args=(r,)) for r in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return found, [told for _, told in lanes]


def until(condition, seconds=60.0):
    """Wait for the other thread."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_collective_that_is_not_done_in_time_ends_the_ranks():
    (first, second), (told, others) = pair(timeout=0.3)
    request = first.start_sum(made(np.ones(2)))  # the other rank never comes
    assert not request.test()
    until(lambda: told)
    assert "start_all_reduce is not done after 0.3 s (PULLBACK_DISTRIBUTED_TIMEOUT)" in str(told[0])
    until(lambda: not first.comm.comm)  # aborted
    for call in (request.wait, request.test, lambda: first.sum(made(np.ones(2)))):
        with pytest.raises(Failed, match="a rank is gone, hangs"):
            call()
    until(lambda: others)
    assert "remote process exited" in str(others[0])  # which NCCL tells the rank that is left
    assert not second.comm.comm


def test_a_call_that_hangs_in_nccl_is_given_up():
    (first, second), (told, _) = pair(timeout=0.3)
    with pytest.raises(Failed, match=r"all_reduce is not done after 0\.3 s"):
        first.sum(made(np.ones(2)))  # which the stand-in does at once: it waits in the call
    assert len(told) == 1
    second.lane.abort()


def test_a_start_that_hangs_in_nccl_is_told():
    mine, told = lane(timeout=0.2)
    name, raised = LIBRARY.unique_id(), []

    def rank():
        try:
            LIBRARY.connect(mine, name, 0, 2)
        except Failed as error:
            raised.append(error)

    t = threading.Thread(target=rank, daemon=True)
    t.start()
    until(lambda: told)
    assert "NCCL's start of rank 0 of 2 is not done after 0.2 s" in str(told[0])
    LIBRARY.nccl.NcclCommunicator(2, name, 1)  # lets the thread end: it meets the error
    t.join(10)
    assert raised == told


def test_an_error_of_nccl_s_is_met_by_the_watch():
    (first, second), (told, _) = pair()
    nccl.fail(first.comm, 1)
    until(lambda: told)
    assert "NCCL reports: NCCL_ERROR_UNHANDLED_CUDA_ERROR" in str(told[0])
    with pytest.raises(Failed, match="NCCL reports"):
        first.sum(made(np.ones(2)))
    second.lane.abort()


def test_an_error_of_the_device_is_met_by_the_watch(monkeypatch):
    (first, second), (told, _) = pair()
    request = first.start_sum(made(np.ones(2)))
    monkeypatch.setattr(cuda.runtime, "eventQuery", lambda ptr: 700)
    until(lambda: told)
    assert str(told[0]) == "the CUDA device has failed (error 700)"
    with pytest.raises(Failed):
        request.test()
    second.lane.abort()


def test_events_that_cannot_be_asked_are_not_done(monkeypatch):
    """While another thread captures a stream so that nothing else is allowed."""
    (first, second), (told, _) = pair()
    request = first.start_sum(made(np.ones(2)))
    monkeypatch.setattr(cuda.runtime, "eventQuery", lambda ptr: 900)
    assert not request.test()
    first.lane.look()
    assert not told
    for link in (first, second):
        link.lane.abort()


def test_who_is_told_of_a_failure_comes_before_the_abort():
    seen = []
    mine = Lane(cupy, 60.0, Failed, lambda error: seen.append(bool(link.comm.comm)), 60.0)
    link = LIBRARY.connect(mine, LIBRARY.unique_id(), 0, 1)
    mine.fail("for the test")
    assert seen == [True]  # the kernels still waited: nobody has seen their memory
    assert not link.comm.comm


def test_collectives_of_several_communicators_keep_their_order():
    order = []

    class Told(streams.Stream):
        def wait_event(self, event):
            order.append("waits")
            super().wait_event(event)

    mine, _ = lane(interval=60.0)
    mine.stream = Told(non_blocking=True)
    links = [LIBRARY.connect(mine, LIBRARY.unique_id(), 0, 1) for _ in range(2)]
    requests = [link.start_sum(made(np.ones(2))) for link in links]
    assert order == [
        "waits",
        "waits",
    ]  # for the current stream; each other's order is their stream's
    queued = [r.flight.event.at[1] for r in requests]
    assert not queued[1].done
    links[0].sum(made(np.ones(2)))  # the current stream waits for both
    assert queued[1].done
    for r in requests:
        r.wait()
    mine.abort()


def test_a_stream_that_is_captured_is_refused(monkeypatch):
    mine, _ = lane()
    link = LIBRARY.connect(mine, LIBRARY.unique_id(), 0, 1)
    monkeypatch.setattr(streams.NULL, "capturing", True)
    with pytest.raises(Failed, match="captured into a CUDA graph; collectives belong between"):
        link.sum(made(np.ones(2)))
    mine.abort()


def test_finish_waits_for_the_device_and_no_longer_than_allowed():
    (first, second), _ = pair(interval=60.0)
    first.start_sum(made(np.ones(2)))
    second.start_sum(made(np.ones(2)))
    first.finish("here")
    assert not first.lane.flights
    first.lane.timeout = 0.05
    monitor = types.SimpleNamespace(ptr=-1, record=lambda stream: None)
    first.lane.cupy = types.SimpleNamespace(
        cuda=types.SimpleNamespace(
            Event=lambda **_: monitor,
            get_current_stream=lambda: streams.NULL,
            runtime=types.SimpleNamespace(eventQuery=lambda ptr: 600),
        )
    )
    with pytest.raises(Failed, match=r"here: the device has worked for 0\.05 s"):
        first.finish("here")
    for link in (first, second):
        link.lane.abort()


def test_closing_ends_the_communicator_and_the_watch():
    mine, told = lane()
    links = [LIBRARY.connect(mine, LIBRARY.unique_id(), 0, 1) for _ in range(2)]
    links[0].close()
    assert links[1].sum(made(np.ones(1))).get() == 1
    assert not mine.stopped.is_set()
    links[1].close()
    links[1].close()
    assert mine.stopped.is_set()
    assert not told
    with pytest.raises(Failed, match="INVALID_ARGUMENT"):
        links[0].sum(made(np.ones(1)))


def test_a_lane_that_nobody_holds_is_watched_no_longer():
    mine, _ = lane()
    gone = weakref.ref(mine)
    watching = [t for t in threading.enumerate() if t.name == "pullback: watches NCCL"]
    del mine
    until(lambda: gone() is None or gc.collect() < 0)
    until(lambda: not watching[-1].is_alive())


def test_a_watch_that_fails_itself_is_told(monkeypatch):
    monkeypatch.setattr(Lane, "look", lambda self: 1 / 0)
    mine, told = lane()
    until(lambda: told)
    assert "the watch over NCCL failed: division by zero" in str(told[0])
    assert mine.error is told[0]
