"""One million chained operations, and memory over a thousand training steps.

Each chain runs in a process of its own, so that its peak memory is its own, and under a recursion
limit of 200 frames. The training loop runs with the garbage collector off: what a step leaves
behind in a reference cycle would add up.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from _report import environment, save, table

CHAINS = {
    "x * a + b": "keeps no value a step",
    "sin(x)": "keeps one array an operation",
}


def _peak_mib() -> float:
    """Highest resident memory of this process so far (ru_maxrss is in KiB, on macOS in bytes)."""
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def _resident_mib() -> float:
    """Resident memory now; NaN where /proc does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * resource.getpagesize() / 2**20


def run_chain(name: str, length: int) -> dict[str, float]:
    """Seconds forward, backward and to free the tape; peak memory; the error of the gradient."""
    import pullback as pb

    a, b = np.array([0.999999, 1.0]), np.array([1e-6, 0.0])

    def affine(x):
        for _ in range(length // 2):
            x = x * a + b
        return x

    def sine(x):
        for _ in range(length):
            x = pb.xp.sin(x)
        return x

    f, x0 = (affine if name == "x * a + b" else sine), np.array([0.5, 1.0])
    pb.vjp(lambda x: pb.xp.sin(x) * a + b, x0)[1](x0)
    sys.setrecursionlimit(200)
    before = _peak_mib()
    start = perf_counter()
    out, pull = pb.vjp(f, x0)
    forward = perf_counter()
    (gradient,) = pull(np.ones(2))
    backward = perf_counter()
    del out, pull
    freed = perf_counter()
    peak = _peak_mib() - before

    if name == "x * a + b":
        expected = a ** (length // 2)
    else:
        expected, x = np.ones(2), x0
        for _ in range(length):
            expected *= np.cos(x)
            x = np.sin(x)
    return {
        "forward s": forward - start,
        "backward s": backward - forward,
        "freed s": freed - backward,
        "peak MiB": peak,
        "gradient error": float(np.max(np.abs(gradient / expected - 1))),
    }


def run_steps(steps: int) -> dict[str, float]:
    """Memory after 10 and after `steps` training steps, with the garbage collector off."""
    import pullback as pb

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, 64)).astype(np.float32), rng.integers(0, 10, 32)
    model, opt = pb.models.MLP([64, 100, 10], seed=0), pb.optim.Adam(1e-3)
    state = opt.init(model)
    loss_and_grad = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))
    gc.disable()
    tracemalloc.start()
    found = {}
    for step in range(1, steps + 1):
        _loss, grads = loss_and_grad(model)
        model, state = opt.step(model, grads, state)
        if step in (10, steps):
            found[step] = (tracemalloc.get_traced_memory()[0], _resident_mib())
    tracemalloc.stop()
    return {
        "steps": steps,
        "grown bytes": found[steps][0] - found[10][0],
        "grown resident MiB": found[steps][1] - found[10][1],
    }


def _in_process(*words: str) -> dict[str, float]:
    """Run this file on one task, from an empty folder, and read the line that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).resolve()), "--task", *words]
        env = os.environ | {"PULLBACK_BACKEND": "numpy"}
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"{' '.join(words)}: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(length: int = 1_000_000, steps: int = 1000) -> dict[str, Any]:
    """Both chains and the training loop."""
    chains = {name: _in_process("chain", name, str(length)) for name in CHAINS}
    return {"length": length, "chains": chains, "training": _in_process("steps", str(steps))}


def show(results: dict[str, Any]) -> str:
    """A table of the chains and a line on the training loop."""
    rows = [
        [f"{n} ({CHAINS[n]})", *(f"{v:.3g}" for v in r.values())]
        for n, r in results["chains"].items()
    ]
    head = ["chain", *next(iter(results["chains"].values()))]
    t = results["training"]
    line = (
        f"\nfrom training step 10 to {t['steps']:.0f}, garbage collector off: "
        f"{t['grown bytes']:+.0f} bytes in use, {t['grown resident MiB']:+.1f} MiB resident"
    )
    return table(f"{results['length']:,} chained operations", head, rows) + "\n" + line


def main() -> None:
    """Measure and print, or run the one task that the parent process asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--length", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--task", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.task:
        kind, *words = args.task
        found = run_chain(words[0], int(words[1])) if kind == "chain" else run_steps(int(words[0]))
        print(json.dumps(found))
        return
    try:
        results = measure(args.length, args.steps)
    except RuntimeError as error:
        sys.exit(str(error))
    print(show(results))
    if args.json:
        save("chain", {"environment": environment(), "chain": results}, args.json)


if __name__ == "__main__":
    main()
