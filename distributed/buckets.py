"""Buckets: gradients side by side in flat arrays, each sent as soon as the last of its gradients is there.

One message for each gradient would wait for the network's latency as often as there are layers; one message for all of
them could only start when the sweep has ended. So gradients are put together, in the order in which the sweep completes
them, into buckets of some megabytes: Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel
Training", VLDB 2020, section 3.2.3.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..autograd.core.dtypes import as_numpy
from ..autograd.core.namespaces import namespace_of
from ..autograd.core.typing import DType, Value

BUCKET_BYTES = 25 * 2**20
"""The size at which a bucket is full; torch's `DistributedDataParallel` has the same."""


@dataclass(frozen=True)
class Leaf:
    """One array of a bucket.

    Attributes
    ----------
    index : int
        Which gradient.
    start : int
        The first element in the bucket.
    shape : tuple of int
    """

    index: int
    start: int
    shape: tuple[int, ...]

    @property
    def stop(self) -> int:
        """The element after the last."""
        return self.start + math.prod(self.shape)


@dataclass(frozen=True)
class Bucket:
    """Arrays of one dtype, side by side: what travels in one message.

    Attributes
    ----------
    dtype
    leaves : tuple of Leaf
    exact : bool
        Whether it travels in its own dtype, whatever the others are rounded to.
    """

    dtype: DType
    leaves: tuple[Leaf, ...]
    exact: bool = False

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.leaves[-1].stop


def plan_buckets(
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[DType],
    order: Sequence[int],
    bucket_bytes: int = BUCKET_BYTES,
    exact: Collection[int] = (),
) -> tuple[Bucket, ...]:
    """Arrays in buckets, filled in a given order; a bucket for each dtype is open at a time.

    Parameters
    ----------
    shapes, dtypes : sequence
        Of each array.
    order : sequence of int
        In which the arrays will be there.
    bucket_bytes : int
        A bucket is full when it holds that much, or more.
    exact : collection of int
        Arrays in buckets of their own, which are not rounded.

    Returns
    -------
    tuple of Bucket
        In the order in which they are full.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback.distributed.buckets import plan_buckets
    >>> f4, f8 = np.dtype("float32"), np.dtype("float64")
    >>> for b in plan_buckets([(3,), (2, 2), (5,)], [f4, f8, f4], order=[2, 1, 0], bucket_bytes=24):
    ...     print(b.dtype, [(leaf.index, leaf.start) for leaf in b.leaves])
    float64 [(1, 0)]
    float32 [(2, 0), (0, 5)]
    """
    made: list[Bucket] = []
    filling: dict[Any, list[Leaf]] = {}
    for i in order:
        key = dtypes[i], i in exact
        leaves = filling.setdefault(key, [])
        leaves.append(Leaf(i, leaves[-1].stop if leaves else 0, tuple(shapes[i])))
        if leaves[-1].stop * as_numpy(dtypes[i]).itemsize >= bucket_bytes:
            made.append(Bucket(key[0], tuple(leaves), key[1]))
            del filling[key]
    made += [Bucket(dtype, tuple(leaves), own) for (dtype, own), leaves in filling.items()]
    return tuple(made)


# ── memory ────────────────────────────────────────────────────────────────────────────────────


def _references(held: list[Any]) -> int:
    return sys.getrefcount(held[0])


# Of an object that a list holds, and nothing else.
_UNUSED = _references([object()])
# Without a GIL the count says nothing.
_COUNTED = getattr(sys, "_is_gil_enabled", lambda: True)()


@dataclass
class Memory:
    """Flat arrays that are used again when nothing refers to them any more.

    New memory of megabytes costs as much as filling it twice: the system gives pages when they are first written to.
    NumPy's views hold the array whose memory they are in, so that its count of references says whether any is left.
    Other libraries keep memory themselves.
    """

    held: dict[tuple[int, Any], list[list[Any]]] = field(default_factory=dict)

    def take(self, size: int, like: Value) -> Any:
        """An array of `size` elements of the library, device and dtype of `like`; of any content."""
        if type(like) is not np.ndarray:
            return namespace_of(like).zeros_on_device_of((size,), like)
        key = size, like.dtype
        ring = self.held.pop(key, [])
        self.held[key] = ring  # the one that was used last stands at the end
        if len(self.held) > _SIZES:
            del self.held[next(iter(self.held))]
        if _COUNTED:
            for cell in ring:
                if _references(cell) == _UNUSED:
                    return cell[0]
        fresh = np.empty(size, like.dtype)
        if _COUNTED:
            ring.append([fresh])
            # gradients that are kept for long take their memory along
            del ring[:-_MOST]
        return fresh


_MOST, _SIZES = 4, 16  # arrays of one size that are kept, and sizes


# ── one bucket on its way ─────────────────────────────────────────────────────────────────────

