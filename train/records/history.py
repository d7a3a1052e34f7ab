"""The history of a run, as its metrics.csv has it."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass

from ..errors import InputError, one_line
from ..files import open_file, read_bytes
from ..stopping import Epoch

# a line of metrics.csv has at most six numbers of 24 characters
_TAIL = 1024


@dataclass(frozen=True)
class History:
    """Losses and scores by epoch.

    Attributes
    ----------
    score_name : str
        ``"accuracy"`` or ``"r2"``, as the file's header has it.
    epochs : tuple of Epoch
        The first one is before the training.
    """

    score_name: str
    epochs: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss."""
        finite = [row for row in self.epochs if row.validation_loss == row.validation_loss]
        return min(finite or self.epochs, key=lambda row: row.validation_loss)


def read_history(path: str | os.PathLike[str]) -> History:
    """Read the metrics.csv of a run.

    Raises
    ------
    InputError
        If it is missing, or no such file; it says in which line.
    """
    try:
        lines = list(csv.reader(read_bytes(path).decode().splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no metrics.csv of a run: {one_line(error)}") from None
    name = _score_name(lines[0] if lines else [], path)
    rows = [_epoch(cells, path, number) for number, cells in enumerate(lines[1:], 2)]
    if not rows:
        raise InputError(f"{path} has no epochs")
    return History(name, tuple(rows))


def last_epoch(path: str | os.PathLike[str]) -> Epoch | None:
    """The last line of a metrics.csv, of which no more is read; None where there is none yet.

    Raises
    ------
    InputError
        If the file cannot be read, or is none of a run.
    """
    with open_file(path) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _TAIL))
            end = file.read(_TAIL)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    line = end.rstrip(b"\n").rpartition(b"\n")[2].decode(errors="replace")
    return None if line.startswith("epoch,") else _epoch(line.split(","), path, None)


def _score_name(header: list[str], path: str | os.PathLike[str]) -> str:
    if len(header) == 6:
        name = header[3]
        wanted = ["epoch", "steps", "loss", name, "validation_loss", f"validation_{name}"]
        if header == wanted:
            return name
    raise InputError(f"{path} is no metrics.csv of a run: its first line is {one_line(header)}")


def _epoch(cells: list[str], path: str | os.PathLike[str], number: int | None) -> Epoch:
    try:
        epoch, steps, *numbers = cells
        loss, score, validation_loss, validation_score = map(float, numbers)
        return Epoch(int(epoch), int(steps), loss, score, validation_loss, validation_score)
    except ValueError:
        where = "the last line" if number is None else f"line {number}"
        raise InputError(f"{path}, {where}: this is no epoch of a run") from None
