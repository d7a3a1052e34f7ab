"""A run as its folder tells of it: settings, how far it came, what ended it, and what it is worth."""

from __future__ import annotations

import contextlib
import csv
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..errors import InputError, counted
from ..files import is_locked, read_bytes
from ..run.metadata import MODEL
from ..run.run import CONFIG, METRICS
from ..run.tuning.tune import BEST, TABLE
from ..settings.config import Settings, read_config
from .header import read_header
from .history import last_epoch, read_history

STATES = (
    "running", "finished", "interrupted", "diverged", "without model", "tuned", "damaged"
)  # fmt: skip
_NONE: Mapping[str, Any] = {}

T = TypeVar("T")


@dataclass(frozen=True)
class RunRecord:
    """A run of `pullback train`, or a search of `pullback tune`, as its files tell of it.

    Attributes
    ----------
    folder : Path
    kind : {"train", "tune"}
    state : {"running", "finished", "interrupted", "diverged", "without model", "tuned", "damaged"}
        "running": a process has it. "interrupted": ended by a signal, a crash, a callback or a power cut;
        `pullback train --resume` goes on. "without model": ended before a model was written. "damaged": a file of it
        cannot be read.
    why : str
        The reason in words, where there is one.
    settings : Settings or None
        None where its file cannot be read; of a search the best ones.
    network : str
        The network in a few words, as ``mlp 4-128-3``.
    epochs : int or None
        The passes over the data that are done.
    best_epoch : int or None
        After which the weights in the model's file were reached.
    score_name : {"accuracy", "r2", ""}
    validation_loss, validation_score : float or None
        Of the best epoch; of a search the best combination's means over the folds.
    test_loss, test_score : float or None
        Once it has ended.
    written : float
        When its last file was written, in seconds since 1970.
    """

    folder: Path
    kind: str
    state: str
    why: str = ""
    settings: Settings | None = field(default=None, repr=False)
    network: str = ""
    epochs: int | None = None
    best_epoch: int | None = None
    score_name: str = ""
    validation_loss: float | None = None
    validation_score: float | None = None
    test_loss: float | None = None
    test_score: float | None = None
    written: float = 0.0

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.name or str(self.folder)


def is_run(folder: Path) -> bool:
    """Whether a folder is of `pullback train` or `pullback tune`."""
    return any((folder / name).is_file() for name in (CONFIG, TABLE, BEST))


def read_record(folder: str | os.PathLike[str]) -> RunRecord:
    """The record of a run; what is damaged in it is told by the record's `state` and `why`.

    Raises
    ------
    InputError
        For a folder that is of no run.
    """
    folder = Path(folder)
    try:
        found = [(entry.name, _written(entry)) for entry in os.scandir(folder)]
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror or error}") from None
    # what a running process has just renamed is gone, and a link may point nowhere
    files = {name: at for name, at in found if at is not None}
    written = max((at for name, at in files.items() if name[0] != "."), default=0.0)
    if CONFIG in files:
        return _of_train(folder, files, written)
    if TABLE in files or BEST in files:
        return _of_tune(folder, files, written)
    raise InputError(f"{folder} is no run: it has no {CONFIG}")


def _written(entry: os.DirEntry[str]) -> float | None:
    """When a file was written; None where there is none any more."""
    try:
        return entry.stat().st_mtime
    except OSError:
        return None


def _of_train(folder: Path, files: Mapping[str, float], written: float) -> RunRecord:
    problems: list[str] = []

    def read(name: str, reader: Callable[[Path], T], default: T) -> T:
        try:
            return reader(folder / name) if name in files else default
        except InputError as error:
            problems.append(str(error))
            return default

    settings = read(CONFIG, lambda path: Settings(**read_config(path)), None)
    architecture, told = read(MODEL, read_header, (_NONE, _NONE))
    last = read(METRICS, last_epoch, None)
    epochs, problem = None if last is None else last.epoch, "; ".join(problems)
    if is_locked(folder):
        state, why = "running", ""
    elif problem:
        state, why = "damaged", problem
    elif MODEL not in files:
        state, why = "without model", "it was ended before it wrote one"
    else:
        state, why = _ended(settings, told, epochs)
    name, test = _score(told, "test")
    _, validation = _score(told, "validation")
    best = told.get("best_epoch")
    if not problem and validation is None and METRICS in files:
        with contextlib.suppress(InputError):
            history = read_history(folder / METRICS)
            row = next((row for row in history.epochs if row.epoch == best), history.best)
            name, best, validation = history.score_name, row.epoch, row.validation_score
            told = {"validation_loss": row.validation_loss, **told}
    return RunRecord(
        folder,
        "train",
        state,
        why,
        settings,
        _network(settings, architecture),
        epochs,
        best if type(best) is int else None,
        name,
        _number(told.get("validation_loss")),
        validation,
        _number(told.get("test_loss")),
        test,
        written,
    )


