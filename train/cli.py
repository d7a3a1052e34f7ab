"""The command `pullback`: train, tune, predict, sample, info.

Exit codes: 0 done; 1 the loss became NaN or infinite (the best weights until then are written);
2 something given cannot be used, or another rank has failed, as one line on stderr says; 130 ended by Ctrl-C, 143 by
SIGTERM, 129 by SIGHUP (with what there was: `pullback train --resume RUN` goes on).
"""

# No `from __future__ import annotations`: typer, which reads them, is imported in a function.
import contextlib
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from ..backend import BackendError
from ..distributed import Communicator, DistributedError
from ..distributed import rank as rank_of_world
from ..distributed import size as size_of_world
from .errors import InputError, extra, one_line
from .files import write_atomic
from .fitting.signals import Interrupt, Terminated, started, terminations_raised
from .parallel.launch import (
    group_of,
    launched,
    refuse_several,
    together,
)
from .parallel.ranks import of_rank_0
from .run.bars import fold_bar, training_bar
from .run.config import Settings, merged, parse_hidden, read_config
from .run.info import info_lines
from .run.predict import predict_file
from .run.resume import resume as resume_training
from .run.resume import resumed
from .run.run import train as run_training
from .run.sample import sample_text
from .run.tuning.tune import tune as run_tuning
from .run.tuning.values import TUNABLE, values_of

DIVERGED, BAD_INPUT, SIGNALLED = 1, 2, 128
_SECONDS_TO_SPEAK = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after ``pullback``; of this process if None.
    """
    try:
        started()
        with terminations_raised():
            return _run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt as error:
        number = error.number if isinstance(error, Terminated) else int(signal.SIGINT)
        return _report_error(
            f"{Interrupt(number=number)}; files that are there are whole", SIGNALLED + number
        )
    # the reader, such as `head`, has enough
    except BrokenPipeError:
        _drop_output()
        return 0
    except OSError as error:
        _drop_output()
        return _report_error(f"cannot write the output: {error.strerror or error}", BAD_INPUT)
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        return _report_error(
            f"cannot write {character!a} in the output's encoding, {error.encoding}: "
            "set PYTHONIOENCODING=utf-8, or use --output",
            BAD_INPUT,
        )


def _run(arguments: list[str]) -> int:
    try:
        extra("typer", "the command line")
        work = _app()(args=arguments or ["--help"], prog_name="pullback", standalone_mode=False)
        return work() if callable(work) else int(work or 0)
    except (InputError, BackendError, DistributedError) as error:
        return _report_error(str(error), BAD_INPUT)
    except MemoryError as error:
        what = f" ({error})" if str(error) else ""
        where = f"rank {_rank()}: " if _rank() else ""
        return _report_error(
            f"{where}not enough memory{what}: choose a smaller network or batch",
            BAD_INPUT,
            alone=True,
        )
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        # typer's own complaints about options, whichever click they come from.
        return _report_error(error.format_message(), BAD_INPUT)


def _drop_output() -> None:
    """Discard the output that could not be written: Python would try again at exit, and complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _rank() -> int:
    """Which rank of a run on several this process is."""
    return max(launched()[0], rank_of_world())


def _report_error(message: str, code: int, *, alone: bool = False) -> int:
    """Print a message on stderr, in one line whatever it holds; on rank 0, unless a rank alone has met it."""
    if alone or _rank() == 0:
        print("pullback: " + one_line(message), file=sys.stderr, flush=True)
    elif size_of_world() == 1:
        # the launcher kills all when one ends so, and rank 0 is to have spoken: it may be slower
        time.sleep(_SECONDS_TO_SPEAK)
    return code


