"""The losses that the perceptrons know by name, for outputs (n, k)."""

from __future__ import annotations

from typing import Any

from ... import models
from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from .training import Objective


def _log_losses(outputs: Value, y: Value) -> Any:
    """Cross-entropy of labels (n,); of one logit for two classes."""
    if outputs.shape[1] == 1:
        logits = outputs[:, 0]
        return xp.softplus(xp.where(xp.asarray(y) > 0, -logits, logits))
    own = xp.take_along_axis(xp.log_softmax(outputs, axis=1), xp.asarray(y)[:, None], axis=1)
    return -own[:, 0]


def _log_loss(outputs: Value, y: Value) -> Any:
    if outputs.shape[1] == 1:
        return models.binary_cross_entropy(xp.reshape(outputs, (-1,)), y)
    return models.cross_entropy(outputs, y)


def _hinge(outputs: Value, y: Value) -> Any:
    """The hinge max(0, 1 − margin), of one signed output or over the best other class (Crammer, Singer)."""
    if outputs.shape[1] == 1:
        sign = 2 * xp.astype(xp.asarray(y), outputs.dtype) - 1
        return models.relu(1 - sign * outputs[:, 0])
    own = xp.take_along_axis(outputs, xp.asarray(y)[:, None], axis=1)
    classes = xp.arange(outputs.shape[1], dtype=xp.asarray(y).dtype)
    margins = xp.where(classes == xp.asarray(y)[:, None], 0.0, 1 + outputs - own)
    return xp.max(margins, axis=1)


def _mean_over_targets(losses: Value) -> Any:
    return losses[:, 0] if losses.shape[1] == 1 else xp.mean(losses, axis=1)


def _squared(outputs: Value, y: Value) -> Any:
    difference = outputs - y
    return _mean_over_targets(0.5 * difference * difference)


def _half_squared(outputs: Value, y: Value) -> Any:
    return 0.5 * models.squared_error(outputs, y)


def _absolute(outputs: Value, y: Value) -> Any:
    return _mean_over_targets(xp.abs(outputs - y))


def _huber(outputs: Value, y: Value) -> Any:
    """Huber's loss: ½ d² up to |d| = 1, |d| − ½ beyond (Huber 1964)."""
    size = xp.abs(outputs - y)
    near = xp.minimum(size, 1.0)
    return _mean_over_targets(near * (size - 0.5 * near))


def _poisson(outputs: Value, y: Value) -> Any:
    """The negative log-likelihood exp(z) − y z of counts y with log rate z, without terms of y alone."""
    return _mean_over_targets(xp.exp(outputs) - y * outputs)


CLASSIFICATION = {
    "log_loss": Objective(_log_losses, _log_loss, "log_loss"),
    "hinge": Objective(_hinge, name="hinge"),
}
REGRESSION = {
    "squared_error": Objective(_squared, _half_squared, "squared_error"),
    "absolute_error": Objective(_absolute, name="absolute_error"),
    "huber": Objective(_huber, name="huber"),
    "poisson": Objective(_poisson, name="poisson"),
}


def objective_for(estimator: Any, known: dict[str, Objective]) -> Objective:
    """The objective that the estimator's `loss` names, or is.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    loss = estimator.loss
    if callable(loss):
        return Objective(
            loss, name=f"{type(estimator).__name__}: loss={getattr(loss, '__name__', loss)!s}"
        )
    if not isinstance(loss, str) or loss not in known:
        raise ValueError(
            f"{type(estimator).__name__}: loss={loss!r}; there are {', '.join(known)}, or give a function"
        )
    return known[loss]
