"""`pullback tune`: choose settings by k-fold cross-validation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..parallel.launch import refuse_several
from ..run.bars import fold_bar
from ..run.config import merged
from ..run.tuning.halving import RESOURCES
from ..run.tuning.tune import tune as run_tuning
from ..run.tuning.values import TUNABLE, values_of
from .command import Command, Option
from .options import OPTIONS, RUN, options

_GRID, _SEARCH = "Settings to choose (lists of values)", "Search"


def _tune(**given: Any) -> int:
    refuse_several("tune")
    search = {key: given.pop(key) for key in ("random", "halving", "resource")}
    k, client = given.pop("folds"), given.pop("dask")
    if search["resource"] is not None and not search["halving"]:
        raise InputError("resource: it is what --halving gives little of at first; add --halving")
    search["resource"] = search["resource"] or RESOURCES[0]
    chosen = COMMAND.settings(given)
    grid = {key: values_of(key, chosen.pop(key)) for key in TUNABLE if key in chosen}
    with fold_bar() as (say, progress):
        run_tuning(
            merged({}, chosen), grid,
            k=k, exact_name="name" in chosen, say=say, client=client, progress=progress, **search,
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
            "learning_rate",
            "Values: 1e-4,1e-3,1e-2; or a range to draw from: 1e-4:1e-1.",
            "five about the optimiser's default",
        ),
        _values("l2", "Values: 0,1e-4; or a range: 1e-5:1."),
        _values("batch_size", "Values: 16,32,64."),
        _values("hidden", "Networks, by semicolons: '64;128,64;none'."),
        _values("activation", "Values: relu,tanh."),
        _values("optimizer", "Values: adamw,sgd."),
        Option(
            "random", "Try so many combinations, drawn at random, instead of all.",
            group=_SEARCH, kind=int,
        ),
        Option(
            "halving",
            "All with few epochs, the better third with three times as many, and so forth.",
            group=_SEARCH, kind=bool, value=False,
        ),
        Option(
            "resource", "What halving gives little of at first: epochs, or rows of the data.",
            default="epochs", group=_SEARCH, metavar="NAME", choices=RESOURCES,
        ),
        Option(
            "folds", "How many parts take turns to validate.", group=_SEARCH, kind=int, value=5
        ),
        *options("model", "length", "dropout", "epochs", "patience",
                 "backend", "dtype", "precision", "compile", "seed"),
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
