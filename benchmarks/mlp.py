"""The training step of a multilayer perceptron: pullback beside other libraries.

    python benchmarks/mlp.py --sizes small,digits --peers hand,pullback,torch --rounds 20

Every peer lives in a process of its own and times blocks of steps on command. In each round the
parent asks all of them in turn, in a new order, so that a drift of the machine hits all alike;
ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path
from typing import Any

from _peers import ON_CPU, ON_CUDA, PEERS, WITH_ADAM
from _problem import ON_GPU, OPTIMIZERS, SIZES
from _report import environment, microseconds, quartiles, save, table, without_paths
from _worker import WORKER_ENV, PeerError, Worker

OVER = ("hand", "torch", "products", "jax")  # whose time the others are divided by


def measure(
    sizes: list[str],
    peers: list[str],
    *,
    rounds: int = 15,
    processes: int = 2,
    block: float = 0.05,
    device: str = "cpu",
    tf32: bool = False,
    optimizer: str = "sgd",
    pythons: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Time every peer at every size.

    Returns, by size and peer: seconds a step, and the ratios to `hand` and `torch` within a round,
    as medians and quartiles over rounds × processes. A peer that is not installed, or whose check
    fails, is left out with a line that says so.
    """
    times: dict[str, dict[str, list[float]]] = {s: {p: [] for p in peers} for s in sizes}
    versions: dict[str, str] = {}
    skipped: dict[str, str] = {}
    kernels: dict[str, list[str]] = {}

    def start(peer: str) -> Worker:
        return Worker(peer, (pythons or {}).get(peer, sys.executable), device, tf32)

    for _ in range(processes):
        workers = [start(p) for p in peers if p not in skipped]
        try:
            for size in sizes:
                able = [w for w in workers if w.peer not in skipped]
                ready = _ready(able, size, optimizer, versions, skipped, kernels)
                _rounds(ready, rounds, block, times[size])
        finally:
            for worker in workers:
                worker.close()
    return {
        "peers": [p for p in peers if p not in skipped],
        "device": device,
        "precision": {p: precision_of(p, tf32) for p in peers},
        "optimizer": optimizer,
        "settings": {"rounds": rounds, "processes": processes, "block s": block, **WORKER_ENV},
        "versions": versions,
        "kernels": kernels,
        "skipped": skipped,
        "sizes": {size: _summary(times[size]) for size in sizes},
    }


def precision_of(peer: str, tf32: bool) -> str:
    """In what a peer multiplies; all else is float32."""
    if peer.endswith("bfloat16"):
        return "bfloat16"
    return "tf32" if tf32 else "float32"


def _ready(
    workers: list[Worker],
    size: str,
    optimizer: str,
    versions: dict[str, str],
    skipped: dict[str, str],
    kernels: dict[str, list[str]],
) -> list[Worker]:
    """Let all workers build and check their steps; those that can go on.

    One after the other: a program times its products when it is built.
    """
    ready = []
    for worker in workers:
        try:
            worker.setup(ON_GPU[size], optimizer)
            answer = worker.receive()
            versions |= answer["versions"]
            kernels[worker.peer] = answer["kernels"]
        except PeerError as error:
            print(f"left out: {error}", file=sys.stderr)
            skipped[worker.peer] = without_paths(str(error))
        else:
            ready.append(worker)
    return ready


def _rounds(
    workers: list[Worker], rounds: int, block: float, times: dict[str, list[float]]
) -> None:
    """Ask all workers in turn, each for `block` seconds of steps, in a new order every round."""
    steps = {w.peer: max(2, round(block / w.time(3))) for w in workers}
    order, shuffle = list(workers), random.Random(0).shuffle
    for _ in range(rounds):
        shuffle(order)
        for worker in order:
            times[worker.peer].append(worker.time(steps[worker.peer]))


def _summary(times: dict[str, list[float]]) -> dict[str, Any]:
    """Medians and quartiles of times and of the ratios within rounds."""
    summary: dict[str, Any] = {}
    for peer, values in times.items():
        if not values:
            continue
        summary[peer] = {"seconds": quartiles(values)}
        for other in OVER:
            # A peer that failed in a later process has fewer rounds than the others.
            if other in times and len(times[other]) == len(values):
                pairs = zip(values, times[other], strict=True)
                summary[peer][f"over_{other}"] = quartiles([a / b for a, b in pairs])
    return summary


