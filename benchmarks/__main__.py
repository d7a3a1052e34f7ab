"""The benchmarks on the CPU, one after another: `python benchmarks` (`make bench`).

    python benchmarks --list
    python benchmarks --only mlp,adam --rounds 5
    python benchmarks --readme
    python benchmarks --pages

Before anything is measured, a line says how long it takes. Each part runs in a process of its own: it waits until the
machine is quiet (`--wait` seconds at most), prints its tables and the limits that it misses, and writes
``results/<date>-<part>-<processor>.json``, and some a plot. ``--readme`` and ``--pages`` measure nothing: the first
prints Markdown tables of the newest results, the second writes those of README.md and docs/guide/speed.md anew.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import mlp
from _machine import slug
from _markdown import markdown, newest
from _pages import write_pages
from _parts import DEFAULT, PARTS, minutes
from _report import RESULTS, environment


def run(
    name: str, rounds: int | None, pythons: dict[str, str], folder: Path | None, wait: float
) -> bool:
    """Measure one part in a process of its own; whether it did not fail."""
    part = PARTS[name]
    print(f"\n── {name}: {part.what}, {minutes([name])}", flush=True)
    file = ""
    if folder is not None:
        file = str(folder / f"{datetime.now(UTC):%Y-%m-%d}-{name}-{slug(environment())}.json")
    # kernels are compiled before anything is timed; else another process would do so meanwhile
    env = {"PULLBACK_FAST": "1", **os.environ, "PULLBACK_BACKEND": "numpy"}
    if part.threads:
        env |= {"OMP_NUM_THREADS": str(part.threads)}
    pairs = [f"{peer}={path}" for peer, path in pythons.items()]
    script = Path(__file__).with_name("_part.py")
    command = [sys.executable, str(script), name, file, str(rounds or 0), str(wait), *pairs]
    code = subprocess.run(command, env=env, check=False).returncode
    if code:
        print(f"failed: {name}: its process ended with code {code}", file=sys.stderr)
    return code == 0


def main() -> int:
    """Run all parts asked for; 1 if one of them failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        default=",".join(n for n, p in DEFAULT.items() if p.exists),
        help="of: " + ", ".join(PARTS),
    )
    parser.add_argument("--rounds", type=int, help="of every part that has rounds")
    parser.add_argument(
        "--wait", type=float, default=60, help="seconds for the machine to get quiet before a part"
    )
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="instead of results")
    parser.add_argument(
        "--list", action="store_true", help="say what there is, and measure nothing"
    )
    parser.add_argument("--readme", action="store_true", help="print tables of the newest results")
    parser.add_argument("--pages", action="store_true", help="write the pages' tables anew")
    args = parser.parse_args()
    folder = args.results or RESULTS
    if args.readme:
        print(markdown(newest(folder)))
        return 0
    if args.pages:
        print("\n".join(f"written: {path.name}" for path in write_pages(folder)))
        return 0
    if args.list:
        for name, part in PARTS.items():
            print(
                f"{name:14} {part.seconds:4} s  {part.what}{'' if part.exists else ' (not there)'}"
            )
        return 0
    names = args.only.split(",")
    for name in names:
        if name not in PARTS or not PARTS[name].exists:
            parser.error(f"--only: {name!r} is not one of {', '.join(PARTS)}")
    pythons = mlp.interpreters(args.python)
    parts = f"{len(names)} part{'s' * (len(names) > 1)}"
    print(f"{parts}, {minutes(names)} on two cores: {', '.join(names)}", flush=True)
    print(", ".join(f"{k} {v}" for k, v in environment().items()), flush=True)
    # the other parts are to be measured whatever becomes of one
    worked = [run(name, args.rounds, pythons, args.results, args.wait) for name in names]
    return 0 if all(worked) else 1


if __name__ == "__main__":
    sys.exit(main())
