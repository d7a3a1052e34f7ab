"""Which BLAS the products of a program go to, and on how many threads: the fastest on its own products.

One library serves a whole program, on one thread or on all that are allowed. Where no product reaches `TRIED`, none is
timed: NumPy's OpenBLAS on one thread, which is the fastest there. Programs of small products prefer one thread too:
two gain little on them, and on a busy machine a product that waits for its second thread takes milliseconds. Threads,
or MKL, have to show that they are faster.

Trials are asked for by lengths rounded up to powers of two, so that a last short batch, or a sequence that grows, finds
an answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....backend.common import trials
from ....backend.numpy import mkl as _mkl
from ....backend.numpy import openblas
from ..ir.views import contiguous_view
from ..optimise.fuse import Statement, Statements, leading
from . import blas
from .native.threads import alone

# Floating point operations of the largest product from which ways are tried, and from which all threads are preferred.
TRIED, LARGE = 1e6, 4e6
# Those of one product, and of all in a run, of a trial: larger ones are cut, as their speed changes no more.
ONE, ALL = 5e8, 2e9
# Products up to this one run on one thread in any case: OpenBLAS's own limit, m n k.
NEVER_SHARED = 1 << 18

ONE_THREAD, THREADS, MKL = "OpenBLAS, one thread", "OpenBLAS, threads", "MKL"


@dataclass(frozen=True)
class Product:
    """A matrix product as BLAS gets it, in row order: m, n, k, operands transposed or not, their leading dimensions."""

    m: int
    n: int
    k: int
    flip_a: bool
    lda: int
    flip_b: bool
    ldb: int
    dtype: str
    added: bool  # to what lies there

    @property
    def flops(self) -> float:
        """Its floating point operations."""
        return 2.0 * self.m * self.n * self.k

    def rounded(self) -> tuple[Any, ...]:
        """What a trial's answer holds for."""
        up = lambda n: 1 << max(n - 1, 0).bit_length()
        lengths = (self.m, self.n, self.k, self.lda, self.ldb)
        return (*map(up, lengths), self.flip_a, self.flip_b, self.dtype, self.added)


@dataclass(frozen=True)
class Choice:
    """A library, or None where there is none that kernels can call, and whether products use one thread alone."""

    library: blas.Library | None
    serial: bool = False

    def called(self, kernel: Callable[..., Any], shared: bool = True) -> Callable[..., Any]:
        """A kernel that calls BLAS, on the threads that were chosen and no more than are allowed when it is called.

        `shared` says whether OpenBLAS would use threads for its products at all.
        """
        if self.library is not None and self.library.name == MKL:
            found = _mkl.load()
            assert found is not None
            threads = 1 if self.serial else None

            def limited(*arguments: Any) -> Any:
                with found.limited(threads):
                    return kernel(*arguments)

            return limited
        if not self.serial or not shared:
            return kernel
        return lambda *arguments: alone(lambda: kernel(*arguments))


NO_BLAS = Choice(None)


