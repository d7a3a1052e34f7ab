"""Training steps on 1, 2 and 4 ranks of this machine beside what the model of `docs/scaling.md` says of them.

    python benchmarks/ranks.py [--sweeps 3] [--rounds 5] [--json FILE]
    python benchmarks/ranks.py --tables      # measures nothing: the tables of docs/scaling.md
    python benchmarks/ranks.py --page        # writes them into the page
    python benchmarks/ranks.py --plot FILE   # draws two of them: docs/scaling.png

Measured first, and given to the model: seconds of value and gradient by examples, of a step with Adam, and of the
collectives by bytes, each with as many ranks at work as there are cores or ranks. Then the steps themselves: data
parallel (one buffer, and overlapped), ZeRO-1 and tensor parallel, of two networks. Ranks are processes with one BLAS
thread each; where there are more of them than cores, they take turns, and the model says so.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from _network import Cluster, Network, Traffic, all_reduce, fit, reduce_scatter
from _problem import SIZES
from _report import environment, save, table
from _scaling_tables import PAGE, filled, newest, plot, tables
from _step_model import Compute, data_parallel, mlp, tensor_parallel

RANKS = (1, 2, 4)
MODELS = ("mnist", "big")
WAYS = ("buffer", "data", "sharded", "tensor")
NAMES = {
    "buffer": "data, one buffer",
    "data": "data",
    "sharded": "data, ZeRO-1",
    "tensor": "tensor",
}
COLLECTIVE_BYTES = (4096, 2**16, 2**18, 2**20, 2**21, 2**22, 2**23)
MESSAGE_BYTES = (8, 1024, 16384, 131072, 2**20, 2**22)
WORKER = Path(__file__).resolve().parent / "_ranks_worker.py"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ask(ranks: int, given: list[dict[str, Any]], timeout: float = 600) -> list[dict[str, Any]]:
    """What so many ranks measure, task by task."""
    mpirun = shutil.which("mpirun") or str(Path(sys.executable).with_name("mpirun"))
    env = os.environ | {"OMP_NUM_THREADS": "1", "PULLBACK_BACKEND": "numpy"}
    env |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    command = [mpirun, "--oversubscribe", "-n", str(ranks), sys.executable, str(WORKER)]
    done = subprocess.run(
        [*command, json.dumps(given)],
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{ranks} ranks ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def compute_from(found: dict[str, Any]) -> Compute:
    """`Compute` from what the worker measured: the least of each, a line through value and gradient by examples.

    The update is what a step takes beyond its gradient alone, so that what the two cost each other in the caches is in
    it.
    """
    examples = np.asarray(found["examples"], float)
    both = np.asarray([min(s) for s in found["gradients"]])
    value = np.asarray([min(s) for s in found["value"]])
    line = fit("", [Traffic(1, n) for n in examples], list(both))
    quarter, middle, three = np.percentile(found["one by one"], [25, 50, 75])
    return Compute(
        fixed_seconds=line.latency_seconds,
        example_seconds=1 / line.bytes_per_second,
        update_seconds=max(0.0, min(found["step"]) - float(both[0])),
        backward=float(1 - np.mean(value / both)),
        sigma=float((three - quarter) / middle) / 1.349,  # as of a normal distribution
    )


def networks_from(found: dict[str, Any], ranks: int, cores: int) -> dict[str, Network]:
    """α and β from the least times of all sizes: of the all-reduce, and of its halves as collectives of their own.

    An MPI may well have another algorithm for each, and none of them need be the ring by which the model counts.
    """
    where = f"shared memory, {ranks} ranks on {cores} cores"
    lines = {}
    for way, names in (
        ("all_reduce", ["all_reduce"]),
        ("halves", ["reduce_scatter", "all_gather"]),
    ):
        traffic, seconds = [], []
        for name in names:
            one = all_reduce if way == "all_reduce" else reduce_scatter
            traffic += [one(ranks, size) for size in found["bytes"]]
            seconds += [min(took) for took in found[name]]
        told = "all-reduce" if way == "all_reduce" else "reduce-scatter, all-gather"
        lines[way] = fit(f"{where}: {told}", traffic, seconds, offloaded=False)
    return lines


def predicted(
    way: str, name: str, compute: Compute, networks: dict[str, Network], ranks: int, cores: int
) -> tuple[float, float]:
    """Seconds of a step whose ranks all keep their pace, and the bytes that a rank sends in it.

    `data_parallel` sends the value of the loss too, one more number.
    """
    size = SIZES[name]
    model = mlp(name, size.widths)
    link = networks.get("halves" if way == "sharded" else "all_reduce", Network("none", 0.0, 1.0))
    cluster = Cluster(link.name, link)
    even = replace(compute.shared(ranks, cores), sigma=0.0)
    if way == "tensor":
        step = tensor_parallel(model, even, cluster, ranks, size.batch, algorithm="ring")
    else:
        step = data_parallel(
            model, even, cluster, ranks, size.batch, sharded=way == "sharded", algorithm="ring"
        )
    value = all_reduce(ranks, model.element_bytes if way in ("data", "sharded") else 0)
    return step.seconds, step.bytes + value.bytes


def tasks(ways: tuple[str, ...]) -> list[tuple[int, dict[str, Any]]]:
    """All that is measured: on how many ranks, and what."""
    found: list[tuple[int, dict[str, Any]]] = [
        (p, {"task": "network", "sizes": COLLECTIVE_BYTES}) for p in RANKS if p > 1
    ]
    found.append((2, {"task": "ping_pong", "sizes": MESSAGE_BYTES}))
    for name in MODELS:
        size = SIZES[name]
        examples = [size.batch // k for k in (1, 2, 4)]
        for busy in sorted({min(p, cores()) for p in RANKS}):
            found.append((busy, {"task": "compute", "widths": size.widths, "examples": examples}))
        for way, ranks in itertools.product(ways, RANKS):
            task = {"task": "run", "way": way, "widths": size.widths, "examples": size.batch}
            found.append((ranks, task))
    return found


def merged(old: Any, new: Any) -> Any:
    """Two rounds' results as one: lists of seconds are joined, what is counted or given stays."""
    if isinstance(new, dict):
        return {k: merged(old[k], v) if k in old else v for k, v in new.items()}
    if isinstance(new, list) and new and isinstance(new[0], (list, dict)):
        return [merged(a, b) for a, b in zip(old, new, strict=True)]
    return old + new if isinstance(new, list) and isinstance(new[0], float) else new


