"""Reverse-mode automatic differentiation for arrays, on NumPy and on CuPy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import (
    _environment,  # noqa: F401 - first: it sets what OpenBLAS reads when NumPy loads
    autograd,
    backend,
)
from .autograd import (
    Array,
    MissingRuleError,
    RuleError,
    Tape,
    asarray,
    check_grads,
    checkpoint,
    custom_vjp,
    debug_nans,
    defvjp,
    draw,
    fori_loop,
    grad,
    hessian,
    hvp,
    implicit,
    jacobian,
    jvp,
    linalg,
    linearize,
    numpy,
    scan,
    scipy,
    sparse,
    stop_gradient,
    to_numpy,
    value_and_grad,
    vjp,
    vmap,
    while_loop,
)
from .autograd.functions import namespace as xp
from .autograd.functions import random, special
from .autograd.pytree import tree
from .backend import BackendError

if TYPE_CHECKING:
    from . import models, optim

__version__ = "0.1.0"

__all__ = [
    "Array",
    "BackendError",
    "MissingRuleError",
    "RuleError",
    "Tape",
    "TraceError",
    "asarray",
    "autograd",
    "backend",
    "check_grads",
    "checkpoint",
    "compile",
    "custom_vjp",
    "debug_nans",
    "defvjp",
    "draw",
    "fori_loop",
    "grad",
    "hessian",
    "hvp",
    "implicit",
    "jacobian",
    "jvp",
    "linalg",
    "linearize",
    "models",
    "numpy",
    "optim",
    "random",
    "scan",
    "scipy",
    "sparse",
    "special",
    "stop_gradient",
    "to_numpy",
    "tree",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
    "xp",
]

# `import pullback.xp` and `from pullback.linalg import solve` find the modules that the names above are; the root's
# stubs (`xp.pyi`, `linalg.pyi`, …) say the same to type checkers.
sys.modules.update(
    {
        f"{__name__}.{name}": module
        for name, module in {
            "implicit": implicit,
            "linalg": linalg,
            "numpy": numpy,
            **{
                f"numpy.{name}": sys.modules[f"{autograd.__name__}.numpy.{name}"]
                for name in ("fft", "linalg", "random")
            },
            "random": random,
            "scipy": scipy,
            **{f"scipy.{name}": getattr(scipy, name) for name in scipy.__all__},
            "sparse": sparse,
            "special": special,
            "tree": tree,
            "xp": xp,
        }.items()
    }
)


def __getattr__(name: str) -> Any:
    if name in ("compat", "distributed", "models", "optim", "train"):  # not every program uses them
        import importlib

        return importlib.import_module(f".{name}", __name__)
    if name in ("compile", "TraceError"):  # loaded by the first function that is compiled
        from .autograd import compile as package

        globals().update(compile=package.compile, TraceError=package.TraceError)
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", "compat", "distributed", "train"])
