"""Peak memory of a training process, beyond what it had after imports, the data and a small step.

    python benchmarks/peak_memory.py [--sizes mnist,big] [--peers …] [--json FILE]

Every peer trains in a process of its own. Linux counts a process's highest resident memory (VmHWM); writing 5 to
``/proc/self/clear_refs`` sets it back. "building and training" is the highest from the first step on, whatever a
library compiles or records included; "training" the highest after the first five steps. Both hold parameters and
optimiser state, gradients and whatever the library keeps, and are above the same baseline: the resident memory after
imports, the problem itself, and steps of a network of a few units, which load what libraries load late.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _problem import SIZES, Size, problem
from _report import environment, save, table, without_paths
from _worker import LR_TIME, WORKER_ENV

PEERS = ("pullback compiled fast", "pullback compiled", "pullback", "hand", "torch", "jax")
STEPS = 20
TINY = Size((8, 8, 8, 4), 8)


def status_mib(text: str, field: str) -> float:
    """A field of ``/proc/<pid>/status`` in MiB; RuntimeError where the system does not tell it."""
    for line in text.splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {field} in /proc/self/status: peak memory is measured on Linux alone")


def _memory(field: str) -> float:
    return status_mib(Path("/proc/self/status").read_text(), field)


def _forget_peak() -> None:
    """Let VmHWM be what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


def train(peer: str, size: Size, optimizer: str) -> dict[str, float]:
    """Train in this process; MiB above its baseline."""
    from _peers import PEERS as factories

    warm = factories[peer](problem(TINY, LR_TIME, optimizer=optimizer), "cpu", False)
    for _ in range(5):
        warm.run()
    p = problem(size, LR_TIME, optimizer=optimizer)
    gc.collect()
    baseline = _memory("VmRSS")
    _forget_peak()
    step = factories[peer](p, "cpu", False)
    for _ in range(5):
        step.run()
    step.wait()
    whole = _memory("VmHWM") - baseline
    _forget_peak()
    for _ in range(STEPS):
        step.run()
    step.wait()
    return {"building and training": whole, "training": _memory("VmHWM") - baseline}


def measure(
    sizes: tuple[str, ...] = ("big",),
    peers: tuple[str, ...] = PEERS,
    *,
    optimizer: str = "sgd",
    rounds: int = 3,
    pythons: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Medians over processes by size and peer; a peer that fails is left out with its reason."""
    rows: dict[str, Any] = {size: {} for size in sizes}
    skipped: dict[str, str] = {}
    for size in sizes:
        for peer in peers:
            python = (pythons or {}).get(peer, sys.executable)
            try:
                found = [_process(python, peer, size, optimizer) for _ in range(rounds)]
            except RuntimeError as error:
                skipped[peer] = without_paths(str(error))
                continue
            rows[size][peer] = {k: statistics.median(f[k] for f in found) for k in found[0]}
    arrays = {s: sum(a.nbytes for a in problem(SIZES[s], 0.1).params) / 2**20 for s in sizes}
    return {
        "unit": "MiB above the baseline",
        "optimizer": optimizer,
        "rounds": rounds,
        "parameters MiB": arrays,
        "sizes": rows,
        "skipped": skipped,
    }


def _process(python: str, peer: str, size: str, optimizer: str) -> dict[str, float]:
    """The numbers of one process; RuntimeError with the last line it said."""
    command = [python, str(Path(__file__).resolve()), "--train", peer]
    command += ["--sizes", size, "--optimizer", optimizer]
    with (
        tempfile.TemporaryDirectory() as folder
    ):  # in the repository's root, `import autograd` would find ours
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, env=os.environ | WORKER_ENV
        )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [
            f"its process ended with code {done.returncode}"
        ]
        raise RuntimeError(f"{peer}: {said[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def show(found: dict[str, Any]) -> str:
    """One table a size, and what was left out."""
    text = []
    for size, peers in found["sizes"].items():
        torch = peers.get("torch")
        rows = []
        for peer, row in peers.items():
            over = f"{row['training'] / torch['training']:.2f}" if torch else ""
            rows.append(
                [peer, f"{row['building and training']:.1f}", f"{row['training']:.1f}", over]
            )
        title = (
            f"peak memory at {size}, {found['optimizer']}, MiB above the baseline "
            f"(parameters: {found['parameters MiB'][size]:.1f})"
        )
        head = ["peer", "building and training", "training", "training over torch"]
        text.append(table(title, head, rows))
    text += [f"left out: {reason}" for reason in found["skipped"].values()]
    return "\n".join(text)


def main() -> None:
    """Measure, print, save; or train one peer for the parent."""
    import mlp

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="big", help="of: " + ", ".join(SIZES))
    parser.add_argument("--peers", default=",".join(PEERS), help="of: " + ", ".join(PEERS))
    parser.add_argument("--optimizer", choices=("sgd", "adam"), default="sgd")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--train", choices=PEERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    sizes = tuple(args.sizes.split(","))
    if args.train:
        print(json.dumps(train(args.train, SIZES[sizes[0]], args.optimizer)))
        return
    found = measure(
        sizes,
        tuple(args.peers.split(",")),
        optimizer=args.optimizer,
        rounds=args.rounds,
        pythons=mlp.interpreters([]),
    )
    print(show(found))
    if args.json:
        save("peak_memory", {"environment": environment(), "peak_memory": found}, args.json)


if __name__ == "__main__":
    main()
