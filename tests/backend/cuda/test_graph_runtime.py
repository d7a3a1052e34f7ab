"""The runtime of compiled programs: on stand-ins that record calls, and on a device where there is one."""

from __future__ import annotations

import ctypes
import weakref
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from pullback.backend.common.launches import Address, Launch
from pullback.backend.cuda import cublas as _cublas
from pullback.backend.cuda import graph_runtime as _cuda_programs
from pullback.backend.cuda import prefetch as _cuda_feed

from ...cuda.emulator import latest_first


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
        self.capturing, self.frontier = [], set()

    def end_capture(self):
        nodes, self.capturing = self.capturing, None
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
        self.capturing, self.frontier = capture, self.frontier | frontier

    def synchronize(self):
        while self.queue:
            self.queue.pop(0)()


class Event:
    """Who waits for it waits for the record that was the last one then, as in CUDA."""

    def __init__(self, disable_timing=False):
        self.wait, self.captured = lambda: None, None

    def record(self, stream):
        if stream.capturing is not None:
            self.captured = stream.capturing, set(stream.frontier)
            return
        done = []

        def wait():
            while not done and stream.queue:
                stream.queue.pop(0)()

        self.wait = wait
        stream.put(lambda: done.append(True))

    def synchronize(self):
        self.wait()


class Array(np.ndarray):
    @property
    def data(self):
        ptr = self.ctypes.data

        def copy(source, nbytes, stream):
            stream.put(lambda: ctypes.memmove(ptr, source, nbytes))

        return SimpleNamespace(ptr=ptr, copy_from_host_async=copy, keep=self)


def _empty(shape, dtype):
    return np.zeros(shape, dtype).view(Array)


FAKE = SimpleNamespace(refuse=False, empty=_empty)
FAKE.cuda = SimpleNamespace(
    Stream=Stream,
    Event=Event,
    alloc_pinned_memory=bytearray,
    get_current_stream=lambda: FAKE.cuda.current,
    runtime=SimpleNamespace(
        memcpyAsync=lambda to, source, n, kind, stream: FAKE.cuda.current.put(
            lambda: ctypes.memmove(to, source, n)
        )
    ),
)


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


def _add(source="k"):
    return Launch("k", source, (1, 1, 1), (32, 1, 1), (Address(0), Address(1)))


def _fresh(n, calls):
    return [np.full(n, float(i)).view(Array) for i in range(calls)]


@pytest.mark.parametrize("graphs", ["", "0", "1"])
@pytest.mark.parametrize("moving", [False, True])
def test_every_call_has_its_effect_once(runtime, monkeypatch, graphs, moving):
    if graphs:
        monkeypatch.setenv("PULLBACK_GRAPHS", graphs)
    segment = runtime.segment([_add(), _add()], runtime.memory(256), 2, ["in", "inout"])
    y, xs = np.zeros(1).view(Array), _fresh(1, 30)
    for i in range(30):
        x = xs[i] if moving else xs[1]
        before = float(y[0])
        segment(x, y)
        FAKE.cuda.current.synchronize()
        assert y[0] == before + 2 * x[0]
    assert FAKE.compiled == ["k"]
    assert len(segment.graphs) <= _cuda_programs.GRAPHS
    if graphs == "1":
        assert segment.mode == "graph"
        assert set(segment.staged) == ({0} if moving else set())


def _step(source, target):
    return Launch("k", "k", (1, 1, 1), (32, 1, 1), (Address(source), Address(target)))


