"""Losses of regression and of two classes, averaged over all elements; `classification.py` has those of many.

`reduction` is "mean", "sum" or "none". With `sample_weight` w (the first axes of the losses l) these are Σ w l / Σ w,
Σ w l and w l; a sample of weight 0 counts for nothing, whatever its loss. Labels and weights out of range are refused
where they are NumPy's. Values on a device, and those that `pb.compile` traces, are not read: there the
losses of labels out of range are NaN, and weights are taken as they are.
"""

from __future__ import annotations

import math
from typing import Any

from ..autograd.core.array import backend_array
from ..autograd.core.dtypes import is_inexact
from ..autograd.core.typing import ArrayLike, PyTree
from ..autograd.functions import namespace as xp
from ..autograd.pytree import tree
from .activations import softplus
from .module import parameter_mask
from .reduction import (
    check_range,
    check_same,
    check_two,
    difference,
    floating_pair,
    marked,
    on_host,
    reduce,
    shape_of,
    smallest,
    times,
    without,
)


def binary_cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    /,
    *,
    signed: bool = False,
    sample_weight: ArrayLike = None,
    reduction: str = "mean",
) -> Any:
    """The log loss of two classes, from logits: ``log(1 + exp(−s z))`` with s = ±1.

    Parameters
    ----------
    logits : array (…)
        z, the log-odds of the positive class.
    labels : array (…)
        In {0, 1}, or in {−1, +1} with `signed`; without, floating labels between 0 and 1 are probabilities.
    signed : bool
        Labels are −1 and +1.
    sample_weight : array, optional
        Of the first axes of the logits.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Array, 0-d; or (…) with "none"

    Raises
    ------
    ValueError
        If the shapes differ; for labels that are not from 0 to 1, or neither −1 nor 1 with `signed`, and for weights
        that are negative, NaN or infinite (on a CPU; on a device such labels make the loss NaN).

    Notes
    -----
    The loss is ``softplus(z) − y z``. With s = −1 and r = 1 − y where y ≥ ½, else s = 1 and r = y, it is
    ``softplus(s z) − r s z``, which keeps its digits in both tails: ``e^(−z)`` at y = 1 and a large z.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> z = np.asarray([1e4, -1e4, 0.0])
    >>> round(float(pb.models.binary_cross_entropy(z, np.asarray([1, 0, 1]))), 6)
    0.231049
    """
    if shape_of(logits) != shape_of(labels):
        raise ValueError(
            f"binary_cross_entropy: logits of shape {shape_of(logits)} take labels of the same shape, "
            f"not {shape_of(labels)}"
        )
    name = "binary_cross_entropy"
    fine = check_two(name, labels, -1) if signed else check_range(name, "labels", labels, 0, 1)
    logits = without(xp.asarray(logits), sample_weight)
    y = without(xp.astype(xp.asarray(labels), logits.dtype), sample_weight)
    if _are_certain(labels):
        losses = softplus((-y if signed else 1 - 2 * y) * logits)
    else:
        y = 0.5 * (y + 1) if signed else y
        positive = y >= 0.5
        z = xp.where(positive, -logits, logits)
        losses = softplus(z) - times(xp.where(positive, 1 - y, y), z)
    return reduce(name, marked(losses, fine), sample_weight, reduction)


def _are_certain(labels: ArrayLike) -> bool:
    """Whether no label is a probability between 0 and 1, or may be, or is differentiated: r is 0 then."""
    if not is_inexact(getattr(backend_array(labels), "dtype", float)):
        return True
    values = None if getattr(labels, "traced", False) else on_host(labels)
    return values is not None and bool(((values == 0) | (values == 1) | (values == -1)).all())


