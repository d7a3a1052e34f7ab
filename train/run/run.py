"""A training run from settings to files, which is `pullback train`."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ... import backend
from ...autograd.pytree import tree
from ...distributed import Communicator
from ..errors import InputError, counted, extra
from ..files import locked, make_run_folder, sweep_runs, write_atomic
from ..fitting.result import Fit
from ..measure import evaluate
from ..parallel.launch import together, where
from ..parallel.ranks import of_rank_0
from ..replay import refusal
from ..settings.config import Settings, config_text
from ..settings.defaults import TEXT_MODELS
from .checkpoint import save
from .evaluate import EVALUATION, PICTURE, test_part
from .graphs import load_nodes
from .metadata import MODEL
from .plots import curves_png
from .prepared import Prepared, Source, fit_prepared
from .tables import load_table
from .texts import load_blocks

METRICS, CURVES, WEIGHTS, CONFIG, CHECKPOINT = (
    "metrics.csv", "curves.png", "weights.png", "run.toml", "checkpoint.safetensors"
)  # fmt: skip

# the picture of an evaluation is not there where the model is of a text
FILES = (MODEL, METRICS, CURVES, WEIGHTS, EVALUATION, PICTURE, CONFIG, CHECKPOINT)

# Files on disk follow the run at this distance; every write waits for the disk.
_SECONDS_BETWEEN_WRITES = 1.0


@dataclass(frozen=True)
class Result:
    """The result of a run.

    Attributes
    ----------
    fit : Fit
        The best model and the history.
    test_loss, test_score : float
        On the test part; the score is the accuracy, or R² for regression.
    folder : Path
        The folder of its files.
    """

    fit: Fit
    test_loss: float
    test_score: float
    folder: Path


def train(
    settings: Settings,
    *,
    runs: str | Path = "runs",
    exact_name: bool = False,
    say: Callable[[str], None] = print,
    progress: Callable[[Fit, Settings], None] | None = None,
    every: float = 5.0,
    distributed: Communicator | None = None,
) -> Result:
    """Train a network as the settings say, and write the run's files.

    Parameters
    ----------
    settings : Settings
    runs : path
        The folder for runs; the run's own folder is made in it, with a number if its name is taken.
    exact_name : bool
        Refuse a name that is taken instead.
    say : callable
        Takes the lines of text that report the result.
    progress : callable, optional
        Called after every epoch.
    every : float
        Seconds from one checkpoint to the next, as in `fit`; `resume` goes on from the last one.
    distributed : Communicator, optional
        Train on its ranks, as in `fit`. Each rank reads the data; rank 0 writes and says all that there is.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        For data and settings that cannot be used, and files that cannot be written; on all ranks, if on one.
    BackendError
        For a backend that cannot be had.
    """
    voice = Voice.of(say, progress, distributed)
    with contextlib.ExitStack() as stack:
        ready = together(distributed, lambda: made_ready(settings, stack, distributed, Path(runs)))
        voice.say_start(ready)

        def begin() -> Path:
            sweep_runs(Path(runs), FILES)
            name = settings.name or folder_name(ready.metadata["data"])
            folder = make_run_folder(Path(runs), name, exact=exact_name)
            stack.callback(_remove_if_empty, folder)
            stack.enter_context(locked(folder))
            write_atomic(folder / CONFIG, run_config(ready, folder, distributed))
            return folder

        folder = of_rank_0(distributed, begin)
        return trained(ready, folder, voice, every=every)


def made_ready(
    settings: Settings,
    stack: contextlib.ExitStack,
    group: Communicator | None,
    scratch: Path = Path("runs"),
) -> Prepared:
    """The data and the first model, on the backend of the settings, which is active until the stack is left.

    Parameters
    ----------
    settings, stack, group
    scratch : Path
        The folder for files of rows that are not to be in memory.

    Raises
    ------
    InputError
        For data that cannot be used, and packages that are not there: now, not after an hour of training. For a graph
        on several ranks.
    BackendError
        For a backend that cannot be had.
    """
    if settings.batch_size is None and group is not None and group.size > 1:
        raise InputError(
            f"distributed: {settings.model} takes the nodes of one graph in every step, which ranks cannot share by "
            "rows: start it without the launcher"
        )
    for module in ("safetensors.numpy", "matplotlib.figure", "sklearn.metrics"):
        extra(module, "training from the command line")
    if settings.backend:
        stack.enter_context(backend.use(settings.backend))
    source = load_source(settings, scratch)
    ready = source.prepare(settings, source.split(settings.seed), backend.current())
    # it refuses what the number of steps does not allow
    _ = ready.optimizer
    return ready


def _remove_if_empty(folder: Path) -> None:
    """Remove the folder of a run whose first file could not be written."""
    with contextlib.suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()


def folder_name(name: str) -> str:
    """The name of a run's folder where none is given: that of the data, as far as a folder can have it."""
    return re.sub(r"[\x00-\x1f\x7f/\\]", "_", name).lstrip(".") or "run"


