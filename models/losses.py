"""Losses: functions of outputs and targets, averaged over the rows, stable in the tails."""

from __future__ import annotations

from typing import Any

from ..autograd import namespace as xp
from ..autograd.array import raw
from ..autograd.dtypes import is_integer
from .activations import softplus


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(getattr(raw(x), "shape", ()))


def cross_entropy(logits: Any, labels: Any, /) -> Any:
    """The mean of ``−log softmax(logits)[i, labels[i]]``.

    Parameters
    ----------
    logits : array (…, C)
        Unnormalised log-probabilities of C classes.
    labels : integer array (…)
        Classes 0 … C − 1.

    Returns
    -------
    Array, 0-d

    Raises
    ------
    TypeError
        If the labels are not integers.
    ValueError
        If the shapes do not match, or there are no rows.
    IndexError
        If a label is not a class (on a CPU).

    Notes
    -----
    Computed as ``log Σ exp(z − max z) − (z_y − max z)``; no logit overflows.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> round(float(pb.models.cross_entropy(np.zeros((2, 4)), np.asarray([0, 3]))), 6)
    1.386294
    """
    labels, values = raw(labels), raw(logits)
    if not hasattr(values, "ndim"):
        raise TypeError(f"cross_entropy: logits are an array (…, C), not {type(values).__name__}")
    kind = getattr(labels, "dtype", type(labels))
    if not is_integer(kind):
        raise TypeError(f"cross_entropy: labels are class indices of an integer dtype, not {kind}")
    if values.ndim == 0 or labels.shape != values.shape[:-1]:
        raise ValueError(
            f"cross_entropy: logits of shape {values.shape} take labels of shape {values.shape[:-1]}, "
            f"not {labels.shape}"
        )
    return xp.softmax_cross_entropy(logits, labels)


def binary_cross_entropy(logits: Any, labels: Any, /, *, signed: bool = False) -> Any:
    """The mean of the log loss of two classes, from logits: ``log(1 + exp(−s z))`` with s = ±1.

    Parameters
    ----------
    logits : array (…)
        z, the log-odds of the positive class.
    labels : array (…)
        In {0, 1}, or in {−1, +1} with `signed`; floating labels between them are probabilities.
    signed : bool
        Labels are −1 and +1.

    Returns
    -------
    Array, 0-d

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    For y in {0, 1} the loss is ``softplus(z) − y z``, which for signed labels is ``softplus(−s z)``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> z = np.asarray([1e4, -1e4, 0.0])
    >>> round(float(pb.models.binary_cross_entropy(z, np.asarray([1, 0, 1]))), 6)
    0.231049
    """
    if _shape(logits) != _shape(labels):
        raise ValueError(
            f"binary_cross_entropy: logits of shape {_shape(logits)} take labels of the same shape, "
            f"not {_shape(labels)}"
        )
    logits = xp.asarray(logits)
    labels = xp.astype(xp.asarray(labels), logits.dtype)
    if signed:
        labels = 0.5 * (labels + 1)
    return xp.mean(softplus(logits) - labels * logits)


def squared_error(predictions: Any, targets: Any, /) -> Any:
    """The mean of ``(predictions − targets)²`` over all elements.

    Parameters
    ----------
    predictions, targets : array
        Of one shape: (rows,) or (rows, outputs).

    Returns
    -------
    Array, 0-d

    Raises
    ------
    ValueError
        If the shapes differ: (n, 1) against (n,) would broadcast to (n, n).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.squared_error(np.asarray([1.0, 2.0]), np.asarray([1.0, 4.0]))
    Array(2., dtype=float64, device='cpu')
    """
    if _shape(predictions) != _shape(targets):
        raise ValueError(
            f"squared_error: predictions of shape {_shape(predictions)} and targets of shape {_shape(targets)} "
            "have to agree"
        )
    difference = xp.subtract(predictions, targets)
    return xp.mean(difference * difference)
