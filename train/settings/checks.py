"""What the settings of a run may be, each by itself and together."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from ...autograd.compile.tracing.precision import PRECISIONS
from ..data.load import TASKS
from ..data.memory import parse_size
from ..data.orders import BATCHES
from ..data.tables.columns import KINDS, MISSING
from ..data.tables.dates import ORDERS
from ..errors import InputError, shown
from ..schedules import SCHEDULES
from .defaults import MODELS, OPTIMIZERS, TABLE_MODELS, plateau_patience

if TYPE_CHECKING:
    from .config import Settings

ACTIVATIONS = ("relu", "tanh", "sigmoid", "silu", "gelu", "softplus", "identity")
BACKENDS = ("auto", "numpy", "cupy")
DTYPES = ("float32", "float64")
CLASS_WEIGHTS = ("none", "balanced")
DECIMALS = ("", ".", ",")
_WIDEST = 10_000_000


def check_given(settings: Settings) -> None:
    """Refuse what decides the settings that were not given, where it cannot be.

    Raises
    ------
    InputError
    """
    _check_text("data", settings.data)
    if not settings.data:
        raise InputError("data: empty; give a built-in data set or a file")
    _check_text("target", settings.target)
    _check_choice("task", settings.task, TASKS)
    if settings.edges is not None:
        _check_text("edges", settings.edges)
    _check_choice("model", settings.model, ("", "auto", *MODELS), what="unknown network")
    if settings.optimizer in ("lbfgs", "l-bfgs"):
        raise InputError(
            f"optimizer: {settings.optimizer} takes all rows in every step, and here steps take batches: use "
            "pb.optim.minimize(f, x0, method='l-bfgs'), or pb.train.MLPClassifier(solver='lbfgs')"
        )
    _check_choice("optimizer", settings.optimizer, tuple(OPTIMIZERS))


def check_settings(settings: Settings) -> None:
    """Refuse settings that cannot be, by themselves or together, once all of them are known.

    Raises
    ------
    InputError
    """
    _check_columns(settings)
    _check_text("test", settings.test)
    if settings.test and settings.model not in TABLE_MODELS:
        raise InputError(
            f"test: {settings.model} has its test part in its own data; a file of its own is for tables and images: "
            "leave out --test, and judge the model by `pullback evaluate`"
        )
    if settings.test and settings.target_file:
        raise InputError(
            "test: the targets of the test part would be in a file of their own, too: leave out --test, and judge "
            "the model by `pullback evaluate --target-file`, or give tables with their target"
        )
    _check_hidden(settings.hidden)
    if settings.activation is not None:
        _check_choice("activation", settings.activation, ACTIVATIONS)
    _check_real("learning_rate", settings.learning_rate, zero=False)
    _check_real("l2", settings.l2, zero=True)
    _check_real("l1", settings.l1, zero=True)
    _check_real("clip", settings.clip, zero=True)
    for key in ("momentum", "beta1", "beta2"):
        if getattr(settings, key) is not None:
            _check_share(key, getattr(settings, key))
    _check_steps(settings)
    _check_class_weight(settings)
    if settings.batch_size is not None:
        _check_integer("batch_size", settings.batch_size, 1)
    _check_choice("batches", settings.batches, BATCHES)
    if settings.batch_size is None and settings.batches != BATCHES[0]:
        raise InputError(
            f"batches: {settings.model} has no batches: every step is on all of the graph"
        )
    if settings.length is not None:
        _check_integer("length", settings.length, 1)
    if settings.dropout is not None:
        _check_share("dropout", settings.dropout)
    _check_layers(settings)
    _check_integer("epochs", settings.epochs, 1)
    _check_integer("patience", settings.patience, 0)
    _check_integer("seed", settings.seed, 0)
    _check_choice("backend", settings.backend, ("", *BACKENDS), what="unknown backend")
    _check_choice("dtype", settings.dtype, DTYPES)
    _check_choice("precision", settings.precision, PRECISIONS)
    if type(settings.compile) is not bool:
        raise InputError(f"compile: {shown(settings.compile)} is neither true nor false")
    _check_streaming(settings)
    _check_precision(settings)
    _check_name(settings.name)


# ── one value, and some of them together ─────────────────────────────────────────────────────


def _check_text(key: str, value: Any) -> None:
    if not isinstance(value, str):
        raise InputError(f"{key}: {shown(value)} is not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{key}: {shown(value)} is not UTF-8 text; rename the file") from None


def _check_choice(key: str, value: Any, choices: tuple[str, ...], what: str = "") -> None:
    if not isinstance(value, str) or value not in choices:
        names = ", ".join(choice for choice in choices if choice)
        raise InputError(f"{key}: {what or 'unknown value'} {shown(value)}; choose one of {names}")


def _check_integer(key: str, value: Any, least: int) -> None:
    if type(value) is not int or value < least:
        raise InputError(f"{key}: {shown(value)} is not a whole number of at least {least}")


def _check_real(key: str, value: Any, *, zero: bool) -> None:
    ok = isinstance(value, (int, float)) and not isinstance(value, bool)
    # such an integer is beyond float64
    if isinstance(value, int) and value.bit_length() > 1000:
        ok = False
    if not ok or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        bound = "of at least 0" if zero else "above 0"
        raise InputError(f"{key}: {shown(value)} is not a number {bound}")


def _check_share(key: str, value: Any) -> None:
    _check_real(key, value, zero=True)
    if value >= 1:
        raise InputError(f"{key}: {shown(value)} is not below 1")


def _check_steps(settings: Settings) -> None:
    """Refuse a momentum, a schedule or a warm-up that cannot be, or not together."""
    if settings.optimizer in ("momentum", "nesterov") and not settings.momentum:
        raise InputError(f"momentum: {settings.optimizer} without momentum is --optimizer sgd")
    schedule, warmup = settings.schedule, settings.warmup
    _check_choice("schedule", schedule, SCHEDULES)
    _check_real("warmup", warmup, zero=True)
    if warmup >= 1 and warmup != int(warmup):
        raise InputError(
            f"warmup: {shown(warmup)} is neither a whole number of steps nor a share of them below 1"
        )
    if warmup and schedule in ("one_cycle", "plateau"):
        why = "begins with a rise of its own" if schedule == "one_cycle" else "has no warm-up"
        raise InputError(f"warmup: the schedule {schedule} {why}; leave out one of them")
    wait = plateau_patience(settings.model)
    if schedule == "plateau" and type(settings.patience) is int and 0 < settings.patience <= wait:
        raise InputError(
            f"schedule: plateau waits {wait} epochs, and --patience {settings.patience} ends the run before: "
            "give more, or 0"
        )


def _check_class_weight(settings: Settings) -> None:
    _check_choice("class_weight", settings.class_weight, CLASS_WEIGHTS)
    if settings.class_weight == "none":
        return
    if settings.model not in ("mlp", "cnn"):
        raise InputError(f"class_weight: is for tables and images, not for {settings.model}")
    if settings.task == "regression":
        raise InputError("class_weight: is for classes, and the task is regression")


def _check_layers(settings: Settings) -> None:
    """Refuse batch normalisation and dropout where there is nothing that they could act on."""
    if type(settings.batch_norm) is not bool:
        raise InputError(f"batch_norm: {shown(settings.batch_norm)} is neither true nor false")
    if settings.batch_norm and settings.model != "mlp":
        raise InputError(f"batch_norm: is for mlp; --model {settings.model} has no such setting")
    if settings.model == "mlp" and not settings.hidden:
        for key in ("batch_norm", "dropout"):
            if getattr(settings, key):
                raise InputError(f"{key}: acts on hidden layers, and --hidden none has none")


def _check_hidden(hidden: Any) -> None:
    if not isinstance(hidden, tuple) or any(
        type(n) is not int or not 1 <= n <= _WIDEST for n in hidden
    ):
        widths = list(hidden) if isinstance(hidden, tuple) else hidden
        raise InputError(
            f"hidden: {shown(widths)} is no list of layer widths, whole numbers from 1 to {_WIDEST:,}"
        )


def _check_streaming(settings: Settings) -> None:
    if settings.stream is not None and type(settings.stream) is not bool:
        raise InputError(f"stream: {shown(settings.stream)} is neither true nor false")
    if settings.stream and settings.model not in ("mlp", "cnn"):
        raise InputError(
            f"stream: {settings.model} takes its data from memory; rows of tables and images are read from disk: "
            "leave out --stream"
        )
    _check_text("memory", settings.memory)
    if settings.memory:
        parse_size(settings.memory)


def _check_columns(settings: Settings) -> None:
    """Refuse names of columns and kinds that are none, and any for what is no table."""
    lists = ("categorical", "numeric", "drop")
    for key in lists:
        names = getattr(settings, key)
        if not isinstance(names, tuple):
            raise InputError(f"{key}: {shown(names)} is no list of columns")
        for name in names:
            _check_text(key, name)
    _check_choice("missing", settings.missing, MISSING)
    _check_choice("dates", settings.dates, ORDERS)
    _check_text("target_file", settings.target_file)
    _check_choice("decimal", settings.decimal, DECIMALS)
    kinds = settings.columns
    if not isinstance(kinds, tuple) or any(not isinstance(p, tuple) or len(p) != 2 for p in kinds):
        raise InputError(f"columns: {shown(kinds)} is no table of kinds by column")
    for name, kind in kinds:
        _check_text("columns", name)
        _check_text("columns", kind)
        if kind.partition(" ")[0] not in KINDS:
            raise InputError(
                f"columns: {name!r}: unknown kind {shown(kind)}; choose one of {', '.join(KINDS)}"
            )
    if settings.model in ("mlp", "cnn"):
        return
    for key in (*lists, "missing", "dates", "target_file", "decimal", "columns"):
        if getattr(settings, key) != getattr(type(settings), key):
            raise InputError(
                f"{key}: for the columns of tables, not for --model {settings.model}; leave it out"
            )


def _check_precision(settings: Settings) -> None:
    if settings.precision == "float32":
        return
    if settings.dtype != "float32":
        raise InputError(
            f"precision: {settings.precision} is of products of float32, and the dtype is {settings.dtype}; "
            "leave one of them out"
        )
    if not settings.compile:
        raise InputError(
            f"precision: {settings.precision} is for compiled steps; leave out --no-compile"
        )


def _check_name(name: Any) -> None:
    _check_text("name", name)
    if name and (not re.fullmatch(r"[^\x00-\x1f\x7f/\\]+", name) or name.startswith(".")):
        raise InputError(
            f"name: {shown(name)} cannot name a folder in runs/; use letters, digits, - and _"
        )
