"""Going on with a training from its state on disk, so that it ends with the bits that it would have had."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import platform
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ...autograd.core.typing import PyTree
from ...autograd.pytree import tree
from ...backend import Backend
from ..data.digest import digest
from ..epochs import Ending, Training
from ..errors import InputError
from ..files import locked_file
from ..replay import shape_of
from ..step import SummedTally, Tally
from ..stopping import Epoch
from .result import Fit
from .snapshot import Stored, read

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LONG = 1000


def description(
    model: PyTree,
    loss: Any,
    score: Any,
    opt: Any,
    train: PyTree,
    validation: PyTree,
    **settings: Any,
) -> dict[str, str]:
    """What has to be the same when a training goes on, as texts: network, loss, score, optimiser, settings, data.

    Functions count by their names alone.
    """
    structure = _ADDRESS.sub("", str(tree.flatten(model)[1].spec))
    return {
        "the network (its class, and fields that are no arrays)": f"{type(model).__name__} {_hash(structure)}",
        "the loss": _name(loss),
        "the score": "none" if score is None else _name(score),
        "the optimiser": _text(opt),
        **{key: str(value) for key, value in settings.items()},
        "the training data's digest": digest(train),
        "the validation data's digest": digest(validation),
    }


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", None) or _text(function)


def _text(value: Any) -> str:
    text = _ADDRESS.sub("", repr(value))
    return text if len(text) <= _LONG else f"{text[:_LONG]}… {_hash(text)}"


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def versions() -> dict[str, str]:
    """Of what rounds: this library and NumPy, on this kind of processor."""
    package = sys.modules[__name__.partition(".")[0]]
    return {
        "pullback": str(package.__version__),
        "NumPy": np.__version__,
        "processor": platform.machine(),
    }


def compare_versions(stored: Stored) -> None:
    """Warn where other versions wrote the state: they may round otherwise."""
    was, now = stored.progress.get("versions"), versions()
    if was != now and isinstance(was, dict):
        others = [
            f"{key} {was.get(key)}, now {now[key]}" for key in now if was.get(key) != now[key]
        ]
        warnings.warn(
            f"{stored.path} was written by {'; '.join(others)}: the training goes on, and its numbers may differ by "
            "rounding from those of one that was not interrupted",
            RuntimeWarning,
            stacklevel=3,
        )


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
    training: Training[Tally] | Training[SummedTally],
    calls: Sequence[Any],
    samples: Iterable[tuple[Any, ...]],
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
    now: tuple[Any, ...] = (training.parameters, training.state, training.tally)
    for shape, number in calls:
        args = by_shape.get(tuple(shape))
        if args is None:
            continue
        for _ in range(min(number, 2)):
            now = training.step(*now, *args)


def stored_at(checkpoint: Any, resume: bool, stack: contextlib.ExitStack) -> Stored | None:
    """The checkpoint to go on from, if that is asked for and there is one; until the stack is left it is ours alone.

    Raises
    ------
    InputError
        For a file that is none; for one that another training writes to.
    ValueError
        For `resume` without a path.
    """
    if checkpoint is None:
        if resume:
            raise ValueError("fit: resume=True needs the path of a checkpoint: checkpoint=...")
        return None
    folder = os.path.dirname(os.path.abspath(checkpoint))
    if not os.path.isdir(folder):
        raise InputError(f"fit: checkpoint={os.fspath(checkpoint)!r}: there is no folder {folder}")
    stack.enter_context(locked_file(checkpoint))
    return read(checkpoint) if resume and os.path.lexists(checkpoint) else None


def restored(
    stored: Stored,
    training: Training[Tally] | Training[SummedTally],
    model: PyTree,
    opt: Any,
    home: Backend,
    random: np.random.Generator,
) -> tuple[Fit, tuple[int, int]]:
    """The training as it was, what was reported of it, and the epochs and steps of the next one that are done.

    Raises
    ------
    InputError
        For a checkpoint of another structure.
    """
    training.parameters = stored.tree("model", model, home, dtypes=True)
    training.state = stored.tree("state", opt.init(model), home)
    training.tally = stored.tree("tally", training.tally, home)
    progress = stored.progress
    try:
        history = from_table(stored.tensors["history:"])
        best = next(row for row in history if row.epoch == progress["best"])
        start = int(progress["epoch"]), int(progress["position"])
        run = Fit(
            stored.tree("best", model, home, dtypes=True),
            best,
            history,
            int(progress["steps"]),
            resumed=training.tally.read()[0],
        )
        if progress["diverged"]:
            run.stopped, run.why = "diverged", str(progress["diverged"])
        random.bit_generator.state = progress["random"]
    except (KeyError, TypeError, ValueError, IndexError, StopIteration):
        raise InputError(
            f"{stored.path} does not say how far it is: remove it to start anew"
        ) from None
    return run, start


def ended_before(
    run: Fit, start: tuple[int, int], epochs: int, ending: Callable[[int], Ending | None]
) -> Ending | None:
    """What a run that goes on has ended by already; ``ending(epoch)`` by the rules of now, which may be others."""
    if run.stopped == "diverged":
        return run.stopped, run.why
    done, position = start
    # in the order in which a run asks that makes this epoch
    found = None if position else ending(done)
    return all_done(epochs) if found is None and start == (epochs, 0) else found


def all_done(epochs: int) -> Ending:
    """The ending of a run that has made all its epochs."""
    return "epochs", f"all {epochs:,} epochs done"


def check_structures(
    training: Training[Tally] | Training[SummedTally], model: PyTree, opt: Any
) -> None:
    """Refuse to write what could not be read again.

    Raises
    ------
    ValueError
    """
    for what, now, first in (
        ("model", training.parameters, model),
        ("optimiser's state", training.state, opt.init(model)),
    ):
        if tree.flatten(now)[1] != tree.flatten(first)[1]:
            raise ValueError(
                f"fit: the structure of the {what} is another than at the start, so that a checkpoint could not be "
                "read again: keep the structure, or train without a checkpoint"
            )


def check_epochs(epochs: int, start: tuple[int, int]) -> None:
    """Refuse fewer epochs than there were.

    Raises
    ------
    ValueError
    """
    done = start[0] + (start[1] > 0)
    if epochs < done:
        raise ValueError(
            f"fit: epochs={epochs}, and the checkpoint is in epoch {done}: they may be raised, not lowered"
        )
