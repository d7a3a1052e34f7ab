"""A recurrent cell over many steps, forward and with its gradient: `scan` eager and compiled, a Python loop, JAX.

    python benchmarks/loops.py [--steps 1000] [--sizes 4 64] [--json FILE]

``h ← tanh(W h + x_i)``, whose loss is the sum of the squares of all h, in float64; the gradient is by W and by all x.
In one process, taken in alternation: microseconds for each step (median and quartiles), beside NumPy's loop by hand,
forward and gradient. Then the first call of a compiled gradient through 10 and through 10,000 steps, which records and
compiles, and the operations of its program: neither depends on the length. Kernels that were compiled before are taken
from the cache (PULLBACK_CACHE). JAX's is `jax.lax.scan` within `jit`, where it can be imported.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import numpy as np
from _report import environment, quartiles, save, table, wait_for_kernels

import pullback as pb

STEPS = 1000
SIZES = (4, 64)
LENGTHS = (10, 10_000)
Task = dict[str, Callable[[], Any]]
xp = pb.xp


def data(steps: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A matrix that does not make h grow, and the rows."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((size, size)) / size, rng.standard_normal((steps, size))


def by_hand(w: np.ndarray, rows: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The loss and its gradients, in NumPy."""
    states = forward_by_hand(w, rows)
    dw, drows, dh = np.zeros_like(w), np.empty_like(rows), np.zeros(len(w))
    for i in range(len(rows) - 1, -1, -1):
        dz = (dh + 2 * states[i + 1]) * (1 - states[i + 1] ** 2)
        dw += np.multiply(dz[:, None], states[i])
        drows[i] = dz
        dh = w.T @ dz
    return float((states**2).sum()), dw, drows


