"""The parts of `python benchmarks`: which module measures each, how long it takes, and with how many threads."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _peers import ON_CPU, WITH_ADAM
from _problem import SIZES


@dataclass(frozen=True)
class Part:
    """A part: a module with ``measure(...)``, which returns what was found, and ``show(found)``, a text of it.

    Attributes
    ----------
    module : str
    seconds : int
        How long it takes on two cores of an EPYC, with the rounds that it takes by itself.
    what : str
        In a few words.
    threads : int
        Of BLAS; 0 for as many as each library takes.
    settings : mapping
        More arguments of `measure`.
    """

    module: str
    seconds: int
    what: str
    threads: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether its module is there."""
        return Path(__file__).with_name(f"{self.module}.py").is_file()

    def measure(self, rounds: int | None, pythons: dict[str, str]) -> tuple[Any, str]:
        """What was found, and a text of it; parts without rounds take as many as they need."""
        module = importlib.import_module(self.module)
        known = inspect.signature(module.measure).parameters
        given = dict(self.settings)
        if rounds is not None and "rounds" in known:
            given["rounds"] = rounds
        if "pythons" in known:
            given["pythons"] = pythons
        found = module.measure(**given)
        return found, module.show(found)


# those that tables and charts show; `mlp.py --peers` knows the others
_PEERS = tuple(p for p in ON_CPU if p not in ("torch-optim", "torch compiled", "tinygrad"))

# What `make bench` measures, the most important first.
DEFAULT: dict[str, Part] = {
    "mlp": Part("mlp", 110, "a step of a perceptron, SGD", settings={"sizes": list(SIZES), "peers": list(_PEERS)}),
    "adam": Part(
        "mlp", 50, "the same with Adam", settings={"sizes": list(SIZES), "peers": list(WITH_ADAM), "optimizer": "adam"}
    ),
    "new_shapes": Part("new_shapes", 40, "batch sizes that were not met before"),
    "fit_large": Part("fit_large", 200, "an epoch of fit on 60,000 × 784"),
    "adjoint": Part("adjoint", 60, "dense systems with their gradients", threads=1),
    "sparse": Part("sparse", 40, "a sparse system of 250,000 unknowns"),
    "solvers": Part("solvers_compiled", 60, "iterative solvers inside compiled steps"),
    "convolution": Part("convolution", 60, "convolutions, a step of a CNN"),
    "recurrence": Part("recurrence", 60, "LSTM, GRU, RNN"),
    "attention": Part("attention", 50, "attention, a transformer's block"),
    "graph_network": Part("graph_network", 45, "graph convolutions, graph attention"),
    "vmap": Part("vmap", 20, "the gradient of each example"),
    "loops": Part("loops", 60, "a recurrent cell by scan"),
    "hips": Part("hips", 60, "HIPS autograd's own suite", threads=1),
    "peak_memory": Part("peak_memory", 60, "peak memory of training"),
    "memory": Part("memory", 30, "memory of deep networks"),
    "rematerialisation": Part("rematerialisation", 40, "gradients of deep stacks within a limit of memory"),
    "overhead": Part("overhead", 30, "what the tape adds to an operation"),
    "import_time": Part("import_time", 15, "import pullback"),
    "estimators": Part("estimators", 90, "estimators beside scikit-learn's", threads=1),
    "scaling": Part("scaling", 60, "a step against width, depth and batch"),
}  # fmt: skip
FURTHER: dict[str, Part] = {
    "programs": Part(
        "programs", 20, "calls that change their lengths", settings={"lengths": 12, "fast": True}
    ),
    "chain": Part("chain", 60, "a million chained operations"),
    "ranks": Part("ranks", 120, "1, 2 and 4 ranks"),
    "rules": Part("rules", 120, "backward over forward, function by function"),
    "regression": Part("regression", 60, "LASSO, kernel ridge, Gaussian processes"),
    "tables": Part("tables", 120, "reading a CSV file of 400 MB"),
}
PARTS = DEFAULT | FURTHER


def minutes(names: list[str]) -> str:
    """How long these take, in words."""
    total = sum(PARTS[name].seconds for name in names)
    return f"about {total} s" if total < 120 else f"about {round(total / 60)} minutes"
