"""The picture files of a run: its curves, the first layer's weights, and what `tune` tried."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..plots.first_layer import weights_figure
from ..plots.histories import curves_figure
from ..plots.style import (
    LINES,
    MARK,
    MARKERS,
    VALIDATION,
    colour,
    legend_beside,
    new_figure,
    open_axes,
    plain_log_ticks,
    png,
    wrapped,
)

if TYPE_CHECKING:
    from ..fitting.result import Fit
    from .tasks import Trial

_FIRST_LAYER = ("feature", "unit of the first layer", "weight (of a standardised feature)")


def curves_png(run: Fit, *, title: str, score_name: str = "accuracy") -> bytes:
    """Losses and scores of a run, as a PNG file's bytes."""
    return png(curves_figure(run, title=title, score_name=score_name))


def tuning_png(trials: Sequence[Trial], *, title: str) -> bytes:
    """Validation loss and its standard error against the learning rate, as a PNG file's bytes.

    A line for each set of the other settings that vary.
    """
    figure = new_figure(7.0, 4.6)
    axes = figure.subplots()
    lines: dict[str, list[Trial]] = {}
    keys = ("optimizer", "hidden", "activation", "batch_size", "l2")
    varied = [key for key in keys if len({getattr(t.settings, key) for t in trials}) > 1]
    for trial in trials:
        label = ", ".join(f"{key} {getattr(trial.settings, key)}" for key in varied)
        lines.setdefault(label, []).append(trial)
    for i, (label, group) in enumerate(lines.items()):
        finite = sorted(
            (t for t in group if math.isfinite(t.loss)),
            key=lambda t: t.settings.learning_rate or 0.0,
        )
        axes.errorbar(
            [t.settings.learning_rate for t in finite],
            [t.loss for t in finite],
            yerr=[t.error for t in finite],
            marker=MARKERS[i % len(MARKERS)],
            linestyle=LINES[i % len(LINES)],
            capsize=3,
            label=label or None,
            color=colour(i) if varied else VALIDATION,
        )
    best = min((t for t in trials if math.isfinite(t.loss)), key=lambda t: t.loss)
    rate = best.settings.learning_rate or 0.0
    axes.axvline(rate, color=MARK, linestyle=":", linewidth=1.2, label=f"best: {rate:g}")
    if len({t.settings.learning_rate for t in trials if math.isfinite(t.loss)}) == 1:
        # Matplotlib warns of an interval without a length
        axes.set_xlim(rate / 2, rate * 2)
    axes.set_xscale("log")
    plain_log_ticks(axes, "x")
    if min(t.loss for t in trials) > 0:
        axes.set_yscale("log")
        plain_log_ticks(axes)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("validation loss, mean over folds")
    open_axes(axes)
    legend_beside(axes, len(lines))
    figure.suptitle(wrapped(title, 70))
    return png(figure)


def weights_png(
    W: np.ndarray,
    *,
    title: str,
    columns: Sequence[str] = (),
    image_shape: tuple[int, ...] | None = None,
    units: Sequence[str] = (),
    axes: tuple[str, str, str] = _FIRST_LAYER,
) -> bytes:
    """The first layer's weights, shape (d, h), as a PNG file's bytes: images of the units, or a heat map.

    Parameters
    ----------
    W : ndarray, shape (d, h)
        Weights from d features to h units, for standardised features.
    title : str
    columns : sequence of str
        The features' names, for the heat map.
    image_shape : tuple of int, optional
        Height and width of the images whose pixels the features are.
    units : sequence of str
        The units' names, where they have any: without hidden layers they are the classes.
    axes : tuple of str
        What rows, columns and colours of the heat map are.
    """
    if image_shape is not None and axes is _FIRST_LAYER:
        axes = (axes[0], axes[1], "weight (of a standardised pixel)")
    settings: dict[str, Any] = {"columns": columns, "image_shape": image_shape, "units": units}
    return png(weights_figure(W, title=title, labels=axes, **settings))
