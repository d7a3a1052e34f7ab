"""When the state of a training is written, and what is in it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..autograd.core.typing import PyTree
from ..autograd.pytree import tree
from .data.digest import digest
from .epochs import Training
from .step import Tally, shape_of
from .stopping import Epoch

# Writing takes at most one part in so many of the time.
_SHARE = 50


class Keeper:
    """Writes the state of a training every few seconds.

    Parameters
    ----------
    write : callable
        ``write(epoch, position, random)``: the state after so many whole epochs and so many steps of the next one; and
        of the random generator as it was before the batches of that epoch were drawn.
    random_state : callable
        ``random_state()`` of the generator now.
    every : float
        Seconds from one writing to the next; more where writing is slow, so that it takes at most 2 % of the time. 0:
        after every step, however long it takes.

    Raises
    ------
    ValueError
        For a number of seconds that is negative or not finite.
    """

    def __init__(
        self,
        write: Callable[[int, int, Any], None],
        random_state: Callable[[], Any],
        every: float,
    ) -> None:
        check_every(every)
        self._write, self._random_state, self.every = write, random_state, float(every)
        self._random = random_state()
        self._next = time.monotonic() + self.every

    def begin(self, epoch: int) -> None:
        """Before the batches of an epoch are drawn."""
        self._random = self._random_state()

    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() >= self._next

    def save(self, epoch: int, position: int) -> None:
        """Write the state after so many whole epochs, and so many steps of the next one."""
        start = time.monotonic()
        self._write(epoch, position, self._random)
        now = time.monotonic()
        self._next = now + (max(self.every, _SHARE * (now - start)) if self.every else 0.0)


def check_every(every: float) -> None:
    """Refuse a number of seconds that is none.

    Raises
    ------
    ValueError
    """
    number = isinstance(every, int | float) and not isinstance(every, bool)
    if not number or not 0 <= every < math.inf:
        raise ValueError(f"fit: every={every!r}; it is a number of seconds of at least 0")


# ── what is kept ──────────────────────────────────────────────────────────────────────────────

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LONG = 1000


def description(
    model: PyTree, loss: Any, opt: Any, train: PyTree, validation: PyTree, **settings: Any
) -> dict[str, str]:
    """What has to be the same when a training goes on, as texts: network, loss, optimiser, settings, data.

    Functions count by their names alone.
    """
    structure = _ADDRESS.sub("", str(tree.flatten(model)[1].spec))
    return {
        "the network": f"{type(model).__name__} of structure {_hash(structure)}",
        "the loss": getattr(loss, "__qualname__", None) or _text(loss),
        "the optimiser": _text(opt),
        **{key: str(value) for key, value in settings.items()},
        "the training data's digest": digest(train),
        "the validation data's digest": digest(validation),
    }


def _text(value: Any) -> str:
    text = _ADDRESS.sub("", repr(value))
    return text if len(text) <= _LONG else f"{text[:_LONG]}… {_hash(text)}"


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def as_table(history: Sequence[Epoch]) -> np.ndarray:
    """A history as numbers (epochs, 6) in float64, which has NaN."""
    return np.asarray([dataclasses.astuple(row) for row in history], np.float64)


def from_table(table: np.ndarray) -> list[Epoch]:
    """The history that `as_table` wrote.

    Examples
    --------
    >>> row = Epoch(1, 20, 0.5, 0.9, 0.25, 0.75)
    >>> from_table(as_table([row])) == [row]
    True
    """
    return [Epoch(int(row[0]), int(row[1]), *row[2:]) for row in table.tolist()]


def warm_up(
    training: Training[Tally], calls: Sequence[Any], samples: Iterable[tuple[Any, ...]]
) -> None:
    """Record the step's programs as the training did that goes on; nothing is kept of the steps that this takes.

    The call that records a program computes by other kernels than those that replay it, and rounds otherwise: a step
    that replayed one has to replay it again.

    Parameters
    ----------
    training : Training
        As it was at its start; its arrays are overwritten.
    calls : sequence
        What `Replayed.calls` was: the shapes of batches, and how often they had been met, up to 2.
    samples : iterable
        Batches of these shapes.
    """
    by_shape = {shape_of(args[0]): args for args in samples}
    now = training.parameters, training.state, training.tally
    for shape, number in calls:
        args = by_shape.get(tuple(shape))
        for _ in range(number if args is not None else 0):
            now = training.step(*now, *args)
