"""One epoch of minibatches, or one full-batch minimisation, of a network with an objective."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autograd import namespace as xp
from ...autograd import tree, value_and_grad
from ...autograd.array import raw
from ...autograd.backward import SPACES
from ...autograd.compile import compile
from ...backend import backend_of, current
from ...optim import minimize
from ._network import Network

_FTOL = 2.2e-9  # relative decrease at which L-BFGS ends, as in SciPy's, and so in scikit-learn's

# Losses per sample (n,) of outputs (n, k) and targets; or, for `mean`, their mean at once.
Loss = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Data:
    """Rows on the device: x (n, d), targets, and weights (n,) of mean 1, or None where all weigh the same."""

    x: Any
    y: Any
    weights: Any = None

    def rows(self, places: Any) -> Data:
        """Those rows, in that order."""
        take = backend_of(self.x).xp.take
        chosen = (
            None if a is None else take(a, places, axis=0) for a in (self.x, self.y, self.weights)
        )
        return Data(*chosen)

    def part(self, start: int, stop: int) -> Data:
        """Some rows in a row; views where the library has them."""
        chosen = (None if a is None else a[start:stop] for a in (self.x, self.y, self.weights))
        return Data(*chosen)


@dataclass(frozen=True)
class Objective:
    """The mean loss of a network on rows.

    Attributes
    ----------
    losses : callable
        ``losses(outputs, y)``: one for each sample (n,), or their mean where `name` says that the user's
        function gives it.
    mean : callable, optional
        The same's mean in one operation, where there are no weights.
    name : str
        For messages.
    """

    losses: Loss
    mean: Loss | None = None
    name: str = "loss"

    def __call__(self, outputs: Any, y: Any, weights: Any = None) -> Any:
        """The mean over rows of weight times loss."""
        if weights is None and self.mean is not None:
            return self.mean(outputs, y)
        losses = self.losses(outputs, y)
        shape = tuple(getattr(losses, "shape", ()))
        if shape == () and weights is None:
            return losses
        n = outputs.shape[0]
        if shape != (n,):
            mean = ", or their mean" if weights is None else " where there are weights"
            raise ValueError(
                f"{self.name}: returned shape {shape} for {n} samples; it has to return one loss for each sample{mean}"
            )
        return xp.mean(losses if weights is None else losses * weights)


def copied(tree_of_arrays: Any) -> Any:
    """The same tree with arrays of its own."""
    return tree.map(lambda x: SPACES.of(raw(x)).copy(raw(x)), tree_of_arrays)


def make_step(
    network: Network, objective: Objective, opt: Any, *, replayed: bool = True
) -> Callable[..., Any]:
    """``step(model, state, x, y, weights, key, rate) -> model, state, loss``: one minibatch.

    On the CPU it is recorded once and replayed (`pb.compile`), in place: model and state are overwritten. Without
    numba's kernels, which take longer to compile than most of these networks to train.
    """

    def plain(model: Any, x: Any, y: Any, weights: Any) -> Any:
        return objective(model(x), y, weights)

    def stochastic(model: Any, x: Any, y: Any, weights: Any, key: Any) -> Any:
        outputs, model = model.training(x, key=key)
        return objective(outputs, y, weights), model

    gradient = (
        value_and_grad(stochastic, has_aux=True) if network.stochastic else value_and_grad(plain)
    )

    def step(
        model: Any, state: Any, x: Any, y: Any, weights: Any, key: Any, rate: float | None
    ) -> tuple[Any, Any, Any]:
        if network.stochastic:
            (value, model), grads = gradient(model, x, y, weights, key)
        else:
            value, grads = gradient(model, x, y, weights)
        model, state = opt.step(model, grads, state, lr=rate)
        return model, state, value

    if not replayed or current().name != "numpy":
        return step
    replays: dict[
        int, Callable[..., Any]
    ] = {}  # by rows, so that the last batch's program is found at once

    def replay(model: Any, state: Any, x: Any, *rest: Any) -> tuple[Any, Any, Any]:
        run = replays.get(x.shape[0])
        if run is None:
            run = replays[x.shape[0]] = compile(step, donate_argnums=(0, 1), fast=False)
        return run(model, state, x, *rest)

    return replay


def epoch(
    step: Callable[..., Any],
    model: Any,
    state: Any,
    data: Data,
    *,
    order: np.ndarray | None,
    rows: int,
    rate: Callable[[int], float | None],
    keys: Callable[[], Any],
    seen: int,
) -> tuple[Any, Any, float]:
    """Go once through the data; the mean loss of its batches, by their rows.

    Parameters
    ----------
    order : array of int, optional
        The order of the rows; as they are without.
    rows : int
        Of a batch; the last one may be smaller.
    rate : callable
        The learning rate by the number of samples seen; None for the optimiser's own.
    keys : callable
        A fresh random key for each batch.
    seen : int
        Samples before this epoch.
    """
    n = data.x.shape[0]
    if order is not None:
        data = data.rows(backend_of(data.x).asarray(order))
    losses, counts = [], []
    for start in range(0, n, rows):
        batch = data.part(start, min(start + rows, n))
        count = batch.x.shape[0]
        seen += count
        model, state, value = step(
            model, state, batch.x, batch.y, batch.weights, keys(), rate(seen)
        )
        losses.append(value)
        counts.append(count)
    # read at the end: reading one waits for the device
    return model, state, float(np.average([float(value) for value in losses], weights=counts))


def full_batch(
    network: Network,
    objective: Objective,
    model: Any,
    data: Data,
    *,
    alpha: float,
    tol: float,
    maxiter: int,
    maxfun: int,
) -> Any:
    """Minimise mean loss + ½ alpha ‖W‖²/n by L-BFGS; SciPy's result, with the model as ``x``."""
    n = data.x.shape[0]
    calls = 0

    def total(model: Any) -> Any:
        nonlocal calls
        calls += 1
        penalty = sum((xp.sum(W * W) for W in network.weights(model)), start=0.0)
        return objective(model(data.x), data.y, data.weights) + (0.5 * alpha / n) * penalty

    def enough(_: Any) -> None:
        if calls >= maxfun:
            raise StopIteration

    return minimize(
        total, model, method="l-bfgs", gtol=tol, ftol=_FTOL, maxiter=maxiter, callback=enough
    )
