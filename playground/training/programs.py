"""The functions that run many times a second, recorded once for each structure of the network.

They are compiled without kernels: those of numba take seconds to make, and a network of a hundred weights gains less
than the screen takes to show it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...autograd import asarray, tree, value_and_grad
from ...autograd import namespace as xp
from ...autograd.compile import compile as compiled
from ...models import ACTIVATIONS, MLP, binary_cross_entropy, squared_error
from ...optim import Proximal
from ...optim.proximal import L1
from .data import CLASSIFICATION
from .settings import FIRST_ORDER, Settings


@dataclass(frozen=True)
class Programs:
    """The functions of a network; parameters are an `MLP`.

    Attributes
    ----------
    objective : callable
        ``objective(params, X, y)``: what is minimised, the loss and what is added to it.
    init : callable
        ``init(params)``: the state of the optimiser.
    step : callable
        ``step(params, state, X, y, rate)``: parameters and state after a minibatch.
    measure : callable
        ``measure(params, X, y)``: the loss, the score, and for each layer the norm of the objective's gradient.
    surfaces : callable
        ``surfaces(params, X)``: an array (points, units), scaled to −1 … 1, of all hidden units and the output.
    """

    objective: Callable[..., Any]
    init: Callable[..., Any]
    step: Callable[..., Any]
    measure: Callable[..., Any]
    surfaces: Callable[..., Any]


def network(settings: Settings) -> MLP:
    """The network before the first step, drawn from the seed."""
    return MLP(settings.widths, activation=settings.activation, seed=settings.seed, dtype="float64")


def programs(settings: Settings) -> Programs:
    """The functions for these settings, recorded when each is first called.

    Examples
    --------
    >>> import pullback as pb
    >>> settings = Settings(hidden=(3,))
    >>> X, y = pb.xp.ones((4, 2)), pb.xp.ones(4)
    >>> f, params = programs(settings), network(settings)
    >>> new, state = f.step(params, f.init(params), X, y, pb.xp.asarray(0.1))
    >>> bool(f.objective(new, X, y) < f.objective(params, X, y))
    True
    """
    classes = settings.problem == CLASSIFICATION
    activation = ACTIVATIONS[settings.activation]
    strength, kind = settings.strength, settings.regularisation
    sparse = kind == "l1" and strength > 0

    def loss(outputs: Any, y: Any) -> Any:
        return binary_cross_entropy(outputs, y) if classes else squared_error(outputs, y)

    def smooth(params: MLP, X: Any, y: Any) -> Any:
        value = loss(params(X)[:, 0], y)
        if kind == "l2" and strength > 0:
            value = value + 0.5 * strength * sum(xp.sum(a.W * a.W) for a in params.layers)
        return value

    def objective(params: MLP, X: Any, y: Any) -> Any:
        value = smooth(params, X, y)
        if sparse:
            value = value + strength * sum(xp.sum(xp.abs(a.W)) for a in params.layers)
        return value

    opt = FIRST_ORDER.get(settings.optimiser, FIRST_ORDER["SGD"])(settings.rate)
    if sparse:  # the step that makes weights exactly 0, which a penalty in the loss does not
        opt = Proximal(opt, L1(strength), mask="matrices")

    def step(params: MLP, state: Any, X: Any, y: Any, rate: Any) -> tuple[Any, Any]:
        gradient = value_and_grad(smooth)(params, X, y)[1]
        return opt.step(params, gradient, state, lr=rate)

    def measure(params: MLP, X: Any, y: Any) -> tuple[Any, Any, Any]:
        gradient = value_and_grad(objective)(params, X, y)[1]
        norms = [
            xp.sqrt(sum(xp.sum(leaf * leaf) for leaf in tree.leaves(layer)))
            for layer in gradient.layers
        ]
        outputs = params(X)[:, 0]
        if classes:
            score = xp.mean(xp.astype((outputs > 0) == (y > 0.5), y.dtype))
        else:
            left = xp.sum((y - outputs) ** 2)
            score = 1 - left / xp.maximum(xp.sum((y - xp.mean(y)) ** 2), asarray(1e-12))
        return loss(outputs, y), score, xp.stack(norms)

    def surfaces(params: MLP, X: Any) -> Any:
        h, layers = X, []
        for layer in params.layers[:-1]:
            h = activation(layer(h))
            # of a unit that does not saturate, by its own largest value
            layers.append(h / xp.maximum(xp.max(xp.abs(h), axis=0), asarray(1.0)))
        z = params.layers[-1](h)
        # for classes 2p − 1
        return xp.concat([*layers, xp.tanh(0.5 * z) if classes else xp.clip(z, -1, 1)], axis=1)

    return Programs(
        objective,
        opt.init,
        compiled(step, fast=False),
        compiled(measure, fast=False),
        compiled(surfaces, fast=False),
    )
