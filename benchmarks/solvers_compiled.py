"""Solvers inside `pb.compile`, beside SciPy's called by hand and the same uncompiled, forward and with gradients.

    python benchmarks/solvers_compiled.py [--side 100] [--rounds 15] [--json FILE]

The five-point Laplacian on a square grid (100 × 100: 10,000 unknowns) in float64: conjugate gradients and GMRES (of the
Laplacian with 0.5 added to its diagonal) with the matrix by rows, and conjugate gradients with the stencil as a
function of grids. Gradients are by the right-hand side and by the stored elements (of the stencil: by the number on its
diagonal). Then a root and a minimum of 100 unknowns by Newton's method, with gradients by the parameters. By hand are
SciPy's solvers, the adjoint solve with them, and the products that make the gradients; Newton's steps in NumPy.
In one process, taken in alternation: milliseconds (median and quartiles), and ratios of medians. Before that all agree.
"""

from __future__ import annotations

import argparse
import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from _report import environment, quartiles, save, table, wait_for_kernels

import pullback as pb

SIDE, ROUNDS, SMALL = 100, 15, 100
SETTINGS = {"rtol": 1e-6}
HAND = "by hand"
xp = pb.xp
Task = dict[str, Callable[[], Any]]


def three(f: Callable[..., Any], *args: Any) -> Task:
    """One function, eager and compiled with kernels and without."""
    ways = {"eager": f, "compiled": pb.compile(f, fast=False), "compiled, kernels": pb.compile(f)}
    return {name: functools.partial(way, *args) for name, way in ways.items()}


# ── Krylov methods ────────────────────────────────────────────────────────────────────────────


def right_hand_side(side: int) -> np.ndarray:
    """A vector of which no method finds the solution at once."""
    return np.random.default_rng(0).standard_normal(side * side)


def by_rows(method: str, side: int, shift: float) -> dict[str, Task]:
    """A solve with a sparse matrix; the gradient is of Σ x²."""
    line = scipy.sparse.diags_array(
        [-1.0, 2.0 + shift / 2, -1.0], offsets=[-1, 0, 1], shape=(side, side)
    )
    eye = scipy.sparse.eye_array(side)
    S = (scipy.sparse.kron(line, eye) + scipy.sparse.kron(eye, line)).tocsr()
    S.sort_indices()
    rows, b = np.repeat(np.arange(side * side), np.diff(S.indptr)), right_hand_side(side)
    A, by_scipy = pb.sparse.csr_array(S), getattr(scipy.sparse.linalg, method)

    def hand() -> Any:
        return by_scipy(S, b, **SETTINGS)[0]

    def hand_gradient() -> Any:
        x = hand()
        adjoint = by_scipy(S if method == "cg" else S.T, 2 * x, **SETTINGS)[0]
        return x @ x, (-adjoint[rows] * x[S.indices], adjoint)

    def solve(A: Any, b: Any) -> Any:
        return getattr(pb.linalg, method)(A, b, **SETTINGS)[0]

    gradient = pb.value_and_grad(lambda A, b: xp.sum(solve(A, b) ** 2), (0, 1))
    return {
        "forward": {HAND: hand, **three(solve, A, b)},
        "gradient": {HAND: hand_gradient, **three(gradient, A, b)},
    }


def matrix_free(side: int) -> dict[str, Task]:
    """Conjugate gradients with the stencil as a function of grids; the gradient is by its diagonal and b."""
    b = right_hand_side(side).reshape(side, side)
    diagonal = np.asarray(4.0)

    def stencil_by_hand(v: np.ndarray) -> np.ndarray:
        u = v.reshape(side, side)
        out = 4.0 * u
        out[1:] -= u[:-1]
        out[:-1] -= u[1:]
        out[:, 1:] -= u[:, :-1]
        out[:, :-1] -= u[:, 1:]
        return out.reshape(-1)

    S = scipy.sparse.linalg.LinearOperator((side * side,) * 2, stencil_by_hand, dtype=np.float64)
    none = np.zeros((1, side))

    def hand() -> Any:
        return scipy.sparse.linalg.cg(S, b.reshape(-1), **SETTINGS)[0].reshape(side, side)

    def hand_gradient() -> Any:
        x = hand()
        adjoint = scipy.sparse.linalg.cg(S, 2 * x.reshape(-1), **SETTINGS)[0].reshape(side, side)
        return np.sum(x * x), (-np.sum(adjoint * x), adjoint)

    def solve(d: Any, b: Any) -> Any:
        def stencil(u: Any) -> Any:
            down, up = xp.concat([none, u[:-1, :]]), xp.concat([u[1:, :], none])
            left = xp.concat([none.T, u[:, :-1]], axis=1)
            right = xp.concat([u[:, 1:], none.T], axis=1)
            return d * u - down - up - left - right

        return pb.linalg.cg(stencil, b, **SETTINGS)[0]

    gradient = pb.value_and_grad(lambda d, b: xp.sum(solve(d, b) ** 2), (0, 1))
    return {
        "forward": {HAND: hand, **three(solve, diagonal, b)},
        "gradient": {HAND: hand_gradient, **three(gradient, diagonal, b)},
    }


# ── roots and minima ──────────────────────────────────────────────────────────────────────────


