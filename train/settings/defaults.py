"""The networks that the command line trains, on what data, and the settings of each where none are given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.load import BUILT_IN, TABLES
from ..data.tables.reading import suffix_of
from ..data.text import SUFFIXES
from ..errors import InputError

# Learning rate and l2 where none is asked for, by optimiser. Chosen on the validation loss of the
# digits, over splits other than those that the tests measure (benchmarks/default_rates.py).
OPTIMIZERS: dict[str, tuple[float, float]] = {
    "adamw": (2e-3, 1.0),
    "adam": (1e-3, 1e-4),
    "amsgrad": (4e-3, 3e-4),
    "nadam": (2e-3, 3e-4),
    "sgd": (1e-1, 1e-3),
    "momentum": (2e-2, 1e-3),
    "nesterov": (2e-2, 1e-3),
    "lion": (2e-4, 1.0),
    "rmsprop": (1e-3, 3e-4),
    "adagrad": (5e-2, 1e-4),
    "adadelta": (3.0, 3e-4),
}

# What else an optimiser takes, and what that is where it is not given.
_MEANS = {"beta1": 0.9, "beta2": 0.999}
COEFFICIENTS: dict[str, dict[str, float]] = {
    "adamw": _MEANS,
    "adam": _MEANS,
    "amsgrad": _MEANS,
    "nadam": _MEANS,
    "sgd": {"momentum": 0.0},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9},
    "lion": {"beta1": 0.9, "beta2": 0.99},
    "rmsprop": {"beta2": 0.99},
    "adagrad": {},
    "adadelta": {"beta2": 0.9},
}
# The settings that belong to one optimiser: another one brings its own.
OF_OPTIMIZER = ("learning_rate", "l2", "momentum", "beta1", "beta2")


@dataclass(frozen=True)
class Defaults:
    """The settings of a network where none are given; None for what it does not have.

    Attributes
    ----------
    hidden : tuple of int
    epochs, patience : int
    activation : str or None
    batch_size : int or None
    length : int or None
    dropout : float or None
    adamw : tuple of float
        Learning rate and l2 of the default optimiser.
    """

    hidden: tuple[int, ...]
    epochs: int
    patience: int
    activation: str | None = "relu"
    batch_size: int | None = 32
    length: int | None = None
    dropout: float | None = None
    adamw: tuple[float, float] = OPTIMIZERS["adamw"]


DEFAULTS: dict[str, Defaults] = {
    "mlp": Defaults((128,), 300, 50, dropout=0.0),
    "cnn": Defaults((128,), 100, 20, dropout=0.25, adamw=(2e-3, 0.1)),
    "lstm": Defaults((128,), 60, 8, None, length=64, dropout=0.0, adamw=(4e-3, 0.01)),
    "transformer": Defaults((128, 128), 60, 8, None, length=64, dropout=0.1, adamw=(2e-3, 0.05)),
    "gcn": Defaults((32,), 300, 50, "relu", None, dropout=0.5, adamw=(1e-2, 0.05)),
}
MODELS = tuple(DEFAULTS)
TEXT_MODELS = ("lstm", "transformer")
TABLE_MODELS = ("mlp", "cnn")
# What a network may not have.
BY_MODEL = ("hidden", "epochs", "patience", "activation", "batch_size", "length", "dropout")


def rate_and_decay(model: str, optimizer: str) -> tuple[float, float]:
    """Learning rate and l2 where none is given."""
    return DEFAULTS[model].adamw if optimizer == "adamw" else OPTIMIZERS[optimizer]


def plateau_patience(model: str) -> int:
    """After how many epochs without a better validation loss the schedule `plateau` lowers the rate.

    Examples
    --------
    >>> plateau_patience("mlp"), plateau_patience("cnn")
    (10, 4)
    """
    return max(1, DEFAULTS[model].patience // 5)


def usual_model(data: str, edges: str | None) -> str:
    """The network where none is named: by the data.

    Examples
    --------
    >>> usual_model("digits", None), usual_model("notes.txt", None), usual_model("n.csv", "e.csv")
    ('mlp', 'lstm', 'gcn')
    """
    if edges:
        return "gcn"
    return "lstm" if is_text(data) else "mlp"


def is_text(data: str) -> bool:
    """Whether data are a text by their name."""
    return Path(data).suffix.lower() in SUFFIXES


def check_data(model: str, data: str, edges: str | None, target: str, task: str) -> None:
    """Refuse data that are not for a network, as far as names tell.

    Raises
    ------
    InputError
        It says which network, or which data, would do.
    """
    suffix = Path(data).suffix.lower()
    table = (
        data in BUILT_IN or suffix == ".npz" or (suffix_of(data) in TABLES and not is_text(data))
    )
    if model in TEXT_MODELS:
        if table:
            raise InputError(
                f"model: {model} takes a text, such as notes.txt, and {data} is a table or images: leave out --model, "
                "or use mlp or cnn"
            )
        for key, value, none in (("target", target, ""), ("task", task, "auto")):
            if value not in (none, "classification"):
                raise InputError(
                    f"{key}: {value!r}: a text's characters are predicted by those before them; leave out --{key}, "
                    "or say --model mlp where the text is a table"
                )
    elif is_text(data) and (model == "cnn" or (model == "mlp" and suffix_of(data) not in TABLES)):
        raise InputError(
            f"model: {model} takes tables or images, and {data} is a text: use lstm or transformer"
        )
    if model == "gcn":
        if not edges:
            raise InputError(
                "model: gcn needs the edges of the graph: --edges edges.csv, two columns of nodes"
            )
        if suffix != ".csv":
            raise InputError(f"model: gcn takes a table of nodes as .csv, not {data}")
        if task == "regression":
            raise InputError("task: gcn tells classes of nodes; regression is not for it")
    elif edges:
        raise InputError(f"edges: a graph is for --model gcn, not {model}")
    images = data == "digits" or suffix_of(data) == ".npy"
    if model == "cnn" and not images and (suffix_of(data) in TABLES or data in BUILT_IN):
        raise InputError(
            f"model: cnn takes images: digits, an IDX file, an .npz file with X of shape (n, height, width) or "
            f"with channels, or an .npy file of such with --target-file; {data} is a table: leave out --model"
        )


def with_defaults(model: str, optimizer: str, given: dict[str, Any]) -> dict[str, Any]:
    """The settings of `BY_MODEL` and of `OF_OPTIMIZER`, those that are None by default values.

    Raises
    ------
    InputError
        For a setting that this network or this optimiser does not have.
    """
    defaults, coefficients = DEFAULTS[model], COEFFICIENTS[optimizer]
    # SGD with a momentum goes further by each rate: it is the optimiser `momentum`
    rate, decay = rate_and_decay(
        model, "momentum" if optimizer == "sgd" and given["momentum"] else optimizer
    )
    out = {}
    for key in BY_MODEL:
        value, usual = given[key], getattr(defaults, key)
        if value is not None and usual is None:
            raise InputError(f"{key}: --model {model} has no such setting; leave it out")
        out[key] = usual if value is None else value
    for key in ("momentum", "beta1", "beta2"):
        if given[key] is not None and key not in coefficients:
            others = [name for name, has in COEFFICIENTS.items() if key in has]
            raise InputError(
                f"{key}: --optimizer {optimizer} has none; leave it out, or take one of {', '.join(others)}"
            )
    for key, usual in {"learning_rate": rate, "l2": decay, **coefficients}.items():
        out[key] = usual if given[key] is None else given[key]
    return out
