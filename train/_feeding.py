"""Where data lie while a model is trained: whole on the device, or on the host and fed to it batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .. import backend
from ..autograd import tree
from ..autograd.array import raw
from ..backend import Backend

# Of the device's free memory: a shuffled copy of the data and what a step needs have to find room beside them.
_SHARE = 0.25


def placed(arrays: tuple[Any, ...], home: Backend) -> tuple[Any, ...]:
    """NumPy arrays on the device; as they are, to be fed from there, where they take too much of its memory.

    Parameters
    ----------
    arrays : tuple of numpy.ndarray
        None stays None.
    home : Backend
        Of the device.
    """
    free = home.memory().get("free")
    size = sum(a.nbytes for a in arrays if a is not None)
    if free is not None and size > _SHARE * free:
        return arrays
    return tuple(None if a is None else home.asarray(a) for a in arrays)


def home_of(model: Any, x: Any) -> Backend:
    """The backend of a model's arrays; that of its inputs `x` where the model has none."""
    arrays = (raw(leaf) for leaf in tree.leaves(model))
    return next(
        (backend.backend_of(a) for a in arrays if backend.is_array(a)),
        backend.backend_of(x),
    )


def is_fed(x: Any, home: Backend) -> bool:
    """Whether data lie on the host and the device is another."""
    return isinstance(x, np.ndarray) and home.array_type is not np.ndarray


def fed(batches: Iterable[tuple[Any, ...]], x: Any, home: Backend) -> Iterator[tuple[Any, ...]]:
    """The batches of `x` and what goes with it, on the device: fed to it, or as they are if they lie there."""
    return home.feed(batches) if is_fed(x, home) else iter(batches)


def batches(
    arrays: tuple[Any, ...], order: np.ndarray, rows: int, home: Backend
) -> Iterator[tuple[Any, ...]]:
    """The arrays' rows in this order, so many at a time, on the device; the last batch may be smaller."""
    x = arrays[0]
    owner = backend.backend_of(x)
    take = owner.xp.take
    order = owner.asarray(order)
    places = (order[i : i + rows] for i in range(0, x.shape[0], rows))
    parts = (tuple(take(a, chosen, axis=0) for a in arrays) for chosen in places)
    return fed(parts, x, home)