def product(out: Statements, s: Statement) -> Product:
    """The product of a statement."""
    a, b = s.op.args
    view = lambda v: out.refs.get(v) or contiguous_view(v)
    flip_a, lda = leading(view(a), a.shape) or (False, 0)
    flip_b, ldb = leading(view(b), b.shape) or (False, 0)
    k, n = b.shape
    dtype = s.ops[-1].result.dtype.name
    return Product(a.size // k, n, k, flip_a, lda, flip_b, ldb, dtype, s.start is not None)


def choose(products: list[Product]) -> Choice:
    """The library and threads of a program with these products."""
    largest = max((p.flops for p in products), default=0.0)
    own = None if _mkl.wanted() else blas.numpys()
    if own is not None and largest < TRIED:
        return Choice(own, serial=True)
    other = blas.mkl()
    if own is None:
        return Choice(other if other is not None else blas.numpys())
    threads = openblas.threads_allowed()
    ways = {ONE_THREAD: Choice(own, serial=True)}
    if threads > 1:
        ways[THREADS] = Choice(own)
    if other is not None:
        ways[MKL] = Choice(other)
    preferred = THREADS if largest >= LARGE and threads > 1 else ONE_THREAD
    if len(ways) == 1:
        return ways[preferred]
    counts: dict[Product, int] = {}
    for p in products:
        if p.flops >= TRIED:
            counts[p] = counts.get(p, 0) + 1
    classes: dict[tuple[Any, ...], int] = {}
    for p, count in counts.items():
        classes[p.rounded()] = classes.get(p.rounded(), 0) + count
    mkl = _mkl.loaded()
    found = openblas.numpys()
    question = {
        "products": sorted([*shape, count] for shape, count in classes.items()),
        "ways": sorted(ways),
        "threads": threads,
        "OpenBLAS": found.version if found is not None else "",
        "MKL": mkl.version if mkl is not None else "",
    }
    pauses = {ONE_THREAD: _mkl.SETTLING, MKL: openblas.settling()} if MKL in ways else {}
    make = lambda: _runs(counts, ways)
    chosen = trials.fastest("products", question, preferred, make, pauses=pauses)
    return ways.get(chosen, ways[preferred])


def _runs(counts: dict[Product, int], ways: dict[str, Choice]) -> dict[str, Callable[[], Any]]:
    """All products of a trial, each way: the most work first, as long as there is room."""
    work: list[tuple[Product, int]] = []
    total = 0.0
    for p, count in sorted(counts.items(), key=lambda pair: -pair[0].flops * pair[1]):
        cut = _cut(p)
        times = min(count, max(1, int((ALL - total) / cut.flops)))
        if work and total + cut.flops > ALL:
            break
        total += times * cut.flops
        work.append((cut, times))
    bound = [(p, times, *_operands(p)) for p, times in work]
    return {
        name: choice.called(_run(choice.library, bound))
        for name, choice in ways.items()
        if choice.library is not None
    }


def _cut(p: Product) -> Product:
    """A product of at most `ONE` operations, with the longest sides cut in halves."""
    m, n, k = p.m, p.n, p.k
    while 2.0 * m * n * k > ONE:
        longest = max(m, n, k)
        if longest == m:
            m = -(-m // 2)
        elif longest == n:
            n = -(-n // 2)
        else:
            k = -(-k // 2)
    return Product(m, n, k, p.flip_a, p.lda, p.flip_b, p.ldb, p.dtype, p.added)


def _operands(p: Product) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Memory for a product: numbers that stay of moderate size."""
    rows_a, rows_b = (p.k if p.flip_a else p.m), (p.n if p.flip_b else p.k)
    a = np.full(max(rows_a * p.lda, 1), 0.5, p.dtype)
    b = np.full(max(rows_b * p.ldb, 1), 0.5, p.dtype)
    return a, b, np.zeros(p.m * p.n, p.dtype)


def _run(library: blas.Library, bound: list[Any]) -> Callable[[], None]:
    gemm = {name: blas.typed(library, name) for name in ("sgemm", "dgemm")}
    calls = []
    for p, times, a, b, c in bound:
        at = [x.__array_interface__["data"][0] for x in (a, b, c)]
        call = (
            101, 112 if p.flip_a else 111, 112 if p.flip_b else 111, p.m, p.n, p.k, 1.0,
            at[0], p.lda, at[1], p.ldb, 1.0 if p.added else 0.0, at[2], p.n,
        )  # fmt: skip
        calls += [(gemm["sgemm" if p.dtype == "float32" else "dgemm"], call)] * times

    def run(_keep: Any = bound) -> None:
        for function, call in calls:
            function(*call)

    return run


def shares(products: list[Product]) -> bool:
    """Whether OpenBLAS would use threads for one of these products."""
    return any(math.prod((p.m, p.n, p.k)) > NEVER_SHARED for p in products)