def squared_error(
    predictions: ArrayLike,
    targets: ArrayLike,
    /,
    *,
    sample_weight: ArrayLike = None,
    reduction: str = "mean",
) -> Any:
    """The mean of ``(predictions − targets)²`` over all elements.

    Parameters
    ----------
    predictions, targets : array
        Of one shape: (rows,) or (rows, outputs).
    sample_weight : array, optional
        Of the first axes.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Array, 0-d; or of the shape of the predictions with "none"

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
    check_same("squared_error", "predictions", predictions, "targets", targets)
    d = without(difference(predictions, targets), sample_weight)
    if reduction == "mean" and sample_weight is None and 0 not in d.shape:
        return xp.mean(d * d)
    return reduce("squared_error", d * d, sample_weight, reduction)


def absolute_error(
    predictions: ArrayLike,
    targets: ArrayLike,
    /,
    *,
    sample_weight: ArrayLike = None,
    reduction: str = "mean",
) -> Any:
    """The mean of ``|predictions − targets|`` over all elements, with derivative 0 where they agree.

    Parameters
    ----------
    predictions, targets : array
        Of one shape.
    sample_weight : array, optional
        Of the first axes.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Array, 0-d; or of the shape of the predictions with "none"

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.absolute_error(np.asarray([1.0, 2.0]), np.asarray([1.0, 4.0]))
    Array(1., dtype=float64, device='cpu')
    """
    check_same("absolute_error", "predictions", predictions, "targets", targets)
    losses = xp.abs(without(difference(predictions, targets), sample_weight))
    return reduce("absolute_error", losses, sample_weight, reduction)


def huber(
    predictions: ArrayLike,
    targets: ArrayLike,
    /,
    *,
    delta: float = 1.0,
    sample_weight: ArrayLike = None,
    reduction: str = "mean",
) -> Any:
    """The mean of ``½ d²`` where |d| ≤ δ, else ``δ (|d| − ½ δ)``, of differences d (Huber, 1964).

    Parameters
    ----------
    predictions, targets : array
        Of one shape.
    delta : float
        δ > 0, in the units of the targets.
    sample_weight : array, optional
        Of the first axes.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Array, 0-d; or of the shape of the predictions with "none"

    Raises
    ------
    ValueError
        If the shapes differ, or δ is not positive and finite.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.huber(np.asarray([1.0, 2.0]), np.asarray([2.0, 5.0]), reduction="none")
    Array([0.5, 2.5], dtype=float64, device='cpu')
    """
    check_same("huber", "predictions", predictions, "targets", targets)
    if not 0 < delta < math.inf:
        raise ValueError(f"huber: delta={delta!r}; it has to be positive and finite")
    d = without(difference(predictions, targets), sample_weight)
    # ½ near² + near (d − near) is the loss, without the corner of |d|
    near = xp.clip(d, -delta, delta)
    return reduce("huber", near * (d - 0.5 * near), sample_weight, reduction)


def poisson(
    predictions: ArrayLike,
    counts: Any,
    /,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    sample_weight: ArrayLike = None,
    reduction: str = "mean",
) -> Any:
    """The negative log-likelihood of Poisson counts y: ``exp z − y z`` of the log rate z, or ``λ − y log(λ + ε)``.

    Parameters
    ----------
    predictions : array
        The logarithms of the rates z, or the rates λ without `log_input`.
    counts : array
        y ≥ 0, of the same shape.
    log_input : bool
        What the predictions are.
    full : bool
        Add ``log y!`` by Stirling's formula, ``y log y − y + ½ log 2πy``, where y > 1 (as PyTorch).
    eps : float
        ε; at least the smallest normal number of the dtype, unless it is 0. 0 log 0 is 0.
    sample_weight : array, optional
        Of the first axes.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Array, 0-d; or of the shape of the predictions with "none"

    Raises
    ------
    ValueError
        If the shapes differ, or a count is negative (on a CPU; on a device its loss is NaN).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.poisson(np.asarray([0.0, -1e4]), np.asarray([3.0, 0.0]))
    Array(0.5, dtype=float64, device='cpu')
    """
    check_same("poisson", "predictions", predictions, "counts", counts)
    fine = check_range("poisson", "counts", counts, 0)
    z, y = floating_pair(predictions, counts)
    z, y = without(z, sample_weight, 0.0 if log_input else 1.0), without(y, sample_weight)
    if log_input:
        losses = xp.exp(z) - times(y, z)
    else:
        rate = z + (max(eps, smallest(z.dtype)) if eps else 0.0)
        losses = z - y * xp.log(xp.where((y == 0) & (rate == 0), 1.0, rate))
    if full:
        above = xp.where(y > 1, y, 1.0)
        stirling = above * xp.log(above) - above + 0.5 * xp.log(2 * math.pi * above)
        losses = losses + xp.where(y > 1, stirling, 0.0)
    return reduce("poisson", marked(losses, fine), sample_weight, reduction)


def l2_penalty(params: PyTree, /) -> Any:
    """``Σ |p|²`` over the elements of all parameters of a tree; running statistics are left out.

    Parameters
    ----------
    params : pytree of arrays
        A model, or part of it, such as ``[layer.W for layer in model.layers]``.

    Returns
    -------
    Array, 0-d

    Raises
    ------
    ValueError
        If there are no floating-point arrays in it.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.l2_penalty([np.asarray([1.0, -2.0])])
    Array(5., dtype=float64, device='cpu')
    """
    return _penalty(
        "l2_penalty", params, lambda p: xp.real(p * xp.conj(p)) if _complex(p) else p * p
    )


def l1_penalty(params: PyTree, /) -> Any:
    """``Σ |p|`` over the elements of all parameters of a tree; running statistics are left out.

    Parameters
    ----------
    params : pytree of arrays
        As for `l2_penalty`; the derivative at 0 is 0.

    Returns
    -------
    Array, 0-d

    Raises
    ------
    ValueError
        If there are no floating-point arrays in it.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.l1_penalty({"W": np.asarray([1.0, -2.0])})
    Array(3., dtype=float64, device='cpu')
    """
    return _penalty("l1_penalty", params, xp.abs)


def _complex(p: Any) -> bool:
    return "complex" in str(p.dtype)


def _penalty(name: str, params: PyTree, size: Any) -> Any:
    pairs = zip(tree.leaves(params), tree.leaves(parameter_mask(params)), strict=True)
    chosen = [
        xp.asarray(p) for p, counts in pairs if counts and is_inexact(getattr(p, "dtype", type(p)))
    ]
    if not chosen:
        raise ValueError(f"{name}: no floating-point arrays among the parameters")
    total = xp.sum(size(chosen[0]))
    for p in chosen[1:]:
        total = total + xp.sum(size(p))
    return total
