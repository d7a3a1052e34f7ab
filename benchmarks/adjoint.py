"""Value and gradient through dense solves and Cholesky's factor, over the forward computation by NumPy.

    python benchmarks/adjoint.py [--sizes 100 500] [--json FILE]

In one process, taken in alternation, medians and quartiles of ratios to the forward time of the same round:

* ``solve``: c·A⁻¹b and its gradients by A and b, over one `np.linalg.solve`;
* ``solve, b alone``: the gradient by b, where no n × n array is made;
* ``cholesky``: Σ C·L and its gradient by A = L Lᵀ, over one `np.linalg.cholesky`;
* ``20 solves``: of single right-hand sides one after the other with one factor, over one `np.linalg.solve`, gathered
  (`factorize`) and one by one (`solve`).

Beside pullback: the same written by hand with SciPy's LAPACK, and torch, JAX and HIPS autograd where they can be
imported. Float64. Where the package `mkl` is installed, pullback uses it (PULLBACK_MKL=0 for OpenBLAS).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import numpy as np
import scipy.linalg.lapack as lapack
from _report import environment, quartiles, save, table, wait_for_kernels

import pullback as pb

SIZES = (100, 500, 1000, 2000)
CHOLESKY = 1500
MANY = 20
Task = dict[
    str, Callable[[], Any]
]  # what is timed, by name; "forward" is what the others are divided by


def data(n: int) -> tuple[np.ndarray, ...]:
    """A matrix of moderate condition, two vectors, a positive definite matrix and weights for its factor."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((n, n)) + n**0.5 * np.eye(n)
    return A, rng.standard_normal(n), rng.standard_normal(n)


def solve_task(n: int) -> Task:
    """c·A⁻¹b, by all."""
    A, b, c = data(n)

    def by_hand() -> Any:
        lu, pivots, _ = lapack.dgetrf(A.T)
        v = lapack.dgetrs(lu, pivots, b, trans=1)[0]
        adjoint = lapack.dgetrs(lu, pivots, c)[0]
        return c @ v, np.multiply(-adjoint[:, None], v), adjoint

    both = pb.value_and_grad(lambda A, b: c @ pb.linalg.solve(A, b), argnums=(0, 1))
    replayed = pb.compile(lambda A, b: both(A, b), fast=False)  # buffers are reused
    task: Task = {
        "forward": lambda: np.linalg.solve(A, b),
        "by hand": by_hand,
        "pullback": lambda: both(A, b),
        "pullback, compiled": lambda: replayed(A, b),
    }
    for name, peer in peers().items():
        task[name] = peer.solve(A, b, c)
    return task


def vector_task(n: int) -> Task:
    """The gradient by b alone."""
    A, b, c = data(n)
    alone = pb.value_and_grad(lambda b: c @ pb.linalg.solve(A, b))
    unchecked = pb.value_and_grad(lambda b: c @ pb.linalg.solve(A, b, check=False))
    return {
        "forward": lambda: np.linalg.solve(A, b),
        "pullback": lambda: alone(b),
        "pullback, check=False": lambda: unchecked(b),
    }


def cholesky_task(n: int) -> Task:
    """Σ C·L of A = L Lᵀ."""
    A, _, _ = data(n)
    A = A @ A.T + np.eye(n)
    C = np.random.default_rng(1).standard_normal((n, n))
    both = pb.value_and_grad(lambda A: pb.xp.sum(C * pb.xp.linalg.cholesky(A)))
    task: Task = {"forward": lambda: np.linalg.cholesky(A), "pullback": lambda: both(A)}
    for name, peer in peers().items():
        task[name] = peer.cholesky(A, C)
    return task


def many_task(n: int) -> Task:
    """Twenty solves, one after the other."""
    A, b, c = data(n)

    def chain(solve: Callable[[Any], Any]) -> Any:
        v = b
        for _ in range(MANY):
            v = solve(v)
        return c @ v

    gathered = pb.value_and_grad(lambda A: chain(pb.linalg.factorize(A).solve))
    apart = pb.value_and_grad(lambda A: chain(lambda v: pb.linalg.solve(A, v)))
    return {
        "forward": lambda: np.linalg.solve(A, b),
        "pullback": lambda: gathered(A),
        "pullback, one by one": lambda: apart(A),
    }


# ── peers ─────────────────────────────────────────────────────────────────────────────────────


class Torch:
    """PyTorch on the CPU."""

    def __init__(self) -> None:
        import torch

        self.torch = torch

    def solve(self, A: np.ndarray, b: np.ndarray, c: np.ndarray) -> Callable[[], Any]:
        At, bt, ct = (self.torch.tensor(x) for x in (A, b, c))

        def run() -> Any:
            x, y = At.detach().requires_grad_(), bt.detach().requires_grad_()
            value = ct @ self.torch.linalg.solve(x, y)
            return value, self.torch.autograd.grad(value, (x, y))

        return run

    def cholesky(self, A: np.ndarray, C: np.ndarray) -> Callable[[], Any]:
        At, Ct = self.torch.tensor(A), self.torch.tensor(C)

        def run() -> Any:
            x = At.detach().requires_grad_()
            value = (Ct * self.torch.linalg.cholesky(x)).sum()
            return value, self.torch.autograd.grad(value, (x,))

        return run


