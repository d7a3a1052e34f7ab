"""`pullback tune`: choose settings by k-fold cross-validation."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..fitting.bars import fold_bar
from ..parallel.launch import refuse_several
from ..run.tuning.halving import RESOURCES
from ..run.tuning.tune import tune as run_tuning
from ..run.tuning.values import TUNABLE, values_of
from ..settings.config import merged
from ..terminal import width_of
from .command import Command, Option
from .options import OPTIONS, QUIET, RUN, options

_GRID, _SEARCH = "Settings to choose (lists of values)", "Search"


def _tune(**given: Any) -> int:
    refuse_several("tune")
    search = {key: given.pop(key) for key in ("random", "halving", "resource")}
    k, client, quiet = given.pop("folds"), given.pop("dask"), given.pop("quiet")
    if search["resource"] is not None and not search["halving"]:
        raise InputError("resource: it is what --halving gives little of at first; add --halving")
    search["resource"] = search["resource"] or RESOURCES[0]
    chosen = COMMAND.settings(given)
    grid = {key: values_of(key, chosen.pop(key)) for key in TUNABLE if key in chosen}
    named = grid.get("optimizer", ())
    optimizers = named if isinstance(named, tuple) else ()
    if len(optimizers) == 1:
        # the other settings are its own
        chosen["optimizer"] = optimizers[0]
    for key in ("beta1", "beta2"):
        if key in chosen and len(optimizers) > 1:
            raise InputError(
                f"{key}: is of one optimiser, and --optimizer has {len(optimizers)}: leave it out, or name one"
            )
    with fold_bar(percent=search["halving"], quiet=quiet) as bar:
        run_tuning(
            merged({}, chosen), grid, k=k, exact_name="name" in chosen, client=client, **search,
            say=bar.say, progress=bar.show, width=width_of(sys.stdout) or 80,
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
        many=True,
        separator=";" if name == "hidden" else ",",
    )


COMMAND = Command(
    "tune",
    "Choose settings by k-fold cross-validation.",
    "Choose settings by k-fold cross-validation; writes the table, a picture and the best settings.",
    (
        replace(OPTIONS["data"], required=True),
        *options(
            "target", "task", "edges",
            "categorical", "numeric", "drop", "missing", "dates", "target_file", "decimal", "stream", "memory",
        ),
        _values(
            "learning_rate",
            "Values: 1e-4,1e-3,1e-2; or a range to draw from: 1e-4:1e-1.",
            "five about the optimiser's default",
        ),
        _values("l2", "Values: 0,1e-4; or a range: 1e-5:1."),
        _values("l1", "Values: 0,1e-4; or a range: 1e-5:1e-2."),
        _values("dropout", "Values: 0,0.2,0.5; or a range: 0:0.5."),
        _values("clip", "Values: 0,1; or a range: 0.1:10."),
        _values("batch_size", "Values: 16,32,64."),
        _values("hidden", "Networks, by semicolons: '64;128,64;none'."),
        _values("activation", "Values: relu,tanh."),
        _values("batch_norm", "Values: no,yes.", "no"),
        _values("optimizer", "Values: adamw,sgd."),
        _values("momentum", "Values: 0.8,0.9,0.99; or a range: 0.5:0.99."),
        _values("schedule", "Values: constant,cosine."),
        _values("warmup", "Values: 0,0.1."),
        Option(
            "random", "Try so many combinations, drawn at random, instead of all.",
            default="all", group=_SEARCH, kind=int,
        ),
        Option(
            "halving",
            "All with few epochs, the better third with three times as many, and so forth.",
            default="all with all epochs", group=_SEARCH, kind=bool, value=False,
        ),
        Option(
            "resource", "What halving gives little of at first: epochs, or rows of the data.",
            default="epochs", group=_SEARCH, metavar="NAME", choices=RESOURCES,
        ),
        Option(
            "folds", "How many parts take turns to validate.", group=_SEARCH, kind=int, value=5
        ),
        *options(
            "model", "length",
            "beta1", "beta2", "batches", "epochs", "patience",
            "class_weight",
            "backend", "dtype", "precision", "compile",
            "seed",
        ),
        replace(OPTIONS["name"], text="The folder in runs/.", default="tune-DATA, numbered"),
        QUIET,
        Option(
            "dask",
            "Folds at the same time, on Dask: local (a process a core), tcp://HOST:PORT or a scheduler file.",
            group=RUN,
            metavar="WHERE",
        ),
    ),
    _tune,
)  # fmt: skip
