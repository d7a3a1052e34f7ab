"""Cost of a training step against width, depth and batch, with slopes fitted on logarithmic axes.

    python benchmarks/scaling.py [--peers …] [--rounds 5] [--json FILE] [--plot FILE]

One of the three varies, the others stay: width 256, two hidden layers, batch 128, SGD in float32. The work of the
products grows as width², depth and batch, so slopes tend to 2, 1 and 1 where products dominate, and are below that
where the cost of calls, which does not grow, does. Peers as in `mlp.py`: a process each, asked in turn.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlp
import numpy as np
from _problem import Size
from _report import environment, quartiles, save, table, without_paths
from _worker import WORKER_ENV, PeerError, Worker

PEERS = ("hand", "pullback compiled fast", "torch", "jax")
WIDTH, DEPTH, BATCH = 256, 2, 128
SWEEPS = {
    "width": (32, 64, 128, 256, 512, 1024, 2048),
    "depth": (1, 2, 4, 8, 16, 32),
    "batch": (8, 32, 128, 512, 2048, 8192),
}
LAST = 3  # points of the slope where products dominate


def size_at(sweep: str, value: int) -> Size:
    """The network of one point: 64 inputs, `depth` hidden layers of `width`, 10 classes."""
    at = {"width": WIDTH, "depth": DEPTH, "batch": BATCH} | {sweep: value}
    return Size((64, *[at["width"]] * at["depth"], 10), at["batch"])


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Slope of the least-squares line through (log x, log y)."""
    u, v = np.log(np.asarray(x, float)), np.log(np.asarray(y, float))
    u = u - u.mean()
    return float((u @ (v - v.mean())) / (u @ u))


def measure(
    peers: tuple[str, ...] = PEERS,
    *,
    rounds: int = 5,
    block: float = 0.05,
    sweeps: dict[str, tuple[int, ...]] | None = None,
    pythons: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Seconds a step, median and quartiles, by sweep, peer and value; slopes of all and of the last points."""
    sweeps = SWEEPS if sweeps is None else sweeps
    found: dict[str, Any] = {sweep: {} for sweep in sweeps}
    skipped: dict[str, str] = {}
    workers = [Worker(p, (pythons or {}).get(p, sys.executable), "cpu", False) for p in peers]
    try:
        for sweep, values in sweeps.items():
            for value in values:
                able = [w for w in workers if w.peer not in skipped]
                for peer, seconds in _point(able, size_at(sweep, value), rounds, block, skipped):
                    row = found[sweep].setdefault(peer, {"values": [], "seconds": []})
                    row["values"].append(value)
                    row["seconds"].append(seconds)
    finally:
        for worker in workers:
            worker.close()
    for row in (row for peers_of in found.values() for row in peers_of.values()):
        middle = [s["median"] for s in row["seconds"]]
        row["slope"] = slope(row["values"], middle) if len(middle) > 1 else None
        row["last slope"] = (
            slope(row["values"][-LAST:], middle[-LAST:]) if len(middle) > 1 else None
        )
    return {
        "fixed": {"width": WIDTH, "depth": DEPTH, "batch": BATCH},
        "precision": "float32",
        "settings": {"rounds": rounds, "block s": block, **WORKER_ENV},
        "sweeps": found,
        "skipped": skipped,
    }


def _point(
    workers: list[Worker], size: Size, rounds: int, block: float, skipped: dict[str, str]
) -> list[tuple[str, dict[str, float]]]:
    """Every able peer's time at one size; `mlp.py` is where their results are compared."""
    for worker in workers:
        worker.setup(size, check=False)
    ready = []
    for worker in workers:
        try:
            worker.receive()
            ready.append(worker)
        except PeerError as error:
            skipped[worker.peer] = without_paths(str(error))
    steps = {w.peer: max(2, round(block / min(w.time(1), w.time(1)))) for w in ready}
    times: dict[str, list[float]] = {w.peer: [] for w in ready}
    order, shuffle = list(ready), random.Random(0).shuffle
    for _ in range(rounds):
        shuffle(order)
        for worker in order:
            times[worker.peer].append(worker.time(steps[worker.peer]))
    return [(w.peer, quartiles(times[w.peer])) for w in ready]


def show(found: dict[str, Any]) -> str:
    """One table a sweep: milliseconds by value, and the slopes."""
    text = []
    for sweep, peers in found["sweeps"].items():
        if not peers:
            continue
        values = max((row["values"] for row in peers.values()), key=len)
        rows = []
        for peer, row in peers.items():
            ms = {
                v: f"{s['median'] * 1e3:.3g}"
                for v, s in zip(row["values"], row["seconds"], strict=True)
            }
            slopes = [
                f"{row[k]:.2f}" if row[k] is not None else "" for k in ("slope", "last slope")
            ]
            rows.append([peer, *(ms.get(v, "") for v in values), *slopes])
        fixed = ", ".join(f"{k} {v}" for k, v in found["fixed"].items() if k != sweep)
        title = f"ms a step by {sweep} ({fixed}, {found['precision']})"
        text.append(table(title, [sweep, *map(str, values), "slope", f"last {LAST}"], rows))
    text += [f"left out: {reason}" for reason in found["skipped"].values()]
    return "\n".join(text)


def plot(found: dict[str, Any], file: Path) -> Path | None:
    """Three panels, log-log, slopes in the legends; None without matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("no plot: matplotlib is not installed", file=sys.stderr)
        return None
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    sweeps = found["sweeps"]
    figure, axes = plt.subplots(
        1, len(sweeps), figsize=(4.2 * len(sweeps), 4), layout="constrained", squeeze=False
    )
    for axis, (sweep, peers) in zip(axes[0], sweeps.items(), strict=True):
        for k, (peer, row) in enumerate(peers.items()):
            ms = np.array(
                [[s[q] * 1e3 for q in ("low", "median", "high")] for s in row["seconds"]]
            ).T
            label = f"{peer}: {row['last slope']:.2f}" if row["last slope"] is not None else peer
            axis.loglog(row["values"], ms[1], marker="o", ms=3, color=f"C{k}", label=label)
            axis.fill_between(row["values"], ms[0], ms[2], color=f"C{k}", alpha=0.2, lw=0)
        axis.set_xlabel(sweep)
        axis.set_ylabel("milliseconds a step")
        axis.legend(
            title=f"slope of the last {LAST} points", fontsize="small", title_fontsize="small"
        )
    figure.savefig(file, dpi=120)
    plt.close(figure)
    return file


def main() -> None:
    """Measure, print, save, plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them there")
    args = parser.parse_args()
    peers = tuple(args.peers.split(","))
    found = measure(peers, rounds=args.rounds, pythons=mlp.interpreters([]))
    print(show(found))
    if args.json:
        save("scaling", {"environment": environment(), "scaling": found}, args.json)
    if args.plot:
        plot(found, args.plot)


if __name__ == "__main__":
    main()
