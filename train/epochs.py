"""The minibatch loop that `fit` and the estimators share: the steps of an epoch, and epochs until a rule ends them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ..autograd.core.typing import PyTree
from .replay import Replayed
from .step import LossSum, SummedTally, Tally

# On the CPU the tally is looked at so often; on a device once an epoch, since reading it waits for all steps.
_STEPS_BETWEEN_LOOKS = 100

# The name of what ended a training, and the same in words.
Ending = tuple[str, str]


T = TypeVar("T", Tally, SummedTally, LossSum)


@dataclass
class Training(Generic[T]):
    """A step, and what it carries on: a replayed step writes into the arrays that it is given.

    Attributes
    ----------
    step : Replayed
        ``step(parameters, state, tally, *batch) -> parameters, state, tally``.
    parameters : pytree
        The model, or the vector that holds its arrays.
    state : pytree
        Of the optimiser.
    tally : Tally, SummedTally or LossSum
        What is counted of the steps, where the model is.
    """

    step: Replayed
    parameters: PyTree
    state: PyTree
    tally: T


class Interrupt(Protocol):
    """A note of a signal that asks the training to end; see `fitting.signals.Interrupt`."""

    @property
    def seen(self) -> bool:
        """Whether there was one."""

    def asked(self) -> bool:
        """Whether to end, asked between two steps."""


class Keeper(Protocol):
    """What keeps the state of a training on disk; see `fitting.keeping.Keeper`."""

    def begin(self, epoch: int) -> None:
        """Before the batches of an epoch are drawn."""

    def due(self) -> bool:
        """Whether it is time to write."""

    def save(self, epoch: int, position: int) -> None:
        """Write the state after so many whole epochs, and so many steps of the next one."""


def run_epoch(
    training: Training[T],
    batches: Iterable[tuple[Any, ...]],
    interrupt: Interrupt | None = None,
    keeper: Keeper | None = None,
    epoch: int = 1,
    first: int = 0,
    after_step: Callable[[int], None] | None = None,
) -> int:
    """Make a step on each batch, as far as a signal, or on the CPU soon after a loss that is not finite.

    Parameters
    ----------
    training : Training
        It is brought up to date at the end, and before `keeper` writes.
    batches : iterable
        What a step takes of each batch.
    interrupt : Interrupt, optional
    keeper : Keeper, optional
        Asked after each step whether it is time to write.
    epoch, first : int
        The epoch's number, and how many of its steps were made before: its batches are left out of `batches`.
    after_step : callable, optional
        ``after_step(count)`` of the epoch's steps; `training.parameters` are up to date then.

    Returns
    -------
    int
        How many steps of the epoch are made.
    """
    step, parameters = training.step, training.parameters
    state, tally = training.state, training.tally
    on_host = type(tally[0]) is np.ndarray
    count = first
    # a state that was kept just before the look
    if on_host and first and first % _STEPS_BETWEEN_LOOKS == 0 and tally.is_bad():
        return first
    for batch in batches:
        if interrupt is not None and interrupt.asked():
            break
        parameters, state, tally = step(parameters, state, tally, *batch)
        count += 1
        if on_host and count % _STEPS_BETWEEN_LOOKS == 0 and tally.is_bad():
            break
        if after_step is not None:
            training.parameters = parameters
            after_step(count)
        if keeper is not None and keeper.due():
            training.parameters, training.state, training.tally = parameters, state, tally
            keeper.save(epoch - 1, count)
    training.parameters, training.state, training.tally = parameters, state, tally
    return count


def run_epochs(
    training: Training[T],
    epochs: int,
    batches: Callable[..., Iterable[tuple[Any, ...]]],
    after_epoch: Callable[[int], Ending | None],
    interrupt: Interrupt | None = None,
    keeper: Keeper | None = None,
    start: tuple[int, int] = (0, 0),
    after_step: Callable[[int], None] | None = None,
) -> Ending | None:
    """Train epoch by epoch.

    Parameters
    ----------
    training : Training
        It is brought up to date after each epoch.
    epochs : int
        The most that are made.
    batches : callable
        ``batches()``: what a step takes of each batch, for the epoch that begins; ``batches(k)`` without the first k.
    after_epoch : callable
        ``after_epoch(epoch)``, counted from 1: measures, and asks a rule of `stopping` whether this was the last one.
    interrupt : Interrupt, optional
        Ends the epoch between two steps.
    keeper : Keeper, optional
        It writes between steps and after epochs when it is time to; and at the end, whatever ended it: for a signal in
        the middle of an epoch the state before that is measured, as if there had been no signal.
    start : tuple of int
        Whole epochs that were made before, and steps of the next one.
    after_step : callable, optional
        ``after_step(count)``, as `run_epoch` has it.

    Returns
    -------
    tuple of str or None
        What ended the training; None where all epochs are done.
    """
    done, first = start
    for epoch in range(done + 1, epochs + 1):
        if keeper is not None:
            keeper.begin(epoch)
        own = batches(first) if first else batches()
        count = run_epoch(training, own, interrupt, keeper, epoch, first, after_step)
        first = 0
        if keeper is None:
            ended = after_epoch(epoch)
        else:
            broken = interrupt is not None and interrupt.seen
            if broken:
                keeper.save(epoch - 1, count)
            ended = after_epoch(epoch)
            if not broken and (ended is not None or epoch == epochs or keeper.due()):
                keeper.begin(epoch + 1)
                keeper.save(epoch, 0)
        if ended is not None:
            return ended
    return None
