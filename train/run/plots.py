"""Pictures of a run: its curves, and the first layer's weights."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import extra

if TYPE_CHECKING:
    from ..fitting.result import Fit

TRAINING, VALIDATION, MARK = "#1f5fa8", "#d1701c", "#777777"
_MOST_IMAGES = 64
_MOST_UNITS = 128
_MOST_TICKS = 40
_FIRST_LAYER = ("feature", "unit of the first layer", "weight (of a standardised feature)")


def curves_png(run: Fit, *, title: str, score_name: str = "accuracy") -> bytes:
    """The figure of `curves_figure` as a PNG file's bytes."""
    return _png(curves_figure(run, title=title, score_name=score_name))


def curves_figure(run: Fit, *, title: str, score_name: str = "accuracy") -> Any:
    """Loss and score by epoch, of the training and the validation part.

    The loss has a logarithmic axis: on a linear one late epochs differ by less than a line's width.
    """
    figure = new_figure(10.0, 4.2)
    left, right = figure.subplots(1, 2)
    epochs = [row.epoch for row in run.history]
    _lines(left, epochs, [r.loss for r in run.history], [r.validation_loss for r in run.history])
    _lines(right, epochs, [r.score for r in run.history], [r.validation_score for r in run.history])
    if all(
        0 < value < math.inf for row in run.history for value in (row.loss, row.validation_loss)
    ):
        left.set_yscale("log")
        plain_log_ticks(left)
    left.set_ylabel("loss")
    right.set_ylabel("R²" if score_name == "R2" else score_name)
    # The leap of the first epochs must not flatten all that follows into a line.
    later = run.history[2:] if len(run.history) > 10 else run.history
    scores = [v for r in later for v in (r.score, r.validation_score) if math.isfinite(v)]
    if scores:
        low, high = max(min(scores), -1.0), max(scores)
        margin = 0.05 * (high - low) or 0.01
        right.set_ylim(low - margin, high + margin)
    if score_name == "accuracy":
        right.yaxis.set_major_formatter(
            extra("matplotlib.ticker", "a plot").PercentFormatter(1.0, symbol=" %")
        )
    for axes in (left, right):
        axes.axvline(run.best.epoch, color=MARK, linestyle=":", linewidth=1.2, label="best weights")
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_locator(extra("matplotlib.ticker", "a plot").MaxNLocator(integer=True))
    left.legend(frameon=False)
    figure.suptitle(title)
    return figure


def weights_png(W: np.ndarray, *, title: str, **settings: Any) -> bytes:
    """The figure of `weights_figure` as a PNG file's bytes."""
    return _png(weights_figure(W, title=title, **settings))


def weights_figure(
    W: np.ndarray,
    *,
    title: str,
    columns: Sequence[str] = (),
    image_shape: tuple[int, ...] | None = None,
    units: Sequence[str] = (),
    axes: tuple[str, str, str] = _FIRST_LAYER,
) -> Any:
    """The first layer's weights, shape (d, h): images of the units, or a heat map.

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
    limit = float(np.abs(W).max()) or 1.0
    order = list(range(W.shape[1]))
    most = _MOST_IMAGES if image_shape else _MOST_UNITS
    if len(order) > most:
        # The largest ones say most; they stay in their own order.
        order = sorted(np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[:most].tolist())
        title += f"\nthe {most} units with the largest weights, of {W.shape[1]:,}"
    names = [units[i] if len(units) == W.shape[1] else str(i) for i in order]
    if image_shape is not None:
        label = "weight (of a standardised pixel)" if axes is _FIRST_LAYER else axes[2]
        return _images(W[:, order].T.reshape(-1, *image_shape), names, limit, title, label)
    return _heat_map(W[:, order], names, columns, limit, title, axes)


def _images(images: np.ndarray, names: Sequence[str], limit: float, title: str, label: str) -> Any:
    """The images as one mosaic: a grid of axes takes seconds to lay out."""
    count, height, width = images.shape
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    # Blank pixels between the images; above each, room for its name.
    gap, head = max(1.0, 0.12 * width), max(1.5, 0.26 * height)
    step_x, step_y = width + gap, height + head
    figure = new_figure(
        max(0.95 * across + 1.9, 4.0), max(0.95 * down * step_y / step_x + 0.9, 2.8)
    )
    axes = figure.subplots()
    axes.axis("off")
    for i, (image, name) in enumerate(zip(images, names, strict=True)):
        left, top = (i % across) * step_x, (i // across) * step_y
        axes.imshow(
            image,
            extent=(left, left + width, top + height, top),
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            interpolation="nearest",
        )
        axes.text(left + width / 2, top - 0.1 * head, name, fontsize=8, ha="center", va="bottom")
    axes.set_xlim(-gap / 2, across * step_x - gap / 2)
    axes.set_ylim(down * step_y - head / 2, -head)
    bar = figure.colorbar(axes.images[0], ax=axes, fraction=0.04, pad=0.02, aspect=30)
    bar.set_label(label)
    figure.suptitle(title)
    return figure


def _heat_map(
    W: np.ndarray,
    names: Sequence[str],
    columns: Sequence[str],
    limit: float,
    title: str,
    labels: tuple[str, str, str],
) -> Any:
    features, units = W.shape
    height = min(max(2.6, 0.24 * features + 1.6), 11.0)
    figure = new_figure(min(max(5.5, 0.16 * units + 3.5), 14.0), height)
    axes = figure.subplots()
    shown = axes.imshow(
        W, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    axes.set_ylabel(labels[0])
    axes.set_xlabel(labels[1])
    if columns and features <= _MOST_TICKS:
        axes.set_yticks(range(features), [_shortened(column) for column in columns], fontsize=8)
    if units <= 12:
        axes.set_xticks(range(units), [_shortened(name) for name in names], fontsize=8)
    elif names[-1] != str(units - 1):
        # A selection: the ticks must name the units, not count the columns of the picture.
        ticks = range(0, units, 4)
        axes.set_xticks(ticks, [names[i] for i in ticks], fontsize=8, rotation=90)
    bar = figure.colorbar(shown, ax=axes, fraction=0.05, pad=0.02)
    bar.set_label(labels[2])
    figure.suptitle(title)
    return figure


def _lines(axes: Any, epochs: list[int], training: list[float], validation: list[float]) -> None:
    marker = "o" if len(epochs) < 3 else None
    axes.plot(epochs, training, color=TRAINING, label="training", marker=marker)
    axes.plot(epochs, validation, color=VALIDATION, label="validation", marker=marker)


def plain_log_ticks(axes: Any, axis: Any = None) -> None:
    """Label a logarithmic axis 0.2 and 0.5 rather than 2 × 10⁻¹; between powers of ten only where those are few.

    Parameters
    ----------
    axes : matplotlib axes
    axis : one of its axes, optional
        The vertical one if None.
    """
    ticker = extra("matplotlib.ticker", "a plot")
    axis = axes.yaxis if axis is None else axis
    low, high = axis.get_view_interval()
    narrow = math.log10(high / low) < 2
    axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


def _shortened(name: str, most: int = 28) -> str:
    # "$" would start a formula.
    return (name if len(name) <= most else name[: most - 1] + "…").replace("$", r"\$")


def new_figure(width: float, height: float) -> Any:
    """A figure of its own, so that no display and no global state of pyplot is touched."""
    figure = extra("matplotlib.figure", "a plot").Figure
    return figure(figsize=(width, height), dpi=110, layout="constrained")


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
