"""The runtime of compiled programs: on stand-ins that record calls, and on a device where there is one."""

from __future__ import annotations

import ctypes
import functools
from types import SimpleNamespace

import numpy as np
import pytest

from pullback.autograd.compile.cuda.assemble import Numbers
from pullback.backend.common.launches import Address, Launch
from pullback.backend.cuda import cublas as _cublas
from pullback.backend.cuda import cublaslt as _cublaslt
from pullback.backend.cuda import graph_runtime as _cuda_programs

from ._cublas import HOST, Library, LtLibrary
from ._graph_runtime import (
    FAKE,
    Array,
    Stream,
    by_runtime,
    runtime,  # noqa: F401 - a fixture
)


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


FAKE.cuda = SimpleNamespace(
    Stream=Stream,
    Event=Event,
    alloc_pinned_memory=bytearray,
    get_current_stream=lambda: FAKE.cuda.current,
    runtime=SimpleNamespace(
        memcpyAsync=lambda to, source, n, kind, stream: FAKE.cuda.current.put(
            lambda: ctypes.memmove(to, source, n)
        ),
        memGetInfo=by_runtime,
        getDevice=lambda: 0,
    ),
)


def _add(source="k"):
    return Launch("k", source, (1, 1, 1), (32, 1, 1), (Address(0), Address(1)))


def _fresh(n, calls):
    return [np.full(n, float(i)).view(Array) for i in range(calls)]


@pytest.mark.parametrize("graphs", ["", "0", "1"])
@pytest.mark.parametrize("moving", [False, True])
def test_every_call_has_its_effect_once(runtime, monkeypatch, graphs, moving):  # noqa: F811 - a fixture
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
def test_what_does_not_wait_for_each_other_may_run_side_by_side(runtime, monkeypatch, graphs):  # noqa: F811 - a fixture
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


def test_a_dependency_that_is_left_out_is_seen(runtime, monkeypatch):  # noqa: F811 - a fixture
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
def test_of_three_ways_the_fastest_stays(runtime, fastest):  # noqa: F811 - a fixture
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


def test_an_inout_that_moves_means_no_graph(runtime, monkeypatch):  # noqa: F811 - a fixture
    monkeypatch.setenv("PULLBACK_GRAPHS", "1")
    segment = runtime.segment([_add()], runtime.memory(256), 2, ["in", "inout"])
    x, ys = np.ones(1).view(Array), _fresh(1, 12)
    for y in ys:
        segment(x, y)
    FAKE.cuda.current.synchronize()
    assert [float(y[0]) for y in ys] == [i + 1.0 for i in range(12)]
    assert segment.mode == "replay"


@pytest.mark.parametrize(("cost", "mode"), [((1, 5), "replay"), ((5, 1), "graph")])
def test_the_faster_stays(runtime, cost, mode):  # noqa: F811 - a fixture
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


def test_a_refused_capture_warns_once_and_replays(runtime, monkeypatch):  # noqa: F811 - a fixture
    monkeypatch.setenv("PULLBACK_GRAPHS", "1")
    FAKE.refuse = True
    segment = runtime.segment([_add()], runtime.memory(256), 2, ["in", "inout"])
    x, y = np.ones(1).view(Array), np.zeros(1).view(Array)
    with pytest.warns(RuntimeWarning, match="no CUDA graph") as reported:
        segment(x, y), segment(x, y), segment(x, y)
    FAKE.cuda.current.synchronize()
    assert y[0] == 3
    assert len(reported) == 1


def test_a_segment_waits_for_the_stream_before(runtime, monkeypatch):  # noqa: F811 - a fixture
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


def test_numbers_are_sent_when_the_call_before_has_read_them(runtime, monkeypatch):  # noqa: F811 - a fixture
    monkeypatch.setenv("PULLBACK_GRAPHS", "0")
    segment = runtime.segment([_add()], runtime.memory(256), 2, ["in", "inout"])
    numbers, y, other = Numbers(runtime, "f"), np.zeros(1).view(Array), Stream()
    segment(numbers(segment, 1.0), y)
    with other:
        segment(numbers(segment, 10.0), y)
    other.synchronize()
    assert y[0] == 11


