"""What the tape adds to an operation, in nanoseconds over the bare NumPy calls.

A chain of 1000 operations on arrays of two to four numbers is run four ways in turn: recorded;
recorded and swept backward; the same NumPy calls alone; these and the NumPy calls alone that a
backward pass by hand would make. The overhead is the difference, divided by 1000: fronts, tape,
sweep, rules, and the making and freeing of all of them, less what `grad` takes for an empty chain.
The loops are generated from the table below, so that no call of a lambda is counted on either side.
On CUDA the calls are CuPy's.
"""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from _report import environment, quartiles, save, table

LIMITS = {"forward": 500, "both": 1100}
CHAIN = 1000


@dataclass(frozen=True)
class Row:
    """One operation: on traced arrays, on bare ones, and its backward calls by hand.

    `x` is the chained array and `y` a second traced one; `c` is a constant, `m` a mask, `ct` the
    cotangent of `x` and `yb` that of `y`; `s` stands for a saved value. `a; b` is two operations.
    """

    name: str
    traced: str
    bare: str
    backward: str
    shape: tuple[int, ...] = (2,)


ROWS = [
    Row("x + y", "x = x + y", "x = x + y", "yb = yb + ct"),
    Row("x + constant", "x = x + c", "x = x + c", "pass"),
    Row("x * y", "x = x * y", "x = x * y", "yb = yb + ct * s; ct = ct * y"),
    Row(
        "x * 2.0",
        "x = x * 2.0; x = x * 0.5",
        "x = x * 2.0; x = x * 0.5",
        "ct = ct * 2.0; ct = ct * 0.5",
    ),
    Row(
        "exp, log",
        "x = xp.exp(x); x = xp.log(x)",
        "x = np.exp(x); x = np.log(x)",
        "ct = ct / s; ct = ct * s",
    ),
    # by hand with the rule's care for the tails, where 1 - tanh² has no digits left
    Row(
        "tanh",
        "x = xp.tanh(x)",
        "x = np.tanh(x)",
        "e = np.cosh(s); ct = ct / e / e",
    ),
    Row("x @ y", "x = x @ y", "x = x @ y", "yb = yb + s.T @ ct; ct = ct @ y.T", (2, 2)),
    Row("x @ constant", "x = x @ c", "x = x @ c", "ct = ct @ c.T", (2, 2)),
    Row(
        "sum",
        "x = xp.sum(x, axis=1, keepdims=True)",
        "x = x.sum(axis=1, keepdims=True)",
        "pass",
        (2, 1),
    ),
    Row(
        "reshape",
        "x = xp.reshape(x, (2, 1)); x = xp.reshape(x, (2,))",
        "x = x.reshape(2, 1); x = x.reshape(2)",
        "ct = ct.reshape(2, 1); ct = ct.reshape(2)",
    ),
    Row("x[::-1]", "x = x[::-1]", "x = x[::-1]", "g = np.zeros(2); g[::-1] = ct; ct = g"),
    Row("where", "x = xp.where(m, x, c)", "x = np.where(m, x, c)", "ct = np.where(m, ct, 0.0)"),
    # and for ties, whose cotangent is split
    Row(
        "maximum",
        "x = xp.maximum(x, c)",
        "x = np.maximum(x, c)",
        "ct = ct * (0.5 * ((s > c).astype(ct.dtype) + (s >= c)))",
    ),
]


def loop(body: str, head: str, result: str, times: int) -> str:
    """Source of a function that runs `body` this often."""
    return f"def run({head}):\n    for _ in range({times}):\n        {body}\n    return {result}\n"


def compiled(source: str, names: dict[str, Any]) -> Callable[..., Any]:
    """The function `run` of a source text."""
    namespace = dict(names)
    exec(source, namespace)
    return namespace["run"]


