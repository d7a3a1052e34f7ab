"""The regions of the plane in which a classifier decides for each class."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd import to_numpy
from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import as_numpy, is_inexact
from ...autograd.core.typing import ArrayLike
from ...autograd.pytree import tree
from ...backend import is_array
from ..measure import predict
from .style import MARKERS, axes_or_new, colour, legend_beside, plain, shortened


def decision_boundary(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    steps: int = 200,
    margin: float = 0.1,
    names: tuple[str, str] | None = None,
    ax: Any = None,
) -> Any:
    """The regions of the plane in which a classifier decides for each class, with the samples.

    Parameters
    ----------
    model : callable or estimator
        ``model(x)``, logits (n, C), or (n,) or (n, 1) for two classes; or an estimator with `predict`. It is asked at
        ``steps²`` points.
    X : array (n, 2), or DataFrame
        Of a DataFrame an estimator is asked by the names of its columns.
    y : array (n,)
        The samples' labels.
    steps : int
        Points along each axis, at least 2.
    margin : float
        Room around the samples, as a share of their extent.
    names : tuple of str, optional
        What the two features are called; by default as the columns of a DataFrame, else feature 0 and feature 1.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure, which is ``.figure`` of what is returned.

    Returns
    -------
    matplotlib.axes.Axes

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
    >>> model = pb.models.MLP([2, 8, 2])
    >>> ax = pb.train.plots.decision_boundary(model, X, np.asarray([0, 0, 1, 1]), steps=20)
    >>> ax.get_xlabel()
    'feature 0'
    """
    points, labels = _as_numpy(X).astype(np.float64), _as_numpy(y)
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
    columns = [str(name) for name in X.columns] if hasattr(X, "columns") else None
    # an estimator finds columns by their names, whichever order the frame has
    asked = grid if columns is None else type(X)(grid, columns=X.columns)
    decided = _decisions(model, grid, asked)
    classes = np.unique(np.concatenate([np.unique(labels), np.unique(decided)]))
    codes = np.searchsorted(classes, decided).reshape(steps, steps)
    ax = axes_or_new(ax, 6.0 if len(classes) <= 8 else 7.5, 5.2)
    levels = np.arange(len(classes) + 1) - 0.5
    palette = [colour(i) for i in range(len(classes))]
    ax.contourf(first, second, codes, levels=levels, colors=palette, alpha=0.25)
    line = 1.0 if len(classes) <= 12 else 0.4
    if codes.min() < codes.max():
        ax.contour(first, second, codes, levels=levels[1:-1], colors="#444444", linewidths=line)
    for i, label in enumerate(classes):
        mine = points[labels == label]
        if len(mine):
            ax.scatter(
                mine[:, 0],
                mine[:, 1],
                s=20,
                color=palette[i],
                marker=MARKERS[i % len(MARKERS)],
                edgecolors="white",
                linewidths=0.5,
                label=shortened(label),
            )
    across, up = names or columns or ("feature 0", "feature 1")
    ax.set_xlabel(plain(across))
    ax.set_ylabel(plain(up))
    legend_beside(ax, len(classes), frameon=True, framealpha=0.8)
    return ax


def _as_numpy(values: Any) -> np.ndarray:
    """An array of any library, or of a pandas DataFrame or Series."""
    raw = backend_array(values)
    return np.asarray(to_numpy(raw) if is_array(raw) else values)


def _decisions(model: Any, grid: np.ndarray, asked: Any) -> np.ndarray:
    """The label that a model decides for at each point; an estimator is asked in the form that it knows."""
    if hasattr(model, "predict"):
        return np.asarray(model.predict(asked))
    leaves = [backend_array(leaf) for leaf in tree.leaves(model)]
    dtypes = [as_numpy(a.dtype) for a in leaves if is_array(a) and is_inexact(a.dtype)]
    outputs = np.asarray(to_numpy(predict(model, grid.astype(dtypes[0] if dtypes else np.float64))))
    if outputs.ndim == 1 or outputs.shape[1] == 1:
        return (outputs.reshape(-1) > 0).astype(np.int64)
    return outputs.argmax(axis=1)
