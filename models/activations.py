"""Activation functions, by name in `ACTIVATIONS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd import namespace as xp


def identity(x: Any, /) -> Any:
    """``x``."""
    return x


def relu(x: Any, /) -> Any:
    """``max(x, 0)``, with derivative 0 at 0."""
    return xp.relu(x)


def tanh(x: Any, /) -> Any:
    """``tanh x``."""
    return xp.tanh(x)


def sigmoid(x: Any, /) -> Any:
    """``1 / (1 + exp(−x))``, exact in both tails, as is its derivative.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.sigmoid(np.asarray([-1000.0, 0.0, 1000.0]))
    Array([0. , 0.5, 1. ], dtype=float64, device='cpu')
    """
    return xp.sigmoid(x)


def silu(x: Any, /) -> Any:
    """``x · sigmoid(x)`` (Elfwing, Uchibe, Doya, 2018)."""
    x = xp.asarray(x)
    return x * sigmoid(x)


def gelu(x: Any, /) -> Any:
    """``½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))``, the tanh form of GELU (Hendrycks, Gimpel, 2016)."""
    x = xp.asarray(x)
    return 0.5 * x * (1 + xp.tanh(0.7978845608028654 * (x + 0.044715 * (x * x * x))))


def softplus(x: Any, /) -> Any:
    """``log(1 + exp x)``, exact in both tails; its derivative is the sigmoid."""
    return xp.softplus(x)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": identity,
    "relu": relu,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "silu": silu,
    "gelu": gelu,
    "softplus": softplus,
}


def activation(name: str) -> Callable[[Any], Any]:
    """The activation called `name`.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}: choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
