"""The adjoint of a sparse solve: what a gradient adds in time and memory, and what a factor saves.

    python benchmarks/sparse.py --json FILE [--side 500]

The five-point Laplacian on a square grid (500 × 500: 250,000 unknowns), one right-hand side. Times are medians of
rounds in one process. What the gradient adds is the time of the backward sweep itself: as the difference of two times
that are thirty times as long it would be their noise. Peak memory (Linux: VmHWM) is that of a process of its own that
does nothing else, beyond what it took to start and to set the matrix up.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, save, table

import pullback as pb

SIDE, ROUNDS = 500, 5


def poisson(side: int) -> tuple[Any, np.ndarray]:
    """The negative five-point Laplacian with zeros around, and a right-hand side."""
    k = np.arange(side * side).reshape(side, side)
    pairs = [(k[:, 1:], k[:, :-1]), (k[:, :-1], k[:, 1:]), (k[1:], k[:-1]), (k[:-1], k[1:])]
    row = np.concatenate([k.ravel(), *(a.ravel() for a, _ in pairs)])
    col = np.concatenate([k.ravel(), *(b.ravel() for _, b in pairs)])
    data = np.where(row == col, 4.0, -1.0)
    A = pb.sparse.coo_array((data, (row, col)), shape=(side * side, side * side)).tocsr()
    return A, np.random.default_rng(0).standard_normal(side * side)


def loss(A: Any, b: Any) -> Any:
    """Σ v² of the solution."""
    return pb.xp.sum(pb.linalg.spsolve(A, b) ** 2)


def _seconds(f: Callable[[], Any]) -> float:
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def _peak(side: int, what: str) -> float:
    """MiB that a process takes at most for one kind of work."""
    command = [sys.executable, __file__, "--side", str(side), "--peak", what]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(json.loads(out))


def _work(what: str, side: int) -> None:
    """One solve, or value and gradient, in this process; prints its peak memory beyond the set-up."""
    pb.grad(loss)(*poisson(8))  # what is imported at the first use
    A, b = poisson(side)
    before = _high_water()
    if what == "forward":
        loss(A, b)
    else:
        pb.value_and_grad(loss)(A, b)
    print(json.dumps(_high_water() - before))


def _high_water() -> float:
    """The most memory that this process has had, in MiB; `getrusage` would count the parent's before the start."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status: peak memory is measured on Linux alone")


def measure(side: int = SIDE) -> dict[str, Any]:
    """Seconds and MiB, and the ratios that are of interest."""
    A, b = poisson(side)
    gradient = pb.value_and_grad(loss)
    names = ("factor", "solve", "second", "gradient", "backward")
    times: dict[str, list[float]] = {name: [] for name in names}
    gradient(A, b)
    for _ in range(ROUNDS):
        made: list[Any] = []
        times["factor"].append(_seconds(lambda: made.append(pb.linalg.factorize(A))))  # noqa: B023 - called at once
        times["second"].append(_seconds(lambda: made[0].solve(b)))  # noqa: B023 - as above
        times["solve"].append(_seconds(lambda: loss(A, b)))
        times["gradient"].append(_seconds(lambda: gradient(A, b)))
        pull = pb.vjp(lambda A: loss(A, b), A)[1]
        times["backward"].append(_seconds(lambda: pull(1.0)))  # noqa: B023 - as above
    middle = {name: statistics.median(values) for name, values in times.items()}
    forward, whole = _peak(side, "forward"), _peak(side, "gradient")
    return {
        "unknowns": side * side,
        "stored": A.nnz,
        "seconds": middle,
        "gradient beyond the solve, over the factorisation": middle["backward"] / middle["factor"],
        "second right-hand side over the first solve": middle["second"] / middle["solve"],
        "peak memory of the solve, MiB": forward,
        "peak memory of value and gradient, MiB": whole,
        "memory ratio": whole / forward,
    }


def show(result: dict[str, Any]) -> str:
    """The result as a table."""
    rows = [
        ["factorisation, s", f"{result['seconds']['factor']:.3f}", ""],
        ["solve with its factorisation, s", f"{result['seconds']['solve']:.3f}", ""],
        ["value and gradient, s", f"{result['seconds']['gradient']:.3f}", ""],
        [
            "gradient beyond the solve / factorisation",
            f"{result['gradient beyond the solve, over the factorisation']:.3f}",
            "0.3",
        ],
        [
            "second right-hand side / first solve",
            f"{result['second right-hand side over the first solve']:.3f}",
            "0.05",
        ],
        ["peak memory of value and gradient / solve", f"{result['memory ratio']:.3f}", "1.3"],
    ]
    title = f"2-D Poisson, {result['unknowns']:,} unknowns, {result['stored']:,} stored elements"
    return table(title, ["", "measured", "limit"], rows)


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--peak", choices=("forward", "gradient"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peak:
        _work(args.peak, args.side)
        return
    result = measure(args.side)
    print(show(result))
    save("sparse", {"environment": environment(), "sparse": result}, args.json)


if __name__ == "__main__":
    main()
