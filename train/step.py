"""The training step of any model: training mode, gradient, optimiser, tally on the device."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import models
from ..autograd import to_numpy, value_and_grad
from ..autograd.core.array import Array, backend_array
from ..autograd.core.dtypes import is_inexact
from ..autograd.core.namespaces import namespace_of
from ..autograd.core.typing import ArrayLike, PyTree, Value
from ..autograd.pytree import tree
from ..backend import Backend, is_array
from ..models.module import has_mode, trains_differently
from ..optim import LossScaling
from .parallel.ranks import Ranks

Step = Callable[..., tuple[Any, Any, Any]]


def copy_leaves(tree_of_arrays: PyTree) -> Any:
    """A copy of a tree, with raw arrays of its own."""

    def own(leaf: PyTree) -> Any:
        x = backend_array(leaf)
        return namespace_of(x).copy(x) if is_array(x) else leaf

    return tree.map(own, tree_of_arrays)


def scaled(opt: Any, precision: str) -> Any:
    """The optimiser for a precision: small gradients survive float16 if the loss is scaled."""
    return LossScaling(opt) if precision == "float16" and not isinstance(opt, LossScaling) else opt


class Tally(NamedTuple):
    """A count of the steps, kept where the model is, so that no step waits for the host.

    Attributes
    ----------
    done : array int64 ()
        Steps taken.
    bad : array int64 ()
        The number of the first step whose loss was no finite number, counted from 1; 0 while there is none.
    loss : array float64 ()
        That loss.
    """

    done: Any
    bad: Any
    loss: Value

    @classmethod
    def new(cls, home: Backend) -> Tally:
        """The tally of no step, with arrays of this backend."""
        none = np.zeros((), np.int64)
        return cls(home.asarray(none), home.asarray(none.copy()), home.asarray(np.zeros(())))

    def after(self, loss: Value, rows: int) -> Tally:
        """The tally after one more step; the number of its rows is that of a `SummedTally` alone."""
        value, xp = _as_float64(loss)
        done = self.done + 1
        # by `where` alone, which a device's kernels know: what they do not know would cut the step into two launches
        fine, none = xp.isfinite(value), self.bad == 0
        return Tally(
            xp.asarray(done),
            xp.asarray(xp.where(fine, self.bad, xp.where(none, done, self.bad))),
            xp.asarray(xp.where(fine, self.loss, xp.where(none, value, self.loss))),
        )

    def is_bad(self) -> bool:
        """Whether any loss was not finite; the answer waits for the device."""
        return bool(self.bad)

    def read(self) -> tuple[int, float | None]:
        """The steps taken; or those up to and with the first loss that is not finite, and that loss."""
        bad = int(to_numpy(self.bad))
        if bad:
            return bad, float(to_numpy(self.loss))
        return int(to_numpy(self.done)), None


class SummedTally(NamedTuple):
    """A `Tally` that also sums the rows' losses over an epoch.

    Attributes
    ----------
    done, bad, loss
        As a `Tally` has them.
    total : array float64 ()
        Mean loss of a batch times its rows, summed over the epoch's steps.
    rows : array float64 ()
        Their rows.
    """

    done: Any
    bad: Any
    loss: Value
    total: Any
    rows: Any

    @classmethod
    def new(cls, home: Backend) -> SummedTally:
        """The tally of no step, with arrays of this backend."""
        return cls(*Tally.new(home), home.asarray(np.zeros(())), home.asarray(np.zeros(())))

    def after(self, loss: Value, rows: int) -> SummedTally:
        """The tally after one more step."""
        value, xp = _as_float64(loss)
        counted = Tally(*self[:3]).after(loss, rows)
        return SummedTally(
            *counted, xp.asarray(self.total + value * rows), xp.asarray(self.rows + rows)
        )

    def is_bad(self) -> bool:
        """Whether any loss was not finite; the answer waits for the device."""
        return bool(self.bad)

    def read(self) -> tuple[int, float | None]:
        """As `Tally.read`."""
        return Tally(*self[:3]).read()

    def take(self) -> float:
        """The mean over the epoch's rows; both sums begin anew at 0 in the same memory, as `LossSum.take` has it."""
        mean = float(to_numpy(self.total)) / float(to_numpy(self.rows))
        self.total[...] = 0.0
        self.rows[...] = 0.0
        return mean


