"""Value and gradient through a dense solve on a GPU, over the forward solve of the same library.

    python benchmarks/adjoint_gpu.py [--sizes 500 2000 4000] [--json FILE]

c·A⁻¹b and its gradients by A and b in float64: pullback over `cupy.linalg.solve`, PyTorch over `torch.linalg.solve`.
In one process, taken in alternation; each timed block ends with one synchronisation of the device.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, gpu_environment, quartiles, save, table

SIZES = (500, 2000, 4000)
Task = dict[str, Callable[[], Any]]


def cupy_task(n: int) -> Task:
    """By pullback, over CuPy's solve."""
    import cupy

    import pullback as pb

    A, b, c = (cupy.asarray(x) for x in data(n))
    both = pb.value_and_grad(lambda A, b: c @ pb.linalg.solve(A, b), argnums=(0, 1))
    return {
        "forward": lambda: cupy.linalg.solve(A, b),
        "value and gradient": lambda: both(A, b),
        "wait": cupy.cuda.get_current_stream().synchronize,
    }


def torch_task(n: int) -> Task:
    """By PyTorch, over its own solve."""
    import torch

    A, b, c = (torch.tensor(x, device="cuda") for x in data(n))
    x, y = A.clone().requires_grad_(), b.clone().requires_grad_()

    def both() -> Any:
        value = c @ torch.linalg.solve(x, y)
        return value.detach(), torch.autograd.grad(value, (x, y))

    return {
        "forward": lambda: torch.linalg.solve(A, b),
        "value and gradient": both,
        "wait": torch.cuda.synchronize,
    }


TASKS = {"pullback": cupy_task, "torch": torch_task}


def data(n: int) -> tuple[np.ndarray, ...]:
    """A matrix of moderate condition and two vectors."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((n, n)) + n**0.5 * np.eye(n)
    return A, rng.standard_normal(n), rng.standard_normal(n)


def measure(sizes: tuple[int, ...] = SIZES, rounds: int = 9) -> dict[str, Any]:
    """For each size and library, seconds of the forward solve and the ratio of value and gradient to it."""
    found: dict[str, Any] = {}
    for n in sizes:
        for name, make in TASKS.items():
            try:
                task = make(n)
            except ImportError as error:
                found[f"{name} {n}"] = {"left out": str(error)}
                continue
            wait = task.pop("wait")
            block = max(2, 2000 // n * 4)
            seconds: dict[str, list[float]] = {key: [] for key in task}
            for run in task.values():
                run()
                run()
            wait()
            for _ in range(rounds):
                for key, run in task.items():
                    started = time.perf_counter()
                    for _ in range(block):
                        run()
                    wait()
                    seconds[key].append((time.perf_counter() - started) / block)
            forward = np.asarray(seconds["forward"])
            found[f"{name} {n}"] = {
                "forward s": float(np.median(forward)),
                "over forward": quartiles(np.asarray(seconds["value and gradient"]) / forward),
            }
    return found


def show(found: dict[str, Any]) -> str:
    """One table."""
    rows = []
    for name, row in found.items():
        if "left out" in row:
            rows.append([name, "left out", row["left out"], ""])
            continue
        q = row["over forward"]
        ratio, spread = f"{q['median']:.2f}", f"{q['low']:.2f}-{q['high']:.2f}"
        rows.append([name, f"{row['forward s'] * 1e3:.3f}", ratio, spread])
    head = ["library and order", "forward ms", "value and gradient over it", "quartiles"]
    return table("the adjoint solve on the GPU, float64", head, rows)


def main() -> int:
    """Measure, print, and write JSON where asked; 2 and one line where there is no GPU."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    try:
        gpu = gpu_environment()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    found = measure(tuple(options.sizes))
    print(show(found))
    if options.json:
        save("adjoint", {"environment": environment() | gpu, "adjoint": found}, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
