"""The ranks of a distributed training: what each does of it, and what they agree on, so that they do the same.

Every rank makes the same steps on its share of each batch, and takes every decision (a better model, an early end, a
loss that is no number, a signal that came to one of them) by numbers that all have: two ranks that decide differently
would wait for each other for ever.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from ... import models
from ...autograd import to_numpy
from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import is_inexact
from ...autograd.core.typing import PyTree, RawArray, Value
from ...autograd.functions import namespace as xp
from ...autograd.functions.random import fold_in
from ...autograd.pytree import tree
from ...backend import Backend, is_array
from ...distributed import Communicator, DistributedError, all_reduce, data_parallel, replicate
from ...models.layers.over_ranks import over_ranks
from ...models.module import children
from ..data.device_data import share_of

# Seconds between two questions whether a rank wants to end: Open MPI's launcher kills a quarter of a second after it
# has asked.
_BETWEEN_LOOKS = 0.05
_BOOL = np.dtype(bool)

T = TypeVar("T")


@dataclass
class Ranks:
    """What a training asks of the other ranks.

    Attributes
    ----------
    group : Communicator
    home : Backend
        Of the model's arrays.
    """

    group: Communicator
    home: Backend
    _every: int = field(default=1, repr=False)
    _count: int = field(default=0, repr=False)
    _looked: float = field(default=0.0, repr=False)

    @classmethod
    def of(cls, group: Communicator | None, home: Backend, whole: bool) -> Ranks | None:
        """Those of a group; None for one alone.

        Raises
        ------
        NotImplementedError
            For a training on everything as one batch.
        """
        if group is None or group.size == 1:
            return None
        if whole:
            raise NotImplementedError(
                f"fit: batch_size=None on {group.size} ranks: one batch whose arrays need not have as many rows, as a "
                "graph, cannot be shared by rows; rows that are independent can: give their number as batch_size"
            )
        return cls(group, home)

    @property
    def share(self) -> tuple[int, int]:
        """The rank's number, and how many ranks there are."""
        return self.group.rank, self.group.size

    def rows(self, n: int) -> slice:
        """The rank's rows of n."""
        return share_of(n, *self.share)

    # At the start ------------------------------------------------------------------------------

    def check_settings(self, settings: Mapping[str, str]) -> None:
        """Refuse ranks that are to do different things, or the same with other data.

        Raises
        ------
        DistributedError
            On every rank: it names the first setting that differs, and where.
        """
        first = self.group.broadcast_object(dict(settings))
        names = list(first)
        wrong = [i for i, name in enumerate(names, 1) if settings.get(name) != first[name]]
        found = self.group.agree("fit: settings", wrong[0] if wrong else 0)
        different = [(rank, number) for rank, number in enumerate(found) if number]
        if different:
            rank, number = different[0]
            own = self.group.broadcast_object(settings.get(names[number - 1]), root=rank)
            advice = (
                ": each rank gives all of the data, in the same order, and takes its share of each batch; data that "
                "are drawn or shuffled need the same seed on every rank"
                if "data" in names[number - 1]
                else ": all ranks have to call it with the same arguments"
            )
            raise DistributedError(
                f"fit: {names[number - 1]} is {own} on rank {rank} and {first[names[number - 1]]} on rank 0{advice}"
            )

    def replicated(self, model: PyTree) -> Any:
        """The model of rank 0."""
        return replicate(model, group=self.group)

    def own_key(self, key: Value) -> Any:
        """The random key of this rank's rows."""
        return fold_in(key, self.group.rank)

    # The step ----------------------------------------------------------------------------------

    def value_and_grad(
        self, loss: Callable[..., Any], rows: Callable[..., int], has_aux: bool = False
    ) -> Any:
        """As `pb.value_and_grad`, of the mean over the rows of all ranks, of which ``rows(*args)`` are this one's."""
        return data_parallel(loss, has_aux=has_aux, rows=rows, group=self.group)

    def renewed(self, model: PyTree, moving: list[bool]) -> Callable[[PyTree, int], Any] | None:
        """A function that averages the state which training renewed, weighted by rows; None where there is none.

        Of floating-point leaves that do not move, but for `BatchNorm`'s, which are of all rows already.
        """
        synchronous = {id(leaf) for norm in _norms(model) for leaf in tree.leaves(norm)}
        chosen = [
            not moves and id(leaf) not in synchronous and is_inexact(getattr(leaf, "dtype", _BOOL))
            for leaf, moves in zip(tree.leaves(model), moving, strict=True)
        ]
        if not any(chosen):
            return None

        def averaged(after: PyTree, rows: int) -> Any:
            leaves, spec = tree.flatten(after)
            own = [
                self.mean(x, rows) if mine else x for x, mine in zip(leaves, chosen, strict=True)
            ]
            return models.plain(tree.unflatten(spec, own))

        return averaged

    def mean(self, x: Value, rows: int) -> Any:
        """The mean of the ranks' arrays, weighted by their rows."""
        if 0 in x.shape:
            return x
        flat = xp.reshape(xp.asarray(x), (-1,))
        here = xp.concat([flat, xp.ones_like(flat[:1])]) * rows
        total = all_reduce(here, group=self.group)
        return xp.reshape(total[:-1] / total[-1], x.shape)

    def weight(self, n: int) -> RawArray:
        """What each of a rank's rows counts in a batch of n rows: 1, or 1/size where every rank has all of them."""
        return self._weights[n < self.group.size]

    @cached_property
    def _weights(self) -> tuple[RawArray, RawArray]:
        ones, shares = (np.asarray(weight) for weight in (1.0, 1.0 / self.group.size))
        return self.home.asarray(ones), self.home.asarray(shares)

    def with_weights(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A step whose last argument is `weight`, in which layers with batch statistics take those of all ranks."""

        def weighted(*args: Any) -> Any:
            *own, weight = args
            with over_ranks(self.group, weight):
                return step(*own)

        return weighted

    # Ends --------------------------------------------------------------------------------------

    def signal_of_any(self, here: int) -> int:
        """A signal that asks some rank to end, by its number, or 0; all ranks get the same answer at the same step.

        It is asked before every step; they exchange it every few steps, so many that it is a twentieth of a second.
        """
        self._count += 1
        if self._count < self._every:
            return 0
        now = time.perf_counter()
        passed = min(int(1e6 * (now - self._looked)), 10**9) if self._looked else 0
        answers = self.group.agree("fit: go on", passed << 8 | here)
        slowest = max(answer >> 8 for answer in answers)
        if slowest:
            wanted = self._count * 1e6 * _BETWEEN_LOOKS / slowest
            # slowly upwards: the steps may become longer
            self._every = max(1, min(int(wanted), 2 * self._every, 10_000))
        self._count, self._looked = 0, now
        return max(answer & 255 for answer in answers)

    def check_model(self, model: PyTree, epoch: int) -> None:
        """Refuse to go on with models that are not equal bit by bit.

        Raises
        ------
        DistributedError
            On every rank, if one has another model.
        """
        marks = self.group.agree(f"fit: the model after epoch {epoch}", checksum(model))
        different = [str(rank) for rank, mark in enumerate(marks) if mark != marks[0]]
        if different:
            raise DistributedError(
                f"fit: after epoch {epoch} the model of rank {', '.join(different)} is not that of rank 0, bit by bit: "
                "a loss or a layer does something else on another rank (a state of its own, its rank's number, other "
                "kernels on another processor)"
            )

    # Measures ----------------------------------------------------------------------------------

    def joined(self, own: PyTree) -> Any:
        """The ranks' arrays, one after the other along their rows."""
        return tree.map(lambda a: self.group.all_gather(a, axis=0), own)

    def table(self, numbers: tuple[float, ...]) -> np.ndarray:
        """A row of numbers from each rank."""
        row = self.home.asarray(np.asarray(numbers, np.float64)[None, :])
        return np.asarray(to_numpy(self.group.all_gather(row, axis=0)))


def of_rank_0(group: Communicator | None, work: Callable[[], T]) -> T:
    """What `work` returns on rank 0, which alone does it; its error is everybody's."""
    if group is None or group.size == 1:
        return work()
    error: BaseException | None = None
    found: Any = None
    if group.rank == 0:
        try:
            found = work()
        except (Exception, KeyboardInterrupt) as raised:
            error = raised
    result, told = group.broadcast_object((found, error))
    if error is not None or told is not None:
        raise error or told
    return result


def checksum(arrays: PyTree) -> int:
    """A number of 56 bits that tells two trees of arrays apart, by their bytes."""
    found = hashlib.blake2b(digest_size=7)
    for leaf in tree.leaves(arrays):
        value = backend_array(leaf)
        if is_array(value):
            found.update(np.ascontiguousarray(to_numpy(value)).data)
    return int.from_bytes(found.digest(), "little")


def _norms(model: PyTree) -> Iterator[models.BatchNorm]:
    """The layers with batch statistics in a model."""
    if isinstance(model, models.BatchNorm):
        yield model
    for _, child in children(model):
        yield from _norms(child)
