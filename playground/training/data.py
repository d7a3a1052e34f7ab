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
# of a name or a label that is shown
_MOST_LETTERS = 40


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
    lines = _rows(text, name)
    if not lines:
        raise InputError(f"{name} is empty: it has to have two columns of numbers and a label")
    if len(lines) > MOST_ROWS + 1:
        raise InputError(
            f"{name} has {len(lines):,} rows: the playground takes at most {MOST_ROWS:,}"
        )
    names = ["x₁", "x₂", "label"]
    # a line with a number, or with an empty cell, is one of data in which something is missing
    first = lines[0][1]
    if len(first) == 3 and not any(_is_number(cell) or not cell.strip() for cell in first[:2]):
        names = [cell.strip()[:_MOST_LETTERS] for cell in lines.pop(0)[1]]
    if len(lines) < 2:
        found = f"{len(lines)} row{'s' * (len(lines) != 1)} of data"
        raise InputError(f"{name} has {found}: two or more are needed")
    for number, row in lines:
        if len(row) != 3:
            raise InputError(
                f"{name}, row {number}: {len(row)} column{'s' * (len(row) != 1)}, where two numbers and a label are "
                "needed, separated by comma, semicolon or tab"
            )
        for cell, column in zip(row[:2], names, strict=False):
            if _number(cell) is None:
                comma = _number(cell.replace(",", ".")) is not None
                hint = ": write a point for the comma" * comma
                raise InputError(
                    f"{name}, row {number}: {column} is {cell[:40]!r}, not a number{hint}"
                )
        if not row[2].strip():
            raise InputError(f"{name}, row {number}: the label is missing")
    rows = [row for _, row in lines]
    X = np.asarray([[float(cell) for cell in row[:2]] for row in rows])
    y, problem, labels = _targets([row[2].strip() for row in rows], name)
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
            f"{name} has more than {MOST_BYTES:,} bytes: the playground takes at most that many"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{name} is not text in UTF-8: save the table as CSV in UTF-8") from None


def _rows(text: str, name: str) -> list[tuple[int, list[str]]]:
    """The lines that are not empty, each with its number in the file."""
    # with any of the ends of lines that there are
    lines = io.StringIO(text, newline=None).getvalue()
    first = next((line for line in lines.split("\n") if line.strip()), "")
    reader = csv.reader(io.StringIO(lines), delimiter=max(",;\t", key=first.count))
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{name}, row {reader.line_num}: {error}") from None


def _number(text: str) -> float | None:
    return float(text) if _is_number(text) and math.isfinite(float(text)) else None


def _is_number(text: str) -> bool:
    """Whether it is one, be it NaN or infinite."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _targets(cells: Sequence[str], name: str) -> tuple[np.ndarray, str, tuple[str, str]]:
    numbers = [_number(cell) for cell in cells]
    # 1 and 1.0 are one number
    keys: Sequence[Any] = cells if None in numbers else numbers
    texts = dict(zip(reversed(keys), reversed(cells), strict=True))
    values = sorted(texts)
    if len(values) < 2:
        raise InputError(f"{name}: all labels are {cells[0][:40]!r}; two or more are needed")
    if len(values) == 2:
        y = np.asarray([key == values[1] for key in keys], np.float32)
        low, high = (texts[value][:_MOST_LETTERS] for value in values)
        return y, CLASSIFICATION, (low, high)
    if None in numbers:
        raise InputError(
            f"{name} has {len(values)} classes: the playground separates two classes, or fits numbers"
        )
    y = _spread(np.asarray(numbers, float))
    return y.astype(np.float32), REGRESSION, (f"{values[0]:g}", f"{values[-1]:g}")


def _scaled(X: np.ndarray) -> np.ndarray:
    """The columns, each over the same part of the square's side."""
    return _spread(X) * EXTENT * _SPANNED


def _spread(values: np.ndarray) -> np.ndarray:
    """The columns, each from −1 to 1; zeros for one that is constant."""
    # by a power of two first, so that no difference overflows
    values = np.ldexp(values, -np.frexp(np.abs(values).max(axis=0))[1])
    low, high = values.min(axis=0), values.max(axis=0)
    size = np.where(high > low, high - low, 1.0)
    return np.where(high > low, (values - low) / size * 2 - 1, 0.0)
