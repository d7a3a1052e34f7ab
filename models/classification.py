"""Losses of many classes: cross-entropy, Kullback-Leibler divergence and hinge. Classes are the last axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.core.array import backend_array
from ..autograd.core.dtypes import is_inexact, is_integer
from ..autograd.core.typing import ArrayLike, Value
from ..autograd.functions import namespace as xp
from .reduction import (
    check_range,
    check_same,
    check_two,
    floating_pair,
    marked,
    on_host,
    reduce,
    shape_of,
    times,
    weights_like,
    without,
)


def cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    /,
    *,
    label_smoothing: float = 0.0,
    class_weight: ArrayLike = None,
    sample_weight: ArrayLike = None,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Any:
    """The mean of ``−log softmax(logits)[i, labels[i]]``.

    Parameters
    ----------
    logits : array (…, C)
        Unnormalised log-probabilities of C classes.
    labels : integer array (…), or floating array (…, C)
        Classes 0 … C − 1, or their probabilities t: the loss is then ``−Σ_c w_c t_c log softmax(logits)_c``, in which
        a class of probability or weight 0 counts for nothing, at a logit of −∞ too.
    label_smoothing : float
        ε: each label's probabilities t become (1 − ε) t + ε / C, 0 ≤ ε ≤ 1.
    class_weight : array (C,), optional
        w; a mean over integer labels divides by the sum of their classes' weights, as PyTorch's.
    sample_weight : array, optional
        Of the first axes of the labels; the mean divides by the sum of the weights.
    ignore_index : int, optional
        Rows with this integer label count for nothing: loss 0, gradient 0.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Array, 0-d; or (…) with "none"

    Raises
    ------
    TypeError
        If the labels are neither integers nor probabilities.
    ValueError
        If the shapes do not match, or there are no rows; for probabilities that are not from 0 to 1 (on a device the
        row's loss is NaN) and weights that are negative, NaN or infinite (on a CPU).
    IndexError
        If a label is not a class (on a CPU; on a device the loss of that row is NaN where an option is given).

    Notes
    -----
    Computed as ``log1p Σ_{c≠m} exp(z_c − z_m) − (z_y − z_m)``, z_m the largest logit: none overflows, and a loss near 0
    and its gradient keep their digits. A mean in which nothing counts is NaN, and so is a row of −∞ alone.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> round(float(pb.models.cross_entropy(np.zeros((2, 4)), np.asarray([0, 3]))), 6)
    1.386294
    """
    soft, fine = _check(logits, labels, ignore_index)
    plain = label_smoothing == 0 and class_weight is sample_weight is ignore_index is None
    if plain and not soft and reduction == "mean":
        return xp.softmax_cross_entropy(logits, labels)  # one operation
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"cross_entropy: label_smoothing={label_smoothing!r}; it has to be from 0 to 1"
        )
    logits, labels = xp.asarray(logits), xp.asarray(labels)
    w = None
    if class_weight is not None:
        C = logits.shape[-1]
        if shape_of(class_weight) != (C,):
            raise ValueError(
                f"cross_entropy: class_weight of shape {shape_of(class_weight)} for {C} classes; it has to be ({C},)"
            )
        w = weights_like("cross_entropy", "class_weight", class_weight, (C,), logits.dtype)
    logits = without(logits, sample_weight)
    # this comes first, because a row of NaN has no gradient either
    if ignore_index is not None:
        logits = xp.where((labels != ignore_index)[..., None], logits, 0.0)
    negative = -xp.log_softmax(logits, axis=-1)
    if soft:
        losses = _soft(negative, without(labels, sample_weight), label_smoothing, w, fine)
        return reduce("cross_entropy", losses, sample_weight, reduction)
    losses, counted = _hard(negative, labels, label_smoothing, w, ignore_index)
    return reduce("cross_entropy", losses, sample_weight, reduction, divisor=counted)


def _check(logits: ArrayLike, labels: ArrayLike, ignore_index: int | None) -> tuple[bool, Any]:
    """Whether the labels are probabilities, and which of them are in range; labels that do not fit are refused."""
    given, labels, values = labels, backend_array(labels), backend_array(logits)
    if not hasattr(values, "ndim"):
        raise TypeError(f"cross_entropy: logits are an array (…, C), not {type(values).__name__}")
    dtype = getattr(labels, "dtype", type(labels))
    if values.ndim and is_integer(dtype) and getattr(labels, "shape", None) == values.shape[:-1]:
        return False, None  # in nearly all calls
    soft = values.ndim and getattr(labels, "shape", None) == values.shape and is_inexact(dtype)
    if soft:
        if ignore_index is not None:
            raise ValueError("cross_entropy: ignore_index is for integer labels")
        return True, check_range("cross_entropy", "probabilities", given, 0, 1, rounding=_ROUNDING)
    if not is_integer(dtype):
        raise TypeError(
            f"cross_entropy: labels are class indices of an integer dtype, or probabilities of the logits' shape "
            f"{values.shape}, not {dtype}"
            + (f" of shape {labels.shape}" if hasattr(labels, "shape") else "")
        )
    if values.ndim == 0 or shape_of(labels) != shape_of(values)[:-1]:
        raise ValueError(
            f"cross_entropy: logits of shape {values.shape} take labels of shape {values.shape[:-1]}, "
            f"not {labels.shape}"
        )
    return False, None


def _soft(negative: Any, t: Any, smoothing: float, w: Any, fine: Any) -> Any:
    """``Σ_c w_c t_c (−log p_c)`` of each row."""
    t = xp.astype(t, negative.dtype, copy=False)
    if smoothing:
        t = (1 - smoothing) * t + smoothing / negative.shape[-1]
    losses = times(t, negative if w is None else times(w, negative))
    return xp.sum(marked(losses, fine), axis=-1)


def _hard(
    negative: Any, labels: ArrayLike, smoothing: float, w: Any, ignore_index: int | None
) -> tuple[Any, Any]:
    """The loss of each row, and what it counts for in the mean; None where each counts for 1."""
    C = negative.shape[-1]
    _check_labels("cross_entropy", labels, C, ignore_index)
    known = (labels >= 0) & (labels < C)
    class_index = xp.where(known, labels, 0)
    losses = xp.take_along_axis(negative, class_index[..., None], axis=-1)[..., 0]
    counted = (
        None if w is None else xp.reshape(xp.take(w, xp.reshape(class_index, (-1,))), labels.shape)
    )
    if counted is not None:
        losses = times(counted, losses)
    if smoothing:
        rest = xp.mean(negative if w is None else times(w, negative), axis=-1)
        losses = rest if smoothing == 1 else (1 - smoothing) * losses + smoothing * rest
    # on a device the labels are not read, and an unknown one gives NaN
    losses = xp.where(known, losses, math.nan)
    if ignore_index is not None:
        here = labels != ignore_index
        losses = xp.where(here, losses, 0.0)
        each = xp.astype(here, negative.dtype)
        counted = each if counted is None else counted * each
    return losses, counted


def _check_labels(
    name: str, labels: ArrayLike, classes: int, ignore_index: int | None = None
) -> None:
    """Refuse labels that are no classes, where they are on the host.

    Raises
    ------
    IndexError
        The message says which.
    """
    values = on_host(labels)
    if values is None:
        return
    wrong = (values < 0) | (values >= classes)
    if ignore_index is not None:
        wrong &= values != ignore_index
    if np.any(wrong):
        raise IndexError(
            f"{name}: label {int(values[wrong].flat[0])} is not one of the classes 0 … {classes - 1}"
        )


def kl_divergence(
    log_q: Any,
    p: Any,
    /,
    *,
    log_target: bool = False,
    sample_weight: ArrayLike = None,
    reduction: str = "mean",
) -> Any:
    """The Kullback-Leibler divergence ``Σ_c p_c (log p_c − log q_c)`` of q from p, the mean over the rows.

    Parameters
    ----------
    log_q : array (…, C)
        Log-probabilities, as `pb.xp.log_softmax` gives them.
    p : array (…, C)
        Probabilities, or their logarithms with `log_target`. A class of p = 0 counts for nothing, at log q = −∞ too.
    log_target : bool
        What p is.
    sample_weight : array, optional
        Of the first axes of the rows.
    reduction : {"mean", "sum", "none"}
        "mean" is PyTorch's "batchmean", "none" has one number for each row.

    Returns
    -------
    Array, 0-d; or (…) with "none"

    Raises
    ------
    ValueError
        If the shapes differ, or a probability is not from 0 to 1 (on a CPU; on a device the row's loss is NaN).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> log_q = np.log([[0.5, 0.5]])
    >>> round(float(pb.models.kl_divergence(log_q, np.asarray([[1.0, 0.0]]))), 6)
    0.693147
    """
    name = "kl_divergence"
    check_same(name, "log-probabilities", log_q, "probabilities", p)
    log_q, p = floating_pair(log_q, p)
    if log_q.ndim == 0:
        raise ValueError(f"{name}: the classes are the last axis, and there is none")
    given = p
    log_q, p = without(log_q, sample_weight), without(p, sample_weight)
    if log_target:
        fine = check_range(
            name, "logarithms of probabilities", given, -math.inf, 0, rounding=_ROUNDING
        )
        # elsewhere −∞ + ∞ and 0 ∞ would be NaN
        none = xp.exp(p) == 0
        p, log_q = xp.where(none, 0.0, p), xp.where(none, 0.0, log_q)
        losses = xp.exp(p) * (p - log_q)
    else:
        fine = check_range(name, "probabilities", given, 0, 1, rounding=_ROUNDING)
        losses = _xlogx(p) - times(p, log_q)
    return reduce(name, xp.sum(marked(losses, fine), axis=-1), sample_weight, reduction)


# rounding may leave a probability above 1 by as much
_ROUNDING = 1e-6


def _xlogx(p: Any) -> Any:
    """``p log p``, 0 at 0, where the derivative is taken as 0 too."""
    positive = p > 0
    return xp.where(positive, p * xp.log(xp.where(positive, p, 1.0)), 0.0)


def hinge(
    outputs: Value,
    labels: ArrayLike,
    /,
    *,
    signed: bool = False,
    margin: float = 1.0,
    kind: str = "max",
    sample_weight: ArrayLike = None,
    reduction: str = "mean",
) -> Any:
    """The mean of ``max(0, m − s z)`` for two classes, s = ±1, or of what the other classes' outputs lack to z_y − m.

    Parameters
    ----------
    outputs : array (…), or (…, C)
        z: one for each label, or one for each class.
    labels : array (…)
        In {0, 1}, or {−1, +1} with `signed`, where there is one output for each; else classes 0 … C − 1.
    signed : bool
        Labels are −1 and +1.
    margin : float
        m.
    kind : {"max", "mean"}
        Of many classes: ``max(0, max_{c≠y} m + z_c − z_y)`` (Crammer, Singer, 2001), or
        ``Σ_{c≠y} max(0, m + z_c − z_y) / C`` (Weston, Watkins, 1999; as PyTorch's).
    sample_weight : array, optional
        Of the first axes of the labels.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Array, 0-d; or (…) with "none"

    Raises
    ------
    TypeError
        If the labels of many classes are not integers.
    ValueError
        If the shapes do not match, for an unknown kind, or for labels of two classes that are neither 0 nor 1, or
        neither −1 nor 1 with `signed` (on a CPU).
    IndexError
        If a label is not a class (on a CPU; on a device its loss is NaN, as that of labels of two classes).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.hinge(np.asarray([2.0, 0.5]), np.asarray([1, 0]), reduction="none")
    Array([0. , 1.5], dtype=float64, device='cpu')
    >>> pb.models.hinge(np.asarray([[2.0, 0.5, 1.5]]), np.asarray([0]))
    Array(0.5, dtype=float64, device='cpu')
    """
    if kind not in ("max", "mean"):
        raise ValueError(f"hinge: unknown kind {kind!r}: choose one of max, mean")
    outputs, labels = xp.asarray(outputs), xp.asarray(labels)
    if tuple(outputs.shape) == tuple(labels.shape):
        fine = check_two("hinge", labels, -1 if signed else 0)
        sign = xp.astype(labels, outputs.dtype)
        sign = sign if signed else 2 * sign - 1
        losses = xp.relu(margin - sign * without(outputs, sample_weight))
        return reduce("hinge", marked(losses, fine), sample_weight, reduction)
    if tuple(outputs.shape[:-1]) != tuple(labels.shape) or outputs.ndim == 0:
        raise ValueError(
            f"hinge: outputs of shape {tuple(outputs.shape)} take labels of that shape (two classes) or of shape "
            f"{tuple(outputs.shape[:-1])} (many), not {tuple(labels.shape)}"
        )
    if not is_integer(labels.dtype):
        raise TypeError(f"hinge: labels of many classes are integers, not {labels.dtype}")
    C = outputs.shape[-1]
    _check_labels("hinge", labels, C)
    known = (labels >= 0) & (labels < C)
    labels = xp.where(known, labels, 0)
    outputs = without(outputs, sample_weight)
    own = xp.take_along_axis(outputs, labels[..., None], axis=-1)
    others = xp.one_hot(labels, C, dtype=outputs.dtype) == 0
    lacking = xp.relu(xp.where(others, margin + outputs - own, 0.0))
    losses = xp.max(lacking, axis=-1) if kind == "max" else xp.sum(lacking, axis=-1) / C
    # on a device the labels are not read, and an unknown one gives NaN
    losses = xp.where(known, losses, math.nan)
    return reduce("hinge", losses, sample_weight, reduction)
