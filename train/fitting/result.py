"""What a training comes to, and what ended it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ...autograd.core.typing import PyTree
from ..epochs import Ending
from ..stopping import Epoch


@dataclass
class Fit:
    """The result of a training run.

    Attributes
    ----------
    model : pytree
        The weights with the lowest validation loss, or without a validation part with the lowest training loss.
    best : Epoch
        The epoch after which the model had them.
    history : list of Epoch
    steps : int
        Optimiser steps made.
    seconds : float
        Spent in the loop; not those before it went on from a checkpoint.
    stopped : {"epochs", "patience", "interrupted", "diverged", "callback"}
        Why it ended: all epochs done, no better validation loss for `patience` epochs, a signal (Ctrl-C, SIGTERM,
        SIGHUP), a loss that is no finite number, or a callback.
    why : str
        The reason in words.
    eager : str
        Why the step was not compiled; empty if it was.
    resumed : int or None
        The steps that were done when it went on from a checkpoint; None if it began anew.
    signal : int
        The number of the signal that interrupted it; 0 if none did.
    last : pytree
        The weights after the last step. What callbacks see cannot be written to, where it is NumPy's, and the next step
        overwrites it: copy what is to be kept.
    """

    model: PyTree
    best: Epoch
    history: list[Epoch]
    steps: int = 0
    seconds: float = 0.0
    stopped: str = "epochs"
    why: str = ""
    eager: str = ""
    resumed: int | None = None
    signal: int = 0
    last: PyTree = field(default=None, repr=False)


def diverged(now: Epoch, validated: bool = True) -> Ending | None:
    """The ending of a run whose losses over a part of the data are not finite any more."""
    for part, value in (("", now.loss), ("validation ", now.validation_loss)):
        if not math.isfinite(value) and (validated or not part):
            why = f"the {part}loss became {value} at step {now.steps:,} (epoch {now.epoch})"
            return "diverged", why
    return None