def load_source(settings: Settings, scratch: Path = Path("runs")) -> Source:
    """The data that the settings name, in the form that their network takes; files of their rows are in `scratch`.

    Raises
    ------
    InputError
        For data that cannot be used.
    """
    if settings.model in TEXT_MODELS:
        return load_blocks(settings)
    if settings.model == "gcn":
        return load_nodes(settings)
    return load_table(settings, scratch)


def trained(
    prepared: Prepared, folder: Path, voice: Voice, *, every: float, resume: bool = False
) -> Result:
    """Train, and write all files but that of the settings into the run's folder.

    Raises
    ------
    InputError
        For files that cannot be written, and a checkpoint that cannot be used.
    """
    settings, task = prepared.settings, prepared.task
    say, progress, group = voice.say, voice.progress, voice.group
    written = {"time": -math.inf, "epoch": -1.0}

    def on_epoch(run: Fit) -> None:
        if resume and written["epoch"] < 0:
            say(_where(run, folder))
        if progress is not None:
            progress(run, settings)
        if time.monotonic() - written["time"] >= _SECONDS_BETWEEN_WRITES:
            write_atomic(folder / METRICS, metrics_text(run, task.score_name))
            if run.best.epoch != written["epoch"]:
                save(
                    folder / MODEL, run.model, _metadata(prepared, run), built_by=prepared.built_by
                )
            written.update(time=time.monotonic(), epoch=run.best.epoch)

    run = fit_prepared(
        prepared,
        on_epoch=on_epoch if voice.writes else None,
        checkpoint=folder / CHECKPOINT,
        resume=resume,
        every=every,
        distributed=group,
    )

    def end() -> tuple[float, float]:
        test = evaluate(
            run.model,
            task.loss,
            prepared.parts["test"],
            task.score,
            whole=settings.batch_size is None,
        )
        metadata = _metadata(prepared, run, Result(run, *test, folder))
        curves = curves_png(run, title=prepared.title, score_name=task.score_name)
        write_atomic(folder / METRICS, metrics_text(run, task.score_name))
        save(folder / MODEL, run.model, metadata, built_by=prepared.built_by)
        write_atomic(folder / CURVES, curves)
        write_atomic(folder / WEIGHTS, prepared.picture(run.model, prepared.title))
        judged = test_part(prepared, run.model, *test)
        write_atomic(folder / EVALUATION, judged.json())
        picture = judged.picture()
        if picture is not None:
            write_atomic(folder / PICTURE, picture)
        return test

    # the others wait: a launcher kills all when the first one ends with an exit code that is not 0
    result = Result(run, *of_rank_0(group, end), folder)
    _say_end(prepared, result, say)
    return result


def _where(run: Fit, folder: Path) -> str:
    """Where a run goes on, in a line."""
    if run.resumed is None:
        return f"{folder} has no {CHECKPOINT} yet: it begins anew"
    if run.why:
        return f"{folder} is finished: nothing is left to do" + (
            "" if run.stopped == "diverged" else f"; a larger --{run.stopped} goes on"
        )
    return f"{folder} goes on after epoch {run.history[-1].epoch:,}, step {run.resumed:,}"


