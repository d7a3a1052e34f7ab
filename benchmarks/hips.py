"""The computations of HIPS autograd's own benchmark suite (asv), on it and on `pullback.compat.autograd`.

    OMP_NUM_THREADS=1 python benchmarks/hips.py [--peer FOLDER] [--json FILE]

`FOLDER` holds HIPS autograd where it is not installed (``pip install --no-deps --target FOLDER autograd==1.9.1``).
Both run in one process, in turns: in each round one repeats a computation for about 20 ms, then the other. Printed are
the medians over the rounds, their ratio, and the geometric mean of the ratios. The suite's forward and backward passes
are taken through the public `make_vjp`; what measures no code of autograd (``numpy.exp``, a product of plain matrices)
is left out, as are its two calls that put a value into a box by hand, which have no counterpart here.
"""

from __future__ import annotations

import argparse
import importlib
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as onp
from _report import environment, microseconds, save, table

Task = Callable[[], Any]


def core(ag: Any, np: Any) -> dict[str, Task]:
    """A function of one operation, one of fifty, one of ten thousand with fan-out; what a call costs at least."""
    vspace = importlib.import_module(f"{ag.__name__}.core").vspace

    def short(x: Any) -> Any:
        return x**2

    def long(x: Any) -> Any:
        for _ in range(50):
            x = np.sin(x)
        return x

    def fan(x: Any) -> Any:
        for _ in range(10_000):
            x = (x + x) / 2.0
        return np.sum(x)

    def exps(x: Any) -> Any:
        for _ in range(100):
            y = np.exp(x)
        return y

    tasks: dict[str, Task] = {}
    for name, f in (("short", short), ("long", long), ("fan", fan)):
        pull = ag.make_vjp(f)(2.0)[0]
        tasks |= {
            f"{name} value": lambda f=f: f(2.0),
            f"{name} forward": lambda f=f: ag.make_vjp(f)(2.0),
            f"{name} backward": lambda pull=pull: pull(1.0),
            f"{name} grad": lambda f=f: ag.grad(f)(2.0),
        }
    row = onp.asarray([[1.0, 2.0, 3.0]])
    return tasks | {
        "vspace of a float": lambda: vspace(1.0),
        "vspace of an array": lambda: vspace(row),
        "exp, not traced": lambda: np.exp(2.0),
        "exp, traced, 100 times": lambda: ag.make_vjp(exps)(2.0),
    }


def products(ag: Any, np: Any) -> dict[str, Task]:
    """Pullbacks of `dot` and `tensordot`, and pullbacks of those."""
    rng = onp.random.default_rng(0)
    draw = rng.standard_normal
    a, b, g = draw((2, 3, 4, 5)), draw((2, 3, 5, 4)), draw((2, 3, 4, 2, 3, 4))
    A, B, G = draw((2, 3, 5, 4)), draw((5, 4, 2, 3)), draw((2, 3, 2, 3))
    tasks: dict[str, Task] = {}

    def add(name: str, f: Callable[[Any, Any], Any], a: Any, b: Any, g: Any) -> None:
        for i in (0, 1):

            def pulled(a: Any, b: Any, g: Any, i: int = i) -> Any:
                return ag.make_vjp(f, i)(a, b)[0](g)

            tasks[f"{name}_{i}"] = lambda pulled=pulled: pulled(a, b, g)
            for j in (0, 1, 2):
                ct = (a, b)[i]
                tasks[f"{name}_{i}_{j}"] = lambda pulled=pulled, j=j, ct=ct: ag.make_vjp(pulled, j)(
                    a, b, g
                )[0](ct)

    add("dot", lambda a, b: np.dot(a, b), a, b, g)
    add("tensordot", lambda a, b: np.tensordot(a, b, 2), A, B, G)
    return tasks


def containers(ag: Any, np: Any) -> dict[str, Task]:
    """Flattening a dict of arrays, and a gradient through unflattening."""
    flatten = importlib.import_module(f"{ag.__name__}.misc").flatten
    rng = onp.random.default_rng(0)
    value = {
        "a": rng.random((4, 4)), "b": rng.random((3, 3)), "c": 3.0, "d": [1.0, 4.0, 7.0, 9.0],
        "e": onp.asarray([4.0, 5.0, 6.0]), "f": onp.asarray([[7.0, 8.0], [9.0, 10.0]]),
    }  # fmt: skip

    def there_and_back() -> None:
        vector, unflatten = flatten(value)
        flatten(unflatten(vector))

    def gradient() -> None:
        vector, unflatten = flatten(value)

        def f(vector: Any) -> Any:
            parts = unflatten(vector)
            return np.sum(parts["e"]) + np.sum(parts["f"])

        ag.grad(f)(vector)

    return {"flatten": there_and_back, "grad of unflatten": gradient}


