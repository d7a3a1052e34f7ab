"""Losses and scores by epoch: of a fit, of a run's folder, of an estimator, or of numbers."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, extra
from ..files import read_bytes
from ..fitting.result import Fit
from ..stopping import Epoch
from .style import (
    LINES,
    MARK,
    TRAINING,
    VALIDATION,
    axes_or_new,
    colour,
    finite,
    legend_beside,
    new_figure,
    open_axes,
    plain,
    plain_log_ticks,
    shortened,
    wrapped,
)

METRICS = "metrics.csv"
_OWN = {"training": (TRAINING, "-"), "validation": (VALIDATION, "--")}
_WHAT = ("loss", "score")
# below this R² an axis is logarithmic
_LOWEST_LINEAR = -1.0


def curves(history: Any, *, what: str = "loss", ax: Any = None, name: str = "") -> Any:
    """Losses or scores by epoch, of the training and the validation part.

    Losses are drawn on a logarithmic axis where all of them are positive: on a linear one late epochs differ by less
    than a line's width. An R² below -1, as of the first epochs, makes the axis logarithmic there. Every finite value is
    inside of the axes.

    Parameters
    ----------
    history : Fit, list of Epoch, path, estimator, sequence of numbers, or dict of sequences
        What `fit` returned, or its history; a run's folder, or its metrics.csv; an estimator's ``loss_curve_``;
        numbers, under names that the legend gives.
    what : {"loss", "score"}
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure, which is ``.figure`` of what is returned.
    name : str
        What the axis is called; by default the loss, or what the score is where that is known.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    MissingExtra
        Without matplotlib.
    InputError
        For a file that is no ``metrics.csv``.
    ValueError
        If there are no such numbers.

    Examples
    --------
    >>> import pullback as pb
    >>> ax = pb.train.plots.curves({"Adam": [1.0, 0.1, 0.01], "SGD": [1.0, 0.5, 0.3]})
    >>> [line.get_label() for line in ax.lines], ax.get_yscale()
    (['Adam', 'SGD'], 'log')
    """
    if what not in _WHAT:
        raise ValueError(f"curves: what={what!r}; it is loss or score")
    lines, best, score_name = lines_of(history, what)
    if not lines or any(len(y) == 0 for _, y in lines.values()):
        raise ValueError(f"curves: there are no {what}es; train first".replace("scorees", "scores"))
    ax = axes_or_new(ax, 6.0, 4.2)
    for i, (label, (x, y)) in enumerate(lines.items()):
        ink, dashes = _OWN.get(label, (colour(i), LINES[i % len(LINES)]))
        few = "o" if np.isfinite(y).sum() < 3 else None
        drawn = np.where(np.isfinite(y), y, np.nan)
        ax.plot(x, drawn, color=ink, linestyle=dashes, marker=few, label=shortened(label, 40))
    values = finite([v for _, y in lines.values() for v in y])
    name = name or ("loss" if what == "loss" else score_name)
    if what == "loss":
        scale_losses(ax, values)
    else:
        scale_scores(ax, values, name)
    missing = sum(len(y) for _, y in lines.values()) - len(values)
    if missing:
        note = f"{missing:,} of the values are not finite"
        ax.text(0.5, 0.99, note, transform=ax.transAxes, ha="center", va="top", fontsize=8)
    if best is not None:
        ax.axvline(best, color=MARK, linestyle=":", linewidth=1.2, label="best weights")
    if max(len(y) for _, y in lines.values()) == 1:
        ax.set_xlim(-1, 1)
    ax.set_xlabel("epoch")
    ax.set_ylabel({"r2": "R²"}.get(name.lower(), plain(name)))
    open_axes(ax)
    ax.xaxis.set_major_locator(extra("matplotlib.ticker", "a plot").MaxNLocator(integer=True))
    if len(lines) > 1 or best is not None:
        legend_beside(ax, len(lines))
    return ax


def curves_figure(history: Fit, *, title: str, score_name: str = "") -> Any:
    """A figure of a fit's `curves`: the losses, and where there are any the scores beside them."""
    if not has_scores(history):
        figure = new_figure(6.0, 4.2)
        curves(history, ax=figure.subplots())
        figure.suptitle(wrapped(title, 60))
        return figure
    figure = new_figure(10.0, 4.2)
    left, right = figure.subplots(1, 2)
    curves(history, ax=left)
    curves(history, what="score", ax=right, name=score_name)
    if right.get_legend() is not None:
        right.get_legend().remove()
    figure.suptitle(wrapped(title, 100))
    return figure