def measured(
    rounds: int = 5, block: float = 0.1, sweeps: int = 3, ways: tuple[str, ...] = WAYS
) -> dict[str, Any]:
    """Everything in turn, several times over: what the ranks found."""
    given = {"rounds": rounds, "block_seconds": block}
    asked, answers, loads = tasks(ways), {}, []
    for _, ranks in itertools.product(range(sweeps), RANKS):
        loads.append(os.getloadavg()[0] if ranks == RANKS[0] else 0.0)
        found = ask(ranks, [{**task, **given} for p, task in asked if p == ranks])
        answers[ranks] = merged(answers[ranks], found) if ranks in answers else found
    left = {ranks: iter(found) for ranks, found in answers.items()}
    return {
        "settings": {**given, "sweeps": sweeps, "cores": cores(), "load before": max(loads)},
        "raw": [{"ranks": ranks, **task, "found": next(left[ranks])} for ranks, task in asked],
    }


def evaluated(given: dict[str, Any]) -> dict[str, Any]:
    """Networks, compute and predictions from what was measured, beside it."""
    raw, cores = given["raw"], given["settings"]["cores"]
    by_task = lambda name: [r for r in raw if r["task"] == name]
    networks = {
        r["ranks"]: networks_from(r["found"], r["ranks"], cores) for r in by_task("network")
    }
    widths = {tuple(SIZES[name].widths): name for name in MODELS}
    computes = {
        (widths[tuple(r["widths"])], r["ranks"]): compute_from(r["found"])
        for r in by_task("compute")
    }
    runs = []
    for r in by_task("run"):
        name, ranks, found = widths[tuple(r["widths"])], r["ranks"], r["found"]
        compute = computes[name, min(ranks, cores)]
        seconds, sent = predicted(r["way"], name, compute, networks.get(ranks, {}), ranks, cores)
        runs.append(
            {
                "model": name,
                "way": NAMES[r["way"]],
                "ranks": ranks,
                "seconds": min(found["seconds"]),
                "median": float(np.median(found["seconds"])),
                "predicted": seconds,
                "bytes": sum(v[0] for v in found["traffic"].values()),
                "predicted bytes": sent,
            }
        )
    return {
        "settings": given["settings"],
        "networks": [asdict(n) for lines in networks.values() for n in lines.values()],
        "compute": {f"{name}, {busy} at work": asdict(c) for (name, busy), c in computes.items()},
        "runs": runs,
        "raw": raw,
    }


def measure(
    rounds: int = 5, block: float = 0.1, sweeps: int = 3, ways: tuple[str, ...] = WAYS
) -> dict[str, Any]:
    """What is measured, and beside it the networks, the compute and the predictions from it."""
    return evaluated(measured(rounds, block, sweeps, ways))


def show(found: dict[str, Any]) -> str:
    """The runs beside their predictions."""
    rows = []
    alone = {(r["model"], r["way"]): r["seconds"] for r in found["runs"] if r["ranks"] == 1}
    for r in found["runs"]:
        usable = min(r["ranks"], found["settings"]["cores"])
        efficiency = alone[r["model"], r["way"]] / usable / r["seconds"]
        rows.append(
            [
                f"{r['model']}, {r['way']}",
                r["ranks"],
                f"{r['seconds'] * 1e3:.3f}",
                f"{r['predicted'] * 1e3:.3f}",
                f"{r['predicted'] / r['seconds']:.2f}",
                f"{efficiency:.2f}",
                int(r["bytes"]),
                f"{r['predicted bytes']:.0f}",
            ]
        )
    head = ["", "ranks", "ms", "predicted", "ratio", "efficiency", "bytes", "formula"]
    text = table("a step, the least of all blocks; efficiency by the cores in use", head, rows)
    for n in found["networks"]:
        text += f"\n{n['name']}: α = {n['latency_seconds'] * 1e6:.1f} µs, "
        text += f"β = {n['bytes_per_second'] / 1e9:.2f} GB/s"
    return text


def main() -> None:
    """Measure, print and save; or make the page's tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sweeps", type=int, default=3, help="how often all is measured in turn")
    parser.add_argument("--rounds", type=int, default=5, help="blocks of each in a sweep")
    parser.add_argument("--block", type=float, default=0.1, help="seconds of a block of steps")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--tables", action="store_true", help="print the tables of the page")
    parser.add_argument("--page", action="store_true", help="write them into docs/scaling.md")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the model's transformers")
    args = parser.parse_args()
    if args.plot:
        print(plot(args.plot) or "no plot: matplotlib is not installed")
        return
    if args.tables or args.page:
        made = tables(newest())
        if args.page:
            PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
        else:
            print("\n\n".join(f"{name}\n\n{text}" for name, text in made.items()))
        return
    found = measure(args.rounds, args.block, args.sweeps, tuple(args.ways.split(",")))
    print(show(found))
    save("ranks", {"environment": environment(), "ranks": found}, args.json)


if __name__ == "__main__":
    main()