def show(results: dict[str, Any]) -> str:
    """Tables of a `measure` result, one a size."""
    text = []
    for size, peers in results["sizes"].items():
        widths, batch = "-".join(map(str, ON_GPU[size].widths)), ON_GPU[size].batch
        told = results["precision"]  # of all, in results before 22 November 2026
        known = [o for o in OVER if o in peers]
        rows = []
        for peer, row in peers.items():
            t = row["seconds"]
            spread = f"{microseconds(t['low'])}-{microseconds(t['high'])}"
            precision = told if isinstance(told, str) else told[peer]
            cells = [peer, precision, microseconds(t["median"]), spread]
            for other in known:
                r = row.get(f"over_{other}")
                cells.append(f"{r['median']:.2f} ({r['low']:.2f}-{r['high']:.2f})" if r else "")
            rows.append(cells)
        head = ["peer", "precision", "µs a step", "quartiles", *(f"over {o}" for o in known)]
        optimizer = results.get("optimizer", "sgd")
        title = f"{size}: {widths}, batch {batch}, {optimizer}, {results['device']}"
        text.append(table(title, head, rows))
    left = [f"left out: {reason}" for reason in results.get("skipped", {}).values()]
    if left:
        text.append("\n" + "\n".join(left))
    what = ", ".join(f"{k} {v}" for k, v in results["versions"].items())
    settings = ", ".join(f"{k}={v}" for k, v in results["settings"].items())
    used = "; ".join(
        f"{k}: {', '.join(v) or 'none'}" for k, v in results.get("kernels", {}).items()
    )
    text.append(
        f"\n{what}\n{settings}\nOpenBLAS kernels: {used}\nevery step returns the loss as its library's scalar; "
    )
    text[-1] += "blocks end with a synchronisation; 'products' are the step's matrix products alone"
    return "\n".join(text)


def parser() -> argparse.ArgumentParser:
    """The options, with `gpu.py` and `python benchmarks` sharing them."""
    p = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    p.add_argument("--sizes", default=",".join(SIZES), help="of: " + ", ".join(SIZES))
    p.add_argument("--peers", help="of: " + ", ".join(PEERS))
    p.add_argument("--optimizer", choices=OPTIMIZERS, default="sgd")
    p.add_argument("--rounds", type=int, default=15)
    p.add_argument("--processes", type=int, default=2, help="start all peers this many times")
    p.add_argument("--block", type=float, default=0.05, help="seconds of one peer in a round")
    p.add_argument("--tf32", action="store_true", help="on CUDA: TF32 products")
    p.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=PATH",
        help="a peer's interpreter, or all=PATH; also BENCH_PYTHON=PEER=PATH,PEER=PATH",
    )
    p.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    return p


def interpreters(given: list[str]) -> dict[str, str]:
    """Each peer's Python, from ``BENCH_PYTHON`` and options; SystemExit names what is not PEER=PATH."""
    pythons: dict[str, str] = {}
    for pair in [*filter(None, os.environ.get("BENCH_PYTHON", "").split(",")), *given]:
        peer, equals, path = pair.partition("=")
        if not equals or peer not in (*PEERS, "all"):
            raise SystemExit(
                f"--python: {pair!r} is not PEER=PATH with a peer of {', '.join(PEERS)} or all"
            )
        pythons |= dict.fromkeys(PEERS, path) if peer == "all" else {peer: path}
    return pythons


def options(args: argparse.Namespace) -> dict[str, Any]:
    """Arguments of `measure` from parsed options; SystemExit names a word that is not known."""
    cuda = os.environ.get("PULLBACK_BACKEND", "numpy") == "cupy"
    known = list(ON_CUDA if cuda else ON_CPU)
    if args.optimizer == "adam":
        known = [p for p in known if p in WITH_ADAM]
    peers = args.peers.split(",") if args.peers else known
    chosen = {"sizes": args.sizes.split(","), "peers": peers}
    for name, allowed in (("sizes", list(ON_GPU if cuda else SIZES)), ("peers", known)):
        for word in chosen[name]:
            if word not in allowed:
                raise SystemExit(f"--{name}: {word!r} is not one of {', '.join(allowed)}")
    pythons = interpreters(args.python)
    device = "cuda" if cuda else "cpu"
    keep = {k: getattr(args, k) for k in ("rounds", "processes", "block", "tf32", "optimizer")}
    return {**chosen, **keep, "device": device, "pythons": pythons}


def main() -> None:
    """Measure, print tables, and write JSON where asked."""
    args = parser().parse_args()
    results = measure(**options(args))
    if not results["peers"]:
        sys.exit("no peer could be timed")
    print(show(results))
    if args.json:
        name = "adam" if args.optimizer == "adam" else "mlp"
        save(name, {"environment": environment(), name: results}, args.json)


if __name__ == "__main__":
    main()
