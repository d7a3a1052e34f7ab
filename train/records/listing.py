"""The runs in a folder: as records, as a table, as JSON; which is `pullback runs`."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import shlex
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError, counted, listed, one_line
from .cells import Column, cut, number, score_text, table, wrapped
from .differing import differing, setting_text, shared, title
from .record import RunRecord, is_run, read_record

SORTS = ("score", "name", "time")
# how important settings are among the columns
_MIDDLE = 10
# the widest name or setting in a table
_WIDEST = 28
_MOST_LISTED = 5
_UNPRINTABLE = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def runs(folder: str | os.PathLike[str] = "runs") -> list[RunRecord]:
    r"""The runs of `pullback train` and `pullback tune` in a folder, in the order of their names.

    No weights are read, so that a thousand runs take a second. What is damaged is a record too, whose `state` is
    "damaged" and whose `why` says what; folders that are of no run are left out.

    Parameters
    ----------
    folder : path
        That in which runs are, or the folder of one run.

    Returns
    -------
    list of RunRecord

    Raises
    ------
    InputError
        If there is no such folder.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pullback as pb
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> written = (folder / "t.csv").write_text("a,b,c\n" + "0,0.5,u\n1,1.5,v\n" * 20)
    >>> settings = pb.train.Settings(data=str(folder / "t.csv"), epochs=2)
    >>> result = pb.train.train(settings, runs=folder / "runs", say=lambda line: None)
    >>> [(run.name, run.state, run.epochs) for run in pb.train.runs(folder / "runs")]
    [('t', 'finished', 2)]
    """
    return found(folder)[0]


def found(folder: str | os.PathLike[str]) -> tuple[list[RunRecord], list[str]]:
    """The records of the runs in a folder, and the names of what is none.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    where = Path(folder)
    if not where.is_dir():
        what = "is a file, not a folder" if where.exists() else "is no folder"
        raise InputError(
            f"runs: {one_line(folder)} {what}: give the folder in which runs are; `pullback train` writes to runs/"
        )
    if is_run(where):
        return [read_record(where)], []
    try:
        names = sorted(
            (e.name for e in os.scandir(where) if _is_folder(e) and e.name[0] != "."), key=_natural
        )
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror or error}") from None
    records, foreign = [], []
    for name in names:
        try:
            records.append(read_record(where / name))
        except InputError:
            foreign.append(name)
    return records, foreign


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder; a link that leads to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key by which iris-2 comes before iris-10."""
    parts, digits = [], ""
    for c in [*name, ""]:
        if c.isdecimal() and c.isascii():
            digits += c
            continue
        if digits:
            parts.append((0, int(digits[:4000]), ""))
            digits = ""
        parts.append((1, 0, c))
    return parts


# ── order ─────────────────────────────────────────────────────────────────────────────────────


def ordered(records: Sequence[RunRecord], sort: str) -> list[RunRecord]:
    """The records by name, the newest first, or the best first: by validation score, then by validation loss.

    Raises
    ------
    InputError
        For another order.
    """
    if sort not in SORTS:
        raise InputError(
            f"sort: unknown order {one_line(sort)!r}; choose one of {', '.join(SORTS)}"
        )
    keys: dict[str, Callable[[RunRecord], Any]] = {
        "name": lambda r: _natural(r.name),
        "time": lambda r: -r.written,
        "score": lambda r: (
            r.score_name,
            -_or_infinite(r.validation_score, -1),
            _or_infinite(r.validation_loss, 1),
        ),
    }
    out = sorted(records, key=keys[sort])
    # what has no score is last
    return (
        [r for r in out if r.score_name] + [r for r in out if not r.score_name]
        if sort == "score"
        else out
    )


def _or_infinite(value: float | None, sign: int) -> float:
    return sign * math.inf if value is None else value


# ── text ──────────────────────────────────────────────────────────────────────────────────────


def listing(
    folder: str | os.PathLike[str], *, sort: str = "name", width: float = math.inf
) -> list[str]:
    """The lines of `pullback runs`.

    Parameters
    ----------
    folder : path
    sort : {"score", "name", "time"}
    width : float
        Of the terminal, in characters.

    Raises
    ------
    InputError
        If there is no such folder, or no such order.
    """
    records, foreign = found(folder)
    records = ordered(records, sort)
    if not records:
        lines = [f"no runs in {one_line(folder)}; `pullback train iris` writes one to runs/iris"]
    else:
        rows, missing = table(_columns(records), width)
        lines = [_headline(folder, records), "", *rows, ""]
        if missing:
            lines.append(f"no room for {', '.join(missing)}: a wider terminal or --json has them")
        lines += _remarks(records)
    if foreign:
        lines.append(f"no runs: {listed(map(one_line, foreign), _MOST_LISTED)}")
    if lines[-1] == "":
        del lines[-1]
    table_lines = range(2, 2 + len(rows)) if records else range(0)
    return [
        part
        for i, line in enumerate(lines)
        for part in ([line] if i in table_lines else wrapped(line, width))
    ]


def _headline(folder: Any, records: Sequence[RunRecord]) -> str:
    """What all runs share."""
    states = {r.state for r in records}
    told = [f"{title(key)} {text}" for key, text in shared(records)]
    parts = [f"{counted(len(records), 'run')} in {one_line(folder)}"]
    parts += [states.pop()] if len(states) == 1 else []
    return ", ".join([*parts, *told])


def _columns(records: Sequence[RunRecord]) -> list[Column]:
    def column(
        name: str, text: Callable[[RunRecord], str], rank: float, right: bool = True
    ) -> Column:
        return Column(name, tuple(cut(one_line(text(r)), _WIDEST) for r in records), rank, right)

    now = time.time()
    names = {r.score_name for r in records if r.score_name}
    score = {"r2": "R²"}.get(name := names.pop(), name) if len(names) == 1 else "score"
    # how many are wanted stands with those that are done
    own = [key for key in differing(records, following=False) if key != "epochs"]
    columns = [column("run", lambda r: r.name, 0, False)]
    if any(r.kind == "tune" for r in records):
        columns.append(column("of", lambda r: r.kind, 6, False))
    if len({r.state for r in records}) > 1:
        columns.append(column("state", lambda r: r.state, 0, False))
    for i, key in enumerate(own):
        columns.append(column(title(key), partial(_setting, key), _MIDDLE + i))
    columns += [
        column("epochs", _epochs, 5),
        column("best", lambda r: "-" if r.best_epoch is None else str(r.best_epoch), 99),
        column("loss", lambda r: number(r.validation_loss), 1),
        column(score, lambda r: score_text(r.score_name, r.validation_score), 2),
        column("test loss", lambda r: number(r.test_loss), 98),
        column(f"test {score}", lambda r: score_text(r.score_name, r.test_score), 3),
        column("written", lambda r: _ago(r.written, now), _MIDDLE + 1.5),
    ]
    return columns


def _setting(key: str, record: RunRecord) -> str:
    return setting_text(record.settings, key)


def _epochs(record: RunRecord) -> str:
    if record.epochs is None:
        return "-"
    whole = record.settings is not None and record.state != "finished"
    return (
        f"{record.epochs}/{record.settings.epochs}"
        if whole and record.settings
        else str(record.epochs)
    )


def _ago(when: float, now: float) -> str:
    """When something was written: the time of today, or the date."""
    if not when:
        return "-"
    there, here = time.localtime(when), time.localtime(now)
    return time.strftime("%H:%M" if there[:3] == here[:3] else "%Y-%m-%d", there)


def _remarks(records: Sequence[RunRecord]) -> list[str]:
    """A line for each thing that a state leaves to say."""
    lines = []
    going = [
        r for r in records if r.kind == "train" and r.state in ("interrupted", "without model")
    ]
    if going:
        first, *others = (shlex.quote(one_line(r.folder)) for r in going)
        also = f"; likewise {listed(others, _MOST_LISTED)}" if others else ""
        lines.append(f"to go on: pullback train --resume {first}{also}")
    for r in records:
        if r.state in ("diverged", "damaged"):
            lines.append(f"{one_line(r.name)}: {one_line(r.why)}")
    data = {r.settings.data for r in records if r.settings is not None}
    if len(data) > 1:
        lines.append("losses and scores of different data do not compare")
    return lines


# ── JSON ──────────────────────────────────────────────────────────────────────────────────────


def as_json(record: RunRecord) -> dict[str, Any]:
    """A record as JSON has it: times in ISO 8601, None for what is not known."""
    settings = None
    if record.settings is not None:
        settings = {k: v for k, v in dataclasses.asdict(record.settings).items() if v is not None}
    plain = {
        field.name: getattr(record, field.name)
        for field in dataclasses.fields(record)
        if field.name not in ("settings", "folder", "written")
    }
    written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.written))
    return {
        "run": record.name, "folder": str(record.folder), **plain, "written": written, "settings": settings,
    }  # fmt: skip


def listing_json(folder: str | os.PathLike[str], *, sort: str = "name") -> str:
    """The records of a folder as a JSON list.

    Raises
    ------
    InputError
        If there is no such folder, or no such order.
    """
    records = ordered(runs(folder), sort)
    text = json.dumps([as_json(r) for r in records], indent=2, ensure_ascii=False, allow_nan=False)
    # JSON itself has escapes for the codes below 32 alone; terminals obey others, and no file takes half a surrogate
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
