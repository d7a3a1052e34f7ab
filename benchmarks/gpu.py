"""All that a GPU is asked: its floors, the training step beside PyTorch, JAX and CuPy by hand, and the tape.

Takes about four minutes and writes ``results/<date>-gpu.json`` after each part, so that a run which is cut short leaves
what it has. First what the device can do, copies and products in each precision; then the step in float32, all peers
without TF32; then in TF32 for all; then pullback's and PyTorch's with products of bfloat16. Every row says its
precision. The loss stays on the device; a block of steps ends with one synchronisation.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import _floors
import mlp
import overhead
from _peers import ON_CUDA, ON_CUDA_BFLOAT16, WITH_ADAM
from _problem import ON_GPU, flops
from _report import environment, gpu_environment, save, table

BUDGET = 240.0  # seconds after which no further part is begun
FLOOR_OF = {
    "big": "1024×1024×1024",
    "wide": "4096×4096×4096",
}  # the floor's product that is most of a step's work


def parts(peers: list[str], rounds: int, pythons: dict[str, str]) -> dict[str, Callable[[], Any]]:
    """What is measured, in order of importance."""
    common: dict[str, Any] = {
        "peers": peers,
        "rounds": rounds,
        "device": "cuda",
        "pythons": pythons,
    }
    common |= {"processes": 1, "block": 0.1}
    large = ["mnist", "big", "wide"]
    half = list(ON_CUDA_BFLOAT16)
    return {
        "floors": _floors.measure,
        "mlp": lambda: mlp.measure(list(ON_GPU), **common),
        "overhead": lambda: overhead.measure(rounds=20, device="cuda"),
        "mlp tf32": lambda: mlp.measure(large, tf32=True, **common),
        "mlp bfloat16": lambda: mlp.measure(large, **(common | {"peers": half})),
        "adam": lambda: mlp.measure(
            ["mnist", "big"],
            optimizer="adam",
            **(common | {"peers": [p for p in peers if p in WITH_ADAM]}),
        ),
    }


def shares(step: dict[str, Any], rates: dict[str, dict[str, float]]) -> list[list[str]]:
    """Rows of size, peer, precision and share: what a step's products would take alone, over what the step takes.

    `rates` are those of `_floors.py`, by precision; sizes that have no floor of their own are left out.
    """
    rows = []
    for size, peers in step["sizes"].items():
        for peer, row in peers.items():
            precision = step["precision"][peer]
            rate = rates.get(precision, {}).get(FLOOR_OF.get(size, ""))
            if rate and peer != "products":
                share = flops(ON_GPU[size]) / rate / row["seconds"]["median"]
                rows.append([size, peer, precision, f"{100 * share:.0f} %"])
    return rows


def main() -> int:
    """Run all parts; 2 and one line where there is no GPU, 1 if a part failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--peers", default=",".join(ON_CUDA), help="of: " + ", ".join(ON_CUDA))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="instead of results/<date>-gpu.json"
    )
    args = parser.parse_args()
    peers = args.peers.split(",")
    unknown = [p for p in peers if p not in ON_CUDA]
    if unknown:
        parser.error(f"--peers: {unknown[0]!r} is not one of {', '.join(ON_CUDA)}")
    try:
        gpu = gpu_environment()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    os.environ["PULLBACK_BACKEND"] = "cupy"  # for this process and for the workers
    results: dict[str, Any] = {"environment": environment() | gpu}
    print(", ".join(f"{k} {v}" for k, v in results["environment"].items()))
    begun, failed = monotonic(), False
    for name, part in parts(peers, args.rounds, {}).items():
        if monotonic() - begun > BUDGET:
            print(f"left out: {name}: {BUDGET:.0f} s have passed", file=sys.stderr)
            continue
        try:
            results[name] = part()
        except Exception as error:
            print(f"failed: {name}: {type(error).__name__}: {error}", file=sys.stderr)
            failed = True
            continue
        print(
            {"overhead": overhead, "floors": _floors}.get(name, mlp).show(results[name]), flush=True
        )
        if name != "floors" and "sizes" in results[name] and "floors" in results:
            rows = shares(results[name], results["floors"]["products"])
            title = "share of the product rate of this device in the same precision"
            print(table(title, ["size", "peer", "precision", "share"], rows), flush=True)
        where = save("gpu", results, args.json)
    if len(results) > 1:
        print(f"\nwritten: {where.name}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
