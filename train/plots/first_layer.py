"""The weights of a first layer: an image for each unit, or one heat map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd import to_numpy
from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import is_inexact
from ...autograd.core.typing import PyTree
from ...autograd.pytree import tree
from ...backend import is_array
from .style import axes_or_new, name_ticks, new_figure, room_for, shortened, wrapped

_MOST_IMAGES = 64
_MOST_UNITS = 128
_MOST_TICKS = 40
# what rows, columns and colours are
LABELS = ("feature", "unit of the first layer", "weight")


def weights(
    model: PyTree,
    *,
    image_shape: tuple[int, ...] | None = None,
    columns: Sequence[str] = (),
    units: Sequence[str] = (),
    ax: Any = None,
) -> Any:
    """The weights of the first layer, an image for each unit.

    Parameters
    ----------
    model : module, estimator or array
        Its first array of two dimensions or more is drawn: (features, units), or kernels (units, channels, height,
        width) of a convolution, an image for each unit and channel. Of an estimator, ``coefs_[0]`` or ``coef_``; what
        `load` returns brings the names of its columns and the shape of its images.
    image_shape : tuple of int, optional
        Height and width of the images whose pixels the features are. By default a square, where their number is one of
        at least 16; else the weights are drawn as one heat map.
    columns, units : sequence of str
        Names of the features, for the heat map, and of the units.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure, which is ``.figure`` of what is returned.

    Returns
    -------
    matplotlib.axes.Axes
        Red is positive, blue negative, white 0. Of more than 64 images (128 columns) those of the largest weights; the
        title of the axes says so.

    Raises
    ------
    MissingExtra
        Without matplotlib.
    ValueError
        If there are no weights, or the shape does not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> ax = pb.train.plots.weights(pb.models.MLP([64, 9, 10]))
    >>> len(ax.images)
    9
    """
    W, image_shape, columns, units = found_weights(model, image_shape, columns, units)
    return draw(W, image_shape=image_shape, columns=columns, units=units, ax=ax)


def found_weights(
    model: PyTree,
    image_shape: tuple[int, ...] | None,
    columns: Sequence[str],
    units: Sequence[str],
) -> tuple[np.ndarray, tuple[int, ...] | None, Sequence[str], Sequence[str]]:
    """The weights of a model, shape (features, units), and what is known of them."""
    metadata = getattr(model, "metadata", None)
    if isinstance(metadata, dict):
        # what `load` returned: of a table its columns are no image, even if they are 64
        shape = metadata.get("image_shape")
        if image_shape is None and isinstance(shape, list) and len(shape) == 2:
            image_shape = tuple(shape)
        elif not columns and image_shape is None and "standardize" in metadata:
            columns = model.inputs
        model = model.model
    W = first_weights(model)
    if W.ndim > 2:
        if W.ndim != 4:
            raise ValueError(
                f"weights: kernels of shape {W.shape}; images have a height and a width"
            )
        image_shape = (int(W.shape[2]), int(W.shape[3]))
        names = [
            f"{u}.{c}" if W.shape[1] > 1 else str(u)
            for u in range(W.shape[0])
            for c in range(W.shape[1])
        ]
        units, W = units if len(units) == len(names) else names, W.reshape(len(names), -1).T
    if len(columns) not in (0, W.shape[0]):
        columns = ()
    side = math.isqrt(W.shape[0])
    if image_shape is None and side * side == W.shape[0] >= 16 and not columns:
        image_shape = (side, side)
    if image_shape is not None and math.prod(image_shape) != W.shape[0]:
        raise ValueError(f"weights: image_shape={image_shape!r} for {W.shape[0]} features")
    return W, image_shape, columns, units


def first_weights(model: PyTree) -> np.ndarray:
    """The first array of a model that has two dimensions or more.

    Raises
    ------
    ValueError
        If there is none.
    """
    for name in ("coefs_", "coef_"):
        if hasattr(model, name):
            found = np.asarray(
                getattr(model, name)[0] if name == "coefs_" else getattr(model, name)
            )
            return found if name == "coefs_" else np.atleast_2d(found).T
    leaves = (backend_array(leaf) for leaf in tree.leaves(model))
    for leaf in leaves:
        if is_array(leaf) and len(leaf.shape) >= 2 and is_inexact(leaf.dtype):
            return np.asarray(to_numpy(leaf), np.float64)
    raise ValueError(
        f"weights: {type(model).__name__} holds no array of two dimensions or more; a fitted estimator or a model has "
        "one"
    )


def draw(
    W: np.ndarray,
    *,
    image_shape: tuple[int, ...] | None = None,
    columns: Sequence[str] = (),
    units: Sequence[str] = (),
    labels: tuple[str, str, str] = LABELS,
    ax: Any = None,
) -> Any:
    """Weights of shape (features, units) as images or a heat map, whose rows, columns and colours `labels` name."""
    limit = float(np.abs(W).max()) or 1.0
    order = list(range(W.shape[1]))
    most = _MOST_IMAGES if image_shape else _MOST_UNITS
    if len(order) > most:
        # The largest ones say most; they stay in their own order.
        order = sorted(np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[:most].tolist())
    names = [units[i] if len(units) == W.shape[1] else str(i) for i in order]
    if image_shape is not None:
        ax = _images(W[:, order].T.reshape(-1, *image_shape), names, limit, labels[2], ax)
    else:
        ax = _heat_map(W[:, order], names, columns, limit, labels, ax)
    if len(order) < W.shape[1]:
        ax.set_title(
            f"the {most} units with the largest weights, of {W.shape[1]:,}", fontsize="medium"
        )
    return ax


def weights_figure(W: np.ndarray, *, title: str, **settings: Any) -> Any:
    """The figure of `draw`, with a title."""
    ax = draw(W, **settings)
    width = ax.figure.get_size_inches()[0]
    ax.figure.suptitle(wrapped(title, int(10 * width)))
    return ax.figure


def _images(images: np.ndarray, names: Sequence[str], limit: float, label: str, ax: Any) -> Any:
    """The images as one mosaic: a grid of axes takes seconds to lay out."""
    count, height, width = images.shape
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    # Blank pixels between the images; above each, room for its name.
    gap, head = max(1.0, 0.12 * width), max(1.5, 0.26 * height)
    step_x, step_y = width + gap, height + head
    if ax is None:
        wide, tall = 0.95 * across + 1.9, 0.95 * down * step_y / step_x + 0.9
        ax = new_figure(max(wide, 4.0), min(max(tall, 2.8), 14.0)).subplots()
    ax.axis("off")
    for i, (image, name) in enumerate(zip(images, names, strict=True)):
        left, top = (i % across) * step_x, (i // across) * step_y
        ax.imshow(
            image,
            extent=(left, left + width, top + height, top),
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            interpolation="nearest",
        )
        ax.text(
            left + width / 2,
            top - 0.1 * head,
            shortened(name, 12),
            fontsize=8 if max(map(len, names)) <= 7 else 6,
            ha="center",
            va="bottom",
        )
    ax.set_xlim(-gap / 2, across * step_x - gap / 2)
    ax.set_ylim(down * step_y - head / 2, -head)
    bar = ax.figure.colorbar(ax.images[0], ax=ax, fraction=0.04, pad=0.02, aspect=30)
    bar.set_label(label)
    return ax


def _heat_map(
    W: np.ndarray,
    names: Sequence[str],
    columns: Sequence[str],
    limit: float,
    labels: tuple[str, str, str],
    ax: Any,
) -> Any:
    features, units = W.shape
    height = min(max(2.6, 0.24 * features + 1.6), 11.0)
    below = room_for(names) if units <= 12 or names[-1] != str(units - 1) else 0.0
    ax = axes_or_new(ax, min(max(5.5, 0.16 * units + 3.5), 14.0), height + below)
    shown = ax.imshow(
        W, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    ax.set_ylabel(labels[0])
    ax.set_xlabel(labels[1])
    if columns and features <= _MOST_TICKS:
        ax.set_yticks(range(features), [shortened(column) for column in columns], fontsize=8)
    elif columns:
        name_ticks(ax.yaxis, columns, most=_MOST_TICKS, font=8, rotate=False)
    if units <= 12:
        name_ticks(ax.xaxis, names, most=12, font=8, rotate=True)
    elif names[-1] != str(units - 1):
        # Names, or a selection: the ticks must name the units, not count the columns of the picture.
        name_ticks(ax.xaxis, names, most=_MOST_TICKS, font=7, rotate=True)
    bar = ax.figure.colorbar(shown, ax=ax, fraction=0.05, pad=0.02)
    bar.set_label(labels[2])
    return ax
