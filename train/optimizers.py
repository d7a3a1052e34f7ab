"""The one factory of first-order methods, for the command line's settings and the estimators' parameters."""

from __future__ import annotations

from typing import Any

from .. import optim


def make_optimizer(
    method: str,
    learning_rate: float,
    weight_decay: float,
    *,
    momentum: float = 0.9,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> Any:
    """An optimiser from `pb.optim`, which decays weight matrices and never biases.

    Parameters
    ----------
    method : {"adamw", "adam", "sgd", "momentum", "nesterov"}
    learning_rate : float
    weight_decay : float
        Decoupled with adamw; with the others the penalty ½ weight_decay ‖W‖² in the loss.
    momentum : float
        Of "momentum" and "nesterov".
    b1, b2, eps : float
        Of "adamw" and "adam".

    Raises
    ------
    ValueError
        For an unknown method, or a number outside its range.

    Examples
    --------
    >>> make_optimizer("nesterov", 0.02, 1e-3).momentum
    0.9
    """
    decay: dict[str, Any] = {"weight_decay": weight_decay, "mask": "matrices"}
    match method:
        case "adamw":
            return optim.AdamW(learning_rate, b1=b1, b2=b2, eps=eps, **decay)
        case "adam":
            return optim.Adam(learning_rate, b1=b1, b2=b2, eps=eps, **decay)
        case "sgd":
            return optim.SGD(learning_rate, **decay)
        case "momentum" | "nesterov":
            nesterov = method == "nesterov"
            return optim.SGD(learning_rate, momentum=momentum, nesterov=nesterov, **decay)
    raise ValueError(
        f"optimizer {method!r} is unknown; choose one of adamw, adam, sgd, momentum, nesterov"
    )
