"""All that a GPU is asked: the training step beside PyTorch, JAX and CuPy by hand, and the tape.

Takes about four minutes and writes ``results/<date>-gpu.json`` after each part, so that a run which
is cut short leaves what it has. Float32 products first, all peers without TF32; then the larger
networks with TF32 for all. The loss stays on the device; a block of steps ends with one
synchronisation.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import mlp
import overhead
from _peers import ON_CUDA
from _problem import SIZES
from _report import environment, gpu_environment, save

BUDGET = 240.0  # seconds after which no further part is begun


def parts(peers: list[str], rounds: int, pythons: dict[str, str]) -> dict[str, Callable[[], Any]]:
    """What is measured, in order of importance."""
    common: dict[str, Any] = {
        "peers": peers,
        "rounds": rounds,
        "device": "cuda",
        "pythons": pythons,
    }
    common |= {"processes": 1, "block": 0.1}
    return {
        "mlp": lambda: mlp.measure(list(SIZES), **common),
        "overhead": lambda: overhead.measure(rounds=20, device="cuda"),
        "mlp tf32": lambda: mlp.measure(["mnist", "big"], tf32=True, **common),
    }


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
        print((overhead if name == "overhead" else mlp).show(results[name]), flush=True)
        where = save("gpu", results, args.json)
    if len(results) > 1:
        print(f"\nwritten: {where.name}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
