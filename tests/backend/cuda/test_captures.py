"""Tests of `backend/cuda/captures.py`."""

from __future__ import annotations

import gc
import threading
import types

import pytest

from pullback.backend.cuda import captures

from ..._fork import FORKS, exit_code
from ._sparse import Stream

CUPY = types.SimpleNamespace(cuda=types.SimpleNamespace(get_current_stream=lambda: Stream.current))


def test_work_outside_of_captures_is_done_at_once():
    done = []
    captures.outside_captures(CUPY, lambda: done.append(1))
    assert done == [1]


def test_a_finaliser_in_the_middle_of_a_capture_waits_for_no_one():
    """Python collects what refers to itself at any line, in the thread that holds the lock too."""

    class Cycle:
        def __init__(self):
            self.itself = self

        def __del__(self):
            captures.outside_captures(CUPY, lambda: done.append(len(Stream.capturing)))

    done = []
    Cycle()
    with captures.capture(CUPY, Stream()) as graph:
        gc.collect()
        assert (done, graph) == ([], [])
    assert (done, len(graph)) == ([0], 1)


def test_work_waits_for_a_capture_in_another_thread():
    begun, ended, done = threading.Event(), threading.Event(), []

    def capture():
        with captures.capture(CUPY, Stream()):
            begun.set()
            ended.wait(60)

    thread = threading.Thread(target=capture)
    thread.start()
    begun.wait(60)
    captures.outside_captures(CUPY, lambda: done.append(1))
    assert done == []
    ended.set()
    thread.join()
    assert done == [1]


def test_a_stream_of_which_cuda_refuses_to_speak_captures(monkeypatch):
    def refuse(self):
        raise RuntimeError("cudaErrorStreamCaptureImplicit")

    done = []
    with monkeypatch.context() as patched:
        patched.setattr(Stream, "is_capturing", refuse)
        captures.outside_captures(CUPY, lambda: done.append(1))
    assert done == []
    captures.do_what_was_put_off(CUPY)
    assert done == [1]


def test_work_that_fails_is_told_and_the_rest_is_done():
    done = []
    with Stream() as stream:
        stream.begin_capture()
        captures.outside_captures(CUPY, lambda: 1 / 0)
        captures.outside_captures(CUPY, lambda: done.append(1))
        stream.end_capture()
    with pytest.warns(RuntimeWarning, match="not freed on the device .ZeroDivisionError"):
        captures.do_what_was_put_off(CUPY)
    assert done == [1]


@FORKS
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_work_that_is_put_off_stays_with_the_parent():
    """A forked process cannot reach the device."""
    done = []
    with Stream() as stream:
        stream.begin_capture()
        captures.outside_captures(CUPY, lambda: done.append(1))
        stream.end_capture()
        assert exit_code(lambda: captures.do_what_was_put_off(CUPY) or not done) == 0
        captures.do_what_was_put_off(CUPY)
    assert done == [1]
