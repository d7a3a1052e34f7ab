"""The choice of settings by k-fold cross-validation, which is `pullback tune`."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ... import backend
from ..data.split import Split
from ..errors import InputError, counted, extra
from ..files import make_run_folder, sweep_runs, write_atomic
from ..fitting.signals import Terminated
from ..loop import fit
from ..parallel.task_pool import Pool, task_pool
from ..parallel.workers import stop_if_unwanted
from .config import Settings, config_text, parse_hidden
from .defaults import OPTIMIZERS, rate_and_decay
from .plots import tuning_png
from .prepared import Source
from .run import folder_name, load_source
from .tasks import Trial

TABLE, PICTURE, BEST = "tune.csv", "tune.png", "best.toml"
TUNABLE = ("learning_rate", "l2", "batch_size", "hidden", "activation", "optimizer")

# Learning rates where none are given, as factors of the optimiser's own default: two decades.
_FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)


@dataclass(frozen=True)
class Tuning:
    """The trials in the order of the grid, and the one with the lowest mean validation loss."""

    trials: tuple[Trial, ...]
    best: Trial
    folder: Path


def combinations(base: Settings, grid: Mapping[str, Sequence[Any]]) -> list[Settings]:
    """The combinations of the grid's values, over the settings `base`.

    Raises
    ------
    InputError
        For a setting that cannot be tuned, one without values, or a value that is wrong.

    Examples
    --------
    >>> [s.learning_rate for s in combinations(Settings(), {"learning_rate": [1e-3, 1e-2]})]
    [0.001, 0.01]
    """
    for key, values in grid.items():
        if key not in TUNABLE:
            raise InputError(f"tune: {key!r} is no setting to tune; there are {', '.join(TUNABLE)}")
        if not values:
            raise InputError(f"tune: no values for {key}")
    out = []
    for values in itertools.product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        if chosen.get("optimizer", base.optimizer) != base.optimizer:
            # the rate and decay of `base` belong to its own optimiser: another brings its defaults
            chosen = {"learning_rate": None, "l2": None, **chosen}
        out.append(replace(base, **chosen))
    return list(dict.fromkeys(out))


def values_of(key: str, text: str) -> tuple[Any, ...]:
    """The values of one setting as the command line has them.

    Raises
    ------
    InputError
        If one is not of the setting's type.

    Examples
    --------
    >>> values_of("learning_rate", "1e-3, 1e-2"), values_of("hidden", "64; 128,64; none")
    ((0.001, 0.01), ((64,), (128, 64), ()))
    """
    if key == "hidden":
        return tuple(parse_hidden(part) for part in text.split(";"))
    convert: Callable[[str], Any] = {"learning_rate": float, "l2": float, "batch_size": int}.get(
        key, str
    )
    try:
        return tuple(convert(part.strip()) for part in text.split(","))
    except ValueError:
        what = "whole numbers" if convert is int else "numbers"
        raise InputError(
            f"tune: {key}: {text!r} is no list of {what}; write them with commas"
        ) from None


def tune(
    base: Settings,
    grid: Mapping[str, Sequence[Any]] | None = None,
    *,
    k: int = 5,
    runs: str | Path = "runs",
    exact_name: bool = False,
    say: Callable[[str], None] = print,
    client: Any = None,
    progress: Callable[[int, int], None] | None = None,
) -> Tuning:
    """Cross-validate every combination of settings; write table, picture and the best settings.

    Parameters
    ----------
    base : Settings
        What is not tuned. Its test part is never looked at.
    grid : mapping of str to sequence, optional
        Values by setting, of `TUNABLE`. Without a learning rate in it: five about the optimiser's default.
    k : int
        How many folds.
    runs : path
        The folder for runs; the files go to a folder of their own in it.
    exact_name : bool
        Refuse a name that is taken instead of adding a number.
    say : callable
        Takes the lines of text.
    client : str or distributed.Client, optional
        Where each fold of each combination is a task of its own: ``"local"`` for a process on each core of this
        computer, the address of a Dask scheduler (``"tcp://host:8786"``) or its scheduler file, or a client. None: one
        after another, here. The table, the lines and their order are the same; so are the numbers, bit for bit, where
        the workers' NumPy and BLAS are those of this process (with one thread: more may round large products
        otherwise). The data are read here and sent to the workers.
    progress : callable, optional
        ``progress(done, total)`` after each fold, in the order in which they end.

    Returns
    -------
    Tuning

    Raises
    ------
    InputError
        For data and settings that cannot be used, if every combination diverged, and for files that cannot be
        written.
    ClusterError
        For a cluster that cannot be had or is lost; what was finished is in the table.
    MissingExtra
        Without matplotlib, or with a `client` without `distributed`.
    BackendError
        For a backend that cannot be had.
    """
    # ask now, not after an hour of training
    extra("matplotlib.figure", "tuning")
    grid = dict(grid or {})
    if base.stream and client is not None:
        raise InputError(
            "stream: with --dask the rows travel to the workers from memory; leave out one of them"
        )
    trials_of = combinations(base, _with_rates(base, grid))
    chosen: Any = backend.use(base.backend) if base.backend else contextlib.nullcontext()
    with chosen, contextlib.ExitStack() as stack:
        # rows that travel to workers do so from memory
        source = load_source(base if client is None else replace(base, stream=False), Path(runs))
        parts = source.folds(k, base.seed)
        pool = stack.enter_context(task_pool(client))
        sweep_runs(Path(runs), (TABLE, PICTURE, BEST))
        folder = make_run_folder(
            Path(runs), base.name or f"tune-{folder_name(source.name)}", exact=exact_name
        )
        try:
            score_name = source.score_name
            say(
                f"{source.name}: {counted(len(trials_of), 'combination')} of settings, {k} folds of "
                f"{len(parts[0].train):,} to train on and {len(parts[0].validation):,} to validate"
            )
            for line in source.told:
                say(line)
            header, trials = _header(trials_of, score_name), []
            say(_row(header))
            work = Folds(source, tuple(parts), tuple(trials_of), backend.current().name)
            for trial in _trials(work, pool, progress):
                trials.append(trial)
                write_atomic(folder / TABLE, table_text(trials, score_name))
                say(_row(_cells(trial, trials_of)))
            best = min(trials, key=lambda t: t.loss if math.isfinite(t.loss) else math.inf)
            if not math.isfinite(best.loss):
                raise InputError("tune: every combination diverged; give smaller learning rates")
            write_atomic(folder / PICTURE, tuning_png(trials, title=f"{source.name}, {k} folds"))
            name = base.name or folder_name(source.name)
            comments = ("The best settings of the table beside this file; to train with them:",
                        f"pullback train --config {BEST}")  # fmt: skip
            write_atomic(folder / BEST, config_text(replace(best.settings, name=name), comments))
        finally:
            with contextlib.suppress(OSError):
                # a folder is removed only if it is empty
                folder.rmdir()
                folder.parent.rmdir()
    say(
        f"best: {_described(best.settings, trials_of)}; validation loss {best.loss:.4f} ± {best.error:.4f}, "
        f"{score_name} {best.score:.4f}"
    )
    say(f"files in {folder}: {TABLE}, {PICTURE}, {BEST}")
    return Tuning(tuple(trials), best, folder)


def _with_rates(base: Settings, grid: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    if "learning_rate" in grid or len(grid.get("optimizer", ())) > 1:
        return grid
    optimizer = grid["optimizer"][0] if "optimizer" in grid else base.optimizer
    if optimizer not in OPTIMIZERS:
        # `Settings` says what is wrong
        return grid
    rate, _ = rate_and_decay(base.model, optimizer)
    return {"learning_rate": tuple(float(f"{rate * f:.3g}") for f in _FACTORS), **grid}


@dataclass(frozen=True)
class Folds:
    """Every run of a tuning, by the numbers of its combination and its fold; it is what travels to a worker.

    Attributes
    ----------
    source : Source
    parts : tuple of Split
        One a fold.
    trials_of : tuple of Settings
    backend : str
        The name of the backend to run on.
    """

    source: Source
    parts: tuple[Split, ...]
    trials_of: tuple[Settings, ...]
    backend: str

    def __call__(self, trial: int, fold: int) -> tuple[float, float, int]:
        """Validation loss and score at the best epoch, and that epoch.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C.
        """
        settings = self.trials_of[trial]
        with backend.use(self.backend):
            ready = self.source.prepare(settings, self.parts[fold], backend.current())
            run = fit(
                ready.model,
                ready.task.loss,
                ready.parts["train"],
                ready.parts["validation"],
                ready.optimizer,
                score=ready.task.score,
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                batches=settings.batches,
                l1=settings.l1,
                patience=settings.patience,
                seed=settings.seed,
                compile=settings.compile,
                precision=settings.precision,
                on_epoch=stop_if_unwanted,
            )
        if run.stopped == "interrupted":
            raise Terminated.by(run.signal)
        # a run that diverged is no setting to choose, however good it was before
        if run.stopped == "diverged":
            return math.inf, math.nan, run.best.epoch
        return run.best.validation_loss, run.best.validation_score, run.best.epoch


def _trials(
    work: Folds, pool: Pool, progress: Callable[[int, int], None] | None
) -> Iterator[Trial]:
    """The trials in the order of the grid, each as soon as its folds, and all before them, are done."""
    folds = len(work.parts)
    tasks = [(trial, fold) for trial in range(len(work.trials_of)) for fold in range(folds)]

    def done(count: int) -> None:
        if progress is not None:
            progress(count, len(tasks))

    # closed at once where an error or Ctrl-C ends the loop: it cancels the tasks that are left
    with contextlib.closing(pool.run(work, tasks, done)) as results:
        for settings in work.trials_of:
            losses, scores, epochs = zip(*itertools.islice(results, folds), strict=True)
            yield Trial(settings, losses, scores, epochs)


# ── the table ─────────────────────────────────────────────────────────────────────────────────


def _varied(trials_of: Sequence[Settings]) -> list[str]:
    return [key for key in TUNABLE if len({getattr(s, key) for s in trials_of}) > 1] or [
        "learning_rate"
    ]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _described(settings: Settings, trials_of: Sequence[Settings]) -> str:
    return ", ".join(f"{key} {_shown(getattr(settings, key))}" for key in _varied(trials_of))


def _header(trials_of: Sequence[Settings], score_name: str) -> list[str]:
    return [*_varied(trials_of), "validation loss", "± error", score_name, "epochs"]


def _cells(trial: Trial, trials_of: Sequence[Settings]) -> list[str]:
    values = [_shown(getattr(trial.settings, key)) for key in _varied(trials_of)]
    epochs = f"{np.mean(trial.epochs):.0f}"
    return [*values, f"{trial.loss:.4f}", f"{trial.error:.4f}", f"{trial.score:.4f}", epochs]


def _row(cells: Sequence[str]) -> str:
    return "  ".join(f"{cell:>15}" for cell in cells).rstrip()


def table_text(trials: Sequence[Trial], score_name: str) -> str:
    """The trials as CSV: settings, mean, standard error, and every fold's validation loss."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    k = len(trials[0].losses)
    fold_columns = [f"loss_{i}" for i in range(1, k + 1)]
    writer.writerow(
        [*TUNABLE, "loss", "standard_error", score_name.lower(), "epochs", *fold_columns]
    )
    for trial in trials:
        values = [_shown(getattr(trial.settings, key)) for key in TUNABLE]
        writer.writerow(
            [
                *values,
                trial.loss,
                trial.error,
                trial.score,
                float(np.mean(trial.epochs)),
                *trial.losses,
            ]
        )
    return lines.getvalue()