# ``start(buffer, bucket) -> request``; ``request.wait()`` gives the buffer with the sum in it.
Start = Callable[[Any, Bucket], Any]
# ``place(buffer, bucket)``: where to write what is reduced; the buffer, or what saves the transport a copy.
Place = Callable[[Any, Bucket], Any]


def start_bucket(
    arrays: list[Any],
    like: Value,
    anchor: Value,
    *,
    bucket: Bucket,
    memory: Memory,
    place: Place,
    start: Start,
) -> Any:
    """Lay arrays side by side and start the reduction; None stands for zeros. Returns the request."""
    buffer = memory.take(bucket.size, like)
    where = place(buffer, bucket)
    for leaf, x in zip(bucket.leaves, arrays, strict=True):
        put(where, leaf, x)
    return start(buffer, bucket)


def put(buffer: Any, leaf: Leaf, x: Value | None) -> None:
    """Write one array into its place in a bucket."""
    if x is None:
        buffer[leaf.start : leaf.stop] = 0
    elif type(buffer) is np.ndarray:
        # in one pass, whatever the order of the array in memory
        buffer[leaf.start : leaf.stop].reshape(leaf.shape)[...] = x
    else:
        buffer[leaf.start : leaf.stop] = namespace_of(buffer).reshape(x, (-1,))


def wait_bucket(request: Any, *, bucket: Bucket) -> list[Any]:
    """The arrays of a bucket when it is complete: views of its memory."""
    buffer = request.wait()
    xp = namespace_of(buffer)
    return [xp.reshape(buffer[leaf.start : leaf.stop], leaf.shape) for leaf in bucket.leaves]


class Flight:
    """The buckets of one call: filled as gradients come, started when full, in the same order on all ranks.

    Parameters
    ----------
    buckets : tuple of Bucket
        The plan.
    likes : list
        An array of the library, device and dtype of each gradient.
    memory : Memory
        Where buckets get theirs from.
    start : callable
        ``start(buffer, bucket) -> Request``.
    place : callable
        ``place(buffer, bucket) -> array``, called right before `start` where a bucket is filled as a whole.
    tracer
        An array of the program that `compile` records; None where it does not.

    Notes
    -----
    A gradient is copied as soon as it is there, while it is in the cache, and its own memory is free at once. Where
    `pb.compile` records, arrays cannot be written to, so the whole bucket is one step of the program.
    """

    def __init__(
        self,
        buckets: tuple[Bucket, ...],
        likes: list[Value],
        memory: Memory,
        start: Start,
        place: Place = lambda buffer, bucket: buffer,
        tracer: Any = None,
    ) -> None:
        self.buckets, self.likes, self.memory = buckets, likes, memory
        self.start, self.place, self.tracer = start, place, tracer
        self.where = {
            leaf.index: (k, n)
            for k, bucket in enumerate(buckets)
            for n, leaf in enumerate(bucket.leaves)
        }
        self.missing = [len(bucket.leaves) for bucket in buckets]
        self.arrays: list[Any] = [None] * len(buckets)
        self.requests: list[Any] = []

    def give(self, i: int, x: Value | None) -> None:
        """Gradient `i` is there; None for zeros."""
        k, n = self.where[i]
        bucket = self.buckets[k]
        if self.tracer is not None:
            if self.arrays[k] is None:
                self.arrays[k] = [None] * len(bucket.leaves)
            self.arrays[k][n] = x
        else:
            if self.arrays[k] is None:
                self.arrays[k] = self.memory.take(bucket.size, self.likes[i])
            put(self.arrays[k], bucket.leaves[n], x)
        self.missing[k] -= 1
        while len(self.requests) < len(self.buckets) and not self.missing[len(self.requests)]:
            self._start(len(self.requests))

    def _start(self, k: int) -> None:
        bucket, arrays = self.buckets[k], self.arrays[k]
        self.arrays[k] = None
        if self.tracer is None:
            self.requests.append(self.start(arrays, bucket))
            return
        settings = {
            "bucket": bucket, "memory": self.memory, "place": self.place, "start": self.start,
        }  # fmt: skip
        given = (arrays, self.likes[bucket.leaves[0].index], self.tracer)
        record = self.tracer.recorder.record
        self.requests.append(record("start_all_reduce", start_bucket, given, settings))

    def poll(self) -> None:
        """Let what was started go on."""
        if self.tracer is None:
            for request in self.requests:
                request.test()

    def finish(self) -> dict[int, Any]:
        """All gradients, reduced, by their indices: views of the buckets' memory."""
        out: dict[int, Any] = {}
        for bucket, request in zip(self.buckets, self.requests, strict=True):
            if self.tracer is None:
                arrays = wait_bucket(request, bucket=bucket)
            else:
                record = self.tracer.recorder.record
                arrays = record("wait_all_reduce", wait_bucket, (request,), {"bucket": bucket})
            out.update(zip((leaf.index for leaf in bucket.leaves), arrays, strict=True))
        return out
