"""All CPU benchmarks: `python benchmarks`. Tables, ``results/<date>-cpu.json`` and a plot of it.

About five minutes on two cores. The options are those of `mlp.py`; `--sizes small` is quicker.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import adjoint
import chain
import estimators
import import_time
import memory
import mlp
import overhead
import rules
import sparse
from _report import environment, plot_ratios, save


def main() -> None:
    """Run all of them, the longest last."""
    os.environ["PULLBACK_BACKEND"] = "numpy"
    args = mlp.parser().parse_args()
    chosen = mlp.options(args)
    results = {"environment": environment()}
    print(", ".join(f"{k} {v}" for k, v in results["environment"].items()))
    parts = {
        "import": import_time,
        "overhead": overhead,
        "rules": rules,
        "chain": chain,
        "adjoint": adjoint,
        "sparse": sparse,
        "estimators": estimators,
        "memory": memory,
    }
    for name, module in parts.items():
        try:
            results[name] = module.measure()
        except (ImportError, RuntimeError) as error:
            sys.exit(f"{name}: {error}")
        print(module.show(results[name]), flush=True)
    results["mlp"] = mlp.measure(**chosen)
    print(mlp.show(results["mlp"]))
    path = save("cpu", results, args.json)
    env = results["environment"]
    machine = f"{env['cores']} cores {env['cpu']}"
    plot = plot_ratios(results["mlp"] | {"machine": machine}, path.with_suffix(".png"))
    print("\nwritten: " + ", ".join(p.name for p in (path, plot) if p))


if __name__ == "__main__":
    main()
