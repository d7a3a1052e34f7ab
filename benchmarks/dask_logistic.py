"""Loss and gradient of a logistic regression on rows that no memory holds: Dask arrays, made block by block.

    python benchmarks/dask_logistic.py [--rows 1000000] [--chunk 25000] [--rounds 9] [--quick] [--json FILE]

10⁶ × 100 numbers in float64 are 800 MB. They are drawn where a block is needed and are never all there. `pullback` is
``pb.value_and_grad(loss)(w, X, y)``, whose value and gradient are computed in one pass; `hand` is the same by its
formulas in `dask.array`, computed together as well. Schedulers are threads (two of them) and a `LocalCluster` of two
processes with one thread each.

Memory is measured in a process of its own for each way and scheduler: the highest resident memory (VmHWM) of this
process and of its workers while value and gradient are computed, above what they had after a small computation of the
same kind; the parts are added up, even if they are not reached at the same time. Times are taken in one process, in
alternation, the least of all rounds. Tasks are those of the optimised graph.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two workers on two cores

import numpy as np

# Beside this file lies one that is called sparse.py, as the package that Dask looks for. Workers run these lines too.
HERE = str(Path(__file__).resolve().parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)
from _report import environment, save, table  # noqa: E402 - after the path is set
from peak_memory import status_mib  # noqa: E402 - after the path is set

if __name__ in ("__main__", "__mp_main__"):
    sys.path[:] = [folder for folder in sys.path if folder != HERE]

WAYS = ("pullback", "hand")
SCHEDULERS = ("threads", "processes")
WORKERS = 2


def data(rows: int, columns: int, chunk: int) -> tuple[Any, Any]:
    """Lazy X (rows, columns) and labels y (rows,), in chunks of rows."""
    import dask.array as da

    X = da.random.default_rng(0).standard_normal((rows, columns), chunks=(chunk, columns))
    return X, (X[:, 0] - 0.5 * X[:, 1] > 0).astype(np.float64)


def pullback(X: Any, y: Any, w: np.ndarray) -> tuple[Any, Any]:
    """By one line."""
    import pullback as pb

    def loss(w: Any, X: Any, y: Any) -> Any:
        z = X @ w
        return pb.xp.mean(pb.xp.softplus(z) - y * z)

    return pb.value_and_grad(loss)(w, X, y)


def hand(X: Any, y: Any, w: np.ndarray) -> tuple[Any, Any]:
    """By the formulas."""
    import dask
    import dask.array as da

    z = X @ w
    value = da.mean(da.maximum(z, 0) + da.log1p(da.exp(-abs(z))) - y * z)
    gradient = X.T @ (1 / (1 + da.exp(-z)) - y) / X.shape[0]
    return dask.compute(value, gradient)


CALLS: dict[str, Callable[..., tuple[Any, Any]]] = {"pullback": pullback, "hand": hand}


@contextlib.contextmanager
def workers(scheduler: str) -> Iterator[Callable[[Callable[[], Any]], list[Any]]]:
    """The scheduler; a function that runs a function in every process that computes."""
    import dask

    if scheduler == "threads":
        with dask.config.set(scheduler="threads", num_workers=WORKERS):
            yield lambda function: [function()]
        return
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=40
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        yield lambda function: [function(), *client.run(function).values()]


def forget_peak() -> float:
    """Let VmHWM be what is resident now; that, in MiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return status_mib(Path("/proc/self/status").read_text(), "VmRSS")


def peak() -> float:
    """The highest resident memory in MiB."""
    return status_mib(Path("/proc/self/status").read_text(), "VmHWM")


def memory(way: str, scheduler: str, rows: int, columns: int, chunk: int) -> dict[str, Any]:
    """MiB above the baseline, in this process and its workers, and what was computed."""
    w = np.full(columns, 0.01)
    with workers(scheduler) as everywhere:
        for _ in range(2):
            CALLS[way](*data(4 * columns, columns, columns), w)
        before = everywhere(forget_peak)
        value, gradient = CALLS[way](*data(rows, columns, chunk), w)
        after = everywhere(peak)
    above = [max(b - a, 0.0) for a, b in zip(before, after, strict=True)]
    return {"MiB": sum(above), "value": float(value), "norm": float(np.linalg.norm(gradient))}