def _ended(
    settings: Settings | None, told: Mapping[str, Any], epochs: int | None
) -> tuple[str, str]:
    """The state of a run that no process is working on, and the reason in words."""
    stopped, why = told.get("stopped"), told.get("why")
    wanted, patience = (settings.epochs, settings.patience) if settings else (0, 0)
    done, best = epochs or 0, told.get("best_epoch")
    why = why if isinstance(why, str) else ""
    if stopped == "epochs" and done < wanted:
        return "interrupted", f"{wanted:,} epochs are wanted, and {done:,} done"
    if stopped in ("epochs", "patience"):
        return "finished", why
    if stopped == "diverged":
        return "diverged", why
    if stopped is not None:
        return "interrupted", why
    if "stopped" not in told and told.get("test_loss") is not None:
        # an earlier version wrote it, and did not say
        if done >= wanted:
            return "finished", f"all {wanted:,} epochs done"
        if patience and type(best) is int and done - best >= patience:
            return "finished", f"no better validation loss for {patience} epochs"
    return "interrupted", "it was ended without a word, as by a kill or a crash"


def _score(told: Mapping[str, Any], part: str) -> tuple[str, float | None]:
    """The name and value of the score of a part."""
    for name in ("accuracy", "r2"):
        if f"{part}_{name}" in told:
            return name, _number(told[f"{part}_{name}"])
    return "", None


def _number(value: Any) -> float | None:
    if type(value) not in (int, float):
        return None
    # an integer may be beyond float64
    with contextlib.suppress(OverflowError):
        return float(value) if math.isfinite(value) else None
    return None


def _network(settings: Settings | None, architecture: Mapping[str, Any]) -> str:
    """The network in a few words: with its inputs and outputs, where the model's file says them."""
    sizes = architecture.get("sizes")
    model = settings.model if settings else str(architecture.get("kind", "")).lower()
    if isinstance(sizes, list) and all(type(n) is int and n < 1 << 31 for n in sizes):
        return f"{model} {'-'.join(map(str, sizes))}"
    return f"{model} {hidden_text(settings.hidden)}" if settings else model


def hidden_text(hidden: tuple[int, ...]) -> str:
    """Widths of hidden layers, as the command line takes them."""
    return ",".join(map(str, hidden)) or "none"


# ── searches ──────────────────────────────────────────────────────────────────────────────────


def _of_tune(folder: Path, files: Mapping[str, float], written: float) -> RunRecord:
    settings, problem, rows = None, "", []
    try:
        if BEST in files:
            settings = Settings(**read_config(folder / BEST))
        if TABLE in files:
            rows = list(csv.DictReader(read_bytes(folder / TABLE).decode().splitlines()))
    except (InputError, UnicodeDecodeError, csv.Error) as error:
        problem = str(error)
    best, loss = _best(rows)
    name = next((name for name in ("accuracy", "r2") if name in best), "")
    combinations = counted(len(rows), "combination")
    if is_locked(folder):
        state, why = "running", combinations
    elif problem:
        state, why = "damaged", problem
    elif BEST in files:
        state, why = "tuned", combinations
    else:
        state, why = "interrupted", f"{combinations} done; `pullback tune` has to start again"
    return RunRecord(
        folder,
        "tune",
        state,
        why,
        settings,
        _network(settings, _NONE),
        None,
        None,
        name,
        loss,
        _cell(best, name),
        written=written,
    )


def _best(rows: list[dict[str, Any]]) -> tuple[Mapping[str, Any], float | None]:
    """The row of the lowest loss; with halving among those that were in the last rung."""
    names = list(rows[0]) if rows else []
    if "epochs" in names and "loss_1" in names:
        rungs = names[names.index("epochs") + 1 : names.index("loss_1")]
        rows = [row for row in rows if not rungs or row[rungs[-1]]]
    finite = [(loss, row) for row in rows if (loss := _cell(row, "loss")) is not None]
    if not finite:
        return _NONE, None
    loss, row = min(finite, key=lambda pair: pair[0])
    return row, loss


def _cell(row: Mapping[str, Any], key: str) -> float | None:
    try:
        return _number(float(row[key]))
    except (KeyError, TypeError, ValueError):
        return None
