"""The data of a training: on the device, or on the host and transferred batch by batch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ... import backend
from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import as_numpy
from ...autograd.core.typing import ArrayLike, PyTree, RawArray, Value
from ...autograd.pytree import tree
from ...backend import Backend
from .mapped import gathered, mapping

# Of the device's free memory: a shuffled copy of the data and what a step needs have to find room too.
_SHARE = 0.25
# Bytes of rows that are gathered at once on a device.
_GATHERED = 1 << 28
# The same from files.
_READ = 1 << 22


def to_device_if_it_fits(arrays: tuple[Any, ...], home: Backend) -> tuple[Any, ...]:
    """NumPy arrays on the device, or as they are for `prefetch`, where they would take too much of its memory.

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


def backend_of_model(model: PyTree, x: PyTree) -> Backend:
    """The backend of a model's arrays; that of its inputs `x`, an array or a tree of them, where the model has none."""
    arrays = (backend_array(leaf) for leaf in itertools.chain(tree.leaves(model), tree.leaves(x)))
    return next(backend.backend_of(a) for a in arrays if backend.is_array(a))


def needs_transfer(x: RawArray, home: Backend) -> bool:
    """Whether data lie on the host and the device is another."""
    return isinstance(x, np.ndarray) and home.array_type is not np.ndarray


def prefetch(
    batches: Iterable[tuple[Any, ...]], x: RawArray, home: Backend
) -> Iterator[tuple[Any, ...]]:
    """The batches of `x` and what goes with it, on the device: prefetched to it, or as they are if they lie there."""
    return home.feed(batches) if needs_transfer(x, home) else iter(batches)


def by_place(
    arrays: tuple[Any, ...],
    home: Backend,
    make: Callable[[tuple[Any, ...]], Iterator[tuple[Any, ...]]],
) -> Iterator[tuple[Any, ...]]:
    """The batches ``make(arrays)``; where only some arrays lie on the host, theirs and the others', put together."""
    away = [needs_transfer(a, home) for a in arrays]
    if all(away) or not any(away):
        return make(arrays)
    there, here = (
        make(tuple(a for a, is_away in zip(arrays, away, strict=True) if is_away == wanted))
        for wanted in (False, True)
    )

    def together() -> Iterator[tuple[Any, ...]]:
        for own in zip(there, here, strict=True):
            left = [iter(batch) for batch in own]
            yield tuple(next(left[is_away]) for is_away in away)

    return together()


def check_place(part: PyTree, home: Backend, what: str) -> None:
    """Refuse arrays that are neither NumPy's nor where the model is.

    Raises
    ------
    TypeError
        It names the libraries, and what to write.
    """
    for leaf in map(backend_array, tree.leaves(part)):
        owner = backend.backend_of(leaf) if backend.is_array(leaf) else home
        if owner.array_type not in (np.ndarray, home.array_type):
            active = backend.current().name
            raise TypeError(
                f"{what} is an array of {owner.name}, the model one of {home.name}: give data of NumPy, as pb.to_numpy "
                f"has them, which go where the model is; or model = pb.tree.map(pb.asarray, model), which takes it to "
                f"the active backend, {active}"
            )


def parts_of(n: int, rows: int, least: int = 1) -> list[slice]:
    """The batches of n rows: so many each; the last may be smaller.

    With fewer than `least` rows it joins the one before: no variance can be taken of one row.

    Examples
    --------
    >>> parts_of(5, 2), parts_of(5, 2, least=2)
    ([slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)], [slice(0, 2, None), slice(2, 5, None)])
    """
    starts = list(range(0, n, rows))
    if len(starts) > 1 and n - starts[-1] < least:
        starts.pop()
    return [slice(a, b) for a, b in itertools.pairwise([*starts, n])]


def share_of(n: int, rank: int, size: int) -> slice:
    """The rows that a rank takes of n: consecutive ones, as many as the others or one more.

    Where there are fewer rows than ranks, every rank takes all of them: no rank is without a row, whose mean loss would
    be no number, and the mean of equal gradients is the gradient.

    Parameters
    ----------
    n : int
    rank, size : int
        Which of how many.

    Examples
    --------
    >>> [share_of(10, rank, 4) for rank in range(4)]
    [slice(0, 3, None), slice(3, 6, None), slice(6, 8, None), slice(8, 10, None)]
    >>> share_of(3, 1, 4)
    slice(0, 3, None)
    """
    if n < size:
        return slice(0, n)
    each, more = divmod(n, size)
    start = rank * each + min(rank, more)
    return slice(start, start + each + (rank < more))


