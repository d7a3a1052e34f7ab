"""The pictures of an evaluation: of a classifier its errors, of a regression how far it lies from the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import extra
from ..plots.classifiers import calibration, confusion, draw_confusion, roc
from ..plots.regressors import predicted, residuals
from ..plots.style import new_figure, panel, png, room_for, shortened, wrapped

_MOST_TARGETS = 4
# numbers and names of more classes want a picture of their own size
_LARGE = 26


def classification_figure(
    y: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], *, title: str
) -> Any:
    """Confusion matrix, ROC and calibration curves side by side."""
    names = list(classes)
    numbers = np.arange(len(names))
    table = extra("sklearn.metrics", "a picture of a classifier").confusion_matrix(
        y, probabilities.argmax(axis=1), labels=numbers
    )
    side = 4.0 if len(names) <= 10 else 8.0 if len(names) > _LARGE else 6.5
    longest = max(len(shortened(name, 20)) for name in names)
    left, low = 0.75 + 0.07 * longest, 0.65 + room_for(names)
    height = max(side, 4.0) + low + 0.85
    figure = new_figure(left + side + 2 * 4.75 + 0.15, height, layout=None)
    middle = low + max(side - 4.0, 0.0) / 2
    first = panel(figure, left, low, side, side)
    second = panel(figure, left + side + 0.75, middle, 4.0, 4.0)
    third = panel(figure, left + side + 5.5, middle, 4.0, 4.0)
    draw_confusion(table, names, bar=False, ax=first)
    labels = np.asarray(names, dtype=object)[y]
    roc(labels, probabilities, classes=names, ax=second)
    calibration(labels, probabilities, classes=names, ax=third)
    first.set_title("Rows by class", fontsize="medium")
    second.set_title("ROC curve" + ("s" if len(names) > 2 else ""), fontsize="medium")
    third.set_title("Calibration", fontsize="medium")
    figure.suptitle(wrapped(title, 130))
    return figure


def regression_figure(y: np.ndarray, found: np.ndarray, names: Sequence[str], *, title: str) -> Any:
    """Predicted against true, and the residuals, in a row for each of the first four targets."""
    shown = list(names)[:_MOST_TARGETS]
    if len(names) > len(shown):
        title += f"\nthe first {len(shown)} of {len(names)} targets"
    figure = new_figure(10.0, 4.4 * len(shown) + 0.5)
    rows = figure.subplots(len(shown), 2, squeeze=False)
    for i, (name, (left, right)) in enumerate(zip(shown, rows, strict=True)):
        predicted(y[:, i], found[:, i], name=name, ax=left)
        residuals(y[:, i], found[:, i], name=name, ax=right)
    figure.suptitle(wrapped(title, 90))
    return figure


def separate_pictures(
    task: str, y: np.ndarray, outputs: np.ndarray, names: Sequence[str], *, title: str
) -> dict[str, bytes]:
    """Each picture as a PNG file's bytes, by the name of its file."""
    drawn: dict[str, bytes] = {}

    def add(file: str, ax: Any) -> None:
        ax.set_title(wrapped(title, int(11 * ax.figure.get_size_inches()[0])), fontsize="medium")
        drawn[file] = png(ax.figure)

    if task == "classification":
        labels = np.asarray(list(names), dtype=object)
        add("confusion.png", confusion(labels[y], labels[outputs.argmax(1)], classes=names))
        add("roc.png", roc(labels[y], outputs, classes=names))
        add("calibration.png", calibration(labels[y], outputs, classes=names))
        return drawn
    pictures: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("predicted", predicted),
        ("residuals", residuals),
    )
    for i, name in enumerate(names):
        number = f"-{i}" if len(names) > 1 else ""
        for file, draw in pictures:
            add(f"{file}{number}.png", draw(y[:, i], outputs[:, i], name=name))
    return drawn