@pytest.mark.parametrize("graphs", ["", "0", "1"])
def test_what_does_not_wait_for_each_other_may_run_side_by_side(runtime, monkeypatch, graphs):
    """x → y, x → z, y → s, z → s: both branches end before the call does, and before the next begins."""
    monkeypatch.setenv("PULLBACK_GRAPHS", graphs)
    steps = [_step(*ends) for ends in ((4, 0), (0, 1), (0, 2), (1, 3), (2, 3))]
    order = [(), (0,), (0,), (1,), (2, 3)]
    kinds = ["inout", "inout", "inout", "inout", "in"]
    segment = runtime.segment(steps, runtime.memory(256), 5, kinds, order)
    x, y, z, s = (np.zeros(1).view(Array) for _ in range(4))
    one = np.ones(1).view(Array)
    expected = np.zeros(4)
    for _ in range(20):
        segment(x, y, z, s, one)
        FAKE.cuda.current.synchronize()
        expected[0] += 1
        expected[1:3] += expected[0]
        expected[3] += expected[1] + expected[2]
        assert [float(a[0]) for a in (x, y, z, s)] == list(expected)
    assert max(segment.lane) == 1
    assert segment.ways == ["replay", "chain", "fork"]
    if graphs == "1":
        assert (segment.mode, segment.shape) == ("graph", "fork")


def test_a_dependency_that_is_left_out_is_seen(runtime, monkeypatch):
    """The stand-in's graphs run as late as they may: what the test above asserts can fail."""
    monkeypatch.setenv("PULLBACK_GRAPHS", "1")
    steps = [_step(*ends) for ends in ((3, 0), (0, 1), (0, 2))]
    kinds = ["inout", "inout", "inout", "in"]
    segment = runtime.segment(steps, runtime.memory(256), 4, kinds, [(), (0,), ()])
    x, y, z = (np.zeros(1).view(Array) for _ in range(3))
    one = np.ones(1).view(Array)
    for _ in range(3):
        segment(x, y, z, one)
    FAKE.cuda.current.synchronize()
    assert (x[0], y[0]) == (3, 6)
    assert z[0] < 6


@pytest.mark.parametrize("fastest", ["replay", "chain", "fork"])
def test_of_three_ways_the_fastest_stays(runtime, fastest):
    kinds = ["inout", "inout", "inout", "in"]
    steps = [_step(3, i) for i in range(3)]
    segment = runtime.segment(steps, runtime.memory(256), 4, kinds, [(), (), ()])
    now = [0.0]

    def clock():
        way = "replay" if segment.calls <= _cuda_programs.TRIALS else segment.shape
        now[0] += 1 if way == fastest else 5
        return now[0]

    runtime.clock = clock
    a, b, c = (np.zeros(1).view(Array) for _ in range(3))
    one = np.ones(1).view(Array)
    for _ in range(20):
        segment(a, b, c, one)
    assert segment.mode == ("replay" if fastest == "replay" else "graph")
    assert fastest in ("replay", segment.shape)
    FAKE.cuda.current.synchronize()
    assert [float(v[0]) for v in (a, b, c)] == [20, 20, 20]


def test_an_inout_that_moves_means_no_graph(runtime, monkeypatch):
    monkeypatch.setenv("PULLBACK_GRAPHS", "1")
    segment = runtime.segment([_add()], runtime.memory(256), 2, ["in", "inout"])
    x, ys = np.ones(1).view(Array), _fresh(1, 12)
    for y in ys:
        segment(x, y)
    FAKE.cuda.current.synchronize()
    assert [float(y[0]) for y in ys] == [i + 1.0 for i in range(12)]
    assert segment.mode == "replay"


@pytest.mark.parametrize(("cost", "mode"), [((1, 5), "replay"), ((5, 1), "graph")])
def test_the_faster_stays(runtime, cost, mode):
    segment = runtime.segment([_add()], runtime.memory(256), 2, ["in", "inout"])
    now = [0.0]

    def clock():
        now[0] += cost[segment.calls > _cuda_programs.TRIALS]
        return now[0]

    runtime.clock = clock
    x, y = np.ones(1).view(Array), np.zeros(1).view(Array)
    for _ in range(20):
        segment(x, y)
    assert segment.mode == mode
    FAKE.cuda.current.synchronize()
    assert y[0] == 20


def test_a_refused_capture_warns_once_and_replays(runtime, monkeypatch):
    monkeypatch.setenv("PULLBACK_GRAPHS", "1")
    FAKE.refuse = True
    segment = runtime.segment([_add()], runtime.memory(256), 2, ["in", "inout"])
    x, y = np.ones(1).view(Array), np.zeros(1).view(Array)
    with pytest.warns(RuntimeWarning, match="no CUDA graph") as reported:
        segment(x, y), segment(x, y), segment(x, y)
    FAKE.cuda.current.synchronize()
    assert y[0] == 3
    assert len(reported) == 1


