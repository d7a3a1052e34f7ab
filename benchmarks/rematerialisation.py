"""Gradients of deep networks within a limit of memory: `pb.compile(memory=…)` beside checkpoints by hand.

    python benchmarks/rematerialisation.py [--stacks chain,transformer,convolution] [--json FILE] [--plot FILE]

The limits are parts of what the compiled gradient takes without one, and what the same gradient takes with √n segments
under `pb.checkpoint`. Memory is what `program()` says. Times are medians of calls in alternation. With `--slope`, a
chain of n layers is given the memory of 2 √n of its values: what it takes, and how many products it does again.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, table

import pullback as pb

xp = pb.xp
PARTS = (1.0, 0.75, 0.5, 0.35, 0.25)
DEPTHS = (16, 36, 64, 144)


def chain(depth: int) -> tuple[Any, list[Any], Any]:
    """``tanh(… tanh(x W₁) … Wₙ)``."""
    rng = np.random.default_rng(0)
    weights = [(rng.standard_normal((256, 256)) / 16).astype("float32") for _ in range(depth)]
    x = rng.standard_normal((512, 256)).astype("float32")
    return (lambda x, W: xp.tanh(x @ W)), weights, x


def transformer(depth: int) -> tuple[Any, list[Any], Any]:
    """Blocks of four heads and 64 features, for 8 sequences of 64."""
    blocks = [pb.models.TransformerBlock.init(64, 4, seed=i) for i in range(depth)]
    x = np.random.default_rng(0).standard_normal((8, 64, 64)).astype("float32")
    return (lambda x, block: block(x)), blocks, x


def convolution(depth: int) -> tuple[Any, list[Any], Any]:
    """``x + relu(convolution(x))``, with 3 × 3 kernels of 16 channels on 8 images of 24 × 24."""
    layers = [pb.models.Conv2d.init(16, 16, 3, padding=1, seed=i) for i in range(depth)]
    x = np.random.default_rng(0).standard_normal((8, 16, 24, 24)).astype("float32")
    return (lambda x, layer: x + xp.relu(layer(x))), layers, x


STACKS: dict[str, tuple[Callable[[int], Any], int]] = {
    "chain": (chain, 64),
    "transformer": (transformer, 12),
    "convolution": (convolution, 25),
}


def gradients(step: Any, depth: int) -> tuple[Any, Any]:
    """The gradient of a stack's sum of squares, plain and in √n checkpointed segments."""

    def forward(x: Any, parts: Any) -> Any:
        for part in parts:
            x = step(x, part)
        return x

    segment, size = pb.checkpoint(forward), round(math.sqrt(depth))

    def plain(parts: Any, x: Any) -> Any:
        return xp.sum(forward(x, parts) ** 2)

    def segmented(parts: Any, x: Any) -> Any:
        for start in range(0, len(parts), size):
            x = segment(x, parts[start : start + size])
        return xp.sum(x**2)

    return pb.grad(plain), pb.grad(segmented)


def taken(compiled: Any) -> int:
    """The bytes of a program, as its text says them."""
    found = re.search(r"memory: ([\d,]+) bytes", compiled.program())
    assert found is not None
    return int(found[1].replace(",", ""))


def measure(seconds: float = 6.0) -> dict[str, Any]:
    """All stacks, each with so many seconds of calls."""
    return {"stacks": [measure_stack(name, seconds) for name in STACKS]}


