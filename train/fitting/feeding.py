"""The parts of the data that a training is given, checked, and its batches as a step takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autograd.core.typing import PyTree
from ...autograd.pytree import tree
from ...backend import Backend
from ...models.module import trains_differently
from ..data.device_data import batches as batches_of
from ..data.device_data import check_place, parts_of
from ..data.orders import orders
from ..measure import placed, raw_arrays
from ..parallel.ranks import Ranks


@dataclass(frozen=True)
class Batches:
    """The batches of a training, as its step takes them.

    Attributes
    ----------
    steps : int
        How many an epoch has.
    epoch : callable
        ``epoch(first=0)``: those of the epoch that begins, from that one on.
    samples : callable
        A batch of each size that there is, of the first and the last rows.
    """

    steps: int
    epoch: Callable[..., Iterator[tuple[Any, ...]]]
    samples: Callable[[], Iterator[tuple[Any, ...]]]


def epochs_of(
    train: PyTree,
    loss_of: str,
    batch_size: int | None,
    batches: str,
    home: Backend,
    least: int,
    random: np.random.Generator,
    ranks: Ranks | None = None,
    weighted: bool = False,
) -> Batches:
    """The batches that the settings ask for; of several ranks this one's share, its weight behind if `weighted`."""

    def arguments(batch: PyTree) -> tuple[Any, ...]:
        return tuple(batch) if loss_of == "outputs" else (batch,)

    if batch_size is None:
        whole = arguments(placed(train, home))
        return Batches(1, lambda first=0: iter([whole][first:]), lambda: iter([whole]))
    leaves, spec = tree.flatten(train)
    n = leaves[0].shape[0]
    order = orders(batches, n, batch_size, least, random)
    parts = parts_of(n, batch_size, least)
    share = (0, 1) if ranks is None else ranks.share

    def chosen(order: np.ndarray, first: int) -> Iterator[tuple[Any, ...]]:
        found = batches_of(tuple(leaves), order, batch_size, home, least, first, share)
        for batch, part in zip(found, parts[first:], strict=True):
            own = arguments(tree.unflatten(spec, batch))
            if ranks is not None and weighted:
                own = (*own, ranks.weight(part.stop - part.start))
            yield own

    def epoch(first: int = 0) -> Iterator[tuple[Any, ...]]:
        # a generator: the order is drawn with the first batch
        yield from chosen(order(), first)

    def samples() -> Iterator[tuple[Any, ...]]:
        for first in sorted({0, len(parts) - 1}):
            yield next(chosen(np.arange(n), first))

    return Batches(len(parts), epoch, samples)


def steps_of_epoch(model: PyTree, part: PyTree, batch_size: int | None) -> int:
    """The steps that `fit` makes of a training part in an epoch.

    Examples
    --------
    >>> from pullback import models
    >>> steps_of_epoch(models.MLP([2, 1]), (np.ones((65, 2)), np.ones(65)), 32)
    3
    """
    if batch_size is None:
        return 1
    return len(parts_of(tree.leaves(part)[0].shape[0], batch_size, least_rows(model)))


def least_rows(model: PyTree) -> int:
    """The fewest rows of a last batch: one row has no variance, where the model trains by statistics of a batch."""
    return 2 if trains_differently(model) else 1


def check_form(loss_of: str, batch_size: int | None, batches: str) -> None:
    """Refuse a form of losses or batches that there is not.

    Raises
    ------
    ValueError
    """
    if loss_of not in ("outputs", "model"):
        raise ValueError(f"fit: loss_of={loss_of!r}; there are 'outputs' and 'model'")
    if batch_size is None:
        if batches != "shuffled":
            raise ValueError(
                f"fit: batches={batches!r} with batch_size=None, where everything is one batch"
            )
    elif (
        isinstance(batch_size, bool)
        or not isinstance(batch_size, int | np.integer)
        or batch_size < 1
    ):
        raise ValueError(
            f"fit: batch_size={batch_size!r}; it is an integer of at least 1, or None for all rows"
        )


def check_training_loss(training_loss: str, distributed: Any) -> None:
    """Refuse an unknown kind of training loss, and one that ranks do not share.

    Raises
    ------
    ValueError, NotImplementedError
    """
    if training_loss not in ("measured", "steps"):
        raise ValueError(f"fit: training_loss={training_loss!r}; there are 'measured' and 'steps'")
    if training_loss == "steps" and distributed is not None:
        raise NotImplementedError(
            "fit: training_loss='steps' on several ranks, each of which has the losses of its own rows: use 'measured'"
        )


def check_places(home: Backend, loss_of: str, **parts: PyTree) -> None:
    """Refuse data that are neither NumPy's nor where the model is, by their names.

    Raises
    ------
    TypeError
    """
    for name, part in parts.items():
        named = (
            {"": part} if loss_of == "model" or part is None else dict(zip("xy", part, strict=True))
        )
        for letter, own in named.items():
            check_place(own, home, f"fit: {name}" + f", {letter}," * bool(letter))


def checked(name: str, part: PyTree, loss_of: str, whole: bool) -> Any:
    """A part of the data with raw arrays as leaves, as many rows in each of them unless it is one batch."""
    if loss_of == "outputs":
        if not isinstance(part, tuple | list) or len(part) != 2:
            found = f"{len(part)} parts" if isinstance(part, tuple | list) else type(part).__name__
            raise ValueError(
                f"fit: {name} has to be a pair (x, y), not {found}; several inputs are a tuple themselves, as in "
                "((a, b), y); with loss_of='model' it is whatever the loss takes"
            )
        part = tuple(
            raw_arrays(own, f"fit: {name}, {what},")
            for own, what in zip(part, ("x", "y"), strict=True)
        )
    else:
        part = raw_arrays(part, f"fit: {name}")
    if whole:
        return part
    rows = [leaf.shape[0] if leaf.ndim else None for leaf in tree.leaves(part)]
    if None in rows:
        raise ValueError(
            f"fit: {name} holds a 0-d array, which has no rows to make batches of; with batch_size=None everything "
            "is one batch"
        )
    if rows[0] == 0 or len(set(rows)) > 1:
        numbers = [f"{n:,}" for n in rows if n is not None]
        numbers = numbers if len(numbers) <= 4 else list(dict.fromkeys(numbers))
        sizes = " and ".join(numbers[:4]) + (" and more" if len(numbers) > 4 else "")
        raise ValueError(
            f"fit: {name} has arrays of {sizes} rows; it needs one or more, and as many of each "
            "(with batch_size=None everything is one batch, and they may differ)"
        )
    return part