def newton(step: Callable[[np.ndarray], Any], n: int) -> Any:
    """v and the last matrix, by Newton's steps until one is below 1e-12 of v."""
    v = np.zeros(n)
    while True:
        J, r = step(v)
        d = np.linalg.solve(J, r)
        v = v - d
        if np.linalg.norm(d) <= 1e-12 * np.linalg.norm(v):
            return v, J


def of_equation(n: int = SMALL) -> dict[str, Task]:
    """v with B v + v³ = p; the gradient of Σ v² is by p."""
    rng = np.random.default_rng(0)
    B, p = np.eye(n) * 3 + rng.standard_normal((n, n)) / n, rng.standard_normal(n)

    def found() -> Any:
        return newton(lambda v: (B + np.diag(3 * v**2), B @ v + v**3 - p), n)

    def hand_gradient() -> Any:
        v, J = found()
        return v @ v, np.linalg.solve(J.T, 2 * v)

    def solve(p: Any) -> Any:
        return pb.implicit.root(lambda v: B @ v + v**3 - p, np.zeros(n))

    gradient = pb.value_and_grad(lambda p: xp.sum(solve(p) ** 2))
    return {
        "forward": {HAND: lambda: found()[0], **three(solve, p)},
        "gradient": {HAND: hand_gradient, **three(gradient, p)},
    }


def of_minimum(n: int = SMALL) -> dict[str, Task]:
    """v that minimises Σ log(1 + exp(X v)) − y·v + ½ Σ v²; the gradient of Σ v² is by y."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2 * n, n)), rng.standard_normal(n)

    def parts(v: np.ndarray) -> Any:
        s = 1 / (1 + np.exp(-(X @ v)))
        return (X.T * (s * (1 - s))) @ X + np.eye(n), X.T @ s - y + v

    def found() -> Any:
        return newton(parts, n)

    def hand_gradient() -> Any:
        v, H = found()
        return v @ v, np.linalg.solve(H, 2 * v)

    def solve(y: Any) -> Any:
        def loss(v: Any) -> Any:
            zero = xp.zeros(2 * n)
            return xp.sum(xp.logaddexp(zero, X @ v)) - y @ v + 0.5 * xp.sum(v**2)

        return pb.implicit.argmin(loss, np.zeros(n))

    gradient = pb.value_and_grad(lambda y: xp.sum(solve(y) ** 2))
    return {
        "forward": {HAND: lambda: found()[0], **three(solve, y)},
        "gradient": {HAND: hand_gradient, **three(gradient, y)},
    }


# ── measurement ───────────────────────────────────────────────────────────────────────────────


def problems(side: int) -> dict[str, dict[str, Task]]:
    """All problems, forward and with gradients."""
    return {
        "cg, sparse": by_rows("cg", side, 0.0),
        "gmres, sparse": by_rows("gmres", side, 0.5),
        "cg, function": matrix_free(side),
        "root": of_equation(),
        "argmin": of_minimum(),
    }


def check(task: Task) -> None:
    """All agree before they are timed, and have recorded what they compile."""
    wanted = task[HAND]()
    for name, run in task.items():
        for again in (run(), run()):
            for ours, theirs in zip(pb.tree.leaves(again), pb.tree.leaves(wanted), strict=True):
                scale = float(np.max(np.abs(theirs)))
                np.testing.assert_allclose(
                    pb.to_numpy(ours), theirs, rtol=1e-3, atol=1e-3 * scale, err_msg=name
                )


def timed(task: Task, rounds: int) -> dict[str, Any]:
    """Quartiles of milliseconds."""
    seconds: dict[str, list[float]] = {name: [] for name in task}
    for k in range(rounds):
        names = list(task) if k % 2 else list(task)[::-1]
        for name in names:
            start = time.perf_counter()
            task[name]()
            seconds[name].append(time.perf_counter() - start)
    return {name: quartiles([1e3 * s for s in values]) for name, values in seconds.items()}


def measure(side: int = SIDE, rounds: int = ROUNDS) -> dict[str, Any]:
    """Milliseconds by problem, kind and way."""
    found: dict[str, Any] = {}
    for name, tasks in problems(side).items():
        for task in tasks.values():
            check(task)
        found[name] = {kind: timed(task, rounds) for kind, task in tasks.items()}
    return found


def show(result: dict[str, Any]) -> str:
    """The result as a table: milliseconds, and ratios to the same by hand."""
    rows = []
    for name, kinds in result.items():
        for kind, ways in kinds.items():
            hand = ways[HAND]["median"]
            cells = [f"{t['median']:.2f} ({t['median'] / hand:.2f})" for t in ways.values()]
            rows.append([f"{name}, {kind}", *cells])
    head = ["ms (over by hand)", *next(iter(next(iter(result.values())).values()))]
    return table("Solvers", head, rows)


def main() -> None:
    """Measure, print, save."""
    wait_for_kernels()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    result = measure(args.side, args.rounds)
    print(show(result))
    settings = {"side": args.side, "rounds": args.rounds, "rtol": SETTINGS["rtol"]}
    results = {"environment": environment(), "settings": settings, "milliseconds": result}
    save("solvers", results, args.json)


if __name__ == "__main__":
    main()
