"""Peak memory and time of `pullback train` on a table, in memory and with its rows on disk.

    python benchmarks/streaming.py [--mb 400] [--columns 50] [--forms npy,npz,csv] [--json FILE]

Each training is a process of its own. Its baseline is what it holds after a training on a table of a few rows in the
same form, which imports all that a training imports; the peak is the highest resident memory (Linux's VmHWM, set back
before) of one epoch on the table. Both are of the whole process: reading, splitting, standardising, training,
pictures. The array is the table's numbers as float64, target included.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, save, table
from peak_memory import _forget_peak, _memory

FORMS = ("npy", "npz", "csv")
ROWS_AT_ONCE = 10_000


def write_table(path: Path, rows: int, columns: int) -> int:
    """A table whose last column is one of three classes that the others tell; the bytes of its numbers as float64."""
    random = np.random.default_rng(0)
    form = path.suffix[1:]
    shape = (rows, columns)
    if form == "npy":
        out: Any = np.lib.format.open_memmap(path, "w+", np.float64, shape)
    elif form == "npz":
        out = np.empty(shape)
    else:
        out = None
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(path, "w")) if out is None else None
        if file is not None:
            file.write(",".join(f"c{i}" for i in range(columns)) + "\n")
        for start in range(0, rows, ROWS_AT_ONCE):
            x = random.normal(size=(min(ROWS_AT_ONCE, rows - start), columns))
            x[:, -1] = np.arange(start, start + len(x)) % 3
            x[:, 0] += 2 * x[:, -1]
            if file is None:
                out[start : start + len(x)] = x
            else:
                np.savetxt(file, x, fmt="%.8g", delimiter=",")
    if form == "npz":
        np.savez(path, X=out[:, :-1], y=out[:, -1].astype(np.int64))
    elif form == "npy":
        out.flush()
    return rows * columns * 8


def train(path: str, options: list[str]) -> dict[str, float]:
    """Train in this process, in the folder that is current; MiB above the baseline, and seconds."""
    from pullback.train.cli import main

    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        small = Path(path).with_name("small" + Path(path).suffix)
        write_table(small, 60, 4)
        if main(["train", str(small), "--epochs", "1", *options]):
            raise SystemExit(quiet.getvalue())
        baseline = _memory("VmRSS")
        _forget_peak()
        start = time.perf_counter()
        code = main(["train", path, "--epochs", "1", "--batch-size", "256", *options])
    if code:
        raise SystemExit(quiet.getvalue())
    return {"MiB": _memory("VmHWM") - baseline, "seconds": time.perf_counter() - start}


def measure(
    mb: float = 400, columns: int = 50, forms: tuple[str, ...] = FORMS, folder: str | None = None
) -> dict[str, Any]:
    """Peak memory and time by form of the file, in memory and streamed.

    Raises
    ------
    RuntimeError
        With what a training said that failed.
    """
    rows = max(int(mb * 1e6 / 8 / columns), 100)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=folder) as place:
        for form in forms:
            path = Path(place) / f"table.{form}"
            array = write_table(path, rows, columns) / 2**20
            found[form] = {
                "in memory": _process(path, ["--no-stream"]),
                "streamed": _process(path, ["--stream"]),
            }
            for row in found[form].values():
                row["of the array"] = row["MiB"] / array
            path.unlink()
    return {
        "rows": rows,
        "columns": columns,
        "array MiB": rows * columns * 8 / 2**20,
        "forms": found,
    }


def _process(path: Path, options: list[str]) -> dict[str, float]:
    command = [sys.executable, "-P", str(Path(__file__).resolve()), "--train", str(path)]
    known = filter(None, [os.environ.get("PYTHONPATH")])
    done = subprocess.run(
        [*command, "--", *options],
        capture_output=True, text=True, cwd=path.parent,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [Path(__file__).parent, *known]))},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{path.name} {' '.join(options)}: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def show(found: dict[str, Any]) -> str:
    """A table."""
    rows = [
        [
            f".{form}",
            how,
            f"{row['MiB']:.0f}",
            f"{row['of the array']:.2f}",
            f"{row['seconds']:.1f}",
        ]
        for form, both in found["forms"].items()
        for how, row in both.items()
    ]
    title = (
        f"one epoch on {found['rows']:,} rows of {found['columns']} columns, "
        f"{found['array MiB']:.0f} MiB as float64"
    )
    return table(title, ["file", "rows", "peak MiB", "of the array", "seconds"], rows)


def main() -> None:
    """Measure, print, save; or train once for the parent."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mb", type=float, default=400, help="of the table's numbers as float64")
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--forms", default=",".join(FORMS), help="of: " + ", ".join(FORMS))
    parser.add_argument("--folder", help="where the table is written, and the runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    parser.add_argument("options", nargs="*", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.train:
        print(json.dumps(train(args.train, args.options)))
        return
    found = measure(args.mb, args.columns, tuple(args.forms.split(",")), args.folder)
    print(show(found))
    if args.json:
        save("streaming", {"environment": environment(), "streaming": found}, args.json)


if __name__ == "__main__":
    main()
