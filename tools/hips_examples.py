"""Run the example programs of HIPS autograd on `pullback.compat.autograd`.

``python tools/hips_examples.py [SOURCE] [--peer PATH]``. Each runs for a few iterations, without windows, and on drawn
digits where it would download some. With `--peer`, the folder of an installation of HIPS autograd, each runs on that
too, and the numbers that the two print are compared.
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

from hips_suite import copied, unpacked

# What makes a program short: at most 3 iterations of optimisers, no windows, digits that are not downloaded.
DRIVER = """
import importlib, runpy, sys, types, warnings
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as onp
import scipy.optimize
plt.show = plt.pause = lambda *a, **k: None
package, path, images = sys.argv[1:4]
onp.random.seed(0)
minimize = scipy.optimize.minimize
def short(*args, **kwargs):
    kwargs["options"] = {**(kwargs.get("options") or {}), "maxiter": 3}
    return minimize(*args, **kwargs)
scipy.optimize.minimize = short
optimizers = importlib.import_module(package + ".misc.optimizers")
def few(optimize):
    def run(grad, x, callback=None, num_iters=3, **kwargs):
        return optimize(grad, x, callback=callback, num_iters=min(num_iters, 3), **kwargs)
    return run
for name in ("adam", "sgd", "rmsprop"):
    setattr(optimizers, name, few(getattr(optimizers, name)))
def mnist():
    rng = onp.random.RandomState(1)
    one_hot = lambda k: onp.eye(10)[rng.randint(0, 10, k)]
    return 200, rng.rand(200, 784), one_hot(200), rng.rand(100, 784), one_hot(100)
def digits():
    rng = onp.random.RandomState(1)
    draw = lambda k: (rng.randint(0, 255, (k, 28, 28)).astype("uint8"), rng.randint(0, 10, k).astype("uint8"))
    return (*draw(200), *draw(100))
stub = types.ModuleType("data_mnist")
stub.mnist = digits
sys.modules["data_mnist"] = stub
import data
data.load_mnist = mnist
sys.argv = [path]
runpy.run_path(path, run_name="__main__")
"""

LIMIT = 300  # seconds for a program
# Programs that are parts of others.
PARTS = ("__init__.py", "data.py", "data_mnist.py")


def run(package: str, path: Path, extra: list[str]) -> tuple[bool, float, str]:
    """Whether a program ran, the seconds it took, and what it printed."""
    where = [str(path.parent), *extra, os.environ.get("PYTHONPATH", "")]
    if path.parent.name == "fluidsim":
        where.insert(1, str(path.parent.parent))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(where)}
    command = [sys.executable, "-P", "-W", "ignore", "-c", DRIVER, package, path.name, ""]
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            cwd=path.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, time.perf_counter() - start, f"no end within {LIMIT} s"
    took = time.perf_counter() - start
    ok = done.returncode == 0
    return ok, took, done.stdout if ok else done.stderr.strip().splitlines()[-1]


def numbers(text: str) -> list[float]:
    """The numbers with a decimal point in a text."""
    return [float(t) for t in re.findall(r"-?\d+\.\d*(?:e[+-]?\d+)?", text)]


def difference(one: str, other: str) -> str:
    """How far apart the numbers in two texts are, relatively."""
    a, b = numbers(one), numbers(other)
    if len(a) != len(b):
        return f"{len(a)} numbers against {len(b)}"
    worst = max((abs(x - y) / max(abs(x), abs(y), 1e-9) for x, y in zip(a, b, strict=True)), default=0.0)  # fmt: skip
    return f"{len(a)} numbers, apart by {worst:.1e}"


def main() -> int:
    """Print a line for each program; the exit status says whether all ran."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", help="a checkout or an sdist of HIPS autograd")
    parser.add_argument("--peer", help="the folder of an installation of HIPS autograd")
    parser.add_argument("--only", help="the name of one program")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkout = unpacked(options.source, folder)
        ours = copied(checkout / "examples", folder / "ours")
        for path in sorted(ours.rglob("*.py")):
            if path.name in PARTS or (options.only and path.stem != options.only):
                continue
            ok, took, text = run("pullback.compat.autograd", path, [])
            failed += not ok
            line = f"{path.relative_to(ours)}: {'runs' if ok else 'FAILS'} in {took:.1f} s"
            if not ok:
                line += f": {text}"
            elif options.peer:
                theirs = checkout / "examples" / path.relative_to(ours)
                ran, their_time, their_text = run("autograd", theirs, [options.peer])
                line += f", autograd in {their_time:.1f} s; "
                line += difference(text, their_text) if ran else their_text
            print(line, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