def forward_by_hand(w: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """All h, the first of which is 0."""
    states = np.zeros((len(rows) + 1, rows.shape[1]))
    for i, x in enumerate(rows):
        np.tanh(w @ states[i] + x, out=states[i + 1])
    return states


def scanned(w: Any, rows: Any) -> Any:
    """The loss by `pb.scan`."""

    def cell(h: Any, x: Any) -> Any:
        h = xp.tanh(w @ h + x)
        return h, h

    return xp.sum(pb.scan(cell, xp.zeros(rows.shape[1]), rows)[1] ** 2)


def looped(w: Any, rows: Any) -> Any:
    """The loss by a loop as one writes it."""
    h, states = xp.zeros(rows.shape[1]), []
    for x in xp.asarray(rows):
        h = xp.tanh(w @ h + x)
        states.append(h)
    return xp.sum(xp.stack(states) ** 2)


def jax_functions() -> dict[str, Callable[..., Any]]:
    """JAX's forward computation and gradient, compiled; none where it cannot be imported."""
    try:
        import jax
    except ImportError:
        return {}
    jax.config.update("jax_enable_x64", True)

    def loss(w: Any, rows: Any) -> Any:
        def cell(h: Any, x: Any) -> Any:
            h = jax.numpy.tanh(w @ h + x)
            return h, h

        return (jax.lax.scan(cell, jax.numpy.zeros(rows.shape[1]), rows)[1] ** 2).sum()

    functions = {"forward": jax.jit(loss), "gradient": jax.jit(jax.value_and_grad(loss, (0, 1)))}
    return {
        name: lambda *args, f=f: jax.block_until_ready(f(*args)) for name, f in functions.items()
    }


def tasks(steps: int, size: int) -> dict[str, Task]:
    """What is timed: forward and gradient, by each."""
    w, rows = data(steps, size)
    both = {"scan": scanned, "Python loop": looped}
    found: dict[str, Task] = {
        "forward": {"NumPy by hand": lambda: forward_by_hand(w, rows)},
        "gradient": {"NumPy by hand": lambda: by_hand(w, rows)},
    }
    for name, loss in both.items():
        gradient = pb.value_and_grad(loss, (0, 1))
        found["forward"][f"pullback, {name}"] = lambda loss=loss: loss(w, rows)
        found["gradient"][f"pullback, {name}"] = lambda g=gradient: g(w, rows)
    for kind, f in (("forward", scanned), ("gradient", pb.value_and_grad(scanned, (0, 1)))):
        for name, fast in (("compiled", False), ("compiled, kernels", None)):
            compiled = pb.compile(f, fast=fast)
            found[kind][f"pullback, scan {name}"] = lambda c=compiled: c(w, rows)
    for kind, f in jax_functions().items():
        import jax

        given = jax.numpy.asarray(w), jax.numpy.asarray(rows)
        found[kind]["JAX, jit"] = lambda f=f, given=given: f(*given)
    return found


def check(steps: int = 7, size: int = 5) -> None:
    """All agree on the gradient before they are timed."""
    w, rows = data(steps, size)
    expected = by_hand(w, rows)
    found = {name: run() for name, run in tasks(steps, size)["gradient"].items()}
    for name, result in found.items():
        value, gradients = (
            (result[0], result[1:]) if len(result) == 3 else (result[0], tuple(result[1]))
        )
        for ours, theirs in zip((value, *gradients), expected, strict=True):
            np.testing.assert_allclose(np.asarray(ours), theirs, rtol=1e-10, err_msg=name)


def timed(task: Task, steps: int, repeats: int) -> dict[str, Any]:
    """Quartiles of microseconds for each step."""
    seconds: dict[str, list[float]] = {name: [] for name in task}
    blocks = {}
    for name, run in task.items():
        run()
        started = time.perf_counter()
        run()
        blocks[name] = max(1, round(2e-3 / (time.perf_counter() - started)))
    for _ in range(repeats):
        for name, run in task.items():
            started = time.perf_counter()
            for _ in range(blocks[name]):
                run()
            seconds[name].append((time.perf_counter() - started) / blocks[name])
    return {name: quartiles(np.asarray(taken) / steps * 1e6) for name, taken in seconds.items()}


def first_calls(lengths: tuple[int, ...] = LENGTHS, size: int = 4) -> dict[str, Any]:
    """Seconds of the first call of a compiled gradient, less one more call, and the operations of its program."""
    found: dict[str, Any] = {}
    for steps in lengths:
        w, rows = data(steps, size)
        compiled = pb.compile(pb.value_and_grad(scanned, (0, 1)))
        started = time.perf_counter()
        compiled(w, rows)
        first = time.perf_counter() - started
        operations = int(compiled.program().split(": ")[1].split()[0])
        found[f"{steps} steps"] = {"first call s": first, "operations": operations}
    return found


def measure(steps: int = STEPS, sizes: tuple[int, ...] = SIZES, repeats: int = 9) -> dict[str, Any]:
    """Everything."""
    check()
    times = {
        f"{kind}, size {size}": timed(task, steps, repeats)
        for size in sizes
        for kind, task in tasks(steps, size).items()
    }
    return {"steps": steps, "microseconds": times, "first calls": first_calls()}


def show(found: dict[str, Any]) -> str:
    """Two tables."""
    rows = [
        [task, name, f"{q['median']:.3f}", f"{q['low']:.3f}–{q['high']:.3f}"]
        for task, times in found["microseconds"].items()
        for name, q in times.items()
    ]
    head = ["task", "by", "µs for each step", "quartiles"]
    first = [
        [name, f"{row['first call s']:.3f}", str(row["operations"])]
        for name, row in found["first calls"].items()
    ]
    return "\n".join(
        [
            table(f"a recurrent cell, {found['steps']} steps, float64", head, rows),
            table("the first call of a compiled gradient", ["length", "s", "operations"], first),
        ]
    )


def main() -> None:
    """Measure, print, and write JSON where asked."""
    wait_for_kernels()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="lengths of h")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    found = measure(options.steps, tuple(options.sizes))
    print(show(found))
    if options.json:
        save("loops", {"environment": environment(), "loops": found}, options.json)


if __name__ == "__main__":
    main()
