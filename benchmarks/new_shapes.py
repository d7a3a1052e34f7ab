"""Batch sizes that a compiled training step has not met: the seconds of twelve of them, kernels compiled or on disk.

    python benchmarks/new_shapes.py [--sizes 12] [--json FILE]

A step of an MLP 20-64-3 with Adam, float32. In a process of its own for each way: with an empty folder of kernels
(*cold*), with a full one (*warm*), with NumPy alone, and eager. By default another process compiles what is missing;
where *calls wait* (``PULLBACK_FAST=1``) they do so for it. Each size comes three times, and what is counted is the
seconds of all calls, the import of numba included; every loss and all parameters are compared with the eager ones.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import numpy as np
from _report import environment, quartiles, save, table

# none is another's multiple in each step; 1 and 64 are those that a careless sharing of kernels confuses
SIZES = (32, 17, 64, 1, 128, 96, 50, 200, 7, 33, 256, 100)
CALLS = 3
# by way: PULLBACK_FAST, and whether the folder of kernels is full
WAYS = {
    "cold": ("", False), "cold, calls wait": ("1", False), "warm": ("", True), "warm, calls wait": ("1", True),
    "NumPy alone": ("0", True), "eager": ("", True),
}  # fmt: skip
LIMITS = {"cold": 3.0, "warm": 1.5}


def train(way: str, sizes: tuple[int, ...]) -> dict[str, Any]:
    """The seconds of each size, the losses, and the parameters in the end."""
    import pullback as pb

    rng = np.random.default_rng(0)
    batches = [
        (rng.standard_normal((n, 20)).astype("float32"), rng.integers(0, 3, n)) for n in sizes
    ]
    opt = pb.optim.Adam(1e-3)
    model = pb.models.MLP([20, 64, 3], activation="relu", seed=0)
    state = opt.init(model)

    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        model, state = opt.step(model, grads, state)
        return model, state, loss

    run = step if way == "eager" else pb.compile(step, programs=32)
    seconds, losses = [], []
    for x, y in batches:
        started = perf_counter()
        for _ in range(CALLS):
            model, state, loss = run(model, state, x, y)
        seconds.append(perf_counter() - started)
        losses.append(float(loss))
    last = np.concatenate([np.ravel(pb.to_numpy(leaf)) for leaf in pb.tree.leaves(model)])
    return {"seconds": seconds, "losses": losses, "parameters": last.tolist()}


def _in_process(way: str, sizes: tuple[int, ...], folder: str) -> dict[str, Any]:
    env = {**os.environ, "PULLBACK_CACHE": folder, "PULLBACK_FAST": WAYS[way][0]}
    done = subprocess.run(
        [sys.executable, __file__, "--worker", way, ",".join(map(str, sizes))],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-500:])
    return json.loads(done.stdout.splitlines()[-1])


def measure(sizes: tuple[int, ...] = SIZES, rounds: int = 3) -> dict[str, Any]:
    """Seconds of all sizes by way, and of each; the results have to be those of the eager step.

    Raises
    ------
    RuntimeError
        If a compiled step gives other losses or parameters.
    """
    taken: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        # what compiles may still write when its calls have ended
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty,
            tempfile.TemporaryDirectory() as full,
        ):
            # the way that waits fills the folder for those after it
            for way in WAYS:
                folder = empty if way == "cold" else full
                taken[way].append(_in_process(way, sizes, folder))
    eager = taken["eager"][0]
    for way, runs in taken.items():
        for run in runs:
            for key in ("losses", "parameters"):
                if not np.allclose(run[key], eager[key], rtol=1e-4, atol=1e-5):
                    raise RuntimeError(f"{way}: other {key} than those of the eager step")
    return {
        "sizes": list(sizes),
        "calls": CALLS,
        "limits": LIMITS,
        "ways": {
            way: {
                "seconds": quartiles([sum(run["seconds"]) for run in runs]),
                "by size": np.median([run["seconds"] for run in runs], axis=0).tolist(),
            }
            for way, runs in taken.items()
        },
    }


def show(found: dict[str, Any]) -> str:
    """A table."""
    rows = [
        [
            way,
            f"{row['seconds']['median']:.2f}",
            f"{found['limits'][way]:g}" if way in found["limits"] else "",
            f"{row['by size'][0]:.2f}",
            f"{1e3 * float(np.median(row['by size'][1:])):.0f}",
        ]
        for way, row in found["ways"].items()
    ]
    title = f"{len(found['sizes'])} new batch sizes, {found['calls']} calls each, MLP 20-64-3, Adam"
    head = ["", "s in all", "limit", "s of the first", "ms of each other, median"]
    return table(title, head, rows)


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="how many")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        way, sizes = options.worker
        print(json.dumps(train(way, tuple(map(int, sizes.split(","))))))
        return
    found = measure(SIZES[: options.sizes], options.rounds)
    print(show(found))
    if options.json:
        save("new_shapes", {"environment": environment(), "new_shapes": found}, options.json)


if __name__ == "__main__":
    main()