def metrics_text(run: Fit, score_name: str) -> str:
    """The history as CSV, without times: the same seed gives the same file."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    score = score_name.lower()
    writer.writerow(["epoch", "steps", "loss", score, "validation_loss", f"validation_{score}"])
    for row in run.history:
        writer.writerow(
            [row.epoch, row.steps, row.loss, row.score, row.validation_loss, row.validation_score]
        )
    return lines.getvalue()


def run_config(prepared: Prepared, folder: Path, group: Communicator | None) -> str:
    """The settings as they were used, so that `--config` repeats the run, and on how many ranks it was."""
    settings = replace(
        prepared.settings,
        backend=backend.current().name,
        name=prepared.settings.name or folder_name(prepared.metadata["data"]),
        **prepared.resolved,
    )
    command, on = "pullback train --config run.toml", ""
    if group is not None and group.size > 1:
        command = f"mpirun -n {group.size} {command} --distributed {group.name}"
        on = f", {where(group)}"
    return config_text(
        settings, (f"The settings of the run in {folder.name}{on}; to repeat it:", command)
    )


def _metadata(prepared: Prepared, run: Fit, result: Result | None = None) -> dict[str, Any]:
    score = prepared.task.score_name.lower()
    return {
        **prepared.metadata,
        "best_epoch": run.best.epoch,
        "validation_loss": _finite(run.best.validation_loss),
        f"validation_{score}": _finite(run.best.validation_score),
        "test_loss": _finite(result.test_loss) if result else None,
        f"test_{score}": _finite(result.test_score) if result else None,
        # what ended the run; None while it is going on, and for ever where it was killed
        "stopped": run.stopped if result else None,
        "why": run.why if result else None,
    }


def _finite(value: float) -> float | None:
    """A value for JSON, which has no NaN and no infinity."""
    return value if math.isfinite(value) else None


def _nothing(line: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Voice:
    """Who is told of a run: on the ranks beside the first one nobody.

    Attributes
    ----------
    say, progress
        As in `train`.
    group : Communicator or None
        The ranks of the run.
    """

    say: Callable[[str], None]
    progress: Callable[[Fit, Settings], None] | None
    group: Communicator | None

    @classmethod
    def of(
        cls,
        say: Callable[[str], None],
        progress: Callable[[Fit, Settings], None] | None,
        group: Communicator | None,
    ) -> Voice:
        """Of this rank."""
        speaks = group is None or group.rank == 0
        return cls(say if speaks else _nothing, progress if speaks else None, group)

    @property
    def writes(self) -> bool:
        """Whether this rank writes the files."""
        return self.group is None or self.group.rank == 0

    def say_start(self, prepared: Prepared) -> None:
        """Say what the data and the network are, and on how many ranks."""
        settings = prepared.settings
        self.say(prepared.start)
        for line in prepared.notes:
            self.say(line)
        parameters = sum(leaf.size for leaf in tree.leaves(prepared.model))
        self.say(
            f"{prepared.network}, {counted(parameters, 'parameter')}, "
            f"{_method(settings)}; {settings.dtype} on {backend.current().name}"
            + (f", products in {settings.precision}" if settings.precision != "float32" else "")
            + (f", {where(self.group)}" if self.group is not None else "")
        )


def _method(settings: Settings) -> str:
    """The optimiser and what is done to its rate, its gradients and its loss, in a few words."""
    words = [settings.optimizer]
    if settings.schedule != "constant":
        words.append(settings.schedule)
    if settings.warmup:
        words.append(
            f"{100 * settings.warmup:g} % warm-up"
            if settings.warmup < 1
            else f"{int(settings.warmup):,} steps of warm-up"
        )
    if settings.clip:
        words.append(f"gradients clipped to {settings.clip:g}")
    if settings.class_weight != "none":
        words.append("classes balanced")
    return ", ".join(words)


def _say_end(prepared: Prepared, result: Result, say: Callable[[str], None]) -> None:
    run, task = result.fit, prepared.task
    if refusal(run.eager):
        say(refusal(run.eager))
    percent = task.score_name == "accuracy"

    def shown(score: float) -> str:
        return f"accuracy {100 * score:.2f} %" if percent else f"R2 {score:.4f}"

    steps = counted(run.steps, "step")
    if run.resumed is not None:
        steps += f", {run.steps - run.resumed:,} of them now,"
    say(
        f"{run.why}; {steps} in {run.seconds:.1f} s; "
        f"best after epoch {run.best.epoch}: "
        f"validation {shown(run.best.validation_score)}, loss {run.best.validation_loss:.4f}"
    )
    unit = prepared.report(result.test_loss)
    say(f"test {shown(result.test_score)}, test loss {result.test_loss:.4f}{unit}")
    written = [name for name in FILES if (result.folder / name).exists()]
    say(f"files in {result.folder}: {', '.join(written)}")
    if run.stopped == "interrupted":
        say(f"to go on: pullback train --resume {shlex.quote(str(result.folder))}")
