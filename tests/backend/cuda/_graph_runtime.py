"""Helpers of the tests of `graph_runtime.py`: mocks of a device, and a fixture where there is one."""

from __future__ import annotations

import ctypes
import threading
import weakref
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

import pullback as pb
from pullback.backend.cuda import cublas as _cublas
from pullback.backend.cuda import driver
from pullback.backend.cuda import graph_runtime as _cuda_programs

from ...cuda.emulator import latest_first


class Capture(list):
    """The nodes of a capture, each with those that it waits for, and the streams that joined it."""

    def __init__(self, origin):
        super().__init__()
        self.streams = [weakref.ref(origin)]


class Stream:
    """A stream that executes late: work waits in a list until somebody synchronises."""

    count = 0
    of: ClassVar = weakref.WeakValueDictionary()  # by pointer

    def __init__(self, non_blocking=False):
        Stream.count += 1
        self.ptr, self.queue, self.capturing = Stream.count, [], None
        Stream.of[self.ptr] = self
        self.frontier = set()  # the nodes of a capture that what comes next has to wait for

    def __enter__(self):
        self.outer, FAKE.cuda.current = FAKE.cuda.current, self
        return self

    def __exit__(self, *_):
        FAKE.cuda.current = self.outer

    def put(self, work):
        if self.capturing is None:
            self.queue.append(work)
            return
        self.capturing.append((work, self.frontier))
        self.frontier = {len(self.capturing) - 1}

    def begin_capture(self):
        if FAKE.refuse:
            raise RuntimeError("no capture here")
        self.capturing, self.frontier = Capture(self), set()

    def end_capture(self):
        nodes, self.capturing = self.capturing, None
        # CUDA does not say what becomes of a capture when a stream of it is destroyed
        assert all(stream() is not None for stream in nodes.streams)
        joined, ends = set(), list(self.frontier)
        while ends:
            joined.add(i := ends.pop())
            ends += nodes[i][1] - joined
        assert joined == set(range(len(nodes))), "a stream was not joined before the capture ended"
        # an order that a device may take: the last of those that wait for nothing comes first
        late = [nodes[i][0] for i in latest_first([tuple(needs) for _, needs in nodes])]
        return SimpleNamespace(launch=lambda stream: [stream.put(work) for work in late])

    def is_capturing(self):
        return self.capturing is not None

    def wait_event(self, event):
        if event.captured is None:
            self.put(event.wait)
            return
        capture, frontier = event.captured
        assert self.capturing is None or self.capturing is capture
        capture.streams.append(weakref.ref(self))
        self.capturing, self.frontier = capture, self.frontier | frontier

    def synchronize(self):
        while self.queue:
            self.queue.pop(0)()


class Array(np.ndarray):
    @property
    def data(self):
        ptr = self.ctypes.data

        def copy(source, nbytes, stream):
            # as late as CUDA may: it says of no memory that it is read before the call returns
            stream.put(lambda: ctypes.memmove(ptr, source, nbytes))

        return SimpleNamespace(ptr=ptr, copy_from_host_async=copy, keep=self)


def _empty(shape, dtype):
    return np.zeros(shape, dtype).view(Array)


FAKE = SimpleNamespace(refuse=False, empty=_empty)


CONTEXT = threading.local()
"""Whether this thread has called CUDA's runtime, which binds the device's context to it."""
ADD, SEND = 7, 8  # kernels, by pointer


def by_runtime(*_):
    """What any call of CUDA's runtime does first."""
    CONTEXT.bound = True


def _parameters(pointer, *kinds):
    """They are read when a kernel is launched, as CUDA does."""
    at = (ctypes.c_void_p * len(kinds)).from_address(pointer)
    return [kind.from_buffer_copy(kind.from_address(p)) for kind, p in zip(kinds, at, strict=True)]


def _kernel(kernel, *launched):
    """``y += x``, of two float64, or the words of a host."""
    assert hasattr(CONTEXT, "bound"), "CUDA_ERROR_INVALID_CONTEXT"
    *_, shared, stream, pointer, extra = launched
    assert (shared, extra) == (0, 0)
    if kernel == ADD:
        x, y = (p.value for p in _parameters(pointer, ctypes.c_uint64, ctypes.c_uint64))

        def run():
            ctypes.c_double.from_address(y).value += ctypes.c_double.from_address(x).value
    else:
        kinds = (ctypes.c_uint64, ctypes.c_int64 * driver.WORDS, ctypes.c_int32)
        to, words, count = _parameters(pointer, *kinds)

        def run():
            ctypes.memmove(to.value, words, 8 * count.value)

    Stream.of[stream].put(run)


@pytest.fixture
def runtime(monkeypatch):
    monkeypatch.delenv("PULLBACK_GRAPHS", raising=False)
    FAKE.refuse, FAKE.cuda.current, FAKE.compiled = False, Stream(), []

    def module(code, options):
        FAKE.compiled.append(code)
        return SimpleNamespace(
            get_function=lambda name: SimpleNamespace(
                kernel=SimpleNamespace(ptr=SEND if name == "send_words" else ADD)
            )
        )

    FAKE.RawModule = module
    return _cuda_programs.Runtime(
        FAKE, SimpleNamespace(launchKernel=_kernel), [_cublas.CupyProducts(FAKE)]
    )


# ── where there is a device ───────────────────────────────────────────────────────────────────

RNG = np.random.default_rng(5)


@pytest.fixture
def cupy():
    """The module, and its backend active."""
    module = pytest.importorskip("cupy", reason="CuPy is not installed")
    with pb.backend.use("cupy"):
        yield module
