"""Helpers of `test_sparse.py` and the test files split from it."""

from __future__ import annotations

import itertools
import time
import types
import weakref
from typing import Any, ClassVar

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from pullback.backend import Pattern
from pullback.backend.cuda import cudss as _cudss


class DeviceLU:
    """What `cupyx.scipy.sparse.linalg.SuperLU` makes of SciPy's: the same solves, of the same dtype alone."""

    def __init__(self, lu):
        self.lu, self.dtype = lu, lu.L.dtype

    def solve(self, rhs, trans="N"):
        assert rhs.dtype == self.dtype
        assert trans in ("N", "T", "H")
        return self.lu.solve(np.ascontiguousarray(rhs), trans)


class Strict(types.SimpleNamespace):
    """NumPy under the names that the kernels ask CuPy for; `repeat` takes numbers from the host, as CuPy's does."""


def repeat(x, counts):
    assert isinstance(counts, list)
    return np.repeat(x, counts)


class Stream:
    """A stream, of which is known what has happened before that which it does next."""

    current: ClassVar[Any] = None  # of the current device
    default: ClassVar[dict[int, Any]] = {}  # by the device's number
    capturing: ClassVar[list[Any]] = []

    def __init__(self):
        self.before, self.device = set(), Device.current

    def __enter__(self):
        assert self.device == Device.current, "CuPy refuses a stream of another device"
        self.outer, Stream.current = Stream.current, self
        return self

    def __exit__(self, *_):
        Stream.current = self.outer

    def wait_event(self, event):
        self.before |= event.before

    def begin_capture(self):
        Stream.capturing.append(self)

    def end_capture(self):
        Stream.capturing.remove(self)

    def is_capturing(self):
        return self in Stream.capturing


class Device:
    """A device, which is the current one inside of its block, with a stream of its own."""

    current: ClassVar[int] = 0

    def __init__(self, number=None):
        self.id, self.left = Device.current if number is None else number, []

    def __enter__(self):
        self.left.append((Device.current, Stream.current))
        if self.id != Device.current:
            Device.current = self.id
            Stream.current = Stream.default.setdefault(self.id, Stream())
        return self

    def __exit__(self, *_):
        Device.current, Stream.current = self.left.pop()


Stream.current = Stream.default[0] = Stream()


class Event:
    def __init__(self, disable_timing=False):
        self.before, self.device = set(), Device.current

    def record(self, stream):
        assert stream.device == self.device, "cudaErrorInvalidResourceHandle"
        self.before = set(stream.before)


class Memory:
    """Memory on the device: each use has to come after those before it, on whichever stream they were."""

    number = itertools.count()

    def __init__(self):
        self.uses, self.device = set(), Device.current

    def use(self):
        stream = Stream.current
        assert self.device == stream.device, "memory of another device"
        assert self.uses <= stream.before, "a stream does not wait for what another one does"
        use, self.last = next(Memory.number), weakref.ref(stream)
        self.uses.add(use)
        stream.before.add(use)


class Values(np.ndarray):
    """The elements of a matrix: to write them uses the memory of the solver that reads them."""

    memory: Memory | None = None

    def __setitem__(self, key, values):
        if self.memory is not None:
            self.memory.use()
        super().__setitem__(key, values)


class DirectSolver:
    """`nvmath.sparse.advanced.DirectSolver` as version 1.0 is: it reads the matrix where it lies, keeps its form, gives
    up its analysis where it is handed another one, and frees nothing by itself."""

    made = 0
    plans = 0
    factors = 0
    freed = 0
    wrong = 0.0
    pause = 0.0

    def __init__(self, a, b, *, options=None, execution=None, stream=None):
        assert set(options or ()) <= {"logger", "multithreading_lib", "blocking", "handle"}
        DirectSolver.made += 1
        assert a.has_sorted_indices
        assert b.ndim == 1
        self.a, self.b, self.lu, self.planned = a, b, None, None
        self.form = (a.shape, a.nnz, a.dtype)
        self.memory, self.made_on = Memory(), Stream.current
        a.data.memory = self.memory
        self.memory.use()

    def plan(self):
        self.memory.use()
        DirectSolver.plans += 1
        self.planned = self.a.indices.copy()

    def reset_operands(self, *, a=None, b=None):
        if a is not None:
            assert (a.shape, a.nnz, a.dtype) == self.form
            self.a, self.lu, self.planned = a, None, None
        if b is not None:
            assert (b.shape, b.dtype) == (self.b.shape, self.b.dtype)
            assert b.flags.c_contiguous
            self.b = b
            time.sleep(DirectSolver.pause)  # another thread may come between

    def factorize(self):
        if self.planned is None:
            raise RuntimeError("Factorization cannot be performed before plan() has been called.")
        np.testing.assert_array_equal(self.a.indices, self.planned)
        self.memory.use()
        DirectSolver.factors += 1
        dense = self.a.toarray().astype("complex128")
        replaced = (
            int(self.form[0][0] - np.linalg.matrix_rank(dense))
            if np.all(np.diag(dense) == 0)
            else 0
        )
        self.lu, self.factorization_info = dense, types.SimpleNamespace(npivots=replaced)

    def solve(self):
        assert self.lu is not None
        self.memory.use()
        v = np.linalg.solve(self.lu, self.b) + DirectSolver.wrong
        return (v if self.form[2].kind == "c" else v.real).astype(self.form[2])

    def free(self):
        assert not Stream.capturing, "a capture is spoilt"
        assert self.memory.last() is not None, "the stream in the library's handle is destroyed"
        # its memory goes back to the pool of that stream
        assert self.memory.uses <= self.made_on.before
        DirectSolver.freed += 1


DEVICE = Strict(
    asnumpy=np.array, array=np.array, zeros=np.zeros, empty=np.empty, arange=np.arange, abs=np.abs, max=np.max,
    all=np.all, isfinite=np.isfinite, asarray=np.asarray, ascontiguousarray=np.ascontiguousarray, diff=np.diff,
    repeat=repeat, cuda=types.SimpleNamespace(get_current_stream=lambda: Stream.current, Event=Event, Device=Device),
)  # fmt: skip


def csr_matrix(stored, shape):
    """SciPy's, whose elements are `Values`."""
    out = scipy.sparse.csr_matrix(stored, shape=shape)
    out.data = out.data.view(Values)
    return out


SPARSE = types.SimpleNamespace(csr_matrix=csr_matrix, csc_matrix=scipy.sparse.csc_matrix)


NVMATH = types.SimpleNamespace(DirectSolver=DirectSolver)


@pytest.fixture
def cudss(monkeypatch):
    """The factor function with cuDSS installed."""
    monkeypatch.setattr(_cudss, "installed", lambda: True)
    monkeypatch.setattr(_cudss, "load", lambda: NVMATH)
    DirectSolver.wrong = 0.0
    yield _cudss.bind(DEVICE, SPARSE)
    DirectSolver.wrong = 0.0


def _system(dtype, seed=0, n=7):
    r = np.random.default_rng(seed)
    A = r.normal(size=(n, n)) * (r.uniform(size=(n, n)) < 0.4) + 3 * np.eye(n)
    A = (A + 1j * np.diag(r.normal(size=n)) if dtype == "complex128" else A).astype(dtype)
    csr = scipy.sparse.csr_array(A)
    return A, csr.data, Pattern(A.shape, csr.indptr, csr.indices)