class LossSum(NamedTuple):
    """The sum of the rows' losses over an epoch, kept where the model is, so that no step waits for the host.

    Attributes
    ----------
    total : array float64 ()
        Mean loss of a batch times its rows, summed.
    """

    total: Any

    @classmethod
    def new(cls, home: Backend) -> LossSum:
        """The sum of nothing, as an array of this backend."""
        return cls(home.asarray(np.zeros(())))

    def after(self, loss: Value, rows: int) -> LossSum:
        """The sum after one more batch."""
        value, xp = _as_float64(loss)
        return LossSum(xp.asarray(self.total + value * rows))

    def is_bad(self) -> bool:
        """Whether the sum is not finite any more; the answer waits for the device."""
        return not math.isfinite(self.total)

    def take(self) -> float:
        """The sum, which begins anew at 0 in the same memory: a graph of launches has its address in it."""
        total = float(to_numpy(self.total))
        self.total[...] = 0.0
        return total


def _as_float64(loss: Value) -> tuple[Any, Any]:
    """A loss as raw array in float64, and its namespace."""
    value = backend_array(loss)
    xp = namespace_of(value)
    return xp.astype(value, np.dtype("float64")), xp


def key_of(seed: int, home: Backend) -> Array:
    """The random key of a run's layers; the key of each step is folded from it and the step's number."""
    words = np.random.SeedSequence([seed, 2]).generate_state(2, np.uint32)
    return Array(home.asarray(words))


def call_model(model: PyTree, x: PyTree) -> Any:
    """``model(x)``; the parts of a tuple are several inputs, ``model(*x)``."""
    return model(*x) if type(x) is tuple else model(x)


def training_step(
    model: PyTree,
    objective: Callable[..., Any],
    opt: Any,
    loss_of: str = "outputs",
    ranks: Ranks | None = None,
) -> Step:
    """A step in training mode for models of this one's structure.

    Parameters
    ----------
    model : callable pytree
        ``model(x)``, or in training ``model.training(x, key=key)`` where it, or a module in it, has a training mode. A
        tuple x stands for several inputs.
    objective : callable
        ``objective(outputs, *targets)``, a number to be made small.
    opt : optimiser
        With `LossScaling` the scaled loss is differentiated, and the loss itself returned.
    loss_of : {"outputs", "model"}
        With "model" it is ``objective(model, x)``; and where there is a training mode ``objective(model, x, key=key)``,
        which returns the number and the model with its new state.
    ranks : Ranks, optional
        They share each batch: loss and gradient are those of the mean over the rows of all.

    Returns
    -------
    callable
        ``step(model, state, key, x, *targets, **settings) -> model, state, loss``; the settings are those of the
        optimiser's step. The optimiser moves the parameters alone: running statistics and integers are what
        `training` made of them.

    Raises
    ------
    NotImplementedError
        If the model holds layers that train differently, and no method `training` that says how.
    """
    different = trains_differently(model)
    if loss_of == "model":
        run = _of_model(objective, takes_key(objective, model))
    else:
        run = _of_outputs(objective, different)
    if different and loss_of == "outputs" and not callable(getattr(model, "training", None)):
        raise NotImplementedError(
            f"{type(model).__name__} holds layers that behave differently in training: write "
            f"{type(model).__name__}.training(x, *, key=None), which returns (y, model)"
        )
    pairs = zip(tree.leaves(model), tree.leaves(models.parameter_mask(model)), strict=True)
    moving = [own and is_inexact(getattr(leaf, "dtype", np.dtype(bool))) for leaf, own in pairs]
    if all(moving) and not different and not isinstance(opt, LossScaling):
        return _plain_step(run, opt, ranks)
    renewed = None if ranks is None else ranks.renewed(model, moving)
    return _training_step(run, opt, moving, ranks, renewed)


# ``run(model, key, x, *targets)``: the value to be made small, and the model with its new state.
_Run = Callable[..., tuple[Any, Any]]


def _of_outputs(objective: Callable[..., Any], different: bool) -> _Run:
    def run(model: PyTree, key: Any, x: PyTree, *targets: ArrayLike) -> tuple[Any, Any]:
        outputs, after = _trained(model, x, key) if different else (call_model(model, x), model)
        return objective(outputs, *targets), after

    return run


