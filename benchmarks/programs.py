"""A compiled training step whose batches change their length: calls that cycle among kept programs, and new lengths.

    python benchmarks/programs.py [--lengths 12] [--plain] [--json FILE]

An MLP 20-64-3 with Adam, in float32. First each new length: milliseconds of its first call, which records, of its
second, which lays the program out, and of its third, beside the eager step. Then microseconds of a call that is like
the last one, of calls that alternate between two lengths, and of calls that cycle among all (medians of rounds, in
turn). `--plain` is without kernels; with them, the time to compile is in the second call, unless they are in the cache.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import numpy as np
from _report import environment, quartiles, save, table

import pullback as pb

ROUNDS = 30
FIRST = 8  # the shortest batch


def step_of(opt: Any) -> Any:
    """A training step."""

    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        def loss(m: Any) -> Any:
            return pb.models.cross_entropy(m(x), y)

        value, grads = pb.value_and_grad(loss)(model)
        model, state = opt.step(model, grads, state)
        return model, state, value

    return step


def measure(lengths: int, fast: bool) -> dict[str, Any]:
    """Milliseconds of new lengths, microseconds of known ones."""
    rng = np.random.default_rng(0)
    opt = pb.optim.Adam(1e-3)
    start = pb.models.MLP([20, 64, 3], activation="relu", seed=0)
    state = opt.init(start)
    step = step_of(opt)
    compiled = pb.compile(step, fast=fast, programs=2 * lengths)

    def batch(n: int) -> tuple[Any, Any]:
        return rng.standard_normal((n, 20)).astype("float32"), rng.integers(0, 3, n)

    def seconds(f: Any, *args: Any) -> float:
        begin = time.perf_counter()
        f(*args)
        return time.perf_counter() - begin

    batches = [batch(n) for n in range(FIRST, FIRST + lengths)]
    for f in (step, compiled, compiled, compiled):  # what any length needs once
        f(start, state, *batch(FIRST - 1))
    eager = [seconds(step, start, state, *b) for b in batches]
    new = [[seconds(compiled, start, state, *b) for _ in range(3)] for b in batches]
    now = [start, state]

    def run(chosen: list[Any], times: int) -> float:
        begin = time.perf_counter()
        for _ in range(times):
            for b in chosen:
                now[0], now[1], _ = compiled(*now, *b)
        return (time.perf_counter() - begin) / (times * len(chosen))

    cycles = {"the same": batches[:1], "two in turn": batches[:2], f"{lengths} in turn": batches}
    times: dict[str, list[float]] = {name: [] for name in cycles}
    for i in range(ROUNDS + 3):
        for name, chosen in cycles.items():
            took = run(chosen, 240 // len(chosen))
            if i >= 3:
                times[name].append(took)
    calls = np.asarray(new) * 1e3
    return {
        "kernels": fast,
        "lengths": lengths,
        "eager ms": float(np.median(eager) * 1e3),
        "new length ms": dict(
            zip(("first call", "second", "third"), np.median(calls, 0).tolist(), strict=True)
        ),
        "all new lengths s": float(calls.sum() / 1e3),
        "call us": {name: quartiles(np.asarray(t) * 1e6) for name, t in times.items()},
    }


def show(results: dict[str, Any]) -> str:
    """Two tables."""
    new = results["new length ms"]
    rows = [
        ["eager step", f"{results['eager ms']:.2f}"],
        *([f"{name} of a new length", f"{ms:.2f}"] for name, ms in new.items()),
        ["three calls of all lengths", f"{results['all new lengths s'] * 1e3:.0f}"],
    ]
    cells = [
        [name, f"{t['median']:.1f}", f"{t['low']:.1f}-{t['high']:.1f}"]
        for name, t in results["call us"].items()
    ]
    return "\n\n".join(
        (
            table("new lengths", ["", "ms"], rows),
            table("known lengths", ["lengths", "us a call", "quartiles"], cells),
        )
    )


def main() -> None:
    """Measure, print tables, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lengths", type=int, default=12)
    parser.add_argument("--plain", action="store_true", help="without numba's kernels")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    args = parser.parse_args()
    results = measure(args.lengths, not args.plain)
    print(show(results))
    if args.json:
        save("programs", {"environment": environment(), "programs": results}, args.json)


if __name__ == "__main__":
    main()
