"""How far numbers that were predicted lie from the true ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from .style import MARK, axes_or_new, colour, open_axes, plain, shortened

# more points than that are counted in hexagons
_MOST_POINTS = 5000


def predicted(y_true: Any, y_pred: Any, X: Any = None, *, name: str = "", ax: Any = None) -> Any:
    """What was predicted against what is true; on the diagonal the two are equal.

    Parameters
    ----------
    y_true : array (n,)
        The true numbers of one target.
    y_pred : array (n,), or a model
        The predicted ones; or what has `predict`, such as a loaded run or an estimator, which is asked about `X`.
    X : array or DataFrame, optional
        What a model predicts from.
    name : str
        What the target is called.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure, which is ``.figure`` of what is returned.

    Returns
    -------
    matplotlib.axes.Axes
        Of more than 5,000 rows hexagons, the darker the more.

    Raises
    ------
    MissingExtra
        Without matplotlib.
    ValueError
        For several targets at once, different numbers of rows, and numbers that are not finite.

    Examples
    --------
    >>> import pullback as pb
    >>> ax = pb.train.plots.predicted([1.0, 2.0], [1.1, 1.8], name="price")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('true price', 'predicted price')
    """
    truth, found = _pairs(y_true, y_pred, X, "predicted")
    ax = axes_or_new(ax, 5.2, 5.0)
    low, high = min(truth.min(), found.min()), max(truth.max(), found.max())
    room = 0.04 * (high - low) or 0.04 * abs(high) or 1.0
    limits = (low - room, high + room)
    _points(ax, truth, found, (*limits, *limits))
    ax.plot(limits, limits, color=MARK, linewidth=1.0, linestyle="--", zorder=3)
    ax.set_xlim(limits)
    ax.set_ylim(limits)
    ax.set_aspect("equal")
    ax.set_xlabel(_called("true", name))
    ax.set_ylabel(_called("predicted", name))
    ax.locator_params(axis="x", nbins=6)
    open_axes(ax)
    return ax


def residuals(y_true: Any, y_pred: Any, X: Any = None, *, name: str = "", ax: Any = None) -> Any:
    """The residuals, true minus predicted, against what was predicted: a good model leaves no shape in them.

    Parameters
    ----------
    y_true, y_pred, X, name, ax
        As for `predicted`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    MissingExtra, ValueError
        As for `predicted`.

    Examples
    --------
    >>> import pullback as pb
    >>> ax = pb.train.plots.residuals([1.0, 2.0], [1.0, 1.5])
    >>> ax.collections[0].get_offsets().tolist()
    [[1.0, 0.0], [1.5, 0.5]]
    """
    truth, found = _pairs(y_true, y_pred, X, "residuals")
    ax = axes_or_new(ax, 5.8, 4.4)
    rest = truth - found
    x_room = 0.04 * float(np.ptp(found)) or 0.04 * abs(found[0]) or 1.0
    reach = 1.06 * float(np.abs(rest).max()) or 1.0
    area = (found.min() - x_room, found.max() + x_room, -reach, reach)
    _points(ax, found, rest, area)
    ax.axhline(0.0, color=MARK, linewidth=1.0, linestyle="--", zorder=3)
    ax.set_xlim(area[:2])
    ax.set_ylim(area[2:])
    ax.set_xlabel(_called("predicted", name))
    ax.set_ylabel("residual: true − predicted")
    ax.locator_params(axis="x", nbins=6)
    open_axes(ax)
    return ax


def _called(what: str, name: str) -> str:
    return f"{what} {shortened(name, 32)}" if name else plain(f"{what} value")


def _points(ax: Any, x: np.ndarray, y: np.ndarray, area: tuple[float, ...]) -> None:
    if len(x) > _MOST_POINTS:
        drawn = ax.hexbin(x, y, gridsize=60, extent=area, bins="log", cmap="Blues", mincnt=1)
        ax.figure.colorbar(drawn, ax=ax, fraction=0.045, pad=0.02).set_label("rows")
        return
    faint = 0.75 if len(x) <= 500 else 0.35
    ax.scatter(x, y, s=14, color=colour(0), alpha=faint, edgecolors="none")


def _pairs(y_true: Any, y_pred: Any, X: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    found = y_pred.predict(X) if hasattr(y_pred, "predict") else y_pred
    pair = []
    for y in (y_true, found):
        array = np.asarray(y, np.float64)
        pair.append(array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array)
    truth, found = pair
    if truth.ndim != 1 or truth.shape != found.shape or not len(truth):
        raise ValueError(
            f"{what}: true values of shape {truth.shape}, predicted ones of shape {found.shape}; draw one target at a "
            "time, as y[:, 0]"
        )
    if not (np.isfinite(truth).all() and np.isfinite(found).all()):
        raise ValueError(f"{what}: NaN or infinity among the values; leave such rows out")
    return truth, found
