"""Pictures with titles: first-layer weights as images, decision boundaries, loss curves.

Each function returns a `matplotlib.figure.Figure` of one of the pictures of `pb.train.plots`:
``figure.savefig("name.png")`` writes it, a notebook shows it, and no display and no state of pyplot is touched. They
need the extra ``train`` (matplotlib).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd.core.typing import ArrayLike, PyTree
from . import plots
from .fitting.result import Fit
from .plots.first_layer import found_weights, weights_figure
from .plots.histories import curves_figure, has_scores
from .plots.style import wrapped


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
    W, shape, columns, units = found_weights(model, image_shape, columns, units)
    return weights_figure(W, title=title, columns=columns, image_shape=shape, units=units)


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
    ax = plots.decision_boundary(model, X, y, steps=steps, margin=margin, names=names)
    ax.set_title(wrapped(title, 60))
    return ax.figure


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
    if isinstance(history, Fit) and not has_scores(history):
        history = history.history
    if isinstance(history, Fit):
        return curves_figure(history, title=title, score_name=score_name)
    ax = plots.curves(history)
    ax.set_title(wrapped(title, 60))
    return ax.figure
