"""What is chosen on the page: the record of all settings, and which values each may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ...optim import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    Exact,
    Halving,
    Lion,
    NAdam,
    Nesterov,
    RMSprop,
)
from ...train import InputError
from .data import CLASSIFICATION, KINDS, REGRESSION, Data
from .features import FEATURES

OWN = "own"
"""The name of the user's own data set."""

MOST_LAYERS, MOST_UNITS = 6, 8
PROBLEMS = (CLASSIFICATION, REGRESSION)
ACTIVATIONS = (
    "tanh", "relu", "sigmoid", "identity", "leaky_relu", "elu", "silu", "gelu", "softplus",
)  # fmt: skip
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
REGULARISATIONS = ("none", "l1", "l2")
STRENGTHS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)

FIRST_ORDER: dict[str, Callable[[float], Any]] = {
    "SGD": SGD,
    "SGD with momentum": lambda rate: SGD(rate, momentum=0.9),
    "SGD with Nesterov's momentum": lambda rate: SGD(rate, momentum=0.9, nesterov=True),
    "Nesterov": Nesterov,
    "Adagrad": Adagrad,
    "RMSprop": RMSprop,
    "Adadelta": Adadelta,
    "Adam": Adam,
    "AdamW": AdamW,
    "AMSGrad": AMSGrad,
    "NAdam": NAdam,
    "Lion": Lion,
}
"""The optimisers that step by minibatches, each made of a learning rate."""

FULL_BATCH = ("gradient-descent", "conjugate-gradient", "l-bfgs", "newton-cg", "newton")
"""The methods of `pb.optim.minimize` that step by all training data, each with a line search."""

CONSTANT = "constant"
SEARCHES: dict[str, Any] = {
    CONSTANT: None,
    "halving": Halving(),
    "backtracking": "backtracking",
    "armijo": "armijo",
    # as exact as one can see
    "exact": Exact(tol=1e-3, most=60),
    "wolfe": "wolfe",
}
"""The line searches, as `pb.optim.minimize` takes them; the constant step is the learning rate."""


@dataclass(frozen=True)
class Settings:
    """All that is chosen.

    Attributes
    ----------
    problem : {"classification", "regression"}
    dataset : str
        One of `KINDS`, or "own".
    noise : float
        Between 0 and 0.5.
    share : float
        Of the points to train on.
    batch : int
        Points a step.
    seed : int
        What data, weights and the order of batches are drawn from.
    features : tuple of str
        Of `FEATURES`, at least one.
    hidden : tuple of int
        Units of each hidden layer.
    activation : str
    optimiser : str
        Of `FIRST_ORDER` or `FULL_BATCH`.
    search : str
        Of `SEARCHES`, for a method of `FULL_BATCH`.
    rate : float
    regularisation : {"none", "l1", "l2"}
    strength : float
        Of the regularisation.
    """

    problem: str = CLASSIFICATION
    dataset: str = "circle"
    noise: float = 0.0
    share: float = 0.5
    batch: int = 10
    seed: int = 0
    features: tuple[str, ...] = ("x1", "x2")
    hidden: tuple[int, ...] = (4, 2)
    activation: str = "tanh"
    optimiser: str = "SGD"
    search: str = "backtracking"
    rate: float = 0.03
    regularisation: str = "none"
    strength: float = 0.0

    @property
    def full_batch(self) -> bool:
        """Whether each step is of all training data."""
        return self.optimiser in FULL_BATCH

    @property
    def widths(self) -> tuple[int, ...]:
        """Of all layers, from the features to the one output.

        Examples
        --------
        >>> Settings().widths
        (2, 4, 2, 1)
        """
        return (len(self.features), *self.hidden, 1)

    def changed(self, name: str, value: Any, own: Data | None = None) -> Settings:
        """These settings with another value of one, and what it brings with it.

        Parameters
        ----------
        name : str
        value : object
            As the page sends it.
        own : Data, optional
            The user's own data set, where there is one.

        Raises
        ------
        InputError
            For a setting or a value that there is not.

        Examples
        --------
        >>> Settings().changed("dataset", "plane").problem
        'regression'
        """
        if name not in _CHECKS:
            raise InputError(f"there is no setting {str(name)[:40]!r}")
        try:
            value, fine = _CHECKS[name](value)
        except (TypeError, ValueError, OverflowError):  # int() of infinity
            fine = False
        if not fine:
            raise InputError(f"{name} cannot be {str(value)[:40]!r}")
        if name == "dataset" and value == OWN and own is None:
            raise InputError("there are no data of your own yet: choose a file")
        new = replace(self, **{name: value})
        if name == "dataset":
            problem = own.problem if value == OWN and own is not None else KINDS[value].problem
            return replace(new, problem=problem)
        if name == "problem" and value != self.problem:
            first = next(key for key, kind in KINDS.items() if kind.problem == value)
            return replace(new, dataset=first)
        return new


def _one_of(names: Any) -> Callable[[Any], tuple[Any, bool]]:
    return lambda value: (value, value in names)


def _between(kind: type, low: float, high: float) -> Callable[[Any], tuple[Any, bool]]:
    def check(value: Any) -> tuple[Any, bool]:
        found = kind(value)
        return found, low <= found <= high

    return check


def _features(value: Any) -> tuple[Any, bool]:
    """In the order of the page, whatever the order in which they were chosen."""
    asked = set(value)
    return tuple(name for name in FEATURES if name in asked), bool(asked) and asked <= set(FEATURES)


def _hidden(value: Any) -> tuple[Any, bool]:
    layers = tuple(int(units) for units in value)
    return layers, len(layers) <= MOST_LAYERS and all(1 <= n <= MOST_UNITS for n in layers)


_CHECKS: dict[str, Callable[[Any], tuple[Any, bool]]] = {
    "problem": _one_of(PROBLEMS),
    "dataset": _one_of((*KINDS, OWN)),
    "noise": _between(float, 0, 0.5),
    "share": _between(float, 0.1, 0.9),
    "batch": _between(int, 1, 50),
    "seed": _between(int, 0, 2**31 - 1),
    "features": _features,
    "hidden": _hidden,
    "activation": _one_of(ACTIVATIONS),
    "optimiser": _one_of((*FIRST_ORDER, *FULL_BATCH)),
    "search": _one_of(SEARCHES),
    "rate": _between(float, RATES[0], RATES[-1]),
    "regularisation": _one_of(REGULARISATIONS),
    "strength": _between(float, STRENGTHS[0], STRENGTHS[-1]),
}
