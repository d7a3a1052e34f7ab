"""Batches from the host, copied to the device while it works on the batch before.

A batch goes through pinned memory, from which alone a copy runs beside kernels, on a stream of its own. Two pinned
buffers alternate. What keeps the order, with S the caller's stream and T the stream of copies:

- before the host writes into a pinned buffer it waits until the buffer's last copy is done (`copied`);
- before T writes into a device array it waits for all that S has queued so far, which may still read the memory that
  CuPy's pool hands out again;
- before S reads the array it waits for the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

BUFFERS = 2


class _Buffer:
    """Pinned memory for one batch, and the event after its last copy."""

    def __init__(self, cupy: Any) -> None:
        self.cupy = cupy
        self.pinned: list[Any] = []
        self.copied = cupy.cuda.Event(disable_timing=True)
        self.used = False

    def fill(self, batch: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        """The batch in pinned memory, once the last copy from there is done."""
        if self.used:
            self.copied.synchronize()
        out = []
        for i, x in enumerate(batch):
            if i == len(self.pinned):
                self.pinned.append(self.cupy.cuda.alloc_pinned_memory(max(x.nbytes, 1)))
            elif len(memoryview(self.pinned[i])) < x.nbytes:
                self.pinned[i] = self.cupy.cuda.alloc_pinned_memory(x.nbytes)
            host = np.frombuffer(self.pinned[i], x.dtype, x.size).reshape(x.shape)
            np.copyto(host, x)
            out.append(host)
        return out


def _arrays(batch: Any) -> tuple[np.ndarray, ...]:
    """A batch as arrays of numbers.

    Raises
    ------
    TypeError
        If an array holds objects, which no device has.
    """
    out = tuple(np.asarray(x) for x in batch)
    for i, x in enumerate(out):
        if x.dtype.hasobject:
            raise TypeError(
                f"feed: array {i} of a batch has dtype {x.dtype}; convert it to numbers"
            )
    return out


def bind(cupy: Any) -> Callable[[Iterable[Any]], Iterator[tuple[Any, ...]]]:
    """``feed(batches)`` for CuPy.

    Parameters
    ----------
    cupy
        The module.
    """

    def feed(batches: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        """Tuples of NumPy arrays as tuples of CuPy arrays, in order, one batch ahead.

        Parameters
        ----------
        batches : iterable of tuple of numpy.ndarray

        Yields
        ------
        tuple of cupy.ndarray
            Of its own memory: it may be kept. To be used on the stream that is current when it is taken.
        """
        copies = cupy.cuda.Stream(non_blocking=True)
        buffers = [_Buffer(cupy) for _ in range(BUFFERS)]
        turn = 0

        def send(batch: Any) -> tuple[tuple[Any, ...], Any]:
            nonlocal turn
            buffer = buffers[turn % BUFFERS]
            turn += 1
            hosts = buffer.fill(_arrays(batch))
            # on the caller's stream, so that the pool orders what it does with this memory later
            out = tuple(cupy.empty(h.shape, h.dtype) for h in hosts)
            free = cupy.cuda.Event(disable_timing=True)
            free.record(cupy.cuda.get_current_stream())
            copies.wait_event(free)
            for x, h in zip(out, hosts, strict=True):
                if h.nbytes:
                    x.data.copy_from_host_async(h.ctypes.data, h.nbytes, copies)
            buffer.copied.record(copies)
            buffer.used = True
            return out, buffer.copied

        def take(sent: tuple[tuple[Any, ...], Any]) -> tuple[Any, ...]:
            out, copied = sent
            cupy.cuda.get_current_stream().wait_event(copied)
            return out

        waiting: tuple[tuple[Any, ...], Any] | None = None
        try:
            for batch in batches:
                ready, waiting = waiting, send(batch)
                if ready is not None:
                    yield take(ready)
            if waiting is not None:
                last, waiting = waiting, None
                yield take(last)
        finally:
            if waiting is not None:  # nobody takes it: its memory goes back only after the copy
                take(waiting)
            for buffer in buffers:  # pinned memory goes back to its pool, from which anyone gets it
                if buffer.used:
                    buffer.copied.synchronize()

    return feed
