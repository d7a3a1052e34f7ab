"""Tasks: the target decides the last layer, the loss, the score and the form of a prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ... import backend, models
from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import as_numpy
from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from ..data.load import Dataset


@dataclass(frozen=True)
class Task:
    """The training and the judging of a network for one type of target.

    Attributes
    ----------
    outputs : int
        Width of the network's last layer: one logit for two classes, one for each of more, one
        number for each regression target.
    loss : callable
        ``loss(outputs, y)``, a 0-d `pb.Array`; outputs of shape (n, k).
    score : callable
        ``score(outputs, y)``, a float: the larger, the better.
    score_name : str
        ``"accuracy"`` or ``"R2"``.
    """

    outputs: int
    loss: Callable[[Any, Any], Any]
    score: Callable[[Any, Any], float]
    score_name: str


def task_for(data: Dataset) -> Task:
    """The task that fits a data set.

    Examples
    --------
    >>> from pullback.train import load_dataset
    >>> task_for(load_dataset("breast_cancer")).outputs
    1
    """
    if data.task == "regression":
        return Task(data.y.shape[1], models.squared_error, r_squared, "R2")
    if len(data.classes) == 2:
        return Task(1, log_loss, accuracy, "accuracy")
    return Task(len(data.classes), models.cross_entropy, accuracy, "accuracy")


@dataclass(frozen=True)
class ClassWeighted:
    """The loss of a task with classes of weights of their own: the mean over rows of ``w[y] loss``.

    Attributes
    ----------
    classes : int
    weights : tuple of float, one a class
        Of a mean of 1 over the rows that they were taken of, so that this is the weighted mean of these rows.

    Examples
    --------
    >>> import numpy as np
    >>> loss = ClassWeighted(2, (0.5, 1.5))
    >>> round(float(loss(np.zeros((2, 1)), np.asarray([0, 1]))), 4)
    0.6931
    """

    classes: int
    weights: tuple[float, ...]

    def __call__(self, outputs: Value, y: Value) -> Any:
        """The loss of logits (n, C), or (n, 1) for two classes."""
        if self.classes == 2:
            losses = models.binary_cross_entropy(xp.reshape(outputs, (-1,)), y, reduction="none")
        else:
            losses = models.cross_entropy(outputs, y, reduction="none")
        home = backend.backend_of(backend_array(losses))
        weights = home.asarray(np.asarray(self.weights, as_numpy(losses.dtype)))
        return xp.mean(xp.take(weights, y) * losses)


def balanced(task: Task, labels: np.ndarray, classes: int) -> Task:
    """The task with the weights ``n / (C n_c)`` of n rows, n_c of each class, as scikit-learn's "balanced".

    Examples
    --------
    >>> from pullback.train import load_dataset
    >>> task = balanced(task_for(load_dataset("breast_cancer")), np.asarray([0, 0, 0, 1]), 2)
    >>> task.loss.weights
    (0.6666666666666666, 2.0)
    """
    counts = np.bincount(labels.astype(np.int64), minlength=classes)
    weights = len(labels) / (classes * np.maximum(counts, 1))
    return replace(task, loss=ClassWeighted(classes, tuple(weights.tolist())))


def log_loss(outputs: Value, y: Value) -> Any:
    """Mean log loss of one logit, shape (n, 1), for labels 0 and 1, shape (n,)."""
    return models.binary_cross_entropy(xp.reshape(outputs, (-1,)), y)


# The most logits that are copied to the host before right answers are counted. A device would compile kernels for this
# alone: for CuPy's argmax by rows, NVRTC reads CUB's headers, which takes 1.8 s.
_ON_HOST = 1 << 20


def accuracy(outputs: Value, y: Value) -> float:
    """The fraction of rows whose largest logit is their class's; for (n, 1) logits, by the sign."""
    if outputs.size <= _ON_HOST:
        outputs, y = (backend.to_numpy(backend_array(x)) for x in (outputs, y))
    raw = backend.backend_of(outputs).xp
    if outputs.shape[1] == 1:
        chosen = raw.astype(outputs[:, 0] > 0, y.dtype)
    else:
        chosen = raw.argmax(outputs, axis=1)
    return float(raw.sum(raw.astype(chosen == y, raw.float64))) / y.shape[0]


def r_squared(outputs: Value, y: Value) -> float:
    """``1 - sum (y - outputs)² / sum (y - mean y)²``, the mean over targets of shape (n, k).

    NaN where a target does not vary in this part of the data.
    """
    raw = backend.backend_of(outputs).xp
    z, t = raw.astype(outputs, raw.float64), raw.astype(y, raw.float64)
    residual = raw.sum((t - z) ** 2, axis=0)
    spread = raw.sum((t - raw.mean(t, axis=0)) ** 2, axis=0)
    return float(raw.mean(1 - residual / spread))


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Class probabilities, shape (n, C), of logits of shape (n, C), or (n, 1) for two classes.

    Examples
    --------
    >>> probabilities(np.asarray([[0.0]]))
    array([[0.5, 0.5]])
    """
    z = logits.astype(np.float64)
    if z.shape[1] == 1:
        # Both tails keep their digits: no 1 - p, and exp never overflows.
        small = np.exp(-np.abs(z))
        likely, unlikely = 1 / (1 + small), small / (1 + small)
        return np.where(z > 0, np.hstack([unlikely, likely]), np.hstack([likely, unlikely]))
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return z / z.sum(axis=1, keepdims=True)
