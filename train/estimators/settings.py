"""The settings of the multilayer perceptrons: their ranges, and the optimiser they ask for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd.compile.tracing.precision import PRECISIONS
from ..data.orders import check_batches
from ..optimizers import make_optimizer

SOLVERS = ("adam", "sgd", "lbfgs")
# scikit-learn's names for ours, where they differ
ACTIVATIONS = {"logistic": "sigmoid"}

# low ≤ setting < high
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("alpha", 0.0, math.inf),
    ("l1", 0.0, math.inf),
    ("power_t", 0.0, math.inf),
    ("tol", 0.0, math.inf),
    ("momentum", 0.0, 1.0 + 1e-12),
    ("beta_1", 0.0, 1.0),
    ("beta_2", 0.0, 1.0),
    ("dropout", 0.0, 1.0),
)
_POSITIVE = ("learning_rate_init", "epsilon")
_COUNTS = ("max_iter", "n_iter_no_change", "max_fun")


def _refuse(estimator: Any, setting: str, wanted: str) -> None:
    value = getattr(estimator, setting)
    raise ValueError(f"{type(estimator).__name__}: {setting}={value!r}; it has to be {wanted}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def check_settings(estimator: Any) -> None:
    """Refuse a setting outside its range, before anything is done.

    Raises
    ------
    ValueError
        It names the setting, its value and what it may be.
    """
    for setting, low, high in _RANGES:
        value = getattr(estimator, setting)
        if not _is_number(value) or not low <= value < high:
            upper = f" and below {high:g}" if high < math.inf else ""
            _refuse(estimator, setting, f"a number of at least {low:g}{upper}")
    for setting in _POSITIVE:
        value = getattr(estimator, setting)
        if not _is_number(value) or not 0 < value < math.inf:
            _refuse(estimator, setting, "a finite number above 0")
    for setting in _COUNTS:
        value = getattr(estimator, setting)
        # infinity is scikit-learn's word for never
        if setting == "n_iter_no_change" and value == math.inf:
            continue
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            _refuse(estimator, setting, "an integer of at least 1")
    if estimator.solver not in SOLVERS:
        _refuse(estimator, "solver", f"one of {', '.join(SOLVERS)}")
    check_batches(type(estimator).__name__, estimator.batches)
    if estimator.batches != "shuffled" and not estimator.shuffle:
        _refuse(
            estimator,
            "batches",
            "'shuffled' with shuffle=False, which takes samples in their own order",
        )
    if estimator.learning_rate not in ("constant", "invscaling", "adaptive"):
        _refuse(estimator, "learning_rate", "constant, invscaling or adaptive")
    if estimator.early_stopping and estimator.solver == "lbfgs":
        _refuse(estimator, "early_stopping", "False with solver='lbfgs', which has no epochs")
    if estimator.l1 and estimator.solver == "lbfgs":
        _refuse(estimator, "l1", "0 with solver='lbfgs', which wants slopes without a kink")
    # the minimiser needs one function from beginning to end
    for setting in ("dropout", "batch_norm"):
        if getattr(estimator, setting) and estimator.solver == "lbfgs":
            _refuse(estimator, setting, "off with solver='lbfgs', which knows no training mode")
    fraction = estimator.validation_fraction
    if not _is_number(fraction) or not 0 < fraction < 1:
        _refuse(estimator, "validation_fraction", "between 0 and 1")
    size = estimator.batch_size
    if size != "auto" and (not isinstance(size, int | np.integer) or size < 1):
        _refuse(estimator, "batch_size", "'auto' or an integer of at least 1")
    if size == 1 and estimator.batch_norm:
        _refuse(estimator, "batch_size", "2 or more with batch_norm=True: one row has no variance")
    if np.dtype(estimator.dtype) not in (np.dtype("float32"), np.dtype("float64")):
        _refuse(estimator, "dtype", "float32 or float64")
    if estimator.precision not in PRECISIONS:
        _refuse(estimator, "precision", f"one of {', '.join(PRECISIONS)}")
    if estimator.precision != "float32":
        if np.dtype(estimator.dtype) != np.dtype("float32"):
            _refuse(
                estimator, "precision", "float32 unless dtype='float32', whose products it rounds"
            )
        if not estimator.compile or estimator.solver == "lbfgs":
            _refuse(
                estimator,
                "precision",
                "float32 unless steps are compiled: compile=True, no 'lbfgs'",
            )
    if not np.iterable(estimator.callbacks) or not all(map(callable, estimator.callbacks)):
        _refuse(estimator, "callbacks", "a sequence of functions")
    hidden_layers(estimator)


def hidden_layers(estimator: Any) -> tuple[int, ...]:
    """The widths of the hidden layers.

    Raises
    ------
    ValueError
        If one is not an integer above 0.
    """
    given = estimator.hidden_layer_sizes
    sizes = tuple(given) if np.iterable(given) else (given,)
    if any(not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1 for n in sizes):
        _refuse(estimator, "hidden_layer_sizes", "integers above 0")
    return tuple(int(n) for n in sizes)


def batch_rows(estimator: Any, n: int) -> int:
    """Rows of a minibatch of n samples."""
    return min(200, n) if estimator.batch_size == "auto" else min(int(estimator.batch_size), n)


def optimizer_of(estimator: Any, rows: int) -> Any:
    """The first-order method; the penalty ½ alpha ‖W‖²/rows is its coupled decay."""
    rate, decay = float(estimator.learning_rate_init), float(estimator.alpha) / rows
    if estimator.solver == "adam":
        b1, b2, eps = (float(getattr(estimator, name)) for name in ("beta_1", "beta_2", "epsilon"))
        return make_optimizer("adam", rate, decay, b1=b1, b2=b2, eps=eps)
    momentum = float(estimator.momentum)
    method = "nesterov" if estimator.nesterovs_momentum and momentum else "momentum"
    return make_optimizer(method, rate, decay, momentum=momentum)
