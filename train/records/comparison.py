"""Runs side by side: a table of what they differ in, and a picture of their curves; which is `pullback compare`."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, listed, one_line
from ..plots.comparison import compare as draw
from ..plots.comparison import legend_of
from ..plots.style import new_figure, wrapped
from ..run.run import METRICS
from .cells import Column, cut, number, places, score_text, table
from .cells import wrapped as wrapped_text
from .differing import differing, setting_text, shared, title
from .history import read_history
from .record import RunRecord, is_run, read_record

METRICS_DRAWN = ("loss", "score")
FORMATS = ("png", "pdf", "svg")
_WIDEST = 28


def compare(*runs: str | os.PathLike[str] | RunRecord, metric: str | None = None) -> Any:
    r"""A picture of the losses and scores of several runs together.

    Validation is solid, training dashed, the best epoch marked; the legend tells the runs by the settings in which they
    differ.

    Parameters
    ----------
    *runs : path or RunRecord
        Two or more folders of runs of `pullback train`.
    metric : {"loss", "score"}, optional
        By default both, side by side.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        For fewer than two runs, and for what is no run, or has no epochs yet.
    MissingExtra
        Without matplotlib.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pullback as pb
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> written = (folder / "t.csv").write_text("a,b,c\n" + "0,0.5,u\n1,1.5,v\n" * 20)
    >>> for rate in (0.1, 0.01):
    ...     settings = pb.train.Settings(data=str(folder / "t.csv"), epochs=2, learning_rate=rate)
    ...     result = pb.train.train(settings, runs=folder, say=lambda line: None)
    >>> figure = pb.train.compare(folder / "t", folder / "t-2")
    >>> [text.get_text() for text in figure.legends[0].get_texts()][:2]
    ['t: learning rate 0.1', 't-2: learning rate 0.01']
    """
    records = chosen(runs)
    check_histories(records)
    return _figure(records, metric)


def chosen(runs: Sequence[str | os.PathLike[str] | RunRecord]) -> list[RunRecord]:
    """The records of the runs that are to be compared, each once.

    Raises
    ------
    InputError
        For fewer than two, and for what is no run of `pullback train`.
    """
    records: dict[str, RunRecord] = {}
    for run in runs:
        record = run if isinstance(run, RunRecord) else _read(Path(run))
        if record.kind != "train":
            raise InputError(
                f"compare: {one_line(record.folder)} is of `pullback tune`, and has no curves: its table is tune.csv"
            )
        records.setdefault(os.path.realpath(record.folder), record)
    if len(records) < 2:
        raise InputError(
            f"compare: {len(records)} run{'s' * (len(records) != 1)}: give two or more, as in: pullback compare "
            "runs/iris runs/iris-2"
        )
    return list(records.values())


def _read(folder: Path) -> RunRecord:
    if folder.is_dir():
        return read_record(folder)
    near = Path("runs") / folder
    hint = f"; there is {near}" if is_run(near) else ""
    what = "is a file: give the folder of a run" if folder.exists() else "no such run"
    raise InputError(f"compare: {one_line(folder)}: {what}{hint}")


def check_histories(records: Sequence[RunRecord]) -> None:
    """Refuse runs without curves.

    Raises
    ------
    InputError
        For a run that has none yet, or a damaged one.
    """
    for record in records:
        if not (record.folder / METRICS).is_file():
            raise InputError(
                f"compare: {one_line(record.folder)} has no {METRICS}: it was ended before its first epoch"
            )
        read_history(record.folder / METRICS)


# ── text ──────────────────────────────────────────────────────────────────────────────────────


def comparison_text(records: Sequence[RunRecord], width: float = math.inf) -> list[str]:
    """The lines of `pullback compare`: what is equal, then a table with a column for each run.

    Where the terminal is too narrow for all of them, more tables follow.
    """
    told = ", ".join(f"{title(key)} {text}" for key, text in shared(records))
    lines = wrapped_text(f"equal: {told}", width) if told else []
    rows = _rows(records)
    head = Column("", tuple(name for name, _ in rows), right=False)
    columns = [
        Column(cut(one_line(r.name), _WIDEST), tuple(cut(cells[i], _WIDEST) for _, cells in rows))
        for i, r in enumerate(records)
    ]
    while columns:
        fits = 1
        while fits < len(columns) and _wide([head, *columns[: fits + 1]]) <= width:
            fits += 1
        lines += ["", *table([head, *columns[:fits]])[0]]
        columns = columns[fits:]
    remarks = [part for line in _remarks(records) for part in wrapped_text(line, width)]
    return [*lines, "", *remarks] if remarks else lines


def _wide(columns: Sequence[Column]) -> int:
    return max(map(places, table(columns)[0]))


def _rows(records: Sequence[RunRecord]) -> list[tuple[str, list[str]]]:
    """Names and cells of the table: settings that differ, then results."""
    rows = [
        (title(key), [setting_text(r.settings, key) for r in records]) for key in differing(records)
    ]
    name = _score_name(records)
    score = {"r2": "R²", "": "score"}.get(name, name)
    rows += [
        ("state", [r.state for r in records]),
        ("epochs done", ["-" if r.epochs is None else str(r.epochs) for r in records]),
        ("best epoch", ["-" if r.best_epoch is None else str(r.best_epoch) for r in records]),
        ("validation loss", [number(r.validation_loss) for r in records]),
        (f"validation {score}", [score_text(r.score_name, r.validation_score) for r in records]),
        ("test loss", [number(r.test_loss) for r in records]),
        (f"test {score}", [score_text(r.score_name, r.test_score) for r in records]),
    ]
    return rows


def _score_name(records: Sequence[RunRecord]) -> str:
    names = {r.score_name for r in records if r.score_name}
    return names.pop() if len(names) == 1 else ""


def _remarks(records: Sequence[RunRecord]) -> list[str]:
    """What is to be known before conclusions are drawn."""
    lines = []
    own = set(differing(records))
    if "data" in own:
        lines.append("the data differ: losses and scores do not compare")
    elif len({r.score_name for r in records if r.score_name}) > 1 or own & {"task", "target"}:
        lines.append("the tasks differ: losses and scores do not compare")
    else:
        known = [r for r in records if r.validation_loss is not None]
        if "class_weight" in own:
            lines.append("the weights of classes differ: losses do not compare, scores do")
        elif known:
            best = min(known, key=lambda r: r.validation_loss or 0.0)
            lines.append(
                f"lowest validation loss: {one_line(best.name)}, {number(best.validation_loss)}"
            )
        if "seed" in own:
            lines.append(
                "the seeds differ, and with them the rows of training, validation and test"
            )
    going = [one_line(r.name) for r in records if r.state == "running"]
    if going:
        lines.append(f"still running: {listed(going, 5)}")
    return lines


# ── picture ───────────────────────────────────────────────────────────────────────────────────


def _label(record: RunRecord, keys: Sequence[str]) -> str:
    told = ", ".join(f"{title(key)} {setting_text(record.settings, key)}" for key in keys)
    return f"{record.name}: {told}" if told else record.name


def labels(records: Sequence[RunRecord]) -> list[str]:
    """A name for each run in a legend, by the settings in which they differ."""
    own = differing(records, following=False)
    # what says little of curves, which show it
    keys = [key for key in own if key not in ("task", "epochs", "patience")] or own
    found = [_label(r, keys) for r in records]
    # folders of one name in several places
    return [
        label if found.count(label) == 1 else f"{record.folder}{label[len(record.name) :]}"
        for label, record in zip(found, records, strict=True)
    ]


def _figure(records: Sequence[RunRecord], metric: str | None) -> Any:
    if metric is not None and metric not in METRICS_DRAWN:
        raise InputError(
            f"metric: unknown value {one_line(metric)!r}; choose one of {', '.join(METRICS_DRAWN)}"
        )
    shown = METRICS_DRAWN if metric is None else (metric,)
    drawn = dict(zip(labels(records), (r.folder / METRICS for r in records), strict=True))
    handles, names = legend_of(drawn)
    across = 1 if max(map(len, names)) > 45 else 2
    legend = 0.22 * math.ceil(len(names) / across) + 0.2
    figure = new_figure(5.2 * len(shown) + 0.6, 4.2 + legend)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for what, ax in zip(shown, panels, strict=True):
        draw(drawn, what=what, ax=ax, legend=False)
    figure.legend(
        handles, names, loc="outside lower center", ncols=across, frameon=False, fontsize=8
    )
    head = ", ".join(text for _, text in shared(records)[:2]) or "runs"
    remark = next((line for line in _remarks(records) if "do not compare" in line), "")
    figure.suptitle(wrapped(f"{head}\n{remark}" if remark else head, 55 * len(shown)))
    return figure


def picture(records: Sequence[RunRecord], metric: str | None, path: str | Path) -> bytes:
    """The picture as bytes, in the format that the file's name asks for.

    Raises
    ------
    InputError
        For another format, or another metric.
    """
    form = Path(path).suffix.lower().lstrip(".")
    if form not in FORMATS:
        raise InputError(
            f"output: {one_line(path)}: a picture's name ends in {', '.join('.' + f for f in FORMATS)}"
        )
    buffer = io.BytesIO()
    _figure(records, metric).savefig(buffer, format=form)
    return buffer.getvalue()
