"""A training step on several ranks of this machine beside the same on one: scaling efficiency, and where time goes.

    python benchmarks/data_parallel.py [--ranks 2] [--size mnist] [--rounds 200] [--json FILE]

The step of `mlp.py` (forward, cross-entropy, backward, SGD or Adam, float32), compiled with the optimiser, one BLAS
thread for each rank, ranks started by ``mpirun``. With T(P, b) the time of a step on P ranks with b rows on each:

    strong scaling   T(1, B) / (P · T(P, B/P))    the same batch, divided
    weak scaling     T(1, B) / T(P, B)            the same rows on each rank

"data parallel" is `data_parallel` and the whole optimiser on each rank; "sharded" is ``data_parallel(reduce=False)``
and `sharded(optimiser)`; "alone" is the step of one process on the rank's rows at the same time on all ranks, without a
message: what of the loss is the machine's and the smaller products', not ours. Rounds alternate between all of them,
rank 0 taking T(1, B) while the others wait; least and median of the rounds, of which those of others' work on the
machine are the slow ones. Then what a step sends, and the parts of its communication by themselves.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from _problem import SIZES, Problem, problem
from _report import environment, save, table

WAYS = ("data parallel", "sharded", "alone")
OPTIMIZERS = {"sgd": "SGD", "adam": "Adam"}
LR = 1e-6  # steps by the thousand in which no gradient fades to denormal numbers
STEPS = 2  # of one measurement

# ── on each rank ──────────────────────────────────────────────────────────────────────────────


def step_of(p: Problem, x: Any, y: Any, way: str, optimizer: str) -> Callable[[], Any]:
    """A compiled step that trains parameters of its own; ``step.leaves()`` gives these."""
    import pullback as pb

    _, spec = pb.tree.flatten(pb.models.MLP(_widths(p), activation="relu", seed=0))
    opt = getattr(pb.optim, OPTIMIZERS[optimizer])(p.lr)

    def loss(model: Any, x: Any, y: Any) -> Any:
        return pb.models.cross_entropy(model(x), y)

    both = pb.value_and_grad(loss)
    if way == "data parallel":
        both = pb.distributed.data_parallel(loss)
    elif way == "sharded":
        both, opt = pb.distributed.data_parallel(loss, reduce=False), pb.distributed.sharded(opt)

    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        value, grads = both(model, x, y)
        return *opt.step(model, grads, state), value

    program = pb.compile(step, donate_argnums=(0, 1))
    model = pb.tree.unflatten(spec, [a.copy() for a in p.params])
    kept = [model, opt.init(model)]

    def run() -> Any:
        kept[0], kept[1], value = program(*kept, x, y)
        return value

    run.leaves = lambda: pb.tree.leaves(kept[0])  # type: ignore[attr-defined]  # for the check
    return run


def _widths(p: Problem) -> list[int]:
    return [p.params[0].shape[0], *(b.shape[0] for b in p.params[1::2])]


def seconds(run: Callable[[], Any], steps: int = STEPS) -> float:
    """Of one call."""
    start = perf_counter()
    for _ in range(steps):
        run()
    return (perf_counter() - start) / steps


def check(size: str, optimizer: str) -> None:
    """Three large steps: equal bits on all ranks, and the parameters of one process."""
    import pullback as pb

    world = pb.distributed.world()
    p = problem(SIZES[size], 0.1 if optimizer == "sgd" else 1e-3)
    one = step_of(p, p.x, p.y, "alone", optimizer)
    for _ in range(3):
        one()
    for way in WAYS[:2]:
        run = step_of(p, *_part(p, world), way, optimizer)
        for _ in range(3):
            run()
        leaves = run.leaves()  # type: ignore[attr-defined]  # set by `step_of`
        world.agree(hashlib.sha256(b"".join(x.tobytes() for x in leaves)).hexdigest())
        for a, b in zip(leaves, one.leaves(), strict=True):  # type: ignore[attr-defined]  # the same
            # Adam moves an element by the sign of a gradient that is all rounding
            if not np.linalg.norm(a - b) <= 1e-4 * np.linalg.norm(b):
                raise SystemExit(f"{way}: not the parameters of one process")


def _part(p: Problem, world: Any) -> list[Any]:
    return [np.array_split(a, world.size)[world.rank].copy() for a in (p.x, p.y)]


def measure_rank(size: str, optimizer: str, rounds: int) -> dict[str, Any]:
    """The times of all steps, as this rank sees them."""
    import pullback as pb

    world = pb.distributed.world()
    check(size, optimizer)
    p = problem(SIZES[size], LR)
    runs = {("one rank", "whole"): step_of(p, p.x, p.y, "alone", optimizer)}
    for way in WAYS:
        runs[way, "strong"] = step_of(p, *_part(p, world), way, optimizer)
        runs[way, "weak"] = step_of(p, p.x, p.y, way, optimizer)
    times: dict[Any, list[float]] = {key: [] for key in runs}
    for run in runs.values():
        for _ in range(3):
            run()
    for _ in range(rounds):
        for key, run in runs.items():
            world.barrier()
            if key[0] != "one rank" or world.rank == 0:
                times[key].append(seconds(run))
    sent = {}
    for way in WAYS[:2]:
        world.traffic.reset()
        runs[way, "strong"]()
        kinds = ("agree", "all_reduce", "reduce_scatter", "all_gather")
        sent[way] = {k: vars(world.traffic[k]).copy() for k in kinds if world.traffic[k].calls}
    return {
        "times": {f"{way}, {kind}": found for (way, kind), found in times.items()},
        "sent": sent,
        "parts": parts(world, sum(a.size for a in p.params), rounds),
    }


def parts(world: Any, n: int, rounds: int) -> dict[str, list[float]]:
    """The parts of a step's communication, for as many float32 numbers as there are parameters."""
    buffer = np.zeros(n, np.float32)  # whose sums stay what they are
    source, share = buffer.copy(), np.zeros(n // world.size, np.float32)

    def fill(where: np.ndarray) -> None:
        where[...] = source

    def reduce() -> None:
        world.place(buffer)
        world.start_all_reduce(buffer).wait()

    doings = {
        "agree": lambda: world.agree("the same"),
        "copy into a bucket": lambda: fill(buffer),
        "all_reduce of a bucket": reduce,
        "reduce_scatter": lambda: world.reduce_scatter(buffer[: n // world.size * world.size]),
        "all_gather": lambda: world.all_gather(share),
    }
    found: dict[str, list[float]] = {name: [] for name in doings}
    for _ in range(rounds):
        for name, do in doings.items():
            world.barrier()
            found[name].append(seconds(do, 1))
    return found


def rank(settings: dict[str, Any]) -> None:
    """What each rank runs; rank 0 leaves the times in a file."""
    import pullback as pb

    world = pb.distributed.init("mpi")
    found = {o: measure_rank(settings["size"], o, settings["rounds"]) for o in OPTIMIZERS}
    if world.rank == 0:
        Path(settings["file"]).write_text(json.dumps(found))


# ── by the parent ─────────────────────────────────────────────────────────────────────────────


def least_and_median(times: list[float]) -> dict[str, float]:
    """In seconds."""
    return {"least": float(np.min(times)), "median": float(np.median(times))}


def efficiencies(times: dict[str, dict[str, float]], ranks: int) -> dict[str, dict[str, float]]:
    """Of each way: strong and weak scaling by the least times, and by medians."""
    one = times["one rank, whole"]
    found: dict[str, dict[str, float]] = {}
    for way in WAYS:
        found[way] = {}
        for kind, times_over in (("strong", ranks), ("weak", 1)):
            for which in ("least", "median"):
                time = times[f"{way}, {kind}"][which]
                found[way][f"{kind} ({which})"] = one[which] / (times_over * time)
    return found


def measure(*, ranks: int = 2, size: str = "mnist", rounds: int = 200) -> dict[str, Any]:
    """Times and efficiencies of both optimisers, on ranks that ``mpirun`` starts."""
    beside = Path(sys.executable).with_name("mpirun")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "found.json")
        settings = json.dumps({"size": size, "rounds": rounds, "file": str(file)})
        command = [
            str(beside) if beside.exists() else "mpirun",
            "--oversubscribe",
            "-n",
            str(ranks),
        ]
        threads = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
        )
        root = dict.fromkeys(("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"), "1")
        subprocess.run(
            [*command, sys.executable, str(Path(__file__).resolve()), "--rank", settings],
            env={**os.environ, **threads, **root},
            check=True,
        )
        found = json.loads(file.read_text())
    result: dict[str, Any] = {
        "ranks": ranks,
        "size": {"name": size, "widths": list(SIZES[size].widths), "batch": SIZES[size].batch},
        "settings": {"rounds": rounds, "steps of a measurement": STEPS, **threads},
    }
    for optimizer, each in found.items():
        times = {name: least_and_median(t) for name, t in each["times"].items()}
        result[optimizer] = {
            "times": times,
            "efficiency": efficiencies(times, ranks),
            "sent in a step": each["sent"],
            "parts": {name: least_and_median(t) for name, t in each["parts"].items()},
        }
    return result


def show(found: dict[str, Any]) -> str:
    """A table of times and efficiencies for each optimiser, and one of the parts."""
    text = []
    for optimizer in OPTIMIZERS:
        each = found[optimizer]
        title = f"{found['size']['name']}, {optimizer}, {found['ranks']} ranks"
        rows = [
            (name, f"{t['least'] * 1e3:.3f}", f"{t['median'] * 1e3:.3f}")
            for name, t in (each["times"] | each["parts"]).items()
        ]
        text.append(table(title, ("milliseconds", "least", "median"), rows))
        kinds = list(each["efficiency"][WAYS[0]])
        scaling = [(w, *(f"{e[k]:.3f}" for k in kinds)) for w, e in each["efficiency"].items()]
        text.append(table("scaling efficiency", ("", *kinds), scaling))
    return "\n".join(text)


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--size", choices=SIZES, default="mnist")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rank", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rank:
        rank(json.loads(given.rank))
        return
    found = {
        "environment": environment(),
        **measure(ranks=given.ranks, size=given.size, rounds=given.rounds),
    }
    print(show(found))
    if given.json:
        save("data_parallel", found, given.json)


if __name__ == "__main__":
    main()
