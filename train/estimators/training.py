"""One epoch of minibatches, or one full-batch minimisation, of a network with an objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...autograd import to_numpy, value_and_grad
from ...autograd.core.array import backend_array
from ...autograd.core.namespaces import namespace_of
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree
from ...backend import backend_of, current
from ...optim import LossScaling, minimize
from ..data.device_data import batches
from ..step import Replayed, copied, scaled, training_step
from .network import Network

_FTOL = 2.2e-9  # relative decrease at which L-BFGS ends, as in SciPy's, and so in scikit-learn's

# Losses per sample (n,) of outputs (n, k) and targets; or, for `mean`, their mean at once.
Loss = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Data:
    """Rows, on the device or to be fed to it: x (n, d), targets, weights (n,) of mean 1 or None for no difference."""

    x: Any
    y: Any
    weights: Any = None

    def batches(
        self, order: np.ndarray | None, rows: int, least: int = 1
    ) -> Iterator[tuple[Any, ...]]:
        """``(x, y)`` or ``(x, y, weights)`` of so many rows at a time, on the device; the last may be smaller."""
        arrays = tuple(a for a in (self.x, self.y, self.weights) if a is not None)
        return batches(arrays, order, rows, current(), least)


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


@dataclass(frozen=True)
class Packing:
    """How the arrays of a network lie in one vector.

    An update of one vector is a quarter of the calls, and of the program, that four small arrays take: a third of
    the time of a small network's step.

    Attributes
    ----------
    structure : object
        Of the network.
    shapes : tuple of tuple of int
        Of its arrays, in the order in which they lie.
    """

    structure: Any
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, model: Any) -> Packing:
        """That of a model."""
        leaves, structure = tree.flatten(model)
        return cls(structure, tuple(tuple(leaf.shape) for leaf in leaves))

    def pack(self, model: Any) -> Any:
        """The vector (n,), a new one."""
        leaves = tree.leaves(model)
        space = namespace_of(leaves[0])
        return space.concat([space.reshape(leaf, (-1,)) for leaf in leaves])

    def unpack(self, vector: Any) -> Any:
        """The model, whose arrays are views of the vector where the library has them."""
        space, leaves, start = namespace_of(vector), [], 0
        for shape in self.shapes:
            stop = start + math.prod(shape)
            leaves.append(space.reshape(vector[start:stop], shape))
            start = stop
        return tree.unflatten(self.structure, leaves)

    def decay(self, strength: float, like: Any) -> Any:
        """A vector (n,): `strength` where weights lie, 0 where biases do."""
        parts = [np.full(math.prod(s), strength * (len(s) >= 2)) for s in self.shapes]
        return backend_of(like).asarray(np.concatenate(parts), like.dtype)


@dataclass(frozen=True)
class Minibatches:
    """Training by minibatches: of one vector, or of the model as it is where training changes more than parameters.

    Attributes
    ----------
    begin : callable
        ``begin(model)``: what a step takes, in memory of its own.
    init : callable
        ``init(parameters)``: the optimiser's first state, in memory of its own.
    model : callable
        ``model(parameters)``: the model with these parameters, in memory of its own.
    step : Replayed
        ``step(parameters, state, total, x, y, weights, key, rate) -> parameters, state, total``: one minibatch; its
        rows times its mean loss are added to `total`, which stays on the device.
    total : array float64 ()
        The memory of that sum: a graph of launches has its address in it.
    """

    begin: Callable[[Any], Any]
    init: Callable[[Any], Any]
    model: Callable[[Any], Any]
    step: Replayed
    total: Any


def minibatches(
    network: Network, objective: Objective, opt: Any, model: Any, *, precision: str
) -> Minibatches:
    """How a network is trained, of which `model` is one.

    A step is recorded once and replayed (`pb.compile`), in place: parameters, state and total are overwritten.
    """
    opt = scaled(opt, precision)

    def init(parameters: Any) -> Any:
        return copied(opt.init(parameters))

    if network.stochastic:
        step = _added(_stochastic_step(objective, opt, model))
        replay = Replayed(step, 3, current(), precision)
        return Minibatches(copied, init, copied, replay, current().asarray(np.zeros(())))
    packing = Packing.of(model)
    step = _added(_packed_step(objective, opt, packing, tree.leaves(model)[0]))
    return Minibatches(
        lambda model: packing.pack(tree.map(backend_array, model)),
        init,
        lambda vector: copied(packing.unpack(vector)),
        Replayed(step, 3, current(), precision),
        current().asarray(np.zeros(())),
    )


def _added(one_step: Callable[..., Any]) -> Callable[..., Any]:
    """A step that adds its loss to a total, so that none is read before the epoch's end."""

    def step(model: Any, state: Any, total: Any, x: Any, *rest: Any) -> tuple[Any, Any, Any]:
        model, state, value = one_step(model, state, x, *rest)
        value = backend_array(value)
        space = namespace_of(value)
        exact = space.astype(value, np.dtype("float64"))
        return model, state, space.asarray(total + exact * x.shape[0])

    return step


def _stochastic_step(objective: Objective, opt: Any, model: Any) -> Callable[..., Any]:
    one_step = training_step(model, objective, opt)

    def step(
        model: Any, state: Any, x: Any, y: Any, weights: Any, key: Any, rate: float | None
    ) -> tuple[Any, Any, Any]:
        targets = (y,) if weights is None else (y, weights)
        return one_step(model, state, key, x, *targets, lr=rate)

    return step


def _packed_step(objective: Objective, opt: Any, packing: Packing, like: Any) -> Callable[..., Any]:
    # an optimiser decays arrays of two axes; here it sees one vector
    inner: Any = opt.opt if isinstance(opt, LossScaling) else opt
    decay = packing.decay(inner.weight_decay, backend_array(like)) if inner.weight_decay else None
    inner = replace(inner, weight_decay=0.0)
    opt = replace(opt, opt=inner) if isinstance(opt, LossScaling) else inner

    def loss(model: Any, state: Any, x: Any, y: Any, weights: Any) -> tuple[Any, Any]:
        value = objective(model(x), y, weights)
        return (opt.scale(value, state) if isinstance(opt, LossScaling) else value), value

    gradient = value_and_grad(loss, has_aux=True)

    def step(
        vector: Any, state: Any, x: Any, y: Any, weights: Any, key: Any, rate: float | None
    ) -> tuple[Any, Any, Any]:
        (_, value), grads = gradient(packing.unpack(vector), state, x, y, weights)
        slope = packing.pack(grads)
        if decay is not None:
            # of the scaled loss, where it is scaled
            own = vector * decay
            slope = slope + (own * state.scale if isinstance(opt, LossScaling) else own)
        vector, state = opt.step(vector, slope, state, lr=rate)
        return vector, state, value

    return step


def epoch(
    run: Minibatches,
    model: Any,
    state: Any,
    data: Data,
    *,
    order: np.ndarray | None,
    rows: int,
    rate: Callable[[int], float | None],
    keys: Callable[[], Any],
    seen: int,
    least: int = 1,
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
    least : int
        Rows of a last batch; with fewer it joins the one before.
    """
    n = data.x.shape[0]
    total = run.total
    total[...] = 0.0
    for x, y, *weights in data.batches(order, rows, least):
        seen += x.shape[0]
        model, state, total = run.step(
            model, state, total, x, y, weights[0] if weights else None, keys(), rate(seen)
        )
    return model, state, float(to_numpy(total)) / n


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
