"""The table of options that decide a run, of which `train`, `tune` and other commands take theirs.

The names are those of `Settings`. Where `default` is not given here, it is that of the field of `Settings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...autograd.compile.tracing.precision import PRECISIONS
from ..data.load import BUILT_IN, TASKS
from ..data.orders import BATCHES
from ..data.tables.columns import MISSING
from ..data.tables.dates import ORDERS
from ..schedules import SCHEDULES
from ..settings.checks import ACTIVATIONS, BACKENDS, CLASS_WEIGHTS, DECIMALS, DTYPES
from ..settings.config import Settings
from ..settings.defaults import MODELS, OPTIMIZERS
from ..settings.parsing import parse_hidden, parse_names, parse_warmup
from .command import Option

DATA, NETWORK, TRAINING = "Data", "Network", "Training"
REGULARISATION, NUMERICS, RUN = "Regularisation", "Numerics", "Run"


def _one_of(names: Iterable[str]) -> str:
    """The names as a choice.

    Examples
    --------
    >>> _one_of(["step", "cosine", "plateau"])
    'step, cosine or plateau'
    """
    *most, last = names
    return f"{', '.join(most)} or {last}"


_TABLE = (
    # ── data ──
    Option(
        "data",
        f"{', '.join(BUILT_IN)}, or a file: a table (.csv, .tsv, .parquet, .npy), .npz, IDX or a text.",
        group=DATA,
        choices=BUILT_IN,
        argument=True,
    ),
    Option(
        "target",
        "Target column, by name or by position from 0, or several (.npz: array; IDX: label file).",
        default="last",
        group=DATA,
        metavar="NAME",
        many=True,
    ),
    Option(
        "task",
        "auto, classification or regression.",
        default="auto: by the target's values",
        group=DATA,
        metavar="NAME",
        choices=TASKS,
    ),
    Option(
        "edges",
        "The edges of a graph, whose nodes DATA are: a .csv of two columns.",
        group=DATA,
        metavar="FILE",
    ),
    Option(
        "test",
        "A file whose rows are the test part; DATA are trained on and validated alone.",
        default="a fifth of DATA",
        group=DATA,
        metavar="FILE",
    ),
    Option(
        "stream",
        "Keep the rows of a table in files while it trains, not in memory.",
        default="where it is larger than --memory",
        group=DATA,
        kind=bool,
    ),
    Option(
        "memory",
        "The largest table that is kept in memory, such as 2GB, counted as its numbers.",
        default="a quarter of the free memory",
        group=DATA,
        metavar="SIZE",
    ),
    Option(
        "categorical",
        "Columns that are categories, such as integer codes: zip,ward.",
        default="texts",
        group=DATA,
        metavar="NAMES",
        parse=parse_names,
        many=True,
    ),
    Option(
        "numeric",
        "Columns that are numbers; a cell that is none is an error.",
        default="by their cells",
        group=DATA,
        metavar="NAMES",
        parse=parse_names,
        many=True,
    ),
    Option(
        "drop",
        "Columns to leave out, such as names and numbers of rows.",
        default="ids, names and constants",
        group=DATA,
        metavar="NAMES",
        parse=parse_names,
        many=True,
    ),
    Option(
        "missing",
        "Of missing cells: impute (and say so in an input), drop their rows, or error.",
        group=DATA,
        metavar="NAME",
        choices=MISSING,
    ),
    Option(
        "target_file",
        "The file of the targets, if they are not in DATA: .npy, .csv or IDX.",
        default="in the data",
        group=DATA,
        metavar="FILE",
    ),
    Option(
        "decimal",
        "The decimal sign of a table that is a text: . or ,",
        default="by its numbers",
        group=DATA,
        metavar="SIGN",
        choices=DECIMALS[1:],
    ),
    Option(
        "dates",
        "What 03/04/2021 is: day-first or month-first.",
        default="refused where it is not clear",
        group=DATA,
        metavar="NAME",
        choices=ORDERS[1:],
    ),
    # ── network ──
    Option(
        "model",
        "mlp, cnn (images), lstm or transformer (texts), gcn (nodes of a graph).",
        default="by the data",
        group=NETWORK,
        metavar="NAME",
        choices=MODELS,
    ),
    Option(
        "hidden",
        "Widths of hidden layers: 128,64 or none; equal ones for lstm and transformer.",
        default="128, by model",
        group=NETWORK,
        metavar="N,N",
        parse=parse_hidden,
    ),
    Option(
        "activation",
        "relu, tanh, sigmoid, silu, gelu, softplus or identity.",
        default="relu",
        group=NETWORK,
        metavar="NAME",
        choices=ACTIVATIONS,
    ),
    Option(
        "length",
        "Characters that lstm and transformer see at once.",
        default="64",
        group=NETWORK,
        kind=int,
    ),
    Option(
        "dropout",
        "Probability to leave a unit of a hidden layer out in training.",
        default="0, by model",
        group=NETWORK,
        kind=float,
    ),
    Option(
        "batch_norm",
        "Normalise hidden layers of an mlp by the batch, or do not.",
        default="no-batch-norm",
        group=NETWORK,
        kind=bool,
    ),
    # ── training ──
    Option(
        "optimizer",
        f"{_one_of(OPTIMIZERS)}.",
        group=TRAINING,
        metavar="NAME",
        choices=tuple(OPTIMIZERS),
    ),
    Option(
        "learning_rate",
        "Step size; with a schedule the greatest one.",
        default="by optimiser",
        group=TRAINING,
        kind=float,
    ),
    Option(
        "schedule",
        f"Of the step size, over all steps of --epochs: {_one_of(SCHEDULES)} (to a tenth when the "
        "validation loss no longer falls).",
        group=TRAINING,
        metavar="NAME",
        choices=SCHEDULES,
    ),
    Option(
        "warmup",
        "Steps in which the step size first rises; below 1: the share of all steps, as 0.1.",
        group=TRAINING,
        metavar="N",
        parse=parse_warmup,
    ),
    Option(
        "momentum",
        "Of sgd, momentum and nesterov.",
        default="0.9, of sgd 0",
        group=TRAINING,
        kind=float,
    ),
    Option(
        "beta1",
        "Decay rate of the mean of gradients: adamw, adam, amsgrad, nadam, lion.",
        default="0.9",
        group=TRAINING,
        kind=float,
    ),
    Option(
        "beta2",
        "Decay rate of the mean of squared gradients: of the same, rmsprop and adadelta.",
        default="0.999, by optimiser",
        group=TRAINING,
        kind=float,
    ),
    Option("batch_size", "Samples a step.", default="32", group=TRAINING, kind=int),
    Option(
        "batches",
        "shuffled (a new order each epoch), once (one order for all) or drawn (anew for each step).",
        group=TRAINING,
        metavar="NAME",
        choices=BATCHES,
    ),
    Option(
        "epochs",
        "At most so many passes over the data.",
        default="300, by model",
        group=TRAINING,
        kind=int,
    ),
    Option(
        "patience",
        "Epochs without a better validation loss before it stops; 0: never.",
        default="50, by model",
        group=TRAINING,
        kind=int,
    ),
    # ── regularisation ──
    Option(
        "l2",
        "Decay of weight matrices, not biases: adamw's and lion's own, else a penalty in the loss.",
        default="by optimiser",
        group=REGULARISATION,
        kind=float,
    ),
    Option(
        "l1",
        "Penalty l1 Σ|W| on weight matrices; sgd, momentum and nesterov make weights exactly 0.",
        group=REGULARISATION,
        kind=float,
    ),
    Option(
        "clip",
        "Bring gradients of a greater norm to this one; 0: never.",
        group=REGULARISATION,
        metavar="NORM",
        kind=float,
    ),
    Option(
        "class_weight",
        "none, or balanced: rare classes count as much in the loss as frequent ones.",
        group=REGULARISATION,
        metavar="NAME",
        choices=CLASS_WEIGHTS,
    ),
    # ── numerics ──
    Option(
        "backend",
        "auto, numpy or cupy.",
        default="PULLBACK_BACKEND, else auto",
        group=NUMERICS,
        metavar="NAME",
        choices=BACKENDS,
    ),
    Option("dtype", "float32 or float64.", group=NUMERICS, metavar="NAME", choices=DTYPES),
    Option(
        "precision",
        "Of products: float32, tf32, bfloat16 or float16.",
        group=NUMERICS,
        metavar="NAME",
        choices=PRECISIONS,
    ),
    Option(
        "compile",
        "Record the step once and replay it, or run it as it is.",
        default="compile",
        group=NUMERICS,
        kind=bool,
    ),
    # ── run ──
    Option("seed", "Of split, weights and batches.", group=RUN, kind=int),
    Option(
        "name",
        "The run's folder in runs/.",
        default="the data's name, numbered",
        group=RUN,
    ),
)


def _with_default(option: Option) -> Option:
    default = getattr(Settings, option.name, None)
    # what the data are has no default on the command line
    if option.default or option.argument or default is None or default == "":
        return option
    return replace(option, default=f"{default:g}" if isinstance(default, float) else str(default))


# Every option of a setting, by its name.
OPTIONS = {option.name: _with_default(option) for option in _TABLE}


def options(*names: str) -> tuple[Option, ...]:
    """The options of these settings.

    Examples
    --------
    >>> [option.flags for option in options("dtype", "compile")]
    ['--dtype', '--compile/--no-compile']
    """
    return tuple(OPTIONS[name] for name in names)


# Of a command that uses a run, and not its settings.
RUN_FOLDER = Option(
    "run",
    "A run's folder, as runs/digits, or its model file.",
    group="Arguments",
    argument=True,
    required=True,
)
# Of commands that take long.
QUIET = Option(
    "quiet",
    "Print nothing but errors: no report, and no progress.",
    default="report",
    group=RUN,
    kind=bool,
    value=False,
)
BACKEND = replace(OPTIONS["backend"], group="Options")
