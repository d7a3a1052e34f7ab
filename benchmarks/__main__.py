"""The benchmarks on the CPU, one after another: `python benchmarks` (`make bench`).

    python benchmarks --only mlp,adam --rounds 15
    python benchmarks --readme

About fifteen minutes on two cores. Each part prints its tables and writes ``results/<date>-<part>.json`` when it is
done, and some a plot. ``--readme`` measures nothing: it prints Markdown tables of the newest results.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import mlp
import peak_memory
import scaling
from _markdown import markdown, newest
from _peers import ON_CPU, WITH_ADAM
from _problem import SIZES
from _report import RESULTS, environment, plot_ratios, save, without_paths

DEFAULT = ("mlp", "adam", "peak_memory", "scaling", "adjoint", "estimators", "overhead")
FURTHER = ("chain", "import_time", "memory", "ranks", "rules", "sparse", "tables")


def measure(
    name: str, rounds: int | None, pythons: dict[str, str]
) -> tuple[Any, Callable[[Any], str]]:
    """One part: its results, and the function that shows them. Parts without rounds take as many as they need."""
    given = {} if rounds is None else {"rounds": rounds}
    if name in ("mlp", "adam"):
        peers = list(ON_CPU if name == "mlp" else WITH_ADAM)
        optimizer = "sgd" if name == "mlp" else "adam"
        return mlp.measure(
            list(SIZES), peers, optimizer=optimizer, pythons=pythons, **given
        ), mlp.show
    if name == "peak_memory":
        return peak_memory.measure(pythons=pythons, **given), peak_memory.show
    if name == "scaling":
        return scaling.measure(pythons=pythons, **given), scaling.show
    module = __import__(name)  # imports pullback, and what else it compares with
    return module.measure(
        **({"rounds": max(5, rounds)} if name in ("overhead", "ranks") and rounds else {})
    ), module.show


def run(name: str, rounds: int | None, pythons: dict[str, str], folder: Path | None) -> None:
    """Measure, print and write one part."""
    found, show = measure(name, rounds, pythons)
    print(show(found), flush=True)
    machine = environment()
    file = None if folder is None else folder / f"{machine['date'][:10]}-{name}.json"
    path = save(name, {"environment": machine, name: found}, file)
    if name == "scaling":
        scaling.plot(found, path.with_suffix(".png"))
    elif name in ("mlp", "adam"):
        cores = f"{machine['cores']} cores {machine['cpu']}"
        plot_ratios(found | {"machine": cores}, path.with_suffix(".png"))
    print(f"\nwritten: {path.name}", flush=True)


def main() -> int:
    """Run all parts asked for; 1 if one of them failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", default=",".join(DEFAULT), help="of: " + ", ".join(DEFAULT + FURTHER)
    )
    parser.add_argument("--rounds", type=int, help="of every part that has rounds")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="instead of results")
    parser.add_argument("--readme", action="store_true", help="print tables of the newest results")
    args = parser.parse_args()
    if args.readme:
        print(markdown(newest(args.results or RESULTS)))
        return 0
    names = args.only.split(",")
    for name in names:
        if name not in DEFAULT + FURTHER:
            parser.error(f"--only: {name!r} is not one of {', '.join(DEFAULT + FURTHER)}")
    os.environ["PULLBACK_BACKEND"] = "numpy"
    pythons = mlp.interpreters(args.python)
    print(", ".join(f"{k} {v}" for k, v in environment().items()), flush=True)
    failed = False
    for name in names:
        try:
            run(name, args.rounds, pythons, args.results)
        except Exception as error:  # the other parts are to be measured all the same
            print(
                f"failed: {name}: {type(error).__name__}: {without_paths(str(error))}",
                file=sys.stderr,
            )
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
