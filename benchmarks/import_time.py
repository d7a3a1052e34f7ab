"""What `import pullback` takes beyond `import numpy, scipy`; that it imports no extras."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _report import environment, quartiles, save

LIMIT = 0.15
EXTRAS = ("cupy", "sklearn", "rich", "typer", "safetensors", "matplotlib", "numba", "torch", "jax")
CODE = f"""
from time import perf_counter as now
a = now()
import numpy, scipy
b = now()
import pullback
c = now()
import json, sys
print(json.dumps([b - a, c - b, [m for m in {EXTRAS!r} if m in sys.modules]]))
"""


def measure(rounds: int = 15) -> dict[str, Any]:
    """Seconds in fresh interpreters; the first one, which may compile, is not counted."""
    base, ours = [], []
    extras: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds + 1):
            done = subprocess.run(
                [sys.executable, "-c", CODE], cwd=folder, capture_output=True, text=True
            )
            if done.returncode:
                raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
            first, second, found = json.loads(done.stdout)
            base.append(first)
            ours.append(second)
            extras.update(found)
    return {
        "numpy and scipy s": quartiles(base[1:]),
        "pullback beyond s": quartiles(ours[1:]),
        "limit s": LIMIT,
        "extras imported": sorted(extras),
    }


def show(results: dict[str, Any]) -> str:
    """Two lines."""
    base, ours = results["numpy and scipy s"], results["pullback beyond s"]
    extras = ", ".join(results["extras imported"]) or "none"
    return (
        f"\nimport pullback: {ours['median']:.3f} s ({ours['low']:.3f}-{ours['high']:.3f}) beyond "
        f"numpy and scipy ({base['median']:.3f} s); limit {results['limit s']} s; "
        f"extras imported: {extras}"
    )


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    args = parser.parse_args()
    results = measure(args.rounds)
    print(show(results))
    if args.json:
        save("import", {"environment": environment(), "import": results}, args.json)


if __name__ == "__main__":
    main()
