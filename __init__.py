"""Reverse-mode automatic differentiation for arrays, on NumPy and on CuPy."""

from __future__ import annotations

from typing import Any

from . import autograd, backend, models, optim
from .autograd import (
    Array,
    MissingRuleError,
    RuleError,
    Tape,
    check_grads,
    checkpoint,
    custom_vjp,
    debug_nans,
    defvjp,
    draw,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    linearize,
    stop_gradient,
    to_numpy,
    tree,
    value_and_grad,
    vjp,
)
from .autograd import namespace as xp
from .backend import BackendError

__version__ = "0.1.0"

__all__ = [
    "Array",
    "BackendError",
    "MissingRuleError",
    "RuleError",
    "Tape",
    "autograd",
    "backend",
    "check_grads",
    "checkpoint",
    "custom_vjp",
    "debug_nans",
    "defvjp",
    "draw",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linearize",
    "models",
    "optim",
    "stop_gradient",
    "to_numpy",
    "tree",
    "value_and_grad",
    "vjp",
    "xp",
]


def __getattr__(name: str) -> Any:
    if name == "train":  # loads its parts on demand; the extras only when they are used
        import importlib

        return importlib.import_module(".train", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