def test_a_zero_that_changes_its_sign_is_sent(runtime):  # noqa: F811 - a fixture
    segment = runtime.segment([_add()], runtime.memory(256), 2, ["in", "inout"])
    numbers = Numbers(runtime, "f")
    for value in (0.0, -0.0, 0.0):
        held = numbers(segment, value).view("float64")
        FAKE.cuda.current.synchronize()
        assert np.signbit(held[0]) == np.signbit(value)


def test_launches_are_looked_up_by_their_addresses(runtime, monkeypatch):  # noqa: F811 - a fixture
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


def test_more_sets_of_addresses_than_are_kept(runtime, monkeypatch):  # noqa: F811 - a fixture
    monkeypatch.setenv("PULLBACK_GRAPHS", "0")
    segment = runtime.segment([_step(0, 1)], runtime.memory(256), 2, ["in", "inout"])
    xs, y = _fresh(1, 3 * _cuda_programs.SETS), np.zeros(1).view(Array)
    for _ in range(2):
        for x in xs:
            segment(x, y)
    FAKE.cuda.current.synchronize()
    assert y[0] == 2 * sum(range(len(xs)))
    assert len(segment.sets) == _cuda_programs.SETS


@pytest.mark.parametrize(
    ("epilogue", "way", "mode"), [("", "_CublasProduct", "graph"), ("bias", "_CupyProduct", "replay")]
)  # fmt: skip
def test_memory_that_the_library_has_no_algorithm_for(runtime, monkeypatch, epilogue, way, mode):  # noqa: F811 - a fixture
    """At such addresses the next way multiplies; a graph is captured only of what can be captured."""
    monkeypatch.setenv("PULLBACK_GRAPHS", "1")
    cupy = SimpleNamespace(**vars(HOST))
    cupy.cuda = SimpleNamespace(**(vars(HOST.cuda) | vars(FAKE.cuda)))
    ways = [
        _cublaslt.CublasLt(LtLibrary(smallest=8)), _cublas.Cublas(Library()), _cublas.CupyProducts(cupy)
    ]  # fmt: skip
    runtime = _cuda_programs.Runtime(cupy, None, ways)
    product = _cublas.sample(epilogue)
    segment = runtime.segment([product], runtime.memory(256), 4, ["in", "in", "out", "in"])
    captured = []

    def late(self, launch, stream):
        if type(self).__name__ == "_CupyProduct":
            captured.append(Stream.of[stream].capturing)
        Stream.of[stream].put(lambda: launch(self, stream))

    for kind in (_cublaslt._LtProduct, _cublas._CublasProduct, _cublas._CupyProduct):
        monkeypatch.setattr(kind, "launch", functools.partialmethod(late, kind.launch))
    rng = np.random.default_rng(3)
    m, n, k = product.m, product.n, product.k
    sizes = (m * k, k * n, m * n, n)
    arrays = {
        offset: [
            np.zeros(4 * size + 4, "uint8")[offset:][: 4 * size].view("float32").view(Array)
            for size in sizes
        ]
        for offset in (0, 4)
    }
    for offset in (0, 0, 4, 4, 4, 0):
        a, b, c, v = arrays[offset]
        a[:], b[:], v[:] = (rng.normal(size=x.size) for x in (a, b, v))
        segment(a, b, c, v)
        FAKE.cuda.current.synchronize()
        wanted = a.reshape(m, k) @ b.reshape(k, n) + (v if epilogue else 0)
        np.testing.assert_allclose(c.reshape(m, n), wanted, rtol=1e-5, atol=1e-5)
    assert way in {type(launches[0]).__name__ for launches in segment.sets.values()}
    assert segment.mode == mode
    assert bool(captured) == bool(epilogue)
    assert all(capture is None for capture in captured)
