"""A training run from settings to files, which is `pullback train`."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ... import backend, models
from ...autograd.pytree import tree
from ..data.device_data import to_device_if_it_fits
from ..data.load import Dataset, load_dataset
from ..data.split import Split, Standardizer, split
from ..errors import counted, extra
from ..files import make_run_folder, sweep_runs, write_atomic
from ..loop import Fit, fit
from ..measure import evaluate
from ..optimizers import make_optimizer
from ..step import refusal
from .checkpoint import save
from .config import Settings, config_text
from .plots import curves_png, weights_png
from .tasks import Task, task_for

MODEL, METRICS, CURVES, WEIGHTS, CONFIG = (
    "model.safetensors", "metrics.csv", "curves.png", "weights.png", "run.toml"
)  # fmt: skip

FILES = (MODEL, METRICS, CURVES, WEIGHTS, CONFIG)

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


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs, checked and on the device, before anything is written."""

    settings: Settings
    data: Dataset
    task: Task
    parts: dict[str, tuple[Any, Any]]
    inputs: Standardizer
    targets: Standardizer | None
    model: models.MLP
    optimizer: Any


def train(
    settings: Settings,
    *,
    runs: str | Path = "runs",
    exact_name: bool = False,
    say: Callable[[str], None] = print,
    progress: Callable[[Fit, Settings], None] | None = None,
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

    Returns
    -------
    Result

    Raises
    ------
    InputError
        For data and settings that cannot be used, and files that cannot be written.
    BackendError
        For a backend that cannot be had.
    """
    for module in ("safetensors.numpy", "matplotlib.figure"):
        # ask now, not after an hour of training
        extra(module, "training from the command line")
    chosen: Any = backend.use(settings.backend) if settings.backend else contextlib.nullcontext()
    with chosen:
        active = backend.current()
        ready = _prepare(settings, active)
        _say_start(ready, active, say)
        sweep_runs(Path(runs), FILES)
        folder = make_run_folder(
            Path(runs), settings.name or folder_name(ready.data), exact=exact_name
        )
        try:
            return _trained(ready, folder, say, progress)
        finally:
            with contextlib.suppress(OSError):
                # the folder is empty, and so removed, only if not even the first file was written
                folder.rmdir()
                folder.parent.rmdir()


def folder_name(data: Dataset) -> str:
    """The name of a run's folder where none is given."""
    return re.sub(r"[\x00-\x1f\x7f/\\]", "_", data.name).lstrip(".") or "run"


def _prepare(settings: Settings, active: backend.Backend) -> Prepared:
    data = load_dataset(settings.data, settings.target or None, task=settings.task)
    return prepare(settings, data, split(data, seed=settings.seed), active)


def prepare(settings: Settings, data: Dataset, rows: Split, active: backend.Backend) -> Prepared:
    """The parts of a run on these rows: standardised parts on the device, the first model, the optimiser."""
    task = task_for(data)
    inputs = Standardizer.fit(data.x[rows.train], one_scale=data.image_shape is not None)
    x = inputs.transform(data.x, settings.dtype)
    targets = None
    y = data.y
    if data.task == "regression":
        targets = Standardizer.fit(data.y[rows.train])
        y = targets.transform(data.y, settings.dtype)
    parts = {
        part: to_device_if_it_fits((x[index], y[index]), active)
        for part, index in (
            ("train", rows.train),
            ("validation", rows.validation),
            ("test", rows.test),
        )
    }
    sizes = [x.shape[1], *settings.hidden, task.outputs]
    model = models.MLP(
        sizes, activation=settings.activation, seed=settings.seed, dtype=settings.dtype
    )
    optimizer = make_optimizer(
        settings.optimizer, float(settings.learning_rate or 0.0), float(settings.l2 or 0.0)
    )
    return Prepared(settings, data, task, parts, inputs, targets, model, optimizer)


def _trained(
    prepared: Prepared,
    folder: Path,
    say: Callable[[str], None],
    progress: Callable[[Fit, Settings], None] | None,
) -> Result:
    settings, task = prepared.settings, prepared.task
    write_atomic(folder / CONFIG, _config(prepared, folder))
    written = {"time": -math.inf, "epoch": -1.0}

    def on_epoch(run: Fit) -> None:
        if progress is not None:
            progress(run, settings)
        if time.monotonic() - written["time"] >= _SECONDS_BETWEEN_WRITES:
            write_atomic(folder / METRICS, metrics_text(run, task.score_name))
            if run.best.epoch != written["epoch"]:
                save(folder / MODEL, run.model, _metadata(prepared, run))
            written.update(time=time.monotonic(), epoch=run.best.epoch)

    run = fit(
        prepared.model,
        task.loss,
        prepared.parts["train"],
        prepared.parts["validation"],
        prepared.optimizer,
        score=task.score,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        batches=settings.batches,
        l1=settings.l1,
        patience=settings.patience,
        seed=settings.seed,
        compile=settings.compile,
        precision=settings.precision,
        on_epoch=on_epoch,
    )
    test_loss, test_score = evaluate(run.model, task.loss, prepared.parts["test"], task.score)
    result = Result(run, test_loss, test_score, folder)
    write_atomic(folder / METRICS, metrics_text(run, task.score_name))
    save(folder / MODEL, run.model, _metadata(prepared, run, result))
    write_atomic(
        folder / CURVES, curves_png(run, title=_title(prepared), score_name=task.score_name)
    )
    write_atomic(folder / WEIGHTS, _weights(prepared, run))
    _say_end(prepared, result, say)
    return result


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


def _config(prepared: Prepared, folder: Path) -> str:
    """The settings as they were used, so that `--config` repeats the run."""
    data = prepared.data
    from_file = data.target if prepared.settings.data.lower().endswith((".csv", ".npz")) else ""
    settings = replace(
        prepared.settings,
        backend=backend.current().name,
        name=prepared.settings.name or folder_name(data),
        target=prepared.settings.target or from_file,
        task=data.task,
    )
    return config_text(
        settings,
        (
            f"The settings of the run in {folder.name}; to repeat it:",
            "pullback train --config run.toml",
        ),
    )


def _metadata(prepared: Prepared, run: Fit, result: Result | None = None) -> dict[str, Any]:
    data = prepared.data
    return {
        "data": data.name,
        "task": data.task,
        "target": data.target,
        "classes": list(data.classes),
        "columns": list(data.columns),
        "image_shape": list(data.image_shape) if data.image_shape else None,
        "standardize": _numbers(prepared.inputs),
        "standardize_target": _numbers(prepared.targets) if prepared.targets else None,
        "best_epoch": run.best.epoch,
        "validation_loss": _finite(run.best.validation_loss),
        "test_loss": _finite(result.test_loss) if result else None,
        f"test_{prepared.task.score_name.lower()}": _finite(result.test_score) if result else None,
    }


def _numbers(standardizer: Standardizer) -> dict[str, list[float]]:
    return {"mean": standardizer.mean.tolist(), "scale": standardizer.scale.tolist()}


def _finite(value: float) -> float | None:
    """A value for JSON, which has no NaN and no infinity."""
    return value if math.isfinite(value) else None


def _network(prepared: Prepared) -> str:
    sizes = "-".join(str(size) for size in prepared.model.sizes)
    activation = f", {prepared.settings.activation}" if prepared.settings.hidden else ""
    return f"network {sizes}{activation}"


def _title(prepared: Prepared) -> str:
    return f"{prepared.data.name}: {_network(prepared)}"


def _weights(prepared: Prepared, run: Fit) -> bytes:
    data = prepared.data
    units = data.classes if not prepared.settings.hidden else ()
    return weights_png(
        backend.to_numpy(run.model.layers[0].W),
        title=f"First-layer weights of {_title(prepared)}",
        columns=data.columns,
        image_shape=data.image_shape,
        units=units,
    )


def _say_start(prepared: Prepared, active: backend.Backend, say: Callable[[str], None]) -> None:
    data, settings = prepared.data, prepared.settings
    sizes = [prepared.parts[part][0].shape[0] for part in ("train", "validation", "test")]
    target = (
        counted(len(data.classes), "class") if data.classes else f"regression on {data.target!r}"
    )
    say(
        f"{data.name}: {counted(len(data.y), 'sample')}, {counted(data.x.shape[1], 'column')}, "
        f"{target}; {sizes[0]:,} to train on, {sizes[1]:,} to validate, {sizes[2]:,} to test"
    )
    parameters = sum(leaf.size for leaf in tree.leaves(prepared.model))
    say(
        f"{_network(prepared)}, {counted(parameters, 'parameter')}, "
        f"{settings.optimizer}; {settings.dtype} on {active.name}"
        + (f", products in {settings.precision}" if settings.precision != "float32" else "")
    )


def _say_end(prepared: Prepared, result: Result, say: Callable[[str], None]) -> None:
    run, task = result.fit, prepared.task
    if refusal(run.eager):
        say(refusal(run.eager))
    percent = task.score_name == "accuracy"

    def shown(score: float) -> str:
        return f"accuracy {100 * score:.2f} %" if percent else f"R2 {score:.4f}"

    say(
        f"{run.why}; {counted(run.steps, 'step')} in {run.seconds:.1f} s; "
        f"best after epoch {run.best.epoch}: "
        f"validation {shown(run.best.validation_score)}, loss {run.best.validation_loss:.4f}"
    )
    unit = ""
    if prepared.targets is not None:
        # The loss is of targets standardised on the training part; people know their own units.
        unit = f" (mean squared error of the standardised {prepared.data.target!r}"
        if prepared.data.y.shape[1] == 1:
            error = math.sqrt(result.test_loss) * float(prepared.targets.scale[0])
            unit += f"; root mean squared error {error:.4g} in its own units"
        unit += ")"
    say(f"test {shown(result.test_score)}, test loss {result.test_loss:.4f}{unit}")
    say(f"files in {result.folder}: {MODEL}, {METRICS}, {CURVES}, {WEIGHTS}, {CONFIG}")
