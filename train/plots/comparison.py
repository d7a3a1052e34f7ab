"""The losses or scores of several trainings in one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import extra
from .histories import lines_of, scale_losses, scale_scores
from .style import MARK, MARKERS, axes_or_new, colour, finite, open_axes, plain, shortened

_WHAT = ("loss", "score")
# so many markers along a line: grey prints tell lines by their shapes
_ALONG = 8
_LONGEST = 90


def compare(
    histories: Mapping[str, Any], *, what: str = "loss", ax: Any = None, legend: bool = True
) -> Any:
    """The losses or scores of several trainings by epoch: validation solid, training dashed, the best epoch marked.

    Losses are on a logarithmic axis where all of them are positive. Trainings are told apart by colour and by the shape
    of their markers.

    Parameters
    ----------
    histories : mapping of str to Fit, list of Epoch, or path
        By the names that the legend gives: what `fit` returned, its history, or a run's folder.
    what : {"loss", "score"}
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure, which is ``.figure`` of what is returned.
    legend : bool
        Whether to draw one.

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
        If there is nothing to draw.

    Examples
    --------
    >>> import pullback as pb
    >>> fast = [pb.train.Epoch(i, i, 0.5**i, 0.5, 0.6**i, 0.5) for i in range(4)]
    >>> slow = [pb.train.Epoch(i, i, 0.8**i, 0.5, 0.9**i, 0.5) for i in range(4)]
    >>> ax = pb.train.plots.compare({"rate 0.1": fast, "rate 0.01": slow})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['rate 0.1', 'rate 0.01', 'validation', 'training', 'best epoch']
    """
    if what not in _WHAT:
        raise ValueError(f"compare: what={what!r}; it is loss or score")
    if not histories:
        raise ValueError("compare: there is nothing to draw; give two trainings or more")
    ax = axes_or_new(ax, 7.0, 4.8)
    names, values = set(), []
    for i, history in enumerate(histories.values()):
        lines, best, score_name = lines_of(history, what)
        names.add("loss" if what == "loss" else score_name)
        for part, dashes in (("training", "--"), ("validation", "-")):
            if part in lines:
                x, y = lines[part]
                drawn = np.where(np.isfinite(y), y, np.nan)
                _draw(ax, i, x, drawn, dashes, markers=part == "validation")
                values += y
        if "validation" in lines:
            _mark_best(ax, i, *lines["validation"], best)
    shown = finite(values)
    name = names.pop() if len(names) == 1 else " or ".join(sorted(names))
    (scale_losses if what == "loss" else _scale(name))(ax, shown)
    ax.set_xlabel("epoch")
    ax.set_ylabel("R²" if name.lower() == "r2" else plain(name).replace("r2", "R²"))
    open_axes(ax)
    ax.xaxis.set_major_locator(extra("matplotlib.ticker", "a plot").MaxNLocator(integer=True))
    if legend:
        handles, labels = legend_of(histories)
        ax.legend(handles, labels, frameon=False, fontsize=8)
    return ax


def legend_of(names: Mapping[str, Any]) -> tuple[list[Any], list[str]]:
    """The handles and labels of a legend: a line for each training, and what the kinds of lines are."""
    line = extra("matplotlib.lines", "a plot").Line2D
    handles = [line([], [], **_ink(i), markersize=6) for i in range(len(names))]
    handles += [line([], [], color=MARK, linestyle=dashes) for dashes in ("-", "--")]
    handles.append(line([], [], color=MARK, **_BEST))
    labels = [shortened(name, _LONGEST) for name in names]
    return handles, [*labels, "validation", "training", "best epoch"]


_BEST = {
    "marker": "o", "markersize": 10, "markeredgecolor": "black", "markeredgewidth": 1.2, "linestyle": "none",
}  # fmt: skip


def _ink(i: int) -> dict[str, Any]:
    return {"color": colour(i), "marker": MARKERS[i % len(MARKERS)]}


def _draw(ax: Any, i: int, x: list[int], y: np.ndarray, dashes: str, *, markers: bool) -> None:
    ink = _ink(i)
    if markers or len(x) < 3:
        step = max(1, math.ceil(len(x) / _ALONG))
        # lines that lie on each other show their markers beside each other
        marks = {
            "marker": ink["marker"],
            "markersize": 5,
            "markevery": (i * step // 3 % step, step),
        }
    else:
        marks = {}
    width = 1.6 if markers else 1.1
    ax.plot(x, y, color=ink["color"], linestyle=dashes, linewidth=width, **marks)


def _mark_best(ax: Any, i: int, x: list[int], y: list[float], best: int | None) -> None:
    if best in x and math.isfinite(y[x.index(best)]):
        mark = {**_BEST, "marker": MARKERS[i % len(MARKERS)]}
        ax.plot([best], [y[x.index(best)]], color=colour(i), zorder=5, **mark)


def _scale(name: str) -> Any:
    return lambda ax, values: scale_scores(ax, values, name)
