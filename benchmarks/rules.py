"""What a rule's backward pass costs over its forward pass, function by function, on arrays that fit the second cache.

    python benchmarks/rules.py --json FILE [--only NAME …]

Forward is the function on untraced arrays; backward is the pull of one cotangent to all its inputs. Both are medians of
repeats taken in alternation, in one process; the ratio is the median of ROUNDS such ratios, with its quartiles.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, quartiles, save, table

import pullback as pb

# The product's limit counts the products themselves. A reduction reads its input and writes next to nothing, where its
# rule writes an array of the input's size: no limit was set for these, and they are held to that of the others.
LIMITS = {"elementwise": 3.0, "reduction": 3.0, "special": 3.0, "matmul": 2.5}
SIZE = 100_000
ROUNDS, ROUND_SECONDS = 9, 0.03
UNARY = (
    "abs acos acosh asin asinh atan atanh ceil cos cosh exp expm1 floor log log10 log1p log2 negative positive "
    "reciprocal relu round sigmoid sign sin sinc sinh softplus sqrt square tan tanh trunc"
)
BINARY = "add atan2 copysign divide hypot logaddexp maximum minimum multiply nextafter pow remainder subtract"
REDUCTIONS = "sum mean max min var std prod logsumexp cumulative_sum cumulative_prod sort"
SPECIAL = (
    "digamma entr erf erfc erfcinv erfcx erfinv gamma gammaln i0 i0e i1 i1e log_expit log_ndtr loggamma logit ndtr "
    "ndtri rgamma"
)
SPECIAL_OF_TWO = "beta betaln kl_div rel_entr xlog1py xlogy"
WITH_PARAMETERS = {
    "gammainc": (2.5,), "gammaincc": (2.5,), "betainc": (2.5, 1.5), "stdtr": (2.5,), "zeta": (2.5,), "polygamma": (1,),
    "iv": (2,), "ive": (2,),
}  # fmt: skip

# What is, or at times is, over its limit, and why. Times are of float32, 100 000 elements, 2 cores of an AMD EPYC.
_LARGER = (
    "one pass forward (14 µs). Backward two outputs are written, and NumPy has no fast choice by a mask (where: 440 µs "
    "on random numbers): a difference (13 µs), a search for ties (6) and NaN (5), its sign spread over all bits (4), "
    "and (9), xor (13), and what any pull costs (13 in a cold cache); each pass is at the speed of the second cache"
)
_EXTREME = (
    "forward reads the array once and writes nothing (6 µs); backward reads it again to find where the extreme is "
    "attained (8), writes zeros of its size (4), and any pull costs 13 µs in a cold cache"
)
REASONS: dict[str, str] = {
    "abs": "forward one pass (10 µs), backward two over the bits of the numbers (17), a search for zeros and NaN (5), "
    "and what any pull costs (6)",
    "maximum": _LARGER,
    "minimum": _LARGER,
    "max": _EXTREME,
    "min": _EXTREME,
    "special.gammainc, by its shape": "two integrals by 40 nodes each, for which no library has a function",
}

Row = tuple[str, Callable[..., Any], tuple[np.ndarray, ...]]


def cases(dtype: str) -> dict[str, Row]:
    """Kind, function and arguments of each row."""
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(0.1, 0.9, SIZE).astype(dtype) for _ in range(2))
    rows: dict[str, Row] = {}
    for name in UNARY.split():
        rows[name] = ("elementwise", getattr(pb.xp, name), (x + 1 if name == "acosh" else x,))
    for name in BINARY.split():
        rows[name] = ("elementwise", getattr(pb.xp, name), (x, y))
    factors = rng.uniform(0.99, 1.01, SIZE).astype(dtype)  # whose product is a number
    for name in REDUCTIONS.split():
        f = getattr(pb.xp, name)
        z = factors if name.endswith("prod") else x
        rows[name] = ("reduction", f, (z,))
        for axis, label in ((0, "first"), (-1, "last")):
            along = functools.partial(f, axis=axis)
            rows[f"{name}, {label} axis"] = ("reduction", along, (z.reshape(-1, 100),))
    for name in SPECIAL.split():
        rows[f"special.{name}"] = ("special", getattr(pb.special, name), (x,))
    for name in SPECIAL_OF_TWO.split():
        rows[f"special.{name}"] = ("special", getattr(pb.special, name), (x, y))
    for name, parameters in WITH_PARAMETERS.items():
        f = functools.partial(getattr(pb.special, name), *parameters)
        rows[f"special.{name}"] = ("special", f, (x,))
    by_shape = lambda a: pb.special.gammainc(a, pb.xp.asarray(y))
    rows["special.gammainc, by its shape"] = ("special", by_shape, (x,))
    a, b = (rng.standard_normal((400, 400)).astype(dtype) for _ in range(2))
    rows["matmul"] = ("matmul", pb.xp.matmul, (a, b))
    return rows


def one_round(
    f: Callable[..., Any], pull: Callable[..., Any], constants: list[Any], ct: np.ndarray
) -> tuple[float, float]:
    """Seconds forward, and backward over forward, by medians of repeats in alternation."""
    forward: list[float] = []
    backward: list[float] = []
    begun = time.perf_counter()
    while len(forward) < 3 or (len(forward) < 50 and time.perf_counter() - begun < ROUND_SECONDS):
        started = time.perf_counter()
        f(*constants)
        middle = time.perf_counter()
        pull(ct)
        backward.append(time.perf_counter() - middle)
        forward.append(middle - started)
    return statistics.median(forward), statistics.median(backward) / statistics.median(forward)


def ratio(f: Callable[..., Any], args: tuple[np.ndarray, ...]) -> dict[str, Any]:
    """Seconds forward, and the median and quartiles of backward over forward."""
    constants = [pb.xp.asarray(x) for x in args]
    out, pull = pb.vjp(f, *args)
    ct = np.ones_like(out)
    rounds = [one_round(f, pull, constants, ct) for _ in range(ROUNDS)]
    spread = quartiles([over for _, over in rounds])
    return {
        "forward s": statistics.median(seconds for seconds, _ in rounds),
        "backward over forward": spread["median"],
        "low": spread["low"],
        "high": spread["high"],
    }


def measure(only: list[str] | None = None) -> dict[str, Any]:
    """Every row, or those named, in float64 and float32."""
    # glibc keeps freed memory up to twice the largest block freed so far: without a large one, every array below is
    # given back to the system and faulted in anew, which costs more than the arithmetic
    np.empty(1 << 21)
    found: dict[str, Any] = {}
    for dtype in ("float64", "float32"):
        for name, (kind, f, args) in cases(dtype).items():
            if only is None or name.partition(",")[0] in only:
                row = found.setdefault(name, {"kind": kind, "limit": LIMITS[kind]})
                row[dtype] = ratio(f, args)
                if name in REASONS:
                    row["why"] = REASONS[name]
    return found


def show(found: dict[str, Any]) -> str:
    """The table, with a mark where a row is over its limit, and why it is."""
    rows = []
    for name, row in found.items():
        cells = []
        for dtype in ("float64", "float32"):
            over = row[dtype]["backward over forward"]
            cells += [
                f"{row[dtype]['forward s'] * 1e6:.0f}",
                f"{over:.2f}{' !' if over > row['limit'] else '  '}",
            ]
        rows.append([name, *cells])
    head = ["function", "float64 µs", "backward over it", "float32 µs", "backward over it"]
    text = table(f"backward over forward, {SIZE} elements (limits 3; matmul 2.5)", head, rows)
    why = [f"{name}: {row['why']}" for name, row in found.items() if "why" in row]
    return "\n".join([text, "", *why])


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these functions alone")
    options = parser.parse_args()
    found = measure(options.only)
    print(show(found))
    if options.json:
        save(
            "rules", {"environment": environment(), "limits": LIMITS, "rules": found}, options.json
        )


if __name__ == "__main__":
    main()
