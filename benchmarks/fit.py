"""A whole run of the main job, from the command to the files, in a process of its own.

    python benchmarks/fit.py [--backend cupy] [--json FILE]

`pullback train digits` twice: the first run may compile kernels that the second finds.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _report import environment, gpu_environment, save, table

TIMEOUT = 120


def measure(backend: str = "numpy", runs: int = 2) -> dict[str, Any]:
    """Seconds of the process, and of training as it reports it, for each run."""
    env = os.environ | {"PULLBACK_BACKEND": backend}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(runs):
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-P", "-m", "pullback", "train", "digits", "--name", f"run{i}"],
                env=env, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(done.stderr.strip()[-500:] or f"exit code {done.returncode}")
            took = re.search(r"(\d+) steps in ([\d.]+) s", done.stdout.replace(",", ""))
            accuracy = re.search(r"test accuracy ([\d.]+)", done.stdout)
            found.append({
                "process s": round(time.perf_counter() - started, 3),
                "steps": int(took[1]) if took else None,
                "training s": float(took[2]) if took else None,
                "test accuracy %": float(accuracy[1]) if accuracy else None,
            })  # fmt: skip
    return {"backend": backend, "runs": found}


def show(results: dict[str, Any]) -> str:
    """One table."""
    head = ["run", *results["runs"][0]]
    rows = [[str(i), *map(str, run.values())] for i, run in enumerate(results["runs"])]
    return table(f"pullback train digits, {results['backend']}", head, rows)


def main() -> int:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--backend", choices=("numpy", "cupy"), default="numpy")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    gpu: dict[str, str] = {}
    if options.backend == "cupy":
        try:
            gpu = gpu_environment()
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 2
    found = measure(options.backend)
    print(show(found))
    if options.json:
        save("fit", {"environment": environment() | gpu, "fit": found}, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
