"""The figures by which classifiers and regressions are judged, computed by scikit-learn, as frozen records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, extra, listed
from ..plots.classifiers import BINS, events, reliability

_PURPOSE = "evaluation"


@dataclass(frozen=True)
class ClassMetrics:
    """The figures of one class, or an average over classes.

    Attributes
    ----------
    name : str
    precision, recall, f1 : float or None
        None where there is nothing to divide by: a recall without a row of the class.
    roc_auc : float or None
        One against the rest; None where one of the two sides has no row.
    rows : int
        Rows of this class, scikit-learn's support.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None
    rows: int


@dataclass(frozen=True)
class ClassificationMetrics:
    """The figures of a classifier.

    Attributes
    ----------
    rows : int
    classes : tuple of str
        In the order of the model's outputs.
    accuracy, balanced_accuracy : float
        The second is the mean recall of the classes that occur.
    log_loss : float
        The mean of ``-ln p`` of the true class.
    brier_score : float
        The mean of ``(p - 1)²`` of two classes; of more, the mean of the squared distance of all probabilities.
    expected_calibration_error : float
        The mean distance of a probability from how often it comes true, in 15 bins [1]_: of two classes that of the
        second one, of more that of the predicted class.
    roc_auc : float or None
        Of two classes; of more the mean of each class against the rest. None where no class has one.
    per_class : tuple of ClassMetrics
    macro_average, weighted_average : ClassMetrics
        Over the classes that occur; weighted by their rows.
    confusion_matrix : tuple of tuple of int
        Rows are true classes, columns predicted ones.
    notes : tuple of str
        What is not defined, and why.

    References
    ----------
    .. [1] C. Guo et al., "On calibration of modern neural networks", ICML 2017.
    """

    rows: int
    classes: tuple[str, ...]
    accuracy: float
    balanced_accuracy: float
    log_loss: float
    brier_score: float
    expected_calibration_error: float
    roc_auc: float | None
    per_class: tuple[ClassMetrics, ...]
    macro_average: ClassMetrics
    weighted_average: ClassMetrics
    confusion_matrix: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """What was judged."""
        return "classification"


@dataclass(frozen=True)
class TargetMetrics:
    """The figures of one target of a regression, or their mean.

    Attributes
    ----------
    name : str
    r2 : float or None
        None where the true values do not vary.
    mean_absolute_error, root_mean_squared_error : float
        In the target's own units.
    """

    name: str
    r2: float | None
    mean_absolute_error: float
    root_mean_squared_error: float


@dataclass(frozen=True)
class RegressionMetrics:
    """The figures of a regression.

    Attributes
    ----------
    rows : int
    r2 : float or None
        Of one target, or the mean over targets; None where one of them has none.
    mean_absolute_error, root_mean_squared_error : float
        Of one target, or the mean over targets.
    per_target : tuple of TargetMetrics
    notes : tuple of str
        What is not defined, and why.
    """

    rows: int
    r2: float | None
    mean_absolute_error: float
    root_mean_squared_error: float
    per_target: tuple[TargetMetrics, ...]
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """What was judged."""
        return "regression"


@dataclass(frozen=True)
class TextMetrics:
    """The figures of a model of a text's next characters.

    Attributes
    ----------
    rows : int
        Characters that were predicted.
    accuracy : float
        The fraction of them that were the likeliest.
    log_loss : float
        The mean of ``-ln p`` of the true character.
    perplexity, bits_per_character : float
        ``exp`` of it, and it over ``ln 2``.
    notes : tuple of str
    """

    rows: int
    accuracy: float
    log_loss: float
    perplexity: float | None
    bits_per_character: float
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """What was judged."""
        return "text"


Metrics = ClassificationMetrics | RegressionMetrics | TextMetrics