def tasks(way: str, rows: int, columns: int, chunk: int) -> int:
    """The tasks of the optimised graph."""
    import dask
    from dask.local import get_sync

    found: list[int] = []

    def count(graph: Any, keys: Any, **settings: Any) -> Any:
        found.append(
            len(dict(graph.__dask_graph__() if hasattr(graph, "__dask_graph__") else graph))
        )
        return get_sync(graph, keys, **settings)

    with dask.config.set(scheduler=count):
        CALLS[way](*data(rows, columns, chunk), np.full(columns, 0.01))
    assert len(found) == 1, "computed more than once"
    return found[0]


def seconds(
    scheduler: str, rows: int, columns: int, chunk: int, rounds: int
) -> dict[str, list[float]]:
    """Times of both ways, in alternation."""
    w = np.full(columns, 0.01)
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    with workers(scheduler):
        for _ in range(rounds):
            for way in WAYS:
                X, y = data(rows, columns, chunk)
                start = time.perf_counter()
                CALLS[way](X, y, w)
                found[way].append(time.perf_counter() - start)
    return found


def measure(
    rows: int = 1_000_000, columns: int = 100, chunk: int = 25_000, rounds: int = 9,
    schedulers: tuple[str, ...] = SCHEDULERS,
) -> dict[str, Any]:  # fmt: skip
    """All of it.

    Raises
    ------
    AssertionError
        If the two ways have other results.
    """
    megabytes = rows * columns * 8 / 1e6
    size = [str(n) for n in (rows, columns, chunk)]
    out: dict[str, Any] = {"rows": rows, "columns": columns, "chunk": chunk, "MB": megabytes}
    out["tasks per block"] = {
        way: (tasks(way, 8 * 50, columns, 50) - tasks(way, 4 * 50, columns, 50)) / 4 for way in WAYS
    }
    for scheduler in schedulers:
        times = seconds(scheduler, rows, columns, chunk, rounds)
        found: dict[str, Any] = {}
        for way in WAYS:
            run = subprocess.run(
                [sys.executable, __file__, "--one", way, scheduler, *size], capture_output=True, text=True, check=True
            )  # fmt: skip
            found[way] = json.loads(run.stdout.splitlines()[-1]) | {"least": min(times[way])}
            found[way]["part of the data"] = found[way]["MiB"] * 2**20 / 1e6 / megabytes
        for what in ("value", "norm"):
            a, b = (found[way][what] for way in WAYS)
            assert abs(a - b) <= 1e-9 * abs(b), (what, a, b)
        found["over hand"] = found["pullback"]["least"] / found["hand"]["least"]
        out[scheduler] = found
    return out


def show(found: dict[str, Any]) -> str:
    """A table for the terminal."""
    head = ["", "seconds", "MiB above", "of the data", "tasks per block"]
    lines = []
    for scheduler in SCHEDULERS:
        for way in WAYS if scheduler in found else ():
            f = found[scheduler][way]
            lines.append(
                [f"{scheduler}, {way}", f"{f['least']:.2f}", f"{f['MiB']:.0f}", f"{f['part of the data']:.0%}",
                 f"{found['tasks per block'][way]:g}"]
            )  # fmt: skip
    ratios = ", ".join(f"{s} {found[s]['over hand']:.2f}" for s in SCHEDULERS if s in found)
    title = f"{found['MB']:.0f} MB in blocks of {found['chunk']} rows, {WORKERS} workers"
    return f"{table(title, head, lines)}\n\npullback over hand: {ratios}"


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--chunk", type=int, default=25_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--quick", action="store_true", help="40,000 rows, threads alone, two rounds"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=5, metavar=("WAY", "SCHEDULER", "ROWS", "COLUMNS", "CHUNK"))
    args = parser.parse_args()
    if args.one:
        way, scheduler, *size = args.one
        print(json.dumps(memory(way, scheduler, *map(int, size))))
        return
    if args.quick:
        found = measure(40_000, args.columns, 4_000, 2, ("threads",))
    else:
        found = measure(args.rows, args.columns, args.chunk, args.rounds)
    print(show(found))
    path = save("dask_logistic", {"environment": environment(), "dask_logistic": found}, args.json)
    print(f"\nwritten: {path.name}")


if __name__ == "__main__":
    main()