def measure_stack(name: str, seconds: float = 12.0) -> dict[str, Any]:
    """All limits of one stack: bytes, and times over that without a limit."""
    build, depth = STACKS[name]
    step, parts, x = build(depth)
    plain, segmented = gradients(step, depth)
    kinds = {
        "no limit": pb.compile(plain, fast=False),
        "checkpoint √n": pb.compile(segmented, fast=False),
    }
    wanted: list[Any] = []
    building: dict[str, float] = {}

    def add(kind: str, compiled: Any) -> None:
        started = time.perf_counter()
        try:
            compiled(parts, x)
        except ValueError as error:
            print(f"{name}, {kind}: {error}")
            return
        building[kind] = time.perf_counter() - started
        out = pb.tree.leaves(compiled(parts, x))
        if not wanted:
            wanted.extend(out)
        for a, b in zip(out, wanted, strict=True):
            np.testing.assert_array_equal(pb.to_numpy(a), pb.to_numpy(b))
        kinds[kind] = compiled

    for kind in list(kinds):
        add(kind, kinds[kind])
    full, by_hand = (taken(kinds[k]) for k in ("no limit", "checkpoint √n"))
    add("memory= as checkpoint √n", pb.compile(plain, fast=False, memory=by_hand))
    for part in PARTS:
        add(f"memory= {part} of no limit", pb.compile(plain, fast=False, memory=int(part * full)))
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        for kind, compiled in kinds.items():
            started = time.perf_counter()
            compiled(parts, x)
            times[kind].append(time.perf_counter() - started)
    first = statistics.median(times["no limit"])
    rows = [
        {
            "kind": kind,
            "bytes": taken(compiled),
            "of no limit": taken(compiled) / full,
            "milliseconds": 1e3 * statistics.median(times[kind]),
            "time over no limit": statistics.median(times[kind]) / first,
            "operations": len(compiled.program().splitlines()),
            "first call s": building[kind],
        }
        for kind, compiled in kinds.items()
    ]
    return {"stack": name, "depth": depth, "rounds": len(times["no limit"]), "rows": rows}


def slope() -> dict[str, Any]:
    """Bytes and products of chains whose memory is asked to grow as √n."""
    rows = []
    for depth in DEPTHS:
        step, weights, x = chain(depth)
        plain, _ = gradients(step, depth)
        limit = round(2 * math.sqrt(depth)) * x.nbytes
        compiled = pb.compile(plain, fast=False, memory=limit)
        compiled(weights, x)
        again = compiled.program().count("= matmul(") - (3 * depth - 1)
        rows.append({"depth": depth, "arrays": taken(compiled) / x.nbytes, "products again": again})
    logs = np.log([[r["depth"], r["arrays"]] for r in rows])
    return {"rows": rows, "slope": float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])}


def show(found: dict[str, Any]) -> str:
    """A table for each stack, and that of the slope."""
    text = []
    for result in found["stacks"]:
        body = [
            [r["kind"], f"{r['bytes'] / 2**20:.1f}", f"{r['of no limit']:.2f}",
             f"{r['milliseconds']:.1f}", f"{r['time over no limit']:.2f}", f"{r['first call s']:.2f}"]
            for r in result["rows"]
        ]  # fmt: skip
        head = ["", "MiB", "of no limit", "ms", "time over no limit", "first call, s"]
        text.append(table(f"{result['stack']}, {result['depth']} layers", head, body))
    if "slope" in found:
        body = [
            [str(r["depth"]), f"{r['arrays']:.1f}", str(r["products again"])]
            for r in found["slope"]["rows"]
        ]
        title = f"a chain given 2 √n arrays: slope {found['slope']['slope']:.2f}"
        text.append(table(title, ["layers", "arrays", "products again"], body))
    return "\n".join(text)


def plot(found: dict[str, Any], file: Path) -> None:
    """Time against memory, a line for each stack and a cross for its checkpoints."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    for result in found["stacks"]:
        rows = sorted(
            (r["of no limit"], r["time over no limit"])
            for r in result["rows"]
            if r["kind"] != "checkpoint √n"
        )
        (line,) = axes.plot(*zip(*rows, strict=True), marker="o", label=result["stack"])
        (hand,) = (r for r in result["rows"] if r["kind"] == "checkpoint √n")
        axes.plot(
            hand["of no limit"], hand["time over no limit"], "x", color=line.get_color(), ms=10
        )
    axes.set_xlabel("memory over that without a limit")
    axes.set_ylabel("time over that without a limit (×: checkpoints by √n)")
    axes.legend()
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main() -> None:
    """Print the tables; add to the file of results, so that stacks can be measured one by one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stacks", default=",".join(STACKS), help="of: " + ", ".join(STACKS))
    parser.add_argument("--slope", action="store_true")
    parser.add_argument("--seconds", type=float, default=12.0, help="of calls, for each stack")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    found: dict[str, Any] = {"environment": environment(), "stacks": []}
    if args.json and args.json.exists():
        found |= json.loads(args.json.read_text(encoding="utf-8"))
    for name in filter(None, args.stacks.split(",")):
        others = [r for r in found["stacks"] if r["stack"] != name]
        found["stacks"] = [*others, measure_stack(name, args.seconds)]
    if args.slope:
        found["slope"] = slope()
    print(show(found))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if args.plot:
        plot(found, args.plot)


if __name__ == "__main__":
    main()