def batches(
    arrays: tuple[Any, ...],
    order: np.ndarray | None,
    rows: int,
    home: Backend,
    least: int = 1,
    first: int = 0,
    share: tuple[int, int] = (0, 1),
) -> Iterator[tuple[Any, ...]]:
    """The rows of the arrays in an order (None for their own), `rows` at a time, on the device; from batch `first` on.

    The last batch may be smaller, but for `parts_of`. On the host the rows of each batch are gathered for it. On a
    device a gathering is a launch and a slice is none, so the rows of many batches are gathered at once. Of each batch
    a rank takes `share_of` it; `share` is the rank's number, and how many ranks there are.
    """
    n = arrays[0].shape[0]
    parts = parts_of(n, rows, least)[first:]
    if share[1] > 1:
        order = np.arange(n) if order is None else order
        order, parts = _shares(order, parts, *share)
    return by_place(arrays, home, lambda own: _ordered(own, order, parts, home))


def _ordered(
    arrays: tuple[Any, ...], order: np.ndarray | None, parts: list[slice], home: Backend
) -> Iterator[tuple[Any, ...]]:
    x = arrays[0]
    owner = backend.backend_of(x)
    if order is None:
        return prefetch((tuple(a[part, ...] for a in arrays) for part in parts), x, home)
    take = owner.xp.take
    indices = owner.asarray(order)
    if owner.array_type is np.ndarray:
        return prefetch(_taken(arrays, indices, parts, take), x, home)
    return _gathered(arrays, indices, parts, take)


def _taken(
    arrays: tuple[Any, ...], indices: ArrayLike, parts: list[slice], take: Any
) -> Iterator[tuple[Any, ...]]:
    """The rows of each batch, gathered on the host; those of many batches at once where arrays lie in files."""
    if all(mapping(a) is None for a in arrays):
        for part in parts:
            yield tuple(take(a, indices[part], axis=0) for a in arrays)
        return
    for own in _blocks(arrays, parts, _READ):
        start = own[0].start
        block = indices[start : own[-1].stop]
        chosen = [
            take(a, block, axis=0) if mapping(a) is None else gathered(a, block) for a in arrays
        ]
        for part in own:
            # copies, aligned as those of arrays in memory are
            yield tuple(a[part.start - start : part.stop - start].copy() for a in chosen)


def _blocks(arrays: tuple[Any, ...], parts: list[slice], most: int) -> Iterator[list[slice]]:
    """The batches whose rows are gathered together: up to so many bytes, or one."""
    row = max(sum(_nbytes(a) for a in arrays) // arrays[0].shape[0], 1)
    first = 0
    while first < len(parts):
        start, last = parts[first].start, first + 1
        while last < len(parts) and (parts[last].stop - start) * row <= most:
            last += 1
        yield parts[first:last]
        first = last


def _shares(
    order: np.ndarray, parts: list[slice], rank: int, size: int
) -> tuple[np.ndarray, list[slice]]:
    """The order of a rank's rows alone, and where in it its share of each batch is."""
    chosen = [order[part][share_of(part.stop - part.start, rank, size)] for part in parts]
    stops = np.cumsum([0, *map(len, chosen)]).tolist()
    # of an epoch whose last step was made there is no batch left
    return np.concatenate([order[:0], *chosen]), [slice(a, b) for a, b in itertools.pairwise(stops)]


def _gathered(
    arrays: tuple[Any, ...], indices: ArrayLike, parts: list[slice], take: Any
) -> Iterator[tuple[Any, ...]]:
    for own in _blocks(arrays, parts, _GATHERED):
        start = own[0].start
        block = indices[start : own[-1].stop]
        chosen = [take(a, block, axis=0) for a in arrays]
        for part in own:
            yield tuple(a[part.start - start : part.stop - start, ...] for a in chosen)


def _nbytes(a: Value) -> int:
    return int(a.size) * as_numpy(a.dtype).itemsize
