"""Which BLAS a program calls: a third library, which is NumPy's own under another name, on a clock that is ours."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import blas, blas_choice
from pullback.autograd.compile.cpu.blas_choice import MKL, ONE_THREAD, THREADS, Choice, Product
from pullback.autograd.compile.cpu.native import threads as native_threads
from pullback.backend.common import trials
from pullback.backend.numpy import mkl as _mkl
from pullback.backend.numpy import openblas

pytestmark = pytest.mark.skipif(
    blas.numpys() is None, reason="NumPy's BLAS is none that kernels can call"
)


class Machine:
    """Two cores, and the seconds that each way is said to take in trials."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.asked: list[tuple[dict, str, list[str]]] = []
        self.limits: list[int | None] = []
        self.threads = [2]

    def fastest(self, subject, question, preferred, make, *, pauses=None):
        ways = make()
        self.asked.append((question, preferred, list(ways)))
        for run in ways.values():  # they can be run
            run()
        return trials.choose({name: self.seconds[name] for name in ways}, preferred)


class Third:
    """What stands for MKL: threads of its own to count, and NumPy's own products."""

    version = "third"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def limited(self, threads=None):
        self.machine.limits.append(threads)
        return _Nothing()

    def set_threads(self, n):
        return 0


class _Nothing:
    def __enter__(self):
        return None

    def __exit__(self, *error):
        return None


@pytest.fixture
def machine(monkeypatch):
    """A machine with OpenBLAS on two threads, and no MKL."""
    found = Machine()
    monkeypatch.delenv("PULLBACK_MKL", raising=False)
    monkeypatch.setattr(trials, "fastest", found.fastest)
    monkeypatch.setattr(openblas, "threads_allowed", lambda: found.threads[-1])
    monkeypatch.setattr(_mkl, "load", lambda: None)
    monkeypatch.setattr(_mkl, "loaded", lambda: None)
    monkeypatch.setattr(native_threads, "_SERIAL", native_threads._SerialBlas())
    switch = (lambda: found.threads[-1], found.threads.append)
    monkeypatch.setattr(native_threads, "_switch", lambda: switch)
    return found


@pytest.fixture
def with_third(machine, monkeypatch):
    """The same with a third library, under the name of MKL."""
    third = Third(machine)
    own = blas.numpys()
    assert own is not None
    monkeypatch.setattr(_mkl, "load", lambda: third)
    monkeypatch.setattr(_mkl, "loaded", lambda: third)
    monkeypatch.setattr(blas, "mkl", lambda: dataclasses.replace(own, name="MKL"))
    return machine


def product(n: int, dtype: str = "float32", **settings) -> Product:
    plain = {"flip_a": False, "lda": n, "flip_b": False, "ldb": n, "added": False}
    return Product(n, n, n, dtype=dtype, **(plain | settings))


SMALL, MIDDLE, BIG = product(64), product(100), product(200)  # 0.5, 2 and 16 MFLOP


def test_small_products_are_not_tried(with_third):
    assert blas_choice.choose([SMALL] * 50) == Choice(blas.numpys(), serial=True)
    assert blas_choice.choose([]) == Choice(blas.numpys(), serial=True)
    assert with_third.asked == []


@pytest.mark.parametrize(
    ("largest", "seconds", "name", "serial"),
    [
        # one thread is preferred for small products, all for large ones
        (MIDDLE, {ONE_THREAD: 1.0, THREADS: 0.95, MKL: 0.95}, "OpenBLAS", True),
        (MIDDLE, {ONE_THREAD: 1.0, THREADS: 0.74, MKL: 0.75}, "OpenBLAS", False),
        (MIDDLE, {ONE_THREAD: 1.0, THREADS: 1.25, MKL: 0.80}, "MKL", False),
        (BIG, {ONE_THREAD: 1.9, THREADS: 1.0, MKL: 0.95}, "OpenBLAS", False),
        (BIG, {ONE_THREAD: 1.9, THREADS: 1.0, MKL: 0.77}, "MKL", False),
        (BIG, {ONE_THREAD: 0.8, THREADS: 1.0, MKL: 1.2}, "OpenBLAS", True),
    ],
)
def test_the_fastest_is_taken_if_it_is_well_below(with_third, largest, seconds, name, serial):
    with_third.seconds = seconds
    found = blas_choice.choose([SMALL, largest])
    assert found.library is not None
    assert (found.library.name, found.serial) == (name, serial)
    ((_, preferred, ways),) = with_third.asked
    assert preferred == (ONE_THREAD if largest is MIDDLE else THREADS)
    assert ways == [ONE_THREAD, THREADS, MKL]


