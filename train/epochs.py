"""The minibatch loop that `fit` and the estimators share: the steps of an epoch, and epochs until a rule ends them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Generic, TypeVar

import numpy as np

from ..autograd.core.typing import PyTree
from .step import LossSum, Replayed, Tally

# On the CPU the tally is looked at so often; on a device once an epoch, since reading it waits for all steps.
_STEPS_BETWEEN_LOOKS = 100

# The name of what ended a training, and the same in words.
Ending = tuple[str, str]


T = TypeVar("T", Tally, LossSum)


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
    tally : Tally or LossSum
        What is counted of the steps, where the model is.
    """

    step: Replayed
    parameters: PyTree
    state: PyTree
    tally: T


@dataclass
class Interrupt:
    """A note of the first Ctrl-C, which would otherwise raise at an arbitrary point; the second one raises.

    It is taken only in the main thread, where Python delivers signals, and only if Ctrl-C would raise now.
    """

    seen: bool = False
    _before: Any = field(default=None, repr=False)

    def __enter__(self) -> Interrupt:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        signal.signal(signal.SIGINT, self._before)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)


def run_epoch(
    training: Training[T], batches: Iterable[tuple[Any, ...]], interrupt: Interrupt | None = None
) -> None:
    """Make a step on each batch, as far as Ctrl-C, or on the CPU soon after a loss that is not finite."""
    step, parameters = training.step, training.parameters
    state, tally = training.state, training.tally
    on_host = type(tally[0]) is np.ndarray
    for count, batch in enumerate(batches, 1):
        if interrupt is not None and interrupt.seen:
            break
        parameters, state, tally = step(parameters, state, tally, *batch)
        if on_host and count % _STEPS_BETWEEN_LOOKS == 0 and tally.is_bad():
            break
    training.parameters, training.state, training.tally = parameters, state, tally


def run_epochs(
    training: Training[T],
    epochs: int,
    batches: Callable[[], Iterable[tuple[Any, ...]]],
    after_epoch: Callable[[int], Ending | None],
    interrupt: Interrupt | None = None,
) -> Ending | None:
    """Train epoch by epoch.

    Parameters
    ----------
    training : Training
        It is brought up to date after each epoch.
    epochs : int
        The most that are made.
    batches : callable
        ``batches()``: what a step takes of each batch, for the epoch that begins.
    after_epoch : callable
        ``after_epoch(epoch)``, counted from 1: measures, and asks a rule of `stopping` whether this was the last one.
    interrupt : Interrupt, optional
        Ends the epoch between two steps.

    Returns
    -------
    tuple of str or None
        What ended the training; None where all epochs are done.
    """
    for epoch in range(1, epochs + 1):
        run_epoch(training, batches(), interrupt)
        ended = after_epoch(epoch)
        if ended is not None:
            return ended
    return None