def classification_metrics(
    y: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> ClassificationMetrics:
    """Judge probabilities (n, C), float64, of classes, by the true class numbers y (n,), int64.

    A class that does not occur in y has no recall and no area under its ROC curve, and does not count in averages; one
    that is never predicted has a precision of 0.

    Raises
    ------
    MissingExtra
        Without scikit-learn.
    InputError
        If there is no row.

    Examples
    --------
    >>> p = np.asarray([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    >>> found = classification_metrics(np.asarray([0, 1, 1]), p, ["no", "yes"])
    >>> round(found.accuracy, 4), found.roc_auc, found.per_class[1].recall
    (0.6667, 1.0, 0.5)
    """
    _require_rows(len(y))
    sk = extra("sklearn.metrics", _PURPOSE)
    names = [str(name) for name in classes]
    numbers = range(len(names))
    # a sum of probabilities may be 1 + 1e-16, which scikit-learn refuses
    probabilities = np.clip(probabilities, 0.0, 1.0)
    predicted = probabilities.argmax(axis=1)
    table = sk.confusion_matrix(y, predicted, labels=list(numbers))
    present = np.flatnonzero(table.sum(axis=1))
    precision, recall, f1, rows = sk.precision_recall_fscore_support(
        y, predicted, labels=list(numbers), zero_division=np.nan
    )
    never = [int(c) for c in present if table[:, c].sum() == 0]
    precision[never] = 0.0
    areas = [_area(sk, y == c, probabilities[:, c]) for c in numbers]
    if len(names) == 2:
        # as many rows as of the other class: one curve, read from either side
        areas = [areas[1], areas[1]]
    defined = [area for area in areas if area is not None]
    per_class = tuple(
        ClassMetrics(
            names[c],
            _number(precision[c]),
            _number(recall[c]),
            _number(f1[c]),
            areas[c],
            int(rows[c]),
        )
        for c in numbers
    )
    averages = []
    for name, average in (("macro average", "macro"), ("weighted average", "weighted")):
        p, r, f, _ = sk.precision_recall_fscore_support(
            y, predicted, labels=present, average=average, zero_division=0.0
        )
        weights = rows[[a is not None for a in areas]] if average == "weighted" else None
        area = float(np.average(defined, weights=weights)) if defined else None
        averages.append(ClassMetrics(name, float(p), float(r), float(f), area, len(y)))
    came_true, sure = events(y, probabilities)
    x, share, counts = reliability(came_true, sure, BINS)
    return ClassificationMetrics(
        rows=len(y),
        classes=tuple(names),
        accuracy=float(sk.accuracy_score(y, predicted)),
        balanced_accuracy=float(np.mean(recall[present])),
        log_loss=float(sk.log_loss(y, probabilities, labels=list(numbers))),
        brier_score=_brier(sk, y, probabilities),
        expected_calibration_error=float(np.average(np.abs(x - share), weights=counts)),
        roc_auc=float(np.mean(defined)) if defined else None,
        per_class=per_class,
        macro_average=averages[0],
        weighted_average=averages[1],
        confusion_matrix=tuple(tuple(int(v) for v in row) for row in table),
        notes=_notes(names, present, never),
    )


def _require_rows(n: int) -> None:
    if n == 0:
        raise InputError("evaluate: the data have no rows")


def _area(sk: Any, mine: np.ndarray, p: np.ndarray) -> float | None:
    return float(sk.roc_auc_score(mine, p)) if mine.any() and not mine.all() else None


def _brier(sk: Any, y: np.ndarray, p: np.ndarray) -> float:
    """scikit-learn's Brier score; before its version 1.7 it has that of two classes alone."""
    if p.shape[1] == 2:
        return float(sk.brier_score_loss(y, p[:, 1], pos_label=1))
    return p.shape[1] * float(sk.mean_squared_error(np.eye(p.shape[1])[y], p))


def _notes(classes: Sequence[str], present: np.ndarray, never: list[int]) -> tuple[str, ...]:
    notes = []
    absent = [classes[c] for c in range(len(classes)) if c not in set(present.tolist())]
    if absent:
        notes.append(
            f"no row of {listed(absent, 5)}: without recall and ROC AUC, and left out of the averages"
        )
    if len(present) == 1:
        notes.append(f"all rows are {classes[present[0]]}: ROC AUC is not defined")
    if never:
        notes.append(
            f"never predicted: {listed([classes[c] for c in never], 5)}; such a precision counts as 0"
        )
    return tuple(notes)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def regression_metrics(
    y: np.ndarray, predicted: np.ndarray, names: Sequence[str]
) -> RegressionMetrics:
    """Judge predictions (n, k) of k targets by the true values y (n, k), both float64.

    Raises
    ------
    MissingExtra
        Without scikit-learn.
    InputError
        If there is no row.

    Examples
    --------
    >>> y = np.asarray([[1.0], [2.0], [3.0]])
    >>> found = regression_metrics(y, y + 0.5, ["price"])
    >>> found.r2, found.mean_absolute_error
    (0.625, 0.5)
    """
    _require_rows(len(y))
    sk = extra("sklearn.metrics", _PURPOSE)
    varies = np.ptp(y, axis=0) > 0
    targets = tuple(
        TargetMetrics(
            str(name),
            float(sk.r2_score(y[:, i], predicted[:, i])) if varies[i] else None,
            float(sk.mean_absolute_error(y[:, i], predicted[:, i])),
            # its root, as scikit-learn's root_mean_squared_error
            float(np.sqrt(sk.mean_squared_error(y[:, i], predicted[:, i]))),
        )
        for i, name in enumerate(names)
    )
    constant = [target.name for target in targets if target.r2 is None]
    why = "there is one row" if len(y) == 1 else "its true values do not vary"
    notes = (f"no R2 of {listed(constant, 5)}: {why}",) if constant else ()
    return RegressionMetrics(
        rows=len(y),
        r2=None if constant else float(np.mean([t.r2 for t in targets])),
        mean_absolute_error=float(np.mean([t.mean_absolute_error for t in targets])),
        root_mean_squared_error=float(np.mean([t.root_mean_squared_error for t in targets])),
        per_target=targets,
        notes=notes,
    )
