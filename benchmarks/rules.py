"""What a rule's backward pass costs over its forward pass, function by function, on arrays where memory decides.

    python benchmarks/rules.py --json FILE

Forward is the function on untraced arrays; backward is the pull of one cotangent to all its inputs. Medians of
repeats taken in alternation, in one process.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, save, table

import pullback as pb

LIMITS = {"elementwise": 3.0, "matmul": 2.5}
SIZE = 100_000
UNARY = (
    "abs acos acosh asin asinh atan atanh ceil cos cosh exp expm1 floor log log10 log1p log2 negative positive "
    "reciprocal round sign sin sinh sqrt square tan tanh trunc"
)
BINARY = "add atan2 copysign divide hypot logaddexp maximum minimum multiply nextafter pow remainder subtract"


def cases(dtype: str) -> dict[str, tuple[str, Callable[..., Any], tuple[np.ndarray, ...]]]:
    """Kind, function and arguments of each row."""
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(0.1, 0.9, SIZE).astype(dtype) for _ in range(2))
    rows: dict[str, Any] = {}
    for name in UNARY.split():
        rows[name] = ("elementwise", getattr(pb.xp, name), (x + 1 if name == "acosh" else x,))
    for name in BINARY.split():
        rows[name] = ("elementwise", getattr(pb.xp, name), (x, y))
    a, b = (rng.standard_normal((400, 400)).astype(dtype) for _ in range(2))
    rows["matmul"] = ("matmul", pb.xp.matmul, (a, b))
    return rows


def ratio(f: Callable[..., Any], args: tuple[np.ndarray, ...], repeats: int) -> tuple[float, float]:
    """Seconds forward, and backward over forward."""
    constants = [pb.xp.asarray(x) for x in args]
    out, pull = pb.vjp(f, *args)
    ct = np.ones_like(out)
    forward, backward = [], []
    for _ in range(repeats):
        started = time.perf_counter()
        f(*constants)
        middle = time.perf_counter()
        pull(ct)
        forward.append(middle - started)
        backward.append(time.perf_counter() - middle)
    return statistics.median(forward), statistics.median(backward) / statistics.median(forward)


def measure(repeats: int = 60) -> dict[str, Any]:
    """Every row in float64 and float32."""
    found: dict[str, Any] = {}
    for dtype in ("float64", "float32"):
        for name, (kind, f, args) in cases(dtype).items():
            seconds, over = ratio(f, args, repeats)
            found.setdefault(name, {"kind": kind})[dtype] = {
                "forward s": seconds,
                "backward over forward": over,
            }
    return found


def show(found: dict[str, Any]) -> str:
    """The table, with a mark where a row is over its limit."""
    rows = []
    for name, row in found.items():
        cells = []
        for dtype in ("float64", "float32"):
            over = row[dtype]["backward over forward"]
            cells += [
                f"{row[dtype]['forward s'] * 1e6:.0f}",
                f"{over:.2f}{' !' if over > LIMITS[row['kind']] else '  '}",
            ]
        rows.append([name, *cells])
    head = ["function", "float64 µs", "backward over it", "float32 µs", "backward over it"]
    return table(f"backward over forward, {SIZE} elements (limits 3; matmul 2.5)", head, rows)


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    found = measure()
    print(show(found))
    if options.json:
        save("rules", {"environment": environment(), "rules": found}, options.json)


if __name__ == "__main__":
    main()
