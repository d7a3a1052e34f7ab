"""The data sets: points of the plane with a class or a number, drawn by name or read from a table.

All lie in the square [−6, 6]², where the page draws them. Classes are 0 and 1; numbers are between −1 and 1.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...train import InputError

EXTENT = 6.0
"""Half the side of the square that is shown."""

CLASSIFICATION, REGRESSION = "classification", "regression"
POINTS = 500
MOST_ROWS, MOST_BYTES = 5000, 2_000_000
# the share of the square's side that a table's points span
_SPANNED = 0.85


@dataclass(frozen=True)
class Data:
    """Points with their targets.

    Attributes
    ----------
    X : array (points, 2)
        float32.
    y : array (points,)
        float32: classes 0 and 1, or numbers.
    problem : {"classification", "regression"}
    columns : tuple of str
        What the two axes are called.
    labels : tuple of str
        What the classes 0 and 1 are called, or the lowest and the highest number.
    """

    X: Any = field(repr=False)
    y: Any = field(repr=False)
    problem: str
    columns: tuple[str, str] = ("x₁", "x₂")
    labels: tuple[str, str] = ("0", "1")


@dataclass(frozen=True)
class Kind:
    """A data set by name.

    Attributes
    ----------
    title : str
    problem : {"classification", "regression"}
    draw : callable
        ``draw(rng, n, noise)`` returns points and targets; `noise` is between 0 and 1.
    """

    title: str
    problem: str
    draw: Callable[[np.random.Generator, int, float], tuple[np.ndarray, np.ndarray]]


def _circle(rng: np.random.Generator, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """One class within a radius of 2.5, the other in a ring from 3.5 to 5; noise moves points after they are named."""
    inside = np.arange(n) % 2 == 1
    radius = np.where(inside, rng.uniform(0, 2.5, n), rng.uniform(3.5, 5, n))
    return _at(radius, rng.uniform(0, 2 * math.pi, n)) + _moved(rng, n, noise), inside


def _xor(rng: np.random.Generator, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """The sign of x₁x₂, with a gap along the axes."""
    X = rng.uniform(-4.7, 4.7, (n, 2))
    X += 0.3 * np.sign(X)
    return X + _moved(rng, n, noise), X[:, 0] * X[:, 1] >= 0


def _gauss(rng: np.random.Generator, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Two normal distributions, wider with noise."""
    positive = np.arange(n) % 2 == 1
    centre = np.where(positive, 2.0, -2.0)[:, None]
    return centre + rng.normal(size=(n, 2)) * (0.7 + 1.8 * noise), positive


