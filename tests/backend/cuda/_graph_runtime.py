"""Helpers of the tests of `graph_runtime.py`: mocks of a device, and a fixture where there is one."""

from __future__ import annotations

import ctypes
import weakref
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

import pullback as pb
from pullback.backend.cuda import cublas as _cublas
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
            taken = ctypes.string_at(source, nbytes)  # from pageable memory, at once
            stream.put(lambda: ctypes.memmove(ptr, taken, nbytes))

        return SimpleNamespace(ptr=ptr, copy_from_host_async=copy, keep=self)


def _empty(shape, dtype):
    return np.zeros(shape, dtype).view(Array)


FAKE = SimpleNamespace(refuse=False, empty=_empty)


def _kernel(*_):
    """``y += x``, of two float64: the parameters are read when it is launched, as CUDA does."""
    pointers = (ctypes.c_void_p * 2).from_address(_[-2])
    x, y = (ctypes.c_uint64.from_address(p).value for p in pointers)

    def run():
        ctypes.c_double.from_address(y).value += ctypes.c_double.from_address(x).value

    Stream.of[_[8]].put(run)


@pytest.fixture
def runtime(monkeypatch):
    monkeypatch.delenv("PULLBACK_GRAPHS", raising=False)
    FAKE.refuse, FAKE.cuda.current, FAKE.compiled = False, Stream(), []

    def module(code, options):
        FAKE.compiled.append(code)
        return SimpleNamespace(
            get_function=lambda _: SimpleNamespace(kernel=SimpleNamespace(ptr=7))
        )

    FAKE.RawModule = module
    driver = SimpleNamespace(launchKernel=_kernel)
    return _cuda_programs.Runtime(FAKE, driver, [_cublas.CupyProducts(FAKE)])


# ── where there is a device ───────────────────────────────────────────────────────────────────

RNG = np.random.default_rng(5)


@pytest.fixture
def cupy():
    """The module, and its backend active."""
    module = pytest.importorskip("cupy", reason="CuPy is not installed")
    with pb.backend.use("cupy"):
        yield module
