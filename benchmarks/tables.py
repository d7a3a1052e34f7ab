"""Time and peak memory of reading a table: `load_dataset` and `pandas.read_csv`, in processes of their own, in turns.

    python benchmarks/tables.py [--mb 400] [--kinds floats,words,integers] [--rounds 3] [--json FILE]

The files are made in a temporary folder: a block of rows of which many are written one after another. Memory is the
highest resident memory of a process (Linux's VmHWM, set back before) above what it holds after it has read a small
table. The array is the file's numbers as float64, target included; `load_dataset` looks for delimiter, header, decimal
sign, missing cells and ragged rows, and gives features and targets, where pandas gives a frame. Beside the time on the
clock stands that of the processor, which other work on the machine does not change much.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, quartiles, save, table
from _worker import WORKER_ENV

KINDS = ("floats", "words", "integers")
READERS = ("pandas", "pullback")
COLUMNS, BLOCK = 20, 2000


def block(kind: str, columns: int = COLUMNS) -> str:
    """Rows of a table whose last column is one of three classes: a word, or a number."""
    random = np.random.default_rng(0)
    y = random.integers(0, 3, BLOCK)
    if kind == "integers":
        cells = random.integers(0, 256, (BLOCK, columns - 1)).astype(str)
    else:
        cells = np.char.mod("%.8g", random.normal(size=(BLOCK, columns - 1)))
    labels = np.asarray(["low", "middle", "high"])[y] if kind == "words" else y.astype(str)
    return "".join(",".join([*row, label]) + "\n" for row, label in zip(cells, labels, strict=True))


def write_table(path: Path, kind: str, mb: float, columns: int = COLUMNS) -> tuple[int, int]:
    """A file of about so many megabytes: its rows, and the bytes of its numbers as float64."""
    text = block(kind, columns)
    times = max(1, round(mb * 1e6 / len(text)))
    with open(path, "w") as file:
        file.write(",".join([*(f"x{i}" for i in range(columns - 1)), "y"]) + "\n")
        for _ in range(times):
            file.write(text)
    return times * BLOCK, times * BLOCK * columns * 8


def read(reader: str, path: str) -> dict[str, float]:
    """Read a table in this process: seconds, MiB above the baseline, and how many numbers there are."""
    import pandas as pd
    from peak_memory import _forget_peak, _memory

    import pullback as pb

    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.csv"
        write_table(small, "words", 0.1)
        pd.read_csv(small)
        pb.train.load_dataset(small)
    baseline = _memory("VmRSS")
    _forget_peak()
    start, worked = time.perf_counter(), time.process_time()
    if reader == "pandas":
        size = pd.read_csv(path).size
    else:
        data = pb.train.load_dataset(path)
        size = data.x.size + data.y.size
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    return {
        "seconds": seconds,
        "processor": worked,
        "MiB": _memory("VmHWM") - baseline,
        "numbers": size,
    }


def measure(
    mb: float = 400, kinds: tuple[str, ...] = KINDS, rounds: int = 3, folder: str | None = None
) -> dict[str, Any]:
    """Quartiles of seconds and the highest memory by kind of table and reader."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "table.csv"
        for kind in kinds:
            rows, nbytes = write_table(path, kind, mb)
            # the first reading brings the file into the system's cache
            runs: dict[str, list[dict[str, float]]] = {reader: [] for reader in READERS}
            for i in range(rounds):
                for reader in READERS if i % 2 == 0 else READERS[::-1]:
                    runs[reader].append(_process(reader, path))
            numbers = {run["numbers"] for many in runs.values() for run in many}
            if numbers != {rows * COLUMNS}:
                raise RuntimeError(f"{kind}: {rows * COLUMNS:,} numbers, and read were {numbers}")
            array = nbytes / 2**20
            found[kind] = {"file MB": path.stat().st_size / 1e6, "rows": rows, "array MiB": array}
            for reader, many in runs.items():
                found[kind][reader] = {
                    "seconds": quartiles([run["seconds"] for run in many]),
                    "processor seconds": quartiles([run["processor"] for run in many]),
                    "MiB": max(run["MiB"] for run in many),
                    "memory over array": max(run["MiB"] for run in many) / array,
                }
            for key, what in (("seconds", "time"), ("processor", "processor time")):
                ratios = [
                    ours[key] / theirs[key]
                    for ours, theirs in zip(runs["pullback"], runs["pandas"], strict=True)
                ]
                found[kind][f"{what} over pandas"] = quartiles(ratios)
    return {"columns": COLUMNS, "rounds": rounds, "kinds": found}


def _process(reader: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-P", str(Path(__file__).resolve()), "--read", reader, str(path)]
    env = os.environ | WORKER_ENV
    env["PYTHONPATH"] = os.pathsep.join(
        p for p in (env.get("PYTHONPATH", ""), str(Path(__file__).parent)) if p
    )
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=path.parent, env=env, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def show(found: dict[str, Any]) -> str:
    """One table."""
    rows = []
    for kind, one in found["kinds"].items():
        for reader in READERS:
            seconds = one[reader]["seconds"]["median"]
            ours = reader == "pullback"
            rows.append([
                f"{kind}, {one['file MB']:.0f} MB, {reader}", f"{seconds:.2f}",
                f"{one['time over pandas']['median']:.2f}" if ours else "1",
                f"{one['processor time over pandas']['median']:.2f}" if ours else "1",
                f"{one[reader]['MiB']:.0f}", f"{one[reader]['memory over array']:.2f}",
            ])  # fmt: skip
    head = ["table", "seconds", "over pandas", "processor", "peak MiB", "over the array"]
    return table(f"reading a table of {found['columns']} columns", head, rows)


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mb", type=float, default=400)
    parser.add_argument("--kinds", default=",".join(KINDS), help="of: " + ", ".join(KINDS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="for the files, instead of the system's temporary one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--read", nargs=2, metavar=("READER", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.read:
        print(json.dumps(read(*args.read)))
        return
    found = measure(args.mb, tuple(args.kinds.split(",")), args.rounds, args.folder)
    print(show(found))
    if args.json:
        save("tables", {"environment": environment(), "tables": found}, args.json)


if __name__ == "__main__":
    main()