def _spiral(rng: np.random.Generator, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Two arms that wind round each other."""
    arm = np.arange(n) % 2
    along = (np.arange(n) // 2) / max(1, n // 2)
    return _at(5 * along, 1.75 * along * 2 * math.pi + math.pi * arm) + _moved(
        rng, n, noise
    ), arm == 1


def _moons(rng: np.random.Generator, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles that hold each other."""
    lower = np.arange(n) % 2
    X = _at(np.full(n, 3.2), rng.uniform(0, math.pi, n))
    X = np.where(lower[:, None] == 1, np.asarray([3.2, 1.2]) - X, X)
    return X - np.asarray([1.6, 0.6]) + _moved(rng, n, 0.25 + noise), lower == 1


def _plane(rng: np.random.Generator, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """A number that grows along the diagonal."""
    X = rng.uniform(-5.5, 5.5, (n, 2))
    return X, X.sum(axis=1) / 11 + 0.5 * noise * rng.normal(size=n)


def _hills(rng: np.random.Generator, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Three hills and three hollows."""
    X = rng.uniform(-5.5, 5.5, (n, 2))
    places = [(-4, 2.5, 1), (0, 2.5, -1), (4, 2.5, 1), (-4, -2.5, -1), (0, -2.5, 1), (4, -2.5, -1)]
    y = sum(s * np.exp(-((X[:, 0] - a) ** 2 + (X[:, 1] - b) ** 2) / 3) for a, b, s in places)
    return X, y + 0.3 * noise * rng.normal(size=n)


KINDS: dict[str, Kind] = {
    "circle": Kind("Circle", CLASSIFICATION, _circle),
    "xor": Kind("Exclusive or", CLASSIFICATION, _xor),
    "gauss": Kind("Two Gaussians", CLASSIFICATION, _gauss),
    "spiral": Kind("Spiral", CLASSIFICATION, _spiral),
    "moons": Kind("Moons", CLASSIFICATION, _moons),
    "plane": Kind("Plane", REGRESSION, _plane),
    "hills": Kind("Hills", REGRESSION, _hills),
}
"""The data sets by name."""


def _at(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def _moved(rng: np.random.Generator, n: int, noise: float) -> np.ndarray:
    return 1.6 * noise * rng.normal(size=(n, 2))


def draw(name: str, *, points: int = POINTS, noise: float = 0.0, seed: int = 0) -> Data:
    """A data set by name.

    Parameters
    ----------
    name : str
        One of `KINDS`.
    points : int
    noise : float
        Between 0 and 1.
    seed : int
        The same seed gives the same points.

    Examples
    --------
    >>> draw("circle", points=4).y
    array([0., 1., 0., 1.], dtype=float32)
    """
    kind = KINDS[name]
    X, y = kind.draw(np.random.default_rng(seed), points, noise)
    y = np.asarray(y, np.float32)
    if kind.problem == REGRESSION:
        return Data(X.astype(np.float32), y.clip(-1, 1), REGRESSION, labels=("−1", "1"))
    return Data(X.astype(np.float32), y, CLASSIFICATION)


def split(data: Data, share: float, seed: int = 0) -> tuple[Data, Data]:
    """The data to train on and those to test on, drawn at random.

    Parameters
    ----------
    data : Data
    share : float
        Of the points to train on; at least one stays on either side.
    seed : int

    Examples
    --------
    >>> train, test = split(draw("xor", points=10), 0.5)
    >>> len(train.y), len(test.y)
    (5, 5)
    """
    n = len(data.y)
    first = min(max(round(n * share), 1), n - 1)
    order = np.random.default_rng(seed).permutation(n)

    def part(rows: np.ndarray) -> Data:
        return Data(data.X[rows], data.y[rows], data.problem, data.columns, data.labels)

    return part(order[:first]), part(order[first:])


# ── tables ────────────────────────────────────────────────────────────────────────────────────


def read_table(text: str, name: str = "the file") -> Data:
    r"""Data of one's own: two columns of numbers and a label, separated by comma, semicolon or tab.

    Labels of two different texts or numbers are classes; more numbers are targets of a regression. The columns are
    moved and scaled into the square.

    Parameters
    ----------
    text : str
        With or without a line of names.
    name : str
        What errors call it.

    Raises
    ------
    InputError
        If it cannot be used; the message says which line and what to do.

    Examples
    --------
    >>> data = read_table("a,b,kind\n1,2,yes\n3,4,no\n")
    >>> data.problem, data.columns, data.labels, data.y
    ('classification', ('a', 'b'), ('no', 'yes'), array([1., 0.], dtype=float32))
    """
    lines = [row for row in csv.reader(io.StringIO(text), delimiter=_delimiter(text)) if any(row)]
    if not lines:
        raise InputError(f"{name} is empty: it has to have two columns of numbers and a label")
    if len(lines) > MOST_ROWS + 1:
        raise InputError(
            f"{name} has {len(lines):,} rows: the playground takes at most {MOST_ROWS:,}"
        )
    names = ["x₁", "x₂", "label"]
    first = 1
    if len(lines[0]) == 3 and any(_number(cell) is None for cell in lines[0][:2]):
        names, first = [cell.strip() for cell in lines.pop(0)], 2
    if len(lines) < 2:
        raise InputError(f"{name} has {len(lines)} rows of data: two or more are needed")
    for number, row in enumerate(lines, first):
        if len(row) != 3:
            raise InputError(
                f"{name}, row {number}: {len(row)} columns, where two numbers and a label are needed"
            )
        for cell, column in zip(row[:2], names, strict=False):
            if _number(cell) is None:
                raise InputError(f"{name}, row {number}: {column} is {cell[:40]!r}, not a number")
    X = np.asarray([[float(cell) for cell in row[:2]] for row in lines])
    y, problem, labels = _targets([row[2].strip() for row in lines], name)
    return Data(_scaled(X).astype(np.float32), y, problem, (names[0], names[1]), labels)


def decoded(content: bytes, name: str = "the file") -> str:
    """The text of a file.

    Raises
    ------
    InputError
        If it is too long, or no text.
    """
    if len(content) > MOST_BYTES:
        raise InputError(
            f"{name} has {len(content):,} bytes: the playground takes at most {MOST_BYTES:,}"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{name} is not text in UTF-8: save the table as CSV in UTF-8") from None


def _delimiter(text: str) -> str:
    line = text.partition("\n")[0]
    return max(",;\t", key=line.count)


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _targets(cells: Sequence[str], name: str) -> tuple[np.ndarray, str, tuple[str, str]]:
    values = sorted(set(cells))
    numbers = [_number(cell) for cell in cells]
    if len(values) < 2:
        raise InputError(f"{name}: all labels are {values[0][:40]!r}; two or more are needed")
    if len(values) == 2:
        if None not in numbers:
            values.sort(key=float)
        y = np.asarray([cell == values[1] for cell in cells], np.float32)
        return y, CLASSIFICATION, (values[0], values[1])
    if None in numbers:
        raise InputError(
            f"{name} has {len(values)} classes: the playground separates two classes, or fits numbers"
        )
    y = np.asarray(numbers, float)
    low, high = y.min(), y.max()
    y = (2 * (y - low) / (high - low) - 1).astype(np.float32)
    return y, REGRESSION, (f"{low:g}", f"{high:g}")


def _scaled(X: np.ndarray) -> np.ndarray:
    """The columns, each over the same part of the square's side."""
    low, high = X.min(axis=0), X.max(axis=0)
    size = np.where(high > low, high - low, 1.0)
    return ((X - low) / size * 2 - 1) * np.where(high > low, EXTENT * _SPANNED, 0.0)