def _app() -> Any:
    """The commands, each returning its work as a function.

    The work is done outside typer, so that this module reports Ctrl-C and errors.
    """
    import typer

    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,  # which would take [float32], a default, for markup, and leave it out
        pretty_exceptions_enable=False,
        help="Reverse-mode automatic differentiation for NumPy and CuPy.",
    )

    def option(text: str) -> Any:
        return typer.Option(help=text, show_default=False)

    # of `train` and of `tune`
    where = option("auto, numpy or cupy. [PULLBACK_BACKEND, else auto]")
    kind_of_numbers = option("float32 or float64. [float32]")
    rounding = option("Of products: float32, tf32, bfloat16 or float16. [float32]")
    compiling = typer.Option(
        "--compile/--no-compile",
        help="Record the step once and replay it, or run it as it is. [compile]",
        show_default=False,
    )

    @app.command(short_help="Train a network; writes it to runs/NAME.")
    def train(
        data: Annotated[
            str | None,
            typer.Argument(
                help="digits, breast_cancer, wine, iris, diabetes, or a .csv, .npz, IDX or text file.",
                show_default=False,
            ),
        ] = None,
        target: Annotated[
            str | None,
            option(
                "Target column, by name or by position from 0 (.npz: array; IDX: label file). [last]"
            ),
        ] = None,
        task: Annotated[
            str | None, option("auto, classification or regression. [auto: by the target's values]")
        ] = None,
        model: Annotated[
            str | None,
            option(
                "mlp, cnn (images), lstm or transformer (texts), gcn (nodes of a graph). [auto: by the data]"
            ),
        ] = None,
        edges: Annotated[
            str | None, option("The edges of a graph, whose nodes DATA are: a .csv of two columns.")
        ] = None,
        hidden: Annotated[
            str | None,
            option(
                "Widths of hidden layers: 128,64 or none; equal ones for lstm and transformer. [128, by model]"
            ),
        ] = None,
        length: Annotated[
            int | None, option("Characters that lstm and transformer see at once. [64]")
        ] = None,
        dropout: Annotated[
            float | None,
            option("Probability to leave a unit out in training; not for mlp. [by model]"),
        ] = None,
        activation: Annotated[
            str | None, option("relu, tanh, sigmoid, silu, gelu, softplus or identity. [relu]")
        ] = None,
        optimizer: Annotated[
            str | None, option("adamw, adam, sgd, momentum or nesterov. [adamw]")
        ] = None,
        learning_rate: Annotated[float | None, option("Step size. [by optimiser]")] = None,
        batch_size: Annotated[int | None, option("Samples a step. [32]")] = None,
        batches: Annotated[
            str | None,
            option(
                "shuffled (a new order each epoch), once (one order for all) or drawn (anew for each step). [shuffled]"
            ),
        ] = None,
        epochs: Annotated[
            int | None, option("At most so many passes over the data. [300, by model]")
        ] = None,
        patience: Annotated[
            int | None,
            option(
                "Epochs without a better validation loss before it stops; 0: never. [50, by model]"
            ),
        ] = None,
        seed: Annotated[int | None, option("Of split, weights and batches. [0]")] = None,
        backend: Annotated[str | None, where] = None,
        dtype: Annotated[str | None, kind_of_numbers] = None,
        precision: Annotated[str | None, rounding] = None,
        compile: Annotated[bool | None, compiling] = None,
        l2: Annotated[
            float | None,
            option(
                "Decay of weight matrices, not biases: adamw's own, else a penalty in the loss. [by optimiser]"
            ),
        ] = None,
        l1: Annotated[
            float | None,
            option(
                "Penalty l1 Σ|W| on weight matrices; sgd, momentum and nesterov make weights exactly 0. [0]"
            ),
        ] = None,
        name: Annotated[
            str | None, option("The run's folder in runs/. [the data's name, numbered]")
        ] = None,
        config: Annotated[
            str | None, option("TOML file with these settings, as runs write it; options here win.")
        ] = None,
        resume: Annotated[
            str | None,
            option(
                "A run's folder, as runs/digits, to go on where it was broken off; --epochs may be raised."
            ),
        ] = None,
        checkpoint_every: Annotated[
            float, option("Seconds between checkpoints for --resume; 0: after every step. [5]")
        ] = 5.0,
        distributed: Annotated[
            str | None,
            option("Train on all ranks that mpirun has started: mpi, or nccl (one GPU a rank)."),
        ] = None,
    ) -> Callable[[], int]:
        """Train a network; writes the model, its metrics and pictures to runs/NAME."""
        given = dict(locals())
        return lambda: _train(given)

    @app.command(short_help="Choose settings by k-fold cross-validation.")
    def tune(
        data: Annotated[str, typer.Argument(help="As for `train`.", show_default=False)],
        learning_rate: Annotated[
            str | None, option("Values: 1e-4,1e-3,1e-2. [five about the optimiser's default]")
        ] = None,
        l2: Annotated[str | None, option("Values: 0,1e-4. [by optimiser]")] = None,
        batch_size: Annotated[str | None, option("Values: 16,32,64. [32]")] = None,
        hidden: Annotated[
            str | None, option("Networks, by semicolons: '64;128,64;none'. [128]")
        ] = None,
        activation: Annotated[str | None, option("Values: relu,tanh. [relu]")] = None,
        optimizer: Annotated[str | None, option("Values: adamw,sgd. [adamw]")] = None,
        folds: Annotated[int, option("How many parts take turns to validate. [5]")] = 5,
        target: Annotated[str | None, option("As for `train`. [last]")] = None,
        task: Annotated[str | None, option("As for `train`. [auto]")] = None,
        model: Annotated[str | None, option("As for `train`. [by the data]")] = None,
        edges: Annotated[str | None, option("As for `train`.")] = None,
        length: Annotated[int | None, option("As for `train`. [64]")] = None,
        dropout: Annotated[float | None, option("As for `train`. [by model]")] = None,
        epochs: Annotated[int | None, option("At most so many passes over the data. [300]")] = None,
        patience: Annotated[
            int | None, option("Epochs without a better validation loss before a run stops. [50]")
        ] = None,
        seed: Annotated[int | None, option("Of folds, weights and batches. [0]")] = None,
        backend: Annotated[str | None, where] = None,
        dtype: Annotated[str | None, kind_of_numbers] = None,
        precision: Annotated[str | None, rounding] = None,
        compile: Annotated[bool | None, compiling] = None,
        name: Annotated[str | None, option("The folder in runs/. [tune-DATA, numbered]")] = None,
        dask: Annotated[
            str | None,
            option(
                "Folds at the same time, on Dask: local (a process a core), tcp://HOST:PORT or a scheduler file."
            ),
        ] = None,
    ) -> Callable[[], int]:
        """Choose settings by k-fold cross-validation; writes the table, a picture and the best settings."""
        given = dict(locals())
        return lambda: _tune(given)

    @app.command(short_help="Predict from data, as CSV.")
    def predict(
        run: Annotated[
            str, typer.Argument(help="A run's folder, as runs/digits, or its model file.")
        ],
        data: Annotated[str, typer.Argument(help="A .csv, .npz or IDX file of the same columns.")],
        edges: Annotated[
            str | None, option("For a model of a graph: the edges between the nodes in DATA.")
        ] = None,
        output: Annotated[str | None, option("Write to this file. [standard output]")] = None,
        backend: Annotated[
            str | None, option("auto, numpy or cupy. [PULLBACK_BACKEND, else auto]")
        ] = None,
    ) -> Callable[[], int]:
        """Predict from data: CSV with classes and probabilities, or predicted numbers."""
        return lambda: _predict(run, data, edges, output, backend)

    @app.command()
    def sample(
        run: Annotated[
            str,
            typer.Argument(help="The folder of a run on a text, as runs/notes, or its model file."),
        ],
        length: Annotated[int, option("Characters to draw. [500]")] = 500,
        temperature: Annotated[
            float, option("Below 1 likelier characters, 0 the likeliest, above 1 wilder ones. [1]")
        ] = 1.0,
        prompt: Annotated[str, option("What the text begins with. [a new line, unprinted]")] = "",
        seed: Annotated[int, option("Of the draws. [0]")] = 0,
        backend: Annotated[
            str | None, option("auto, numpy or cupy. [PULLBACK_BACKEND, else auto]")
        ] = None,
    ) -> Callable[[], int]:
        """Draw text from a model of characters."""
        return lambda: _sample(run, length, temperature, prompt, seed, backend)

    @app.command()
    def info(
        backend: Annotated[
            str | None, option("auto, numpy or cupy. [PULLBACK_BACKEND, else auto]")
        ] = None,
    ) -> Callable[[], int]:
        """Print backend, device, memory, versions, BLAS and its threads."""
        return lambda: _info(backend)

    return app


