"""What a classifier gets right: the confusion matrix, ROC curves, the calibration curve; figures by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import extra
from .style import LINES, MARK, axes_or_new, colour, name_ticks, open_axes, room_for, shortened

BINS = 15
_PURPOSE = "a picture of a classifier"
# of more classes, numbers in the cells cannot be read
_MOST_NUMBERS = 26
_MOST_CURVES = 8


def confusion(
    y_true: Any, y_pred: Any, X: Any = None, *, classes: Sequence[Any] | None = None, ax: Any = None
) -> Any:
    """The confusion matrix: how many rows of each class (from above) were taken for each class (from the left).

    Colours are shares of the true class's rows, so that rare classes are as visible as frequent ones; cells without a
    row stay empty. More than 26 classes are drawn without numbers.

    Parameters
    ----------
    y_true : array (n,)
        The true labels.
    y_pred : array (n,), or a model
        The predicted labels; or what has `predict`, such as a loaded run or an estimator, which is asked about `X`.
    X : array or DataFrame, optional
        What a model predicts from.
    classes : sequence, optional
        The labels in the order in which they are drawn; by default all that occur, sorted.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure, which is ``.figure`` of what is returned.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    MissingExtra
        Without matplotlib or scikit-learn.
    ValueError
        For labels that are not among the classes, or of different numbers.

    Examples
    --------
    >>> import pullback as pb
    >>> ax = pb.train.plots.confusion(["cat", "dog", "dog"], ["cat", "dog", "cat"])
    >>> [text.get_text() for text in ax.texts]
    ['1', '1', '1']
    """
    metrics = extra("sklearn.metrics", _PURPOSE)
    truth = np.asarray(y_true)
    predicted = np.asarray(y_pred.predict(X) if hasattr(y_pred, "predict") else y_pred)
    if classes is None:
        try:
            classes = np.unique(np.concatenate([truth, predicted])).tolist()
        except TypeError:
            raise ValueError(
                f"confusion: true labels such as {truth.ravel()[:1].tolist()}, predicted ones such as "
                f"{predicted.ravel()[:1].tolist()}: give both as texts or both as numbers"
            ) from None
    labels = list(classes)
    _refuse_others(truth, labels, "confusion")
    table = metrics.confusion_matrix(truth, predicted, labels=labels)
    return draw_confusion(table, [str(label) for label in labels], ax=ax)


def draw_confusion(
    table: np.ndarray, names: Sequence[str], *, bar: bool = True, ax: Any = None
) -> Any:
    """A confusion matrix that has been counted, with these names of the classes."""
    n = len(names)
    side = min(max(4.6, 0.34 * n + 2.0), 11.0)
    sideways = 0.075 * max(min(len(name), 20) for name in names)
    ax = axes_or_new(ax, side + 0.8 + sideways, side + room_for(names))
    rows = table.sum(axis=1, keepdims=True)
    share = np.divide(table, rows, out=np.zeros(table.shape), where=rows > 0)
    shown = ax.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0, interpolation="nearest")
    if n <= _MOST_NUMBERS:
        digits = max(len(f"{table.max():d}"), 2)
        cell = 72.0 * ax.get_position().width * ax.figure.get_size_inches()[0] / n
        # a digit is about 0.6 of the font's size wide
        size = max(4.0, min(9.0, 0.8 * cell / (0.6 * digits)))
        for i, j in np.argwhere(table):
            ink = "white" if share[i, j] > 0.5 else "black"
            ax.text(j, i, f"{table[i, j]}", ha="center", va="center", color=ink, fontsize=size)
    font = 8.0 if n <= 12 else 6.5
    name_ticks(ax.xaxis, names, most=50, font=font, rotate=True)
    name_ticks(ax.yaxis, names, most=50, font=font, rotate=False)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    if bar:
        scale = ax.figure.colorbar(shown, ax=ax, fraction=0.045, pad=0.02)
        scale.set_label("share of the true class's rows")
        ticker = extra("matplotlib.ticker", "a plot")
        scale.ax.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, symbol=" %"))
    return ax


def roc(
    y_true: Any,
    probabilities: Any,
    X: Any = None,
    *,
    classes: Sequence[Any] | None = None,
    ax: Any = None,
) -> Any:
    """The ROC curve: of two classes that of the second one, of more each one against the rest.

    Of more than eight classes all are drawn faintly, and the four of least area in colours. A class of which there is
    no row, or of which all rows are, has no curve.

    Parameters
    ----------
    y_true : array (n,)
        The true labels.
    probabilities : array (n, C) or (n,), or a model
        Of the classes, in their order; of two classes also of the second one alone. Or what has `predict_proba`, such
        as a loaded run or an estimator, which is asked about `X`.
    X : array or DataFrame, optional
        What a model predicts from.
    classes : sequence, optional
        The labels in the order of the probabilities; by default the model's, else all that occur, sorted.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure, which is ``.figure`` of what is returned.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    MissingExtra
        Without matplotlib or scikit-learn.
    ValueError
        For labels that are not among the classes, and for other numbers of probabilities.

    Examples
    --------
    >>> import pullback as pb
    >>> ax = pb.train.plots.roc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> ax.get_legend_handles_labels()[1]
    ['1 (area 0.7500)', 'chance']
    """
    metrics = extra("sklearn.metrics", _PURPOSE)
    truth, p, labels = _judged(y_true, probabilities, X, classes, "roc")
    ax = axes_or_new(ax, 5.4, 5.0)
    curves = []
    for i in range(p.shape[1]) if p.shape[1] > 2 else (1,):
        mine = truth == i
        if mine.any() and not mine.all():
            false, true, _ = metrics.roc_curve(mine, p[:, i])
            curves.append((metrics.auc(false, true), labels[i], false, true))
    many = len(curves) > _MOST_CURVES
    worst = sorted(curves, key=lambda c: c[0])[:4] if many else curves
    if many:
        for _, _, false, true in curves:
            ax.plot(false, true, color="#aaaaaa", linewidth=0.8)
    for i, (area, label, false, true) in enumerate(worst):
        name = f"{shortened(label, 24)} (area {area:.4f})"
        ax.plot(false, true, color=colour(i), linestyle=LINES[i % len(LINES)], label=name)
    ax.plot([0, 1], [0, 1], color=MARK, linewidth=0.9, linestyle=":", label="chance")
    if not curves:
        ax.text(0.5, 0.6, "one class alone: no curve", ha="center", fontsize=9)
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.02)
    ax.set_aspect("equal")
    ax.set_xlabel("false positive rate")
    ax.set_ylabel("true positive rate")
    open_axes(ax)
    title = f"the {len(worst)} of least area, of {len(curves)}" if many else None
    ax.legend(frameon=False, fontsize=8, loc="lower right", title=title, title_fontsize=8)
    return ax


def calibration(
    y_true: Any,
    probabilities: Any,
    X: Any = None,
    *,
    classes: Sequence[Any] | None = None,
    bins: int = BINS,
    ax: Any = None,
) -> Any:
    """The calibration curve: how often what has a probability comes true.

    Of two classes the probability is that of the second one; of more it is that of the class that was predicted, and
    what may come true is that the prediction is right. Points above the diagonal are too careful, points below it too
    sure of themselves. The larger a point, the more rows are in its bin.

    Parameters
    ----------
    y_true, probabilities, X, classes
        As for `roc`.
    bins : int
        How many bins of equal width.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure, which is ``.figure`` of what is returned.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    MissingExtra, ValueError
        As for `roc`.

    Examples
    --------
    >>> import pullback as pb
    >>> ax = pb.train.plots.calibration([0, 0, 1, 1], [0.1, 0.3, 0.3, 0.9], bins=5)
    >>> ax.lines[0].get_xydata().tolist()
    [[0.1, 0.0], [0.3, 0.5], [0.9, 1.0]]
    """
    truth, p, labels = _judged(y_true, probabilities, X, classes, "calibration")
    came_true, sure = events(truth, p)
    ax = axes_or_new(ax, 5.4, 5.0)
    x, y, counts = reliability(came_true, sure, bins)
    ax.plot(x, y, color=colour(0), linewidth=1.2)
    ax.scatter(x, y, s=12 + 120 * counts / counts.sum(), color=colour(0), label="rows by bins")
    ax.plot([0, 1], [0, 1], color=MARK, linewidth=0.9, linestyle=":", label="calibrated")
    ax.set_xlim(-0.04, 1.04)
    ax.set_ylim(-0.04, 1.04)
    ax.set_aspect("equal")
    if p.shape[1] == 2:
        name = shortened(labels[1], 24)
        ax.set_xlabel(f"predicted probability of {name}")
        ax.set_ylabel(f"share of {name}")
    else:
        ax.set_xlabel("probability of the predicted class")
        ax.set_ylabel("share of right predictions")
    open_axes(ax)
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    return ax


def events(truth: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What may come true for each row, and its probability: the second of two classes, or a right prediction."""
    if p.shape[1] == 2:
        return truth == 1, p[:, 1]
    return p.argmax(axis=1) == truth, p.max(axis=1)


