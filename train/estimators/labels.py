"""The parts that classifiers share: labels and their codes, weights of classes, ties, draws."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d


def exact_labels(name: str, y: Any) -> Any:
    """Labels as they came; a sequence of integers as an array of integers, none of which has lost a digit.

    Raises
    ------
    ValueError
        If NumPy would round them: no dtype of 64 bits holds them all.
    """
    if not isinstance(y, list | tuple):
        return y
    integers = [v for v in y if isinstance(v, int | np.integer) and not isinstance(v, bool)]
    if not integers:
        return y
    labels = np.asarray(y)
    rounded = labels.dtype.kind == "f" and any(int(float(v)) != int(v) for v in integers)
    if rounded or (labels.dtype == object and len(integers) == len(y)):
        raise ValueError(
            f"{name}: labels from {min(integers)} to {max(integers)} fit no integers of 64 bits, and would be "
            "rounded beside fractions; give them as strings"
        )
    return labels


def encode(y: Any, classes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The sorted classes of the labels y (n,), and the index of each label among them.

    Raises
    ------
    ValueError
        If y does not hold labels, or holds some that are not among the given `classes`.
    """
    labels = column_or_1d(y, warn=True)
    check_classification_targets(labels)
    found, codes = np.unique(labels, return_inverse=True)
    if classes is None:
        return found, codes
    # by Python's equality, which is exact: NumPy compares int64 with uint64 or float64 as float64
    codes_of = {label: i for i, label in enumerate(classes.tolist())}
    unknown = [label for label in found.tolist() if label not in codes_of]
    if unknown:
        raise ValueError(
            f"y holds labels {unknown} that are not among the classes {classes.tolist()}"
        )
    return classes, np.asarray([codes_of[label] for label in found.tolist()], np.int64)[codes]


def same_labels(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays of classes are the same, compared exactly."""
    return bool(a.tolist() == b.tolist())


def weights_by_class(class_weight: Any, classes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The weight of each class, of which there is so much in y.

    Raises
    ------
    ValueError
        For a class that is not there, and weights that are negative or not finite.
    """
    if isinstance(class_weight, str) and class_weight == "balanced":
        out = np.zeros_like(counts)
        np.divide(counts.sum(), len(classes) * counts, out=out, where=counts > 0)
        return out
    out = compute_class_weight(class_weight, classes=classes, y=classes)
    if not np.all((out >= 0) & np.isfinite(out)):
        raise ValueError(f"class_weight={class_weight!r}: weights have to be finite and at least 0")
    return out


def combined_weights(
    class_weight: Any, classes: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray | None
) -> np.ndarray | None:
    """The weight of each sample, that of its class times its own; None where all are 1.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        "balanced" is n_samples / (n_classes · count), counted by sample weight, as in scikit-learn; classes without
        weight, which `partial_fit` may meet, get 0.

    Raises
    ------
    ValueError
        For a class that is not there, a negative weight, or if nothing has a weight in the end.
    """
    if class_weight is None:
        return sample_weight
    # the weighted counts, as scikit-learn has them: a weight of 2 is the sample twice
    counts = np.bincount(codes, weights=sample_weight, minlength=len(classes)).astype(float)
    by_class = weights_by_class(class_weight, classes, counts)
    weights = by_class[codes]
    weights = weights if sample_weight is None else weights * sample_weight
    if not weights.any():
        raise ValueError(
            f"class_weight={class_weight!r}: no sample has a weight above 0; give one to a class of y"
        )
    return weights


def decide(scores: np.ndarray, X: np.ndarray, seed: int) -> np.ndarray:
    """The index of the largest of each row of scores (n, C); a tie is decided by a draw.

    The draw depends on the seed and on the row of X alone, not on the other rows.
    """
    best = scores.argmax(axis=1)
    tied = scores == scores[np.arange(len(scores)), best][:, None]
    for i in np.flatnonzero(tied.sum(axis=1) > 1):
        row = zlib.crc32(np.ascontiguousarray(X[i]).tobytes())
        best[i] = np.random.default_rng([seed, row]).choice(np.flatnonzero(tied[i]))
    return best


def draw(probabilities: np.ndarray, random_state: Any) -> np.ndarray:
    """An index for each row of probabilities (n, C), drawn from it by the inverse of its cumulated sum."""
    u = check_random_state(random_state).random_sample((len(probabilities), 1))
    cumulated = np.cumsum(probabilities, axis=1)
    return np.minimum((u * cumulated[:, -1:] >= cumulated).sum(axis=1), probabilities.shape[1] - 1)


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities (n, C) for logits (n, C), or (n, 1) for two classes."""
    if logits.shape[1] == 1:
        return -np.logaddexp(0, np.concatenate([logits, -logits], axis=1))
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