def has_scores(history: Fit) -> bool:
    """Whether the fit was given a score."""
    rows = history.history
    return not all(math.isnan(row.score) and math.isnan(row.validation_score) for row in rows)


Lines = dict[str, tuple[list[int], list[float]]]


def lines_of(history: Any, what: str) -> tuple[Lines, int | None, str]:
    """Epochs and values by the names of their lines; the best epoch, where it is known; what a score is called."""
    best, score_name = None, "score"
    if isinstance(history, str | os.PathLike):
        return _lines_of_file(Path(history), what)
    if isinstance(history, Fit):
        best, history = history.best.epoch, history.history
    if hasattr(history, "loss_curve_"):
        history = list(history.loss_curve_)
    if isinstance(history, Mapping):
        found = {str(k): [float(v) for v in values] for k, values in history.items()}
        return {k: (list(range(len(v))), v) for k, v in found.items()}, best, score_name
    rows = list(history)
    if not rows or not all(isinstance(row, Epoch) for row in rows):
        return {"training": (list(range(len(rows))), [float(v) for v in rows])}, best, score_name
    epochs = [row.epoch for row in rows]
    pairs = (("training", what), ("validation", f"validation_{what}"))
    lines = {label: (epochs, [getattr(row, key) for row in rows]) for label, key in pairs}
    if what == "score" and all(math.isnan(v) for _, values in lines.values() for v in values):
        raise ValueError("curves: the fit had no score; give fit one, or draw the loss")
    return lines, best, score_name


def _lines_of_file(path: Path, what: str) -> tuple[Lines, int | None, str]:
    path = path / METRICS if path.is_dir() else path
    rows = list(csv.reader(io.StringIO(read_bytes(path).decode("utf-8", "replace"))))
    head = rows[0] if rows else []
    try:
        if head[:1] + head[2:3] + head[4:5] != ["epoch", "loss", "validation_loss"]:
            raise ValueError
        table = [[float(cell) for cell in row] for row in rows[1:]]
        first = 2 if what == "loss" else 3
        epochs = [int(row[0]) for row in table]
        lines = {
            label: (epochs, [row[i] for row in table])
            for label, i in (("training", first), ("validation", first + 2))
        }
    except (ValueError, IndexError):
        raise InputError(f"{path} is not the {METRICS} that `pullback train` writes") from None
    losses = [row[4] if math.isfinite(row[4]) else math.inf for row in table]
    best = epochs[int(np.argmin(losses))] if losses else None
    return lines, best, head[3]


def scale_losses(ax: Any, values: np.ndarray) -> None:
    """A logarithmic axis, where all of the losses are positive."""
    if values.size and values.min() > 0:
        ax.set_yscale("log")
        if values.max() / values.min() < 1.05:
            ax.set_ylim(values.min() / 1.05, values.max() * 1.05)
        plain_log_ticks(ax)


def scale_scores(ax: Any, values: np.ndarray, name: str) -> None:
    """Every score inside, the larger ones above."""
    if not values.size:
        return
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.01
    if name.lower() == "accuracy":
        ax.set_ylim(low - margin, high + margin)
        ax.yaxis.set_major_formatter(
            extra("matplotlib.ticker", "a plot").PercentFormatter(1.0, symbol=" %")
        )
    elif low < 2 * _LOWEST_LINEAR:
        # linear where scores mean something, in half of the height; by powers of ten below
        decades = math.ceil(math.log10(-low))
        step = max(1, math.ceil(decades / 5))
        ax.set_yscale("symlog", linthresh=1.0, linscale=max(2.0, decades / 2))
        below = [-(10.0**e) for e in range(0, decades + 1, step)]
        ax.set_ylim(1.5 * low, max(high + 0.05, 0.5))
        above = [tick for tick in (0.0, 0.25, 0.5, 0.75, 1.0) if tick <= max(high + 0.05, 0.5)]
        ax.set_yticks([t for t in below if t >= 1.5 * low] + [-0.5, *above])
        ticker = extra("matplotlib.ticker", "a plot")
        ax.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_locator(ticker.NullLocator())
    else:
        ax.set_ylim(low - margin, high + margin)
