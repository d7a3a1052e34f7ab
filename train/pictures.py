"""Pictures of models and trainings: first-layer weights as images, decision boundaries, loss curves.

Each function returns a `matplotlib.figure.Figure`: ``figure.savefig("name.png")`` writes it, a notebook shows it, and
no display and no state of pyplot is touched. They need the extra ``train`` (matplotlib).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..autograd import to_numpy
from ..autograd.core.array import backend_array
from ..autograd.core.dtypes import as_numpy, is_inexact
from ..autograd.core.typing import ArrayLike, PyTree
from ..autograd.pytree import tree
from ..backend import is_array
from .errors import extra
from .fitting.result import Fit
from .measure import predict
from .run.plots import (
    TRAINING,
    VALIDATION,
    curves_figure,
    new_figure,
    plain_log_ticks,
    weights_figure,
)
from .stopping import Epoch

# what rows, columns and colours of a heat map are; whether features were standardised is not known here
_AXES = ("feature", "unit of the first layer", "weight")


def weights_as_images(
    model: PyTree,
    *,
    image_shape: tuple[int, int] | None = None,
    columns: Sequence[str] = (),
    units: Sequence[str] = (),
    title: str = "First-layer weights",
) -> Any:
    """The weights of the first layer, an image for each unit.

    Parameters
    ----------
    model : module, estimator or array
        Its first array of two dimensions or more is drawn: (features, units), or kernels (units, channels, height,
        width) of a convolution, an image for each unit and channel. Of an estimator, ``coefs_[0]`` or ``coef_``.
    image_shape : tuple of int, optional
        Height and width of the images whose pixels the features are. By default a square, where their number is one of
        at least 16; else the weights are drawn as one heat map.
    columns, units : sequence of str
        Names of the features, for the heat map, and of the units.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
        Red is positive, blue negative, white 0. Of more than 64 images (128 columns) those of the largest weights.

    Raises
    ------
    MissingExtra
        Without matplotlib.
    ValueError
        If there are no weights, or the shape does not fit.

    Examples
    --------
    >>> import pullback as pb
    >>> figure = pb.train.weights_as_images(pb.models.MLP([64, 9, 10]))
    >>> len(figure.axes[0].images)
    9
    """
    W = _first_weights(model)
    if W.ndim > 2:
        if W.ndim != 4:
            raise ValueError(
                f"weights_as_images: kernels of shape {W.shape}; images have a height and a width"
            )
        image_shape = (int(W.shape[2]), int(W.shape[3]))
        names = [
            f"{u}.{c}" if W.shape[1] > 1 else str(u)
            for u in range(W.shape[0])
            for c in range(W.shape[1])
        ]
        units, W = units if len(units) == len(names) else names, W.reshape(len(names), -1).T
    side = math.isqrt(W.shape[0])
    if image_shape is None and side * side == W.shape[0] >= 16 and not columns:
        image_shape = (side, side)
    if image_shape is not None and math.prod(image_shape) != W.shape[0]:
        raise ValueError(
            f"weights_as_images: image_shape={image_shape!r} for {W.shape[0]} features"
        )
    return weights_figure(
        W, title=title, columns=columns, image_shape=image_shape, units=units, axes=_AXES
    )


def _first_weights(model: PyTree) -> np.ndarray:
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
        f"weights_as_images: {type(model).__name__} holds no array of two dimensions or more; a fitted estimator or a "
        "model has one"
    )


def decision_boundary(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    steps: int = 200,
    margin: float = 0.1,
    names: tuple[str, str] = ("feature 0", "feature 1"),
    title: str = "Decision boundary",
) -> Any:
    """The regions of the plane in which a classifier decides for each class, with the samples.

    Parameters
    ----------
    model : callable or estimator
        ``model(x)``, logits (n, C), or (n,) or (n, 1) for two classes; or an estimator with `predict`. It is asked at
        ``steps × steps`` points.
    X : array (n, 2)
        Samples.
    y : array (n,)
        Their labels; of a callable 0 … C − 1.
    steps : int
        Points to a side.
    margin : float
        Room around the samples, as a share of their range.
    names : tuple of str
        Of the axes.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingExtra
        Without matplotlib.
    ValueError
        For samples that are not of two features, other numbers of labels, or fewer than 2 steps.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> X = np.asarray([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    >>> figure = pb.train.decision_boundary(pb.models.MLP([2, 8, 2]), X, np.asarray([0, 0, 1, 1]), steps=20)
    >>> figure.axes[0].get_xlabel()
    'feature 0'
    """
    points, labels = (
        np.asarray(to_numpy(backend_array(X)), np.float64),
        np.asarray(to_numpy(backend_array(y))),
    )
    if (
        points.ndim != 2
        or points.shape[1] != 2
        or len(points) == 0
        or labels.shape != (len(points),)
    ):
        raise ValueError(
            f"decision_boundary: samples of shape {points.shape} with labels of shape {labels.shape}; a plane takes "
            "two features and a label of each sample"
        )
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 2:
        raise ValueError(
            f"decision_boundary: steps={steps!r}; it has to be an integer of at least 2"
        )
    low, high = points.min(axis=0), points.max(axis=0)
    room = margin * np.where(high > low, high - low, 1.0)
    first, second = (np.linspace(a, b, steps) for a, b in zip(low - room, high + room, strict=True))
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    decided = _decisions(model, grid)
    classes = np.unique(np.concatenate([np.unique(labels), np.unique(decided)]))
    codes = np.searchsorted(classes, decided).reshape(steps, steps)
    figure = new_figure(6.0, 5.2)
    axes = figure.subplots()
    colours = extra("matplotlib", "a picture").colormaps["tab10"]
    levels = np.arange(len(classes) + 1) - 0.5
    palette = [colours(i % 10) for i in range(len(classes))]
    axes.contourf(first, second, codes, levels=levels, colors=palette, alpha=0.25)
    if codes.min() < codes.max():
        axes.contour(first, second, codes, levels=levels[1:-1], colors="#444444", linewidths=1.0)
    for i, label in enumerate(classes):
        mine = points[labels == label]
        if len(mine):
            axes.scatter(
                mine[:, 0],
                mine[:, 1],
                s=18,
                color=palette[i],
                edgecolors="white",
                linewidths=0.5,
                label=str(label),
            )
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    axes.legend(frameon=False, fontsize=8)
    axes.set_title(title)
    return figure


def _decisions(model: Any, grid: np.ndarray) -> np.ndarray:
    """The label that a model decides for at each point."""
    if hasattr(model, "predict"):
        return np.asarray(model.predict(grid))
    leaves = [backend_array(leaf) for leaf in tree.leaves(model)]
    dtypes = [as_numpy(a.dtype) for a in leaves if is_array(a) and is_inexact(a.dtype)]
    outputs = np.asarray(to_numpy(predict(model, grid.astype(dtypes[0] if dtypes else np.float64))))
    if outputs.ndim == 1 or outputs.shape[1] == 1:
        return (outputs.reshape(-1) > 0).astype(np.int64)
    return outputs.argmax(axis=1)


def loss_curves(history: Any, *, title: str = "Loss", score_name: str = "score") -> Any:
    """The losses by epoch.

    Parameters
    ----------
    history : Fit, list of Epoch, estimator, sequence of numbers, or dict of sequences
        What `fit` returned, with the validation loss beside it, and the scores where there were any; its history; an
        estimator's ``loss_curve_``; or numbers, under names that the legend gives.
    title : str
    score_name : str
        What the score of a `Fit` is.

    Returns
    -------
    matplotlib.figure.Figure
        On a logarithmic axis where all losses are positive.

    Raises
    ------
    MissingExtra
        Without matplotlib.
    ValueError
        If there are no losses.

    Examples
    --------
    >>> import pullback as pb
    >>> figure = pb.train.loss_curves({"Adam": [1.0, 0.1, 0.01], "SGD": [1.0, 0.5, 0.3]})
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['Adam', 'SGD']
    """
    if isinstance(history, Fit):
        if all(math.isfinite(row.score) for row in history.history):
            return curves_figure(history, title=title, score_name=score_name)
        history = history.history
    curves = _curves(history)
    if not curves or any(len(values) == 0 for values in curves.values()):
        raise ValueError("loss_curves: there are no losses; train first")
    figure = new_figure(6.0, 4.2)
    axes = figure.subplots()
    own = {"training": TRAINING, "validation": VALIDATION}
    for name, values in curves.items():
        marker = "o" if len(values) < 3 else None
        axes.plot(range(len(values)), values, label=name, color=own.get(name), marker=marker)
    if all(0 < value < math.inf for values in curves.values() for value in values):
        axes.set_yscale("log")
        plain_log_ticks(axes)
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        axes.legend(frameon=False)
    axes.set_title(title)
    return figure


def _curves(history: Any) -> dict[str, list[float]]:
    """Losses by the names of their lines."""
    if hasattr(history, "loss_curve_"):
        return {"training": list(history.loss_curve_)}
    if isinstance(history, Mapping):
        return {str(name): [float(v) for v in values] for name, values in history.items()}
    rows = list(history)
    if rows and all(isinstance(row, Epoch) for row in rows):
        return {
            "training": [row.loss for row in rows],
            "validation": [row.validation_loss for row in rows],
        }
    return {"training": [float(v) for v in rows]}
