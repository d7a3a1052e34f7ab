"""Stochastic gradient methods on containers of arrays: `sgd`, `rmsprop`, `adam`.

`pullback.optim` has these and others as pure steps, which compile.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import numpy as np
from .flatten import flatten

__all__ = [
    "adam",
    "rmsprop",
    "sgd",
    "unflatten_optimizer",
]

Gradient = Callable[[Any, int], Any]
Callback = Callable[[Any, int, Any], Any]


def unflatten_optimizer(optimize: Callable[..., Any]) -> Callable[..., Any]:
    """A method for containers, from one for vectors."""

    @functools.wraps(optimize)
    def of_containers(
        grad: Gradient, x0: Any, callback: Callback | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        vector, unflatten = flatten(x0)

        def gradient(x: Any, i: int) -> Any:
            return flatten(grad(unflatten(x), i))[0]

        def report(x: Any, i: int, g: Any) -> None:
            if callback is not None:
                callback(unflatten(x), i, unflatten(g))

        return unflatten(optimize(gradient, vector, report if callback else None, *args, **kwargs))

    return of_containers


@unflatten_optimizer
def sgd(
    grad: Gradient, x: Any, callback: Callback | None = None, num_iters: int = 200, step_size: float = 0.1,
    mass: float = 0.9,
) -> Any:  # fmt: skip
    """Gradient descent with momentum: v ← m v − (1 − m) g, x ← x + s v.

    Parameters
    ----------
    grad : callable
        ``grad(x, i)``: the gradient at the i-th iteration.
    x
        Where to begin, a container of arrays.
    callback : callable, optional
        ``callback(x, i, g)``, called before each step.
    num_iters : int
        How many steps.
    step_size, mass : float
        s and m.
    """
    velocity = np.zeros_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        velocity = mass * velocity - (1.0 - mass) * g
        x = x + step_size * velocity
    return x


@unflatten_optimizer
def rmsprop(
    grad: Gradient, x: Any, callback: Callback | None = None, num_iters: int = 100, step_size: float = 0.1,
    gamma: float = 0.9, eps: float = 1e-8,
) -> Any:  # fmt: skip
    """RMSProp (Tieleman, Hinton, 2012): a ← γ a + (1 − γ) g², x ← x − s g / (√a + ε), from a = 1.

    Parameters
    ----------
    grad, x, callback, num_iters
        As of `sgd`.
    step_size, gamma, eps : float
        s, γ and ε.
    """
    average = np.ones_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        average = average * gamma + g**2 * (1 - gamma)
        x = x - step_size * g / (np.sqrt(average) + eps)
    return x


@unflatten_optimizer
def adam(
    grad: Gradient, x: Any, callback: Callback | None = None, num_iters: int = 100, step_size: float = 0.001,
    b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8,
) -> Any:  # fmt: skip
    """Adam (Kingma, Ba, 2015), algorithm 1.

    Parameters
    ----------
    grad, x, callback, num_iters
        As of `sgd`.
    step_size, b1, b2, eps : float
        α, β₁, β₂ and ε of the paper.
    """
    m, v = np.zeros_like(x), np.zeros_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        m = (1 - b1) * g + b1 * m
        v = (1 - b2) * g**2 + b2 * v
        mean = m / (1 - b1 ** (i + 1))
        variance = v / (1 - b2 ** (i + 1))
        x = x - step_size * mean / (np.sqrt(variance) + eps)
    return x


def __dir__() -> list[str]:
    return sorted(__all__)