class Jax:
    """JAX on the CPU, compiled."""

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.np = jax, jax.numpy

    def _run(self, f: Callable[..., Any], arguments: tuple[Any, ...], count: int) -> Callable[[], Any]:  # fmt: skip
        compiled = self.jax.jit(self.jax.value_and_grad(f, argnums=tuple(range(count))))
        arrays = [self.np.asarray(x) for x in arguments]
        return lambda: self.jax.block_until_ready(compiled(*arrays))

    def solve(self, A: np.ndarray, b: np.ndarray, c: np.ndarray) -> Callable[[], Any]:
        return self._run(lambda A, b, c: c @ self.np.linalg.solve(A, b), (A, b, c), 2)

    def cholesky(self, A: np.ndarray, C: np.ndarray) -> Callable[[], Any]:
        return self._run(lambda A, C: (C * self.np.linalg.cholesky(A)).sum(), (A, C), 1)


class Hips:
    """HIPS autograd."""

    def __init__(self) -> None:
        import autograd
        import autograd.numpy

        self.grad, self.np = autograd.value_and_grad, autograd.numpy

    def solve(self, A: np.ndarray, b: np.ndarray, c: np.ndarray) -> Callable[[], Any]:
        both = self.grad(lambda x: self.np.dot(c, self.np.linalg.solve(x[0], x[1])))
        return lambda: both((A, b))

    def cholesky(self, A: np.ndarray, C: np.ndarray) -> Callable[[], Any]:
        both = self.grad(lambda A: self.np.sum(C * self.np.linalg.cholesky(A)))
        return lambda: both(A)


_FOUND: dict[str, Any] = {}


def peers() -> dict[str, Any]:
    """Those that can be imported here."""
    if not _FOUND:
        for name, peer in (("torch", Torch), ("JAX", Jax), ("HIPS autograd", Hips)):
            try:
                _FOUND[name] = peer()
            except ImportError:
                _FOUND[name] = None
    return {name: peer for name, peer in _FOUND.items() if peer is not None}


# ── measuring ─────────────────────────────────────────────────────────────────────────────────


def ratios(task: Task, repeats: int) -> dict[str, Any]:
    """Seconds of the forward computation, and quartiles of the others over it; short ones are run in blocks."""
    seconds: dict[str, list[float]] = {name: [] for name in task}
    for run in task.values():
        run()
    started = time.perf_counter()
    task["forward"]()
    block = max(1, round(2e-3 / (time.perf_counter() - started)))
    for _ in range(repeats):
        for name, run in task.items():
            started = time.perf_counter()
            for _ in range(block):
                run()
            seconds[name].append((time.perf_counter() - started) / block)
    forward = np.asarray(seconds.pop("forward"))
    found: dict[str, Any] = {"forward s": float(np.median(forward))}
    for name, taken in seconds.items():
        found[name] = quartiles(np.asarray(taken) / forward)
    return found


def measure(sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """All tasks."""
    found: dict[str, Any] = {"mkl": pb.backend.resolve("numpy").info()["MKL"]}
    for n in sizes:
        repeats = max(7, min(30, int(4e9 / n**3)))
        found[f"solve {n}"] = ratios(solve_task(n), repeats)
        found[f"solve {n}, b alone"] = ratios(vector_task(n), repeats)
    n = min(CHOLESKY, max(sizes))
    found[f"cholesky {n}"] = ratios(cholesky_task(n), 7)
    n = min(1000, max(sizes))
    found[f"{MANY} solves {n}"] = ratios(many_task(n), 9)
    return found


def show(found: dict[str, Any]) -> str:
    """One table."""
    rows = [
        [task, f"{row['forward s'] * 1e3:.3f}", name, f"{q['median']:.2f}", f"{q['low']:.2f}–{q['high']:.2f}"]
        for task, row in found.items() if task != "mkl"
        for name, q in row.items() if name != "forward s"
    ]  # fmt: skip
    head = ["task", "forward ms", "by", "over forward", "quartiles"]
    return table(f"value and gradient over the forward computation; MKL: {found['mkl']}", head, rows)  # fmt: skip


def main() -> None:
    """Measure, print, and write JSON where asked."""
    wait_for_kernels()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="orders of matrices")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    found = measure(tuple(options.sizes))
    print(show(found))
    if options.json:
        save("adjoint", {"environment": environment(), "adjoint": found}, options.json)


if __name__ == "__main__":
    main()
