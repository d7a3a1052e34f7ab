"""The settings of a run: their defaults, their ranges, and the TOML file that repeats a run."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...autograd.compile.tracing.precision import PRECISIONS
from ..data.load import TASKS
from ..data.memory import parse_size
from ..data.orders import BATCHES
from ..data.tables.columns import KINDS, MISSING
from ..data.tables.dates import ORDERS
from ..errors import InputError, listed, one_line, shown
from ..files import read_bytes
from ..schedules import SCHEDULES
from .defaults import (
    BY_MODEL,
    MODELS,
    OF_OPTIMIZER,
    OPTIMIZERS,
    TABLE_MODELS,
    check_data,
    plateau_patience,
    usual_model,
    with_defaults,
)

ACTIVATIONS = ("relu", "tanh", "sigmoid", "silu", "gelu", "softplus", "identity")
BACKENDS = ("auto", "numpy", "cupy")
DTYPES = ("float32", "float64")
CLASS_WEIGHTS = ("none", "balanced")
DECIMALS = ("", ".", ",")
_WIDEST = 10_000_000
# the most bytes of a file of settings
_LARGEST = 1 << 20

# What depends on the network or the optimiser where it is not given.
_USUAL: Any = None


@dataclass(frozen=True)
class Settings:
    """Everything that decides a training run.

    Attributes
    ----------
    data : str
        A built-in data set or a file; see `load_dataset`.
    target : str
        The target's name or index; empty for the default of such data.
    task : {"auto", "classification", "regression"}
    model : {"mlp", "cnn", "lstm", "transformer", "gcn"}
        The network: a perceptron of tables and images' pixels; convolutions of images; models of a text's characters;
        convolutions of a graph. Empty or "auto": gcn where there are `edges`, lstm for a text, else mlp.
    edges : str, optional
        The file of a graph's edges; see `read_edges`.
    test : str
        A file of the same columns whose rows are the test part of a table or of images; the data are divided into
        training and validation alone. Empty for a fifth of the data.
    categorical, numeric, drop : tuple of str
        Columns of a table that are categories, numbers, or left out, whatever they look like.
    missing : {"impute", "drop", "error"}
        What is done about missing cells of a table: filled in (with an input that says so), their rows left out, or
        refused.
    target_file : str
        The file in which the targets are instead of in the data; empty for none.
    decimal : {"", ".", ","}
        The decimal sign of a table that is a text; empty to find it.
    dates : {"", "day-first", "month-first"}
        What 03/04/2021 is.
    columns : tuple of (str, str)
        The kind of each column of a table by name, as an earlier run decided; empty to find it.
    hidden : tuple of int, optional
        Widths of the hidden layers; empty for none: a linear or logistic model. 128 is as good as 512 on
        the digits, and its products are small enough that OpenBLAS keeps them on one thread: the
        same numbers with any number of threads, and no waiting on a machine that is busy. Of a cnn: the layers after
        the convolutions; of lstm and transformer as many equal widths as layers or blocks. None, here and below, for
        the network's own default.
    activation : str, optional
        relu, tanh, sigmoid, silu, gelu, softplus or identity; lstm and transformer have their own.
    length : int, optional
        Characters of a block that lstm and transformer see at once.
    dropout : float, optional
        Probability, in training, with which a unit is left out; of an mlp a unit of a hidden layer.
    batch_norm : bool
        Whether the hidden layers of an mlp are normalised by the batch in training, and by running statistics after it.
    optimizer : str
        adamw, adam, amsgrad, nadam, sgd, momentum, nesterov, lion, rmsprop, adagrad or adadelta; see `make_optimizer`.
    learning_rate : float, optional
        None for the optimiser's own default; with a schedule the greatest one.
    momentum : float, optional
        Of sgd (0), momentum and nesterov (0.9).
    beta1, beta2 : float, optional
        Decay rates of the means of gradients (0.9) and of their squares (0.999), of adamw, adam, amsgrad and nadam; of
        lion 0.9 and 0.99. Of rmsprop (0.99) and adadelta (0.9) `beta2` alone.
    schedule : str
        How the learning rate changes over all steps of `epochs`: constant, step, inverse, inverse_sqrt, exponential,
        polynomial, cosine or one_cycle, see `make_schedule`; or plateau: a tenth whenever the validation loss has not
        fallen for some epochs, 10 for an mlp.
    warmup : int or float
        Steps in which the rate first rises in a straight line; below 1 the share of all steps; 0 for none.
    batch_size : int, optional
        Samples a step; the last batch of an epoch may be smaller. A gcn takes the whole graph.
    batches : {"shuffled", "once", "drawn"}
        How rows make batches: in a new order each epoch, in one order, or drawn anew for each step; see `fit`.
    epochs : int, optional
        At most so many passes over the training part.
    patience : int, optional
        Epochs without a better validation loss before the run stops; 0 for never.
    seed : int
        Of the split, the initial weights and the order of the batches.
    backend : {"", "auto", "numpy", "cupy"}
        Empty for what ``PULLBACK_BACKEND`` says.
    dtype : {"float32", "float64"}
    l2 : float, optional
        Strength of the decay of weight matrices, never of biases (`pb.optim`'s ``mask="matrices"``): with adamw and
        lion their decoupled weight decay, with the others the penalty ½ l2 Σ W² in the loss. None for the optimiser's
        own default.
    l1 : float
        Strength of a penalty ``l1 Σ |W|`` on weight matrices, never on biases: by the proximal step with sgd, momentum
        and nesterov, where weights become exactly 0; by its subgradient with the others. See `fit`.
    clip : float
        Gradients of a greater norm over all parameters are brought to this one; 0 for never.
    class_weight : {"none", "balanced"}
        With "balanced" each row's loss has the weight n / (C n_c): n rows to train on, n_c of them of its class, C
        classes. The losses that are reported, and that patience and plateau go by, are weighted so; scores are not.
    precision : {"float32", "tf32", "bfloat16", "float16"}
        To what the operands of products are rounded in training, with a dtype of float32; see `fit`.
    compile : bool
        Whether the step is recorded once and replayed; see `fit`.
    stream : bool, optional
        Whether the rows of a table are trained on from files and not from memory. None: if it is larger than `memory`.
    memory : str
        The size of a table's numbers, such as 2GB, above which they are in files; empty for a quarter of the free
        memory.
    name : str
        The run's folder in ``runs/``; empty for the data's name.
    """

    data: str = "digits"
    target: str = ""
    task: str = "auto"
    model: str = ""
    edges: str | None = None
    test: str = ""
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    missing: str = "impute"
    dates: str = ""
    target_file: str = ""
    decimal: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    hidden: tuple[int, ...] = _USUAL
    activation: str = _USUAL
    length: int | None = _USUAL
    dropout: float | None = _USUAL
    batch_norm: bool = False
    optimizer: str = "adamw"
    learning_rate: float | None = None
    momentum: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    schedule: str = "constant"
    warmup: float = 0
    batch_size: int | None = _USUAL
    batches: str = "shuffled"
    epochs: int = _USUAL
    patience: int = _USUAL
    seed: int = 0
    backend: str = ""
    dtype: str = "float32"
    l2: float | None = None
    l1: float = 0.0
    clip: float = 0.0
    class_weight: str = "none"
    precision: str = "float32"
    compile: bool = True
    stream: bool | None = None
    memory: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        _text("data", self.data)
        if not self.data:
            raise InputError("data: empty; give a built-in data set or a file")
        _text("target", self.target)
        _choice("task", self.task, TASKS)
        if self.edges is not None:
            _text("edges", self.edges)
        _choice("model", self.model, ("", "auto", *MODELS), what="unknown network")
        if self.optimizer in ("lbfgs", "l-bfgs"):
            raise InputError(
                f"optimizer: {self.optimizer} takes all rows in every step, and here steps take batches: use "
                "pb.optim.minimize(f, x0, method='lbfgs'), or pb.train.MLPClassifier(solver='lbfgs')"
            )
        _choice("optimizer", self.optimizer, tuple(OPTIMIZERS))
        # Frozen, but what depends on network and optimiser is known only here.
        if self.model in ("", "auto"):
            object.__setattr__(self, "model", usual_model(self.data, self.edges))
        check_data(self.model, self.data, self.edges, self.target, self.task)
        _check_columns(self)
        given = {key: getattr(self, key) for key in (*BY_MODEL, *OF_OPTIMIZER)}
        for key, value in with_defaults(self.model, self.optimizer, given).items():
            object.__setattr__(self, key, value)
        _text("test", self.test)
        if self.test and self.model not in TABLE_MODELS:
            raise InputError(
                f"test: {self.model} has its test part in its own data; a file of its own is for tables and images: "
                "leave out --test, and judge the model by `pullback evaluate`"
            )
        if self.test and self.target_file:
            raise InputError(
                "test: the targets of the test part would be in a file of their own, too: leave out --test, and judge "
                "the model by `pullback evaluate --target-file`, or give tables with their target"
            )
        _check_hidden(self.hidden)
        if self.activation is not None:
            _choice("activation", self.activation, ACTIVATIONS)
        _real("learning_rate", self.learning_rate, zero=False)
        _real("l2", self.l2, zero=True)
        _real("l1", self.l1, zero=True)
        _real("clip", self.clip, zero=True)
        for key in ("momentum", "beta1", "beta2"):
            if getattr(self, key) is not None:
                _share(key, getattr(self, key))
        _check_steps(self)
        _check_class_weight(self)
        if self.batch_size is not None:
            _require_integer("batch_size", self.batch_size, 1)
        _choice("batches", self.batches, BATCHES)
        if self.batch_size is None and self.batches != BATCHES[0]:
            raise InputError(
                f"batches: {self.model} has no batches: every step is on all of the graph"
            )
        if self.length is not None:
            _require_integer("length", self.length, 1)
        if self.dropout is not None:
            _share("dropout", self.dropout)
        _check_layers(self)
        _require_integer("epochs", self.epochs, 1)
        _require_integer("patience", self.patience, 0)
        _require_integer("seed", self.seed, 0)
        _choice("backend", self.backend, ("", *BACKENDS), what="unknown backend")
        _choice("dtype", self.dtype, DTYPES)
        _choice("precision", self.precision, PRECISIONS)
        if type(self.compile) is not bool:
            raise InputError(f"compile: {shown(self.compile)} is neither true nor false")
        _check_streaming(self)
        _check_precision(self)
        _check_name(self.name)


def parse_hidden(text: str) -> tuple[int, ...]:
    """The layer widths in ``"128,64"``; none in ``"none"``.

    Raises
    ------
    InputError
        If it is not a list of integers.

    Examples
    --------
    >>> parse_hidden("128, 64")
    (128, 64)
    """
    if text.strip().lower() in ("", "none"):
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"hidden: {shown(text)} is no list of layer widths; write 128,64 or, for no layers, none"
        ) from None


def parse_warmup(text: str) -> int | float:
    """A number of steps, or a share of them.

    Raises
    ------
    InputError
        If it is no number.

    Examples
    --------
    >>> parse_warmup("100"), parse_warmup("0.1")
    (100, 0.1)
    """
    try:
        return int(text) if text.strip().isdigit() else float(text)
    except ValueError:
        raise InputError(
            f"warmup: {shown(text)} is neither a number of steps, as 100, nor a share of them, as 0.1"
        ) from None


def parse_names(text: str) -> tuple[str, ...]:
    """The names of columns in a list with commas; one with a comma in it stands in double quotes.

    Raises
    ------
    InputError
        If a name is empty, or a quotation mark stands alone.

    Examples
    --------
    >>> parse_names('age, "size, in cm"')
    ('age', 'size, in cm')
    """
    try:
        (names,) = csv.reader([text], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        names = [""]
    stripped = tuple(name.strip() for name in names)
    if not all(stripped):
        raise InputError(f"{shown(text)} is no list of columns; write age,colour")
    return stripped


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The settings in a TOML file, as keyword arguments of `Settings`.

    Raises
    ------
    InputError
        If the file is missing or not TOML, has a key that is no setting, or a value that is wrong.
    """
    text = read_bytes(path, size=_LARGEST + 1)
    if len(text) > _LARGEST:
        raise InputError(f"{path} has more than {_LARGEST:,} bytes: it is no file of settings")
    try:
        found = tomllib.loads(text.decode())
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text, so no TOML file") from None
    except RecursionError:
        raise InputError(f"{path} is not valid TOML: it is nested too deep") from None
    # tomllib's own error, or Python's for an integer of 5,000 digits
    except ValueError as error:
        raise InputError(f"{path} is not valid TOML: {one_line(error)}") from None
    known = [field.name for field in dataclasses.fields(Settings)]
    unknown = [key for key in found if key not in known]
    if unknown:
        raise InputError(f"{path}: unknown setting {shown(unknown[0])}; there are {listed(known)}")
    if isinstance(found.get("hidden"), list):
        found["hidden"] = tuple(found["hidden"])
    for key in ("categorical", "numeric", "drop"):
        if isinstance(found.get(key), list):
            found[key] = tuple(found[key])
    if isinstance(found.get("columns"), dict):
        found["columns"] = tuple(found["columns"].items())
    if type(found.get("target")) is int:
        found["target"] = str(found["target"])
    try:
        Settings(**found)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return found


def config_text(settings: Settings, comments: tuple[str, ...] = ()) -> str:
    """The settings as a TOML file, with lines of comment above them.

    Examples
    --------
    >>> print(config_text(Settings(data="wine"), ("an example",)).splitlines()[:2])
    ['# an example', 'data = "wine"']
    """
    lines = [f"# {comment}" for comment in comments]
    values = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    kinds = values.pop("columns")
    # what the network does not have is None; an empty text or list says nothing, but for the layers
    lines += [
        f"{key} = {_toml(value)}"
        for key, value in values.items()
        if value is not None and (value not in ("", ()) or key == "hidden")
    ]
    if kinds:
        # a table comes last in TOML
        lines += ["", "[columns]", *(f"{_toml(name)} = {_toml(kind)}" for name, kind in kinds)]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # TOML's basic strings have JSON's escapes, and want DEL escaped too.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return repr(value)


def merged(config: Mapping[str, Any], options: Mapping[str, Any]) -> Settings:
    """The settings of a config file, where the options that were given (not None) win.

    Learning rate, l2, momentum and betas of the file belong to the file's optimiser: another optimiser on the
    command line brings its own defaults. So does another network than the one that the file names. What was decided
    about columns belongs to the file's data and target.
    """
    given = {key: value for key, value in options.items() if value is not None}
    base = dict(config)
    if "model" in base and given.get("model", base["model"]) != base["model"]:
        for key in (*BY_MODEL, *OF_OPTIMIZER, "batch_norm", "edges"):
            base.pop(key, None)
    # what was decided about columns is of the file's data
    if any(
        given.get(key, base.get(key)) != base.get(key) for key in ("data", "target", "target_file")
    ):
        base.pop("columns", None)
    optimizer = base.get("optimizer", Settings.optimizer)
    if given.get("optimizer", optimizer) != optimizer:
        for key in OF_OPTIMIZER:
            base.pop(key, None)
    return Settings(**{**base, **given})


def _text(key: str, value: Any) -> None:
    if not isinstance(value, str):
        raise InputError(f"{key}: {shown(value)} is not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{key}: {shown(value)} is not UTF-8 text; rename the file") from None


def _choice(key: str, value: Any, choices: tuple[str, ...], what: str = "") -> None:
    if not isinstance(value, str) or value not in choices:
        names = ", ".join(choice for choice in choices if choice)
        raise InputError(f"{key}: {what or 'unknown value'} {shown(value)}; choose one of {names}")


def _require_integer(key: str, value: Any, least: int) -> None:
    if type(value) is not int or value < least:
        raise InputError(f"{key}: {shown(value)} is not a whole number of at least {least}")


def _real(key: str, value: Any, *, zero: bool) -> None:
    ok = isinstance(value, (int, float)) and not isinstance(value, bool)
    # such an integer is beyond float64
    if isinstance(value, int) and value.bit_length() > 1000:
        ok = False
    if not ok or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        bound = "of at least 0" if zero else "above 0"
        raise InputError(f"{key}: {shown(value)} is not a number {bound}")


def _share(key: str, value: Any) -> None:
    _real(key, value, zero=True)
    if value >= 1:
        raise InputError(f"{key}: {shown(value)} is not below 1")


def _check_steps(settings: Settings) -> None:
    """Refuse a momentum, a schedule or a warm-up that cannot be, or not together."""
    if settings.optimizer in ("momentum", "nesterov") and not settings.momentum:
        raise InputError(f"momentum: {settings.optimizer} without momentum is --optimizer sgd")
    schedule, warmup = settings.schedule, settings.warmup
    _choice("schedule", schedule, SCHEDULES)
    _real("warmup", warmup, zero=True)
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
    _choice("class_weight", settings.class_weight, CLASS_WEIGHTS)
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
    _text("memory", settings.memory)
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
            _text(key, name)
    _choice("missing", settings.missing, MISSING)
    _choice("dates", settings.dates, ORDERS)
    _text("target_file", settings.target_file)
    _choice("decimal", settings.decimal, DECIMALS)
    kinds = settings.columns
    if not isinstance(kinds, tuple) or any(not isinstance(p, tuple) or len(p) != 2 for p in kinds):
        raise InputError(f"columns: {shown(kinds)} is no table of kinds by column")
    for name, kind in kinds:
        _text("columns", name)
        _text("columns", kind)
        if kind.partition(" ")[0] not in KINDS:
            raise InputError(
                f"columns: {name!r}: unknown kind {shown(kind)}; choose one of {', '.join(KINDS)}"
            )
    if settings.model in ("mlp", "cnn"):
        return
    for key in (*lists, "missing", "dates", "target_file", "decimal", "columns"):
        if getattr(settings, key) != getattr(Settings, key):
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
    _text("name", name)
    if name and (not re.fullmatch(r"[^\x00-\x1f\x7f/\\]+", name) or name.startswith(".")):
        raise InputError(
            f"name: {shown(name)} cannot name a folder in runs/; use letters, digits, - and _"
        )
