"""One step of training, whatever the model: training mode, gradient, optimiser, and what is counted on the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import models
from ..autograd import tree, value_and_grad
from ..autograd.array import Array, raw
from ..autograd.backward import SPACES
from ..autograd.dtypes import is_inexact
from ..backend import Backend
from ..models._module import trains_differently

Step = Callable[..., tuple[Any, Any, Any]]


class Tally(NamedTuple):
    """What is noted of the steps where the model is, so that no step waits for the host.

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
    loss: Any


def new_tally(home: Backend) -> Tally:
    """That of no step."""
    none = np.zeros((), np.int64)
    return Tally(home.asarray(none), home.asarray(none.copy()), home.asarray(np.zeros(())))


def noted(tally: Tally, loss: Any) -> Tally:
    """The tally after one more step."""
    value = raw(loss)
    space = SPACES.of(value)
    value = space.astype(value, np.dtype("float64"))
    done = tally.done + 1
    first = (tally.bad == 0) & ~space.isfinite(value)
    return Tally(
        space.asarray(done),
        space.asarray(space.where(first, done, tally.bad)),
        space.asarray(space.where(first, value, tally.loss)),
    )


def key_of(seed: int, home: Backend) -> Array:
    """What a run's layers draw from; the key of each step is folded from it and the step's number."""
    words = np.random.SeedSequence([seed, 2]).generate_state(2, np.uint32)
    return Array(home.asarray(words))


def training_step(model: Any, objective: Callable[..., Any], opt: Any) -> Step:
    """A step in training mode for models of this one's structure.

    Parameters
    ----------
    model : callable pytree
        ``model(x)``, or in training ``model.training(x, key=key)`` where it, or a module in it, has a training mode.
    objective : callable
        ``objective(outputs, *targets)``, a number to be made small.
    opt : optimiser

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
    if different and not callable(getattr(model, "training", None)):
        raise NotImplementedError(
            f"{type(model).__name__} holds layers that behave differently in training: write "
            f"{type(model).__name__}.training(x, *, key=None), which returns (y, model)"
        )
    pairs = zip(tree.leaves(model), tree.leaves(models.parameter_mask(model)), strict=True)
    moving = [own and is_inexact(getattr(leaf, "dtype", np.dtype(bool))) for leaf, own in pairs]
    if all(moving) and not different:
        return _plain_step(objective, opt)
    return _training_step(objective, opt, moving, different)


def _plain_step(objective: Callable[..., Any], opt: Any) -> Step:
    """For models without a training mode, whose leaves are all parameters."""
    gradient = value_and_grad(lambda model, x, *targets: objective(model(x), *targets))

    def step(
        model: Any, state: Any, key: Any, x: Any, *targets: Any, **settings: Any
    ) -> tuple[Any, Any, Any]:
        value, grads = gradient(model, x, *targets)
        return *opt.step(model, grads, state, **settings), value

    return step


def _training_step(
    objective: Callable[..., Any], opt: Any, moving: list[bool], different: bool
) -> Step:
    def step(
        model: Any, state: Any, key: Any, x: Any, *targets: Any, **settings: Any
    ) -> tuple[Any, Any, Any]:
        leaves, spec = tree.flatten(model)

        def loss(parameters: list[Any]) -> tuple[Any, Any]:
            own = iter(parameters)
            now = tree.unflatten(
                spec,
                [next(own) if moves else p for p, moves in zip(leaves, moving, strict=True)],
            )
            outputs, after = _trained(now, x, key) if different else (now(x), now)
            return objective(outputs, *targets), after

        parameters = [p for p, moves in zip(leaves, moving, strict=True) if moves]
        (value, after), found = value_and_grad(loss, has_aux=True)(parameters)
        after = models.plain(after)
        if tree.flatten(after)[1] != spec:
            raise ValueError(
                f"{type(model).__name__}.training has to return its model in the structure that it had"
            )
        grads = iter(found)
        # the optimisers leave alone what has no gradient: decay does not touch a running mean
        slopes = tree.unflatten(spec, [next(grads) if moves else None for moves in moving])
        return *opt.step(after, slopes, state, **settings), value

    return step


def _trained(model: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """Outputs and the new model."""
    out = model.training(x, key=key)
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(
            f"{type(model).__name__}.training has to return (outputs, model), not {type(out).__name__}"
        )
    return out
