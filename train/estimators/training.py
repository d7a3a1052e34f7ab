"""The steps and the full-batch minimisation of a network with an objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...autograd import value_and_grad
from ...autograd.core.array import backend_array
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import PyTree, RawArray, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree
from ...backend import Backend, backend_of
from ...optim import LossScaling, minimize
from ..data.device_data import batches
from ..optimizers import with_l1
from ..step import LossSum, copy_leaves, scaled, training_step
from .network import Network

# relative decrease at which L-BFGS ends, as in SciPy's, and so in scikit-learn's
_FTOL = 2.2e-9

# Losses per sample (n,) of outputs (n, k) and targets; or, for `mean`, their mean at once.
Loss = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Data:
    """Rows on the device, or to be transferred to it.

    They are x (n, d), targets, and weights (n,) of mean 1, or None where all are equal.
    """

    x: Value
    y: Value
    weights: Value = None

    @property
    def arrays(self) -> tuple[RawArray, ...]:
        """``(x, y)`` or ``(x, y, weights)``."""
        return tuple(a for a in (self.x, self.y, self.weights) if a is not None)

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def steps(self, rows: int) -> int:
        """Batches of an epoch."""
        return -(-len(self) // rows)

    def batches(
        self, order: Callable[[], np.ndarray | None], rows: int, home: Backend, least: int
    ) -> Iterator[tuple[Any, ...]]:
        """The batches of an epoch, on the device."""
        return batches(self.arrays, order(), rows, home, least)


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

    def __call__(self, outputs: Value, y: Value, weights: Value = None) -> Any:
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
class BlockLoss:
    """The sum of an objective over the rows of a block, as a function of the model."""

    objective: Objective

    def __call__(self, model: PyTree, x: Value, y: Value, weights: Value = None) -> Any:
        """The mean times the number of rows."""
        return self.objective(model(x), y, weights) * x.shape[0]


@dataclass(frozen=True)
class Packing:
    """The layout of a network's arrays in one vector.

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
    def of(cls, model: PyTree) -> Packing:
        """The layout of a model."""
        leaves, structure = tree.flatten(model)
        return cls(structure, tuple(tuple(leaf.shape) for leaf in leaves))

    def pack(self, model: PyTree) -> Any:
        """A new vector (n,) of the model's arrays."""
        leaves = tree.leaves(model)
        namespace = namespace_of(leaves[0])
        return namespace.concat([namespace.reshape(leaf, (-1,)) for leaf in leaves])

    def unpack(self, vector: Value) -> Any:
        """The model, whose arrays are views of the vector where the library has them."""
        namespace, leaves, start = namespace_of(vector), [], 0
        for shape in self.shapes:
            stop = start + math.prod(shape)
            leaves.append(namespace.reshape(vector[start:stop], shape))
            start = stop
        return tree.unflatten(self.structure, leaves)

    def decay(self, strength: float, like: Any) -> Any:
        """A vector (n,): `strength` where weights lie, 0 where biases do."""
        parts = [np.full(math.prod(s), strength * (len(s) >= 2)) for s in self.shapes]
        return backend_of(like).asarray(np.concatenate(parts), like.dtype)


@dataclass(frozen=True)
class Trainable:
    """The form in which a network is trained: one vector, or the model where training changes more than parameters.

    Attributes
    ----------
    pack : callable
        ``pack(model)``: the parameters that a step takes, in memory of their own.
    unpack : callable
        ``unpack(parameters)``: the model with these parameters, in memory of its own.
    opt : optimiser
        It takes the parameters.
    step : callable
        ``step(parameters, state, tally, x, y, weights, key, rate) -> parameters, state, tally``: one minibatch.
    """

    pack: Callable[[PyTree], PyTree]
    unpack: Callable[[PyTree], PyTree]
    opt: Any
    step: Callable[..., tuple[PyTree, PyTree, LossSum]]