def measure_row(row: Row, lib: Any, wait: Callable[[], None], rounds: int) -> dict[str, Any]:
    """Overhead in ns an operation, forward and both ways, as medians and quartiles over rounds."""
    import pullback as pb

    per_pass = row.traced.count(";") + 1
    times = CHAIN // per_pass
    x0 = lib.ones(row.shape)
    y0 = lib.asarray(np.eye(2)) if row.shape == (2, 2) else lib.ones(row.shape)
    # Constants that leave a chain where it is: 1 is the neutral element of @ and *, 0 of + and max.
    c = y0 if row.shape == (2, 2) else lib.zeros(row.shape)
    mask = lib.ones(row.shape, dtype=bool)
    names = {"np": lib, "xp": pb.xp, "c": c, "m": mask, "s": y0}
    traced = compiled(loop(row.traced, "x, y", "x", times), names)
    bare = compiled(loop(row.bare, "x, y", "x", times), names)
    by_hand = compiled(loop(row.backward, "ct, y, yb", "ct", times), names)
    ct = lib.ones(row.shape)

    def recorded_only(x, y):
        traced(x, y)
        return 0.0  # a constant: there is nothing to sweep

    forward = pb.grad(recorded_only, argnums=(0, 1))
    both = pb.grad(lambda x, y: pb.xp.sum(traced(x, y)), argnums=(0, 1))

    def bare_both():
        bare(x0, y0)
        by_hand(ct, y0, ct)

    empty = pb.grad(lambda x, y: pb.xp.sum(x + y), argnums=(0, 1))
    runs = {
        "empty": lambda: empty(x0, y0),
        "forward": lambda: forward(x0, y0),
        "bare": lambda: bare(x0, y0),
        "both": lambda: both(x0, y0),
        "bare both": bare_both,
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            wait()
            start = perf_counter()
            run()
            wait()
            seconds[name].append(perf_counter() - start)
    t = {name: np.array(v[2:]) / (times * per_pass) * 1e9 for name, v in seconds.items()}
    return {
        "bare": quartiles(t["bare"]),
        "bare both": quartiles(t["bare both"]),
        "forward": quartiles(t["forward"] - t["bare"] - t["empty"]),
        "both": quartiles(t["both"] - t["bare both"] - t["empty"]),
    }


def measure(rounds: int = 100, device: str = "cpu") -> dict[str, Any]:
    """All rows, and the medians over them."""
    import pullback as pb

    pb.backend.use("numpy" if device == "cpu" else "cupy")
    backend = pb.backend.current()
    lib = np if device == "cpu" else __import__("cupy")
    rows = {row.name: measure_row(row, lib, backend.synchronize, rounds) for row in ROWS}
    gc.collect()
    middle = {k: float(np.median([r[k]["median"] for r in rows.values()])) for k in LIMITS}
    return {
        "device": device,
        "chain": CHAIN,
        "rounds": rounds,
        "limits": LIMITS,
        "rows": rows,
        "median": middle,
    }


def show(results: dict[str, Any]) -> str:
    """A table; `!` marks what is over its limit."""
    rows = []
    for name, r in results["rows"].items():
        cells = [name, f"{r['bare']['median']:.0f}"]
        for key, limit in results["limits"].items():
            m = r[key]
            over = " !" if m["median"] > limit else ""
            cells += [f"{m['median']:.0f}{over}", f"{m['low']:.0f}-{m['high']:.0f}"]
        rows.append(cells)
    middle = results["median"]
    rows.append(["median of all", "", f"{middle['forward']:.0f}", "", f"{middle['both']:.0f}", ""])
    head = ["operation", "bare call", "forward", "quartiles", "and backward", "quartiles"]
    limits = results["limits"]
    title = f"tape overhead, ns an operation (limits {limits['forward']}, {limits['both']}), "
    return table(title + results["device"], head, rows)


def main() -> None:
    """Measure, print a table, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    args = parser.parse_args()
    cuda = os.environ.get("PULLBACK_BACKEND", "numpy") == "cupy"
    results = measure(args.rounds, "cuda" if cuda else "cpu")
    print(show(results))
    if args.json:
        save("overhead", {"environment": environment(), "overhead": results}, args.json)


if __name__ == "__main__":
    main()
