"""`pullback tune`: choose settings by k-fold cross-validation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..parallel.launch import refuse_several
from ..run.bars import fold_bar
from ..run.config import merged
from ..run.tune import TUNABLE, values_of
from ..run.tune import tune as run_tuning
from .command import Command, Option
from .options import OPTIONS, RUN, options

_GRID = "Grid (lists of values)"


def _tune(**given: Any) -> int:
    refuse_several("tune")
    k, client = given.pop("folds"), given.pop("dask")
    chosen = COMMAND.settings(given)
    grid = {key: values_of(key, chosen.pop(key)) for key in TUNABLE if key in chosen}
    optimizers = grid.get("optimizer", ())
    if len(optimizers) == 1:
        # the other settings are its own
        chosen["optimizer"] = optimizers[0]
    for key in ("momentum", "beta1", "beta2"):
        if key in chosen and len(optimizers) > 1:
            raise InputError(
                f"{key}: is of one optimiser, and --optimizer has {len(optimizers)}: leave it out, or name one"
            )
    with fold_bar() as (say, progress):
        run_tuning(
            merged({}, chosen), grid,
            k=k, exact_name="name" in chosen, say=say, client=client, progress=progress,
        )  # fmt: skip
    return 0


def _values(name: str, text: str, default: str = "") -> Option:
    """The option of a setting, for a list of values."""
    option = OPTIONS[name]
    return replace(
        option,
        text=text,
        default=default or option.default,
        group=_GRID,
        metavar="LIST",
        kind=str,
        parse=None,
        choices=(),
    )


COMMAND = Command(
    "tune",
    "Choose settings by k-fold cross-validation.",
    "Choose settings by k-fold cross-validation; writes the table, a picture and the best settings.",
    (
        replace(OPTIONS["data"], required=True),
        *options("target", "task", "edges"),
        _values(
            "learning_rate", "Values: 1e-4,1e-3,1e-2.", "five about the optimiser's default"
        ),
        _values("l2", "Values: 0,1e-4."),
        _values("batch_size", "Values: 16,32,64."),
        _values("hidden", "Networks, by semicolons: '64;128,64;none'."),
        _values("activation", "Values: relu,tanh."),
        _values("optimizer", "Values: adamw,sgd."),
        Option(
            "folds", "How many parts take turns to validate.", group=_GRID, kind=int, value=5
        ),
        *options(
            "model", "length", "dropout", "batch_norm",
            "schedule", "warmup", "momentum", "beta1", "beta2", "batches", "epochs", "patience",
            "l1", "clip", "class_weight",
            "backend", "dtype", "precision", "compile",
            "seed",
        ),
        replace(OPTIONS["name"], text="The folder in runs/.", default="tune-DATA, numbered"),
        Option(
            "dask",
            "Folds at the same time, on Dask: local (a process a core), tcp://HOST:PORT or a scheduler file.",
            group=RUN,
            metavar="WHERE",
        ),
    ),
    _tune,
)  # fmt: skip