def trainable(
    network: Network,
    objective: Objective,
    opt: Any,
    model: PyTree,
    *,
    precision: str,
    l1: float = 0.0,
) -> Trainable:
    """The form in which a network is trained, of which `model` is one; with a penalty l1 Σ |W|."""
    opt = scaled(opt, precision)
    if network.stochastic:
        opt = with_l1(opt, l1)
        return Trainable(
            copy_leaves, copy_leaves, opt, _summed(_stochastic_step(objective, opt, model))
        )
    packing = Packing.of(model)
    opt, decay = _without_decay(opt, packing, tree.leaves(model)[0])
    if l1:
        # an optimiser here sees one vector, biases and all
        opt = with_l1(opt, packing.decay(l1, backend_array(tree.leaves(model)[0])), mask=None)
    step = _packed_step(objective, opt, packing, decay)
    return Trainable(
        lambda model: packing.pack(tree.map(backend_array, model)),
        lambda vector: copy_leaves(packing.unpack(vector)),
        opt,
        _summed(step),
    )


def _summed(one_step: Callable[..., Any]) -> Callable[..., Any]:
    """A step that adds its loss to a sum, so that none is read before the epoch's end."""

    def step(
        parameters: PyTree, state: PyTree, tally: LossSum, x: Value, *rest: Any
    ) -> tuple[Any, Any, LossSum]:
        parameters, state, loss = one_step(parameters, state, x, *rest)
        return parameters, state, tally.after(loss, x.shape[0])

    return step


def _stochastic_step(objective: Objective, opt: Any, model: PyTree) -> Callable[..., Any]:
    one_step = training_step(model, objective, opt)

    def step(
        model: PyTree,
        state: PyTree,
        x: Value,
        y: Value,
        weights: Value,
        key: Any,
        rate: float | None,
    ) -> tuple[Any, Any, Any]:
        targets = (y,) if weights is None else (y, weights)
        return one_step(model, state, key, x, *targets, lr=rate)

    return step


def _without_decay(opt: Any, packing: Packing, like: Any) -> tuple[Any, Any]:
    """An optimiser of one vector without its decay, which is for arrays of two axes; and the vector of the decay."""
    inner: Any = opt.opt if isinstance(opt, LossScaling) else opt
    decay = packing.decay(inner.weight_decay, backend_array(like)) if inner.weight_decay else None
    inner = replace(inner, weight_decay=0.0)
    return (replace(opt, opt=inner) if isinstance(opt, LossScaling) else inner), decay


def _packed_step(
    objective: Objective, opt: Any, packing: Packing, decay: Any
) -> Callable[..., Any]:
    def loss(model: PyTree, state: PyTree, x: Value, y: Value, weights: Value) -> tuple[Any, Any]:
        value = objective(model(x), y, weights)
        return (opt.scale(value, state) if isinstance(opt, LossScaling) else value), value

    gradient = value_and_grad(loss, has_aux=True)

    def step(
        vector: Value,
        state: PyTree,
        x: Value,
        y: Value,
        weights: Value,
        key: Any,
        rate: float | None,
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


def full_batch(
    network: Network,
    mean: Callable[[PyTree], Any],
    model: PyTree,
    n: int,
    *,
    alpha: float,
    tol: float,
    maxiter: int,
    maxfun: int,
) -> Any:
    """Minimise mean(model) + ½ alpha ‖W‖²/n by L-BFGS; SciPy's result, with the model as ``x``."""
    calls = 0

    def total(model: PyTree) -> Any:
        nonlocal calls
        calls += 1
        penalty = sum((xp.sum(W * W) for W in network.weights(model)), start=0.0)
        return mean(model) + (0.5 * alpha / n) * penalty

    def enough(_: Any) -> None:
        if calls >= maxfun:
            raise StopIteration

    return minimize(
        total, model, method="l-bfgs", gtol=tol, ftol=_FTOL, maxiter=maxiter, callback=enough
    )