def takes_key(objective: Callable[..., Any], model: PyTree) -> bool:
    """Whether the loss of a model is given a key: where there is a training mode.

    A model whose layers have one, but no dropout as they are set, may have a loss without.

    Raises
    ------
    TypeError
        If there is a training mode, and the loss takes no key.
    """
    if not trains_differently(model):
        return False
    try:
        named = inspect.signature(objective).parameters.values()
    except (TypeError, ValueError):
        return True
    if any(p.name == "key" or p.kind is p.VAR_KEYWORD for p in named):
        return True
    if not has_mode(model):
        return False
    raise TypeError(
        f"fit: {type(model).__name__} has a training mode, so that its loss is loss(model, batch, *, key), which "
        "returns (loss, model) of model.training(x, key=key), and where key is None the loss of model(x)"
    )


def _of_model(objective: Callable[..., Any], with_key: bool) -> _Run:
    def run(model: PyTree, key: Any, batch: PyTree) -> tuple[Any, Any]:
        if not with_key:
            return objective(model, batch), model
        out = objective(model, batch, key=key)
        if not isinstance(out, tuple) or len(out) != 2:
            raise TypeError(
                f"the loss of a {type(model).__name__}, which has a training mode, has to return (loss, model), "
                f"not {type(out).__name__}: take them from model.training(x, key=key)"
            )
        return out

    return run


def _plain_step(run: _Run, opt: Any, ranks: Ranks | None) -> Step:
    """A step for models without a training mode, whose leaves are all parameters."""

    def loss(model: PyTree, x: PyTree, *targets: ArrayLike) -> Any:
        return run(model, None, x, *targets)[0]

    gradient = value_and_grad(loss) if ranks is None else ranks.value_and_grad(loss, _rows_of_batch)

    def step(
        model: PyTree, state: PyTree, key: Any, x: Value, *targets: ArrayLike, **settings: Any
    ) -> tuple[Any, Any, Any]:
        value, grads = gradient(model, x, *targets)
        return *opt.step(model, grads, state, **settings), value

    return step


def _rows_of_batch(model: PyTree, x: PyTree, *targets: ArrayLike) -> int:
    return int(tree.leaves(x)[0].shape[0])


def _training_step(
    run: _Run,
    opt: Any,
    moving: list[bool],
    ranks: Ranks | None,
    renewed: Callable[[PyTree, int], Any] | None,
) -> Step:
    """A step for models with a training mode, with leaves that are no parameters, or with a scaled loss."""
    scales = isinstance(opt, LossScaling)

    def loss(
        parameters: list[Any], model: PyTree, state: PyTree, key: Any, x: Value, *targets: ArrayLike
    ) -> tuple[Any, tuple[Any, Any]]:
        (leaves, spec), own = tree.flatten(model), iter(parameters)
        now = tree.unflatten(
            spec, [next(own) if moves else p for p, moves in zip(leaves, moving, strict=True)]
        )
        value, after = run(now, key, x, *targets)
        large = opt.scale(value, state) if scales else value
        return large, (value, after)

    def rows(
        parameters: list[Any], model: PyTree, state: PyTree, key: Any, x: Value, *targets: ArrayLike
    ) -> int:
        return _rows_of_batch(model, x)

    if ranks is None:
        gradient = value_and_grad(loss, has_aux=True)
    else:
        gradient = ranks.value_and_grad(loss, rows, has_aux=True)

    def step(
        model: PyTree, state: PyTree, key: Any, x: Value, *targets: ArrayLike, **settings: Any
    ) -> tuple[Any, Any, Any]:
        leaves, spec = tree.flatten(model)
        parameters = [p for p, moves in zip(leaves, moving, strict=True) if moves]
        (large, (value, after)), found = gradient(parameters, model, state, key, x, *targets)
        after = models.plain(after)
        if ranks is not None:
            # that of all rows, where the other one is of this rank's own; a scaled one may be infinite where it is not
            n = _rows_of_batch(model, x)
            value = ranks.mean(value, n) if scales else large
            after = after if renewed is None else renewed(after, n)
        if tree.flatten(after)[1] != spec:
            raise ValueError(
                f"{type(model).__name__}.training has to return its model in the structure that it had"
            )
        grads = iter(found)
        # the optimisers leave alone what has no gradient: decay does not touch a running mean
        slopes = tree.unflatten(spec, [next(grads) if moves else None for moves in moving])
        return *opt.step(after, slopes, state, **settings), value

    return step


def _trained(model: PyTree, x: PyTree, key: Any) -> tuple[Any, Any]:
    """Outputs and the new model."""
    out = model.training(*x, key=key) if type(x) is tuple else model.training(x, key=key)
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(
            f"{type(model).__name__}.training has to return (outputs, model), not {type(out).__name__}"
        )
    return out
