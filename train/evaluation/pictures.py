"""The pictures of an evaluation: of a classifier its errors, of a regression how far it lies from the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..plots.classifiers import calibration, confusion, roc
from ..plots.regressors import predicted, residuals
from ..plots.style import new_figure, png, shortened, wrapped

_MOST_TARGETS = 4
# numbers and names of more classes want a picture of their own size
_LARGE = 26


def classification_figure(
    y: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], *, title: str
) -> Any:
    """Confusion matrix, ROC and calibration curves side by side."""
    large = len(classes) > _LARGE
    longest = max(len(shortened(name, 20)) for name in classes)
    side = 5.0 if len(classes) <= 10 else 9.0 if large else 7.5
    figure = new_figure(side + 10.0 + 0.07 * longest, side + (0.05 * longest if longest > 4 else 0))
    ratios = [side + 0.8, 4.6, 4.6]
    left, middle, right = figure.subplots(1, 3, width_ratios=ratios)
    names = list(classes)
    labels = np.asarray(names, dtype=object)
    confusion(labels[y], labels[probabilities.argmax(axis=1)], classes=names, ax=left)
    roc(labels[y], probabilities, classes=names, ax=middle)
    calibration(labels[y], probabilities, classes=names, ax=right)
    left.set_title("Confusion matrix", fontsize="medium")
    middle.set_title("ROC curve" + ("s" if len(names) > 2 else ""), fontsize="medium")
    right.set_title("Calibration", fontsize="medium")
    figure.suptitle(wrapped(title, 130))
    return figure


def regression_figure(y: np.ndarray, found: np.ndarray, names: Sequence[str], *, title: str) -> Any:
    """Predicted against true, and the residuals, in a row for each of the first four targets."""
    shown = list(names)[:_MOST_TARGETS]
    if len(names) > len(shown):
        title += f"\nthe first {len(shown)} of {len(names)} targets"
    figure = new_figure(10.0, 4.4 * len(shown) + 0.4)
    for i, (name, (left, right)) in enumerate(
        zip(shown, figure.subplots(len(shown), 2, squeeze=False), strict=True)
    ):
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