def test_a_segment_waits_for_the_stream_before(runtime, monkeypatch):
    monkeypatch.setenv("PULLBACK_GRAPHS", "0")
    segment = runtime.segment([_add()], runtime.memory(256), 2, ["in", "inout"])
    x, y = np.ones(1).view(Array), np.zeros(1).view(Array)
    first, second = FAKE.cuda.current, Stream()
    segment(x, y)
    with second:
        segment(x, y)
    second.synchronize()
    assert y[0] == 2
    assert not first.queue


def test_feed_waits_before_it_reuses_memory(runtime, monkeypatch):
    """The pool gives a batch's memory again while what reads it is still queued."""
    blocks, turn = [_empty(3, "float64"), _empty(3, "float64")], iter(range(99))
    monkeypatch.setattr(FAKE, "empty", lambda shape, dtype: blocks[next(turn) % 2])
    seen = []
    for (x,) in _cuda_feed.bind(FAKE)([(np.full(3, float(i)),) for i in range(9)]):
        FAKE.cuda.current.put(lambda x=x: seen.append(float(x[0])))
    FAKE.cuda.current.synchronize()
    assert seen == list(range(9))


def test_feed_brings_every_batch_whole(runtime):
    """Copies happen as late as events allow: a buffer that is written too early would show."""
    batches = [(np.full((2, 3), float(i)), np.full(2, i)) for i in range(9)]
    got = []
    for x, y in _cuda_feed.bind(FAKE)(iter(batches)):
        FAKE.cuda.current.synchronize()
        got.append((np.array(x), np.array(y)))
    assert len(got) == 9
    for (x, y), (u, v) in zip(got, batches, strict=True):
        np.testing.assert_array_equal(x, u)
        np.testing.assert_array_equal(y, v)


def test_feed_waits_before_it_writes_into_pinned_memory_again(runtime):
    """Nobody synchronises until the end: each copy must have been done before its source was written anew."""
    batches = [(np.full(3, float(i)),) for i in range(9)]
    got = [x for (x,) in _cuda_feed.bind(FAKE)(batches)]
    FAKE.cuda.current.synchronize()
    assert [float(x[0]) for x in got] == list(range(9))


def test_feed_refuses_objects(runtime):
    with pytest.raises(TypeError, match="array 0 of a batch has dtype object"):
        list(_cuda_feed.bind(FAKE)([(np.array([None]),)]))


def test_launches_are_looked_up_by_their_addresses(runtime, monkeypatch):
    """Outputs that take turns: nothing is bound or addressed anew once each set of addresses was met."""
    monkeypatch.setenv("PULLBACK_GRAPHS", "0")
    segment = runtime.segment([_step(0, 1)], runtime.memory(256), 2, ["in", "inout"])
    x, ys = np.ones(1).view(Array), [np.zeros(1).view(Array) for _ in range(2)]
    addressed = []
    before = segment._address
    segment._address = lambda *a: (addressed.append(a[1]), before(*a))
    for i in range(10):
        segment(x, ys[i % 2])
    FAKE.cuda.current.synchronize()
    assert [float(y[0]) for y in ys] == [5, 5]
    assert len(addressed) == 2


def test_more_sets_of_addresses_than_are_kept(runtime, monkeypatch):
    monkeypatch.setenv("PULLBACK_GRAPHS", "0")
    segment = runtime.segment([_step(0, 1)], runtime.memory(256), 2, ["in", "inout"])
    xs, y = _fresh(1, 3 * _cuda_programs.SETS), np.zeros(1).view(Array)
    for _ in range(2):
        for x in xs:
            segment(x, y)
    FAKE.cuda.current.synchronize()
    assert y[0] == 2 * sum(range(len(xs)))
    assert len(segment.sets) == _cuda_programs.SETS
