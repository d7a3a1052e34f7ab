"""The settings of a run: their defaults, their ranges, and the TOML file that repeats a run."""

from __future__ import annotations

import dataclasses
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, listed, one_line, shown
from ..files import read_bytes
from .checks import check_given, check_settings
from .defaults import BY_MODEL, OF_OPTIMIZER, check_data, usual_model, with_defaults

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
        check_given(self)
        # Frozen, but what depends on network and optimiser is known only here.
        if self.model in ("", "auto"):
            object.__setattr__(self, "model", usual_model(self.data, self.edges))
        check_data(self.model, self.data, self.edges, self.target, self.task)
        given = {key: getattr(self, key) for key in (*BY_MODEL, *OF_OPTIMIZER)}
        for key, value in with_defaults(self.model, self.optimizer, given).items():
            object.__setattr__(self, key, value)
        check_settings(self)


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
    if given.get("dates", base.get("dates", "")) != base.get("dates", ""):
        # what its dates look like is found anew
        base["columns"] = tuple(
            (name, "date" if kind.startswith("date ") else kind)
            for name, kind in base.get("columns", ())
        )
    # what is said of a column now goes before what the file says of it
    lists = ("categorical", "numeric", "drop")
    named = {name for key in lists for name in given.get(key, ())}
    for key in lists:
        if key in base:
            base[key] = tuple(name for name in base[key] if name not in named)
    optimizer = base.get("optimizer", Settings.optimizer)
    if given.get("optimizer", optimizer) != optimizer:
        for key in OF_OPTIMIZER:
            base.pop(key, None)
    return Settings(**{**base, **given})
