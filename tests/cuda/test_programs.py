"""The runtime of compiled programs: on stand-ins that record calls, and on a device where there is one."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest

from pullback.backend import _cublas, _cuda_feed, _cuda_programs
from pullback.backend._cuda_steps import BLOCK, Launch, Matrix, Place, Product


class Stream:
    """A stream that executes late: work waits in a list until somebody synchronises."""

    count = 0

    def __init__(self, non_blocking=False):
        Stream.count += 1
        self.ptr, self.queue, self.capturing = Stream.count, [], None

    def __enter__(self):
        self.outer, FAKE.cuda.current = FAKE.cuda.current, self
        return self

    def __exit__(self, *_):
        FAKE.cuda.current = self.outer

    def put(self, work):
        (self.queue if self.capturing is None else self.capturing).append(work)

    def begin_capture(self):
        if FAKE.refuse:
            raise RuntimeError("no capture here")
        self.capturing = []

    def end_capture(self):
        steps, self.capturing = self.capturing, None
        return SimpleNamespace(launch=lambda stream: [stream.put(s) for s in steps])

    def wait_event(self, event):
        self.put(event.synchronize)

    def synchronize(self):
        while self.queue:
            self.queue.pop(0)()


class Event:
    def __init__(self, disable_timing=False):
        self.stream, self.left = None, 0

    def record(self, stream):
        self.stream, self.mark = stream, object()
        self.done = False
        stream.put(self._fire)

    def _fire(self):
        self.done = True

    def synchronize(self):
        while not self.done and self.stream.queue:
            self.stream.queue.pop(0)()


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

    FAKE.cuda.current.put(run)


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
    return Launch("k", source, (1, 1, 1), (32, 1, 1), (Place(0), Place(1)))


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
    with pytest.warns(RuntimeWarning, match="no CUDA graph") as told:
        segment(x, y), segment(x, y), segment(x, y)
    FAKE.cuda.current.synchronize()
    assert y[0] == 3
    assert len(told) == 1


class Library:
    """libcublas's two products on host memory, from their documented meaning."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *a: self.calls.append((name, a)) or 0

    def cublasGemmEx(self, h, ta, tb, m, n, k, one, A, at, lda, B, bt, ldb, zero, C, ct, ldc, kind, algo):  # fmt: skip
        def at_(p, rows, cols, ld):
            flat = np.ctypeslib.as_array(
                ctypes.cast(p, ctypes.POINTER(ctypes.c_float)), ((cols - 1) * ld + rows,)
            )
            return np.lib.stride_tricks.as_strided(flat, (rows, cols), (4, 4 * ld))

        a = at_(A, k, m, lda).T if ta else at_(A, m, k, lda)
        b = at_(B, n, k, ldb).T if tb else at_(B, k, n, ldb)
        at_(C, m, n, ldc)[...] = a @ b
        return 0


@pytest.mark.parametrize("code", range(8))
def test_order_and_transposition_of_cublas(code):
    """Every combination of transposed A, B, C against NumPy."""
    m, n, k = 3, 5, 4
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(m, k)).astype("f"), rng.normal(size=(k, n)).astype("f")
    ta, tb, tc = (bool(code >> i & 1) for i in range(3))
    a, b = np.ascontiguousarray(A.T if ta else A), np.ascontiguousarray(B.T if tb else B)
    c = np.zeros((n, m) if tc else (m, n), "f")
    matrices = [Matrix(Place(BLOCK), x.shape[1], t) for x, t in ((a, ta), (b, tb), (c, tc))]
    library = Library()
    product = Product(m, n, k, *matrices, "float32", "float32")
    bound = _cublas.Cublas(library).bind(product, np.zeros(8).view(Array))
    bound.address(a.ctypes.data, b.ctypes.data, c.ctypes.data)
    bound.launch(3)
    np.testing.assert_allclose(c.T if tc else c, A @ B, rtol=1e-5)
    names = [name for name, _ in library.calls]
    assert names == ["cublasCreate_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2"]


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