def _train(given: dict[str, Any]) -> int:
    config, run, every = given.pop("config"), given.pop("resume"), given.pop("checkpoint_every")
    kind = given.pop("distributed")
    if kind is None:
        refuse_several("train")
    group = None if kind is None else _joined(kind)
    if not 0 <= every < math.inf:
        raise InputError(f"checkpoint_every: {every} is not a number of seconds of at least 0")
    options = {key: value for key, value in given.items() if value is not None}
    if "hidden" in options:
        options["hidden"] = parse_hidden(options["hidden"])
    if run is not None and config is not None:
        raise InputError("config: a run goes on with its own settings: leave out --config")

    def chosen() -> Settings:
        return _new_settings(config, options) if run is None else resumed(run, options)

    settings = of_rank_0(group, chosen)
    with training_bar(settings.epochs, rank=_rank()) as bar:
        told: dict[str, Any] = {
            "say": bar.say, "progress": bar.show, "every": every, "distributed": group,
        }  # fmt: skip
        if run is None:
            result = run_training(settings, exact_name="name" in options, **told)
        else:
            result = resume_training(run, options, **told)
    if result.fit.stopped == "diverged":
        return _report_error(
            f"{result.fit.why}; the best weights, of epoch {result.fit.best.epoch}, are kept; "
            "a smaller --learning-rate may help",
            DIVERGED,
        )
    return SIGNALLED + result.fit.signal if result.fit.stopped == "interrupted" else 0