def test_one_way_alone_is_not_tried(machine):
    machine.threads[:] = [1]
    assert blas_choice.choose([BIG]) == Choice(blas.numpys(), serial=True)
    assert machine.asked == []


def test_without_mkl_threads_are_tried(machine):
    machine.seconds = {ONE_THREAD: 1.0, THREADS: 0.5}
    assert blas_choice.choose([MIDDLE]) == Choice(blas.numpys())
    assert machine.asked[0][2] == [ONE_THREAD, THREADS]


def test_the_override(with_third, monkeypatch):
    monkeypatch.setenv("PULLBACK_MKL", "1")
    for products in ([SMALL], [BIG]):
        found = blas_choice.choose(products)
        assert found.library is not None
        assert found.library.name == "MKL"
    assert with_third.asked == []


def test_no_mkl_under_pullback_mkl_0(monkeypatch):
    monkeypatch.setenv("PULLBACK_MKL", "0")
    _mkl.load.cache_clear()
    try:
        assert blas.mkl() is None
        own = blas.for_kernels()
        assert own == blas.numpys()
    finally:
        _mkl.load.cache_clear()


def test_lengths_of_one_class_are_one_question(machine):
    machine.seconds = {ONE_THREAD: 1.0, THREADS: 0.5}
    shapes = [(100, 100, 100), (128, 120, 128), (129, 100, 100)]
    for m, n, k in shapes:
        blas_choice.choose([Product(m, n, k, False, k, False, n, "float32", False)])
    first, second, third = (question["products"] for question, _, _ in machine.asked)
    assert first == second
    assert first != third
    # dtype, transposes and what is added to are part of it
    for changed in ({"dtype": "float64"}, {"flip_a": True}, {"flip_b": True}, {"added": True}):
        blas_choice.choose([dataclasses.replace(MIDDLE, **changed)])
    questions = [str(question["products"]) for question, _, _ in machine.asked]
    assert len(set(questions)) == 2 + 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("flip_a", "flip_b"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("added", [False, True])
def test_trials_run_products_on_memory_of_their_own(dtype, flip_a, flip_b, added):
    m, n, k = 5, 7, 3
    p = Product(m, n, k, flip_a, m if flip_a else k, flip_b, k if flip_b else n, dtype, added)
    a, b, c = blas_choice._operands(p)
    assert (a.size, b.size, c.size) == (15, 21, 35)
    library = blas.numpys()
    assert library is not None
    run = blas_choice._run(library, [(p, 2, a, b, c)])
    run()
    np.testing.assert_array_equal(c, (2 if added else 1) * 0.75)


def test_large_products_are_cut(monkeypatch):
    huge = Product(40_000, 30_000, 20_000, True, 40_000, False, 30_000, "float32", False)
    cut = blas_choice._cut(huge)
    assert cut.flops <= blas_choice.ONE
    assert min(cut.m, cut.n, cut.k) > 300
    assert (cut.lda, cut.ldb) == (40_000, 30_000)
    monkeypatch.setattr(blas_choice, "ONE", 1e6)
    monkeypatch.setattr(blas_choice, "ALL", 4e6)
    library = blas.numpys()
    bound = []
    monkeypatch.setattr(
        blas_choice, "_run", lambda library, work: bound.append(work) or (lambda: None)
    )
    blas_choice._runs({MIDDLE: 50, BIG: 1}, {ONE_THREAD: Choice(library)})
    done = sum(p.flops * times for p, times, *_ in bound[0])
    assert 0 < done <= 4e6


def test_threads_are_off_in_a_serial_program_alone(machine):
    seen = []
    kernel = lambda *arguments: seen.append((machine.threads[-1], arguments))
    own = blas.numpys()
    Choice(own, serial=True).called(kernel)(1, 2)
    Choice(own).called(kernel)(3)
    assert seen == [(1, (1, 2)), (2, (3,))]
    assert machine.threads[-1] == 2
    # where OpenBLAS itself would use no threads, nothing is set
    assert Choice(own, serial=True).called(kernel, shared=False) is kernel
    assert Choice(own).called(kernel) is kernel


def test_threads_are_back_after_an_error(machine):
    def wrong() -> None:
        assert machine.threads[-1] == 1
        raise FloatingPointError

    with pytest.raises(FloatingPointError):
        Choice(blas.numpys(), serial=True).called(wrong)()
    assert machine.threads[-1] == 2


def test_a_serial_program_leaves_a_limit_as_it_is(machine):
    machine.threads[:] = [1]
    Choice(blas.numpys(), serial=True).called(lambda: None)()
    assert machine.threads == [1]


def test_serial_programs_in_threads(machine):
    """Each sees one thread while it runs, whoever of them begins and ends first."""
    barrier = threading.Barrier(6)
    wrong = []

    def kernel() -> None:
        if machine.threads[-1] != 1:
            wrong.append(machine.threads[-1])

    run = Choice(blas.numpys(), serial=True).called(kernel)

    def many() -> None:
        barrier.wait()
        for _ in range(200):
            run()

    workers = [threading.Thread(target=many) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
    assert machine.threads[-1] == 2


# ── in programs ───────────────────────────────────────────────────────────────────────────────


def step_and_arguments(n: int = 100):
    """A fresh program with products of 2 n³ operations, and its arguments."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((n, n)).astype(np.float32) for _ in range(3)]
    f = lambda x, W, V: pb.xp.sum(pb.xp.tanh(x @ W) @ V)
    return pb.compile(pb.value_and_grad(f, argnums=(1, 2)), fast=True), f, arrays


def test_all_kernels_of_a_program_call_one_library(with_third):
    pytest.importorskip("numba", reason="kernels are an extra")
    with_third.seconds = {ONE_THREAD: 1.0, THREADS: 1.0, MKL: 0.5}
    step, f, arrays = step_and_arguments()
    step(*arrays)  # recorded
    step(*arrays)
    before = list(with_third.threads)
    value, gradients = step(*arrays)
    wanted, exact = pb.value_and_grad(f, argnums=(1, 2))(*arrays)
    np.testing.assert_allclose(float(value), float(wanted), rtol=1e-3)
    for found, other in zip(gradients, exact, strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-3, atol=1e-3)
    assert with_third.limits  # by the library that was chosen
    assert with_third.threads == before  # and not by OpenBLAS's switch
    assert len(with_third.asked) == 1
    counts = {tuple(p[:3]): p[-1] for p in with_third.asked[0][0]["products"]}
    assert counts == {(128, 128, 128): sum(counts.values())}


def test_a_program_by_one_thread_gives_what_eager_gives(machine):
    pytest.importorskip("numba", reason="kernels are an extra")
    machine.seconds = {ONE_THREAD: 1.0, THREADS: 1.0}
    step, f, arrays = step_and_arguments()
    step(*arrays)  # recorded
    value, _ = step(*arrays)
    assert machine.threads[-3:] == [2, 1, 2]
    np.testing.assert_allclose(float(value), float(f(*arrays)), rtol=1e-3)


def test_the_default_outside_of_programs(monkeypatch):
    own = blas.numpys()
    other = dataclasses.replace(own, name="other")
    assert blas.for_kernels() == own
    with blas.used(other):
        assert blas.for_kernels() == other
        seen = []
        thread = threading.Thread(target=lambda: seen.append(blas.for_kernels()))
        thread.start()
        thread.join()
        assert seen == [own]
        with blas.used(own):
            assert blas.for_kernels() == own
        assert blas.for_kernels() == other
    assert blas.for_kernels() == own