def reliability(
    came_true: np.ndarray, sure: np.ndarray, bins: int = BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By bins of equal width that are not empty: the mean probability, how often it came true, how many rows.

    The bins are those of ``sklearn.calibration.calibration_curve``, which has no counts.

    Examples
    --------
    >>> x, y, counts = reliability(np.asarray([False, True]), np.asarray([0.2, 0.9]), bins=2)
    >>> x.tolist(), y.tolist(), counts.tolist()
    ([0.2, 0.9], [0.0, 1.0], [1, 1])
    """
    curve = extra("sklearn.calibration", _PURPOSE).calibration_curve
    sure = np.clip(sure, 0.0, 1.0)  # a sum of probabilities may be 1 + 1e-16
    y, x = curve(came_true, sure, n_bins=bins, pos_label=True)
    edges = np.linspace(0.0, 1.0, bins + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], sure), minlength=bins)
    return x, y, counts[counts > 0]


def _judged(
    y_true: Any, probabilities: Any, X: Any, classes: Sequence[Any] | None, what: str
) -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """Class numbers, probabilities of shape (n, C), and the labels."""
    truth = np.asarray(y_true)
    if hasattr(probabilities, "predict_proba"):
        model = probabilities
        if classes is None:
            classes = getattr(model, "classes_", getattr(model, "classes", None))
        probabilities = model.predict_proba(X)
    p = np.asarray(probabilities, np.float64)
    if p.ndim == 1 or (p.ndim == 2 and p.shape[1] == 1):
        p = np.stack([1.0 - p.reshape(-1), p.reshape(-1)], axis=1)
    labels = list(np.unique(truth) if classes is None else classes)
    if p.ndim != 2 or p.shape != (len(truth), len(labels)):
        raise ValueError(
            f"{what}: probabilities of shape {p.shape} for {len(truth)} rows of {len(labels)} classes; give one of "
            "each class for each row, and the classes' labels as classes="
        )
    _refuse_others(truth, labels, what)
    position = {label: i for i, label in enumerate(labels)}
    return np.asarray([position[label] for label in truth.tolist()]), p, labels


def _refuse_others(truth: np.ndarray, labels: Any, what: str) -> None:
    other = sorted(set(truth.tolist()) - set(np.asarray(labels).tolist()), key=str)
    if other:
        raise ValueError(f"{what}: the label {other[0]!r} is none of the classes")
