"""Batch sizes that a compiled training step has not met before: a multilayer perceptron 20-64-3 with Adam.

    python benchmarks/new_shapes.py
    python benchmarks/new_shapes.py --rounds 5 --save

Each measurement is a process of its own, which makes three calls for each of twelve sizes: with an empty folder of
kernels, then with the folder as the one before left it. It compares each loss with eager's. For comparison the same
calls eagerly, and without kernels.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

SIZES = (20, 1, 7, 16, 31, 32, 48, 64, 65, 100, 128, 200)
CALLS = 3
LIMITS = {"empty": 3.0, "warm": 1.5}  # seconds in all
# What is measured: the setting `fast`, and how the folder of kernels is found.
WAYS = {
    "empty": "background",
    "warm": "background",
    "empty, calls wait": "1",
    "warm, calls wait": "1",
    "without kernels": "0",
    "eager": "eager",
}


def work(how: str) -> dict[str, Any]:
    """Seconds of all calls, of the longest one, and the largest difference from eager's losses."""
    import numpy as np

    import pullback as pb

    model = pb.models.MLP([20, 64, 3], activation="relu", seed=0)
    opt = pb.optim.Adam(0.01)

    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        model, state = opt.step(model, grads, state)
        return model, state, loss

    run = step if how == "eager" else pb.compile(step, programs=32)
    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(n, 20)).astype("float32"), rng.integers(0, 3, n)) for n in SIZES]
    state = opt.init(model)
    mine = theirs = (model, state)
    step(*theirs, *batches[0])  # what eager has to load
    times, difference = [], 0.0
    for x, y in batches:
        for _ in range(CALLS):
            start = time.perf_counter()
            *mine, loss = run(*mine, x, y)
            times.append(time.perf_counter() - start)
            *theirs, wanted = step(*theirs, x, y)
            difference = max(difference, abs(float(loss) - float(wanted)) / float(wanted))
    return {"seconds": sum(times), "longest": max(times), "difference": difference}


def measured(way: str, folder: str) -> dict[str, Any]:
    """The same in a new process."""
    how = WAYS[way]
    env = {k: v for k, v in os.environ.items() if k != "PULLBACK_FAST"}
    if how in ("0", "1"):
        env["PULLBACK_FAST"] = how
    command = [sys.executable, __file__, "--work", how]
    found = subprocess.run(
        command, env={**env, "PULLBACK_CACHE": folder}, capture_output=True, text=True, check=True
    )
    return json.loads(found.stdout)


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Medians over rounds, in each of which every way comes once."""
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as full:
            runs["empty"].append(measured("empty", empty))
            runs["empty, calls wait"].append(measured("empty, calls wait", full))
            for way in ("warm", "warm, calls wait", "without kernels", "eager"):
                runs[way].append(measured(way, full))
    return {
        way: {key: statistics.median(run[key] for run in found) for key in found[0]}
        for way, found in runs.items()
    }


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="write results/<date>-new_shapes.json")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        print(json.dumps(work(chosen.work)))
        return
    from _report import environment, save, table

    found = measure(chosen.rounds)
    rows = [
        [way, f"{run['seconds']:.3f}", f"{run['longest']:.3f}", f"{run['difference']:.0e}",
         f"≤ {LIMITS[way]}" if way in LIMITS else ""]
        for way, run in found.items()
    ]  # fmt: skip
    title = f"{len(SIZES)} new batch sizes, {CALLS} calls each"
    print(
        table(
            title,
            ["kernels on disk", "s in all", "longest call, s", "difference", "limit, s"],
            rows,
        )
    )
    if chosen.save:
        results = {"environment": environment(), "sizes": SIZES, "calls": CALLS, "ways": found}
        print(save("new_shapes", results))


if __name__ == "__main__":
    main()