def _joined(kind: str) -> Communicator:
    """The world; a signal to one rank while it comes about ends all when it has."""
    with Interrupt() as interrupt:
        group = group_of(kind)

    def go_on() -> None:
        if interrupt.seen:
            raise Terminated.by(interrupt.number)

    together(group, go_on)
    return group


def _new_settings(config: str | None, options: dict[str, Any]) -> Settings:
    from_file = read_config(config) if config is not None else {}
    if "data" not in options and "data" not in from_file:
        raise InputError(
            "train: nothing to train on; give a data set, as in: pullback train digits"
        )
    return merged(from_file, options)


def _tune(given: dict[str, Any]) -> int:
    refuse_several("tune")
    k, client = given.pop("folds"), given.pop("dask")
    options = {key: value for key, value in given.items() if value is not None}
    grid = {key: values_of(key, options.pop(key)) for key in TUNABLE if key in options}
    with fold_bar() as (say, progress):
        run_tuning(
            merged({}, options), grid,
            k=k, exact_name="name" in options, say=say, client=client, progress=progress,
        )  # fmt: skip
    return 0


def _sample(
    run: str, length: int, temperature: float, prompt: str, seed: int, backend: str | None
) -> int:
    refuse_several("sample")
    for piece in sample_text(
        run,
        length=length,
        temperature=temperature,
        prompt=prompt,
        seed=seed,
        backend_name=backend or "",
    ):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
    return 0


def _predict(
    run: str, data: str, edges: str | None, output: str | None, backend: str | None
) -> int:
    refuse_several("predict")
    text = predict_file(run, data, edges=edges, backend_name=backend or "")
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_atomic(output, text)
    return 0


def _info(backend: str | None) -> int:
    if _rank():
        return 0
    lines = info_lines(backend or "")
    width = max(len(label) for label, _ in lines)
    for label, text in lines:
        print(f"{label:<{width}}  {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