def recurrent(ag: Any, np: Any) -> dict[str, Task]:
    """A recurrent network of 50 steps, 16 rows and 1024 units in float32; and one of 32 units."""
    tasks: dict[str, Task] = {}
    for width in (1024, 32):
        rng = onp.random.default_rng(0)

        def draw(*shape: int, rng: Any = rng) -> Any:
            return (0.01 * rng.standard_normal(shape)).astype("float32")

        x, label = draw(16, width), (rng.random((16, 1)) > 0.5).astype("float32")
        params = (draw(width, width), draw(width), draw(width, 1), draw(1))

        def loss(params: Any, x: Any = x, label: Any = label) -> Any:
            W, b, W_out, b_out = params
            h = x
            for _ in range(50):
                h = np.tanh(np.dot(h, W) + b)
            logit = np.dot(h, W_out) + b_out
            return -np.sum(label * logit - (logit + np.log(1 + np.exp(-logit))))

        gradient = ag.grad(loss)
        tasks[f"rnn, {width} units"] = lambda gradient=gradient, params=params: gradient(params)
    return tasks


def needless(ag: Any, np: Any) -> dict[str, Task]:
    """A hundred additions of a number to a matrix of a million elements."""

    def f(x: Any) -> Any:
        for _ in range(100):
            x = x + 1
        return np.sum(x)

    zeros = onp.zeros((1000, 1000))
    return {"100 additions of 1e6": lambda: ag.grad(f)(zeros)}


SUITES = (core, products, containers, recurrent, needless)


def seconds(task: Task, repeats: int) -> float:
    """The seconds that a task takes, on average over `repeats` calls."""
    start = time.perf_counter()
    for _ in range(repeats):
        task()
    return (time.perf_counter() - start) / repeats


def compare(ours: Task, theirs: Task, rounds: int) -> tuple[float, float]:
    """The median seconds of both, measured in turns."""
    for task in (ours, theirs):
        task()
    repeats = max(1, int(0.02 / max(seconds(theirs, 1), 1e-7)))
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for found, task in zip(times, (ours, theirs), strict=True):
            found.append(seconds(task, repeats))
    return statistics.median(times[0]), statistics.median(times[1])


def measure(rounds: int = 15, peer: str = "", only: str = "") -> dict[str, Any]:
    """The median seconds of both by computation, and the geometric mean of the ratios."""
    if peer:
        sys.path.insert(0, peer)
    packages = ("pullback.compat.autograd", "autograd")
    modules = [
        (importlib.import_module(p), importlib.import_module(f"{p}.numpy")) for p in packages
    ]
    tasks = [{k: t for suite in SUITES for k, t in suite(*m).items()} for m in modules]
    seconds = {}
    for name, ours in tasks[0].items():
        if only in name:
            mine, their = compare(ours, tasks[1][name], rounds)
            seconds[name] = {"ours": mine, "autograd": their}
    logs = [math.log(row["ours"] / row["autograd"]) for row in seconds.values()]
    return {
        "geometric mean of the ratios": math.exp(statistics.fmean(logs)),
        "median seconds": seconds,
    }


def show(found: dict[str, Any]) -> str:
    """A row for each computation, and the geometric mean."""
    rows = [
        [name, microseconds(row["ours"]), microseconds(row["autograd"]), f"{row['ours'] / row['autograd']:.2f}"]
        for name, row in found["median seconds"].items()
    ]  # fmt: skip
    title = (
        f"HIPS autograd's computations; geometric mean {found['geometric mean of the ratios']:.2f}"
    )
    return table(title, ["", "ours, µs", "autograd", "ratio"], rows)


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--peer",
        default="",
        help="the folder that HIPS autograd is installed in, if it is one of its own",
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="rows whose name holds this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    found = measure(options.rounds, options.peer, options.only)
    print(show(found))
    if options.json:
        save("hips", {"environment": environment(), "hips": found}, options.json)


if __name__ == "__main__":
    main()
