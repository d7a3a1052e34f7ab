"""Streams and events of the stand-in: what is queued on a stream of its own happens as late as the program allows.

The current stream runs at once, as its arrays do. Another stream keeps a queue of what threads of several ranks do
together (`nccl.py`), which happens when something waits for it: then a result that is read without having been waited
for is still unwritten memory, and an operand that is changed too early gives a wrong number.
"""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from collections import deque
from typing import Any

from .memory import SYNCHRONISATIONS

PROGRESS = threading.Condition()
"""Guards the queues; notified when something was queued, happened or was given up."""
PATIENCE = 60.0
"""Seconds after which a wait of the stand-in is an error of the test."""
NOT_READY = 600  # cudaErrorNotReady
_NUMBERS = itertools.count(0x10)
_EVENTS: weakref.WeakValueDictionary[int, Event] = weakref.WeakValueDictionary()
STREAMS: weakref.WeakValueDictionary[int, Stream] = weakref.WeakValueDictionary()


class Work:
    """Something queued."""

    done = False

    def attempt(self) -> bool:
        """Whether it is done, after doing it if that is possible without waiting; `PROGRESS` is held."""
        raise NotImplementedError

    def missing(self) -> str:
        """What it waits for."""
        return "?"


class Stream:
    """A CUDA stream; see the top of this file."""

    null: Any = None
    ptds: Any = None

    def __init__(
        self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: Any = None
    ) -> None:  # fmt: skip
        self.ptr = 0 if null else next(_NUMBERS)
        self.queue: deque[Work] = deque()
        self.ordered = null
        """Whether it has waited for another stream since the last thing that was queued."""
        STREAMS[self.ptr] = self

    def put(self, work: Work) -> None:
        """Queue something; the null stream does it at once."""
        with PROGRESS:
            self.queue.append(work)
            if self.ptr:
                self.ordered = False
            PROGRESS.notify_all()
        if not self.ptr:
            self.drain(work)

    def drain(self, last: Work | None) -> None:
        """Wait until `last` is done, or everything."""
        end = time.monotonic() + PATIENCE
        with PROGRESS:
            while not self._advance(last):
                if not PROGRESS.wait(max(end - time.monotonic(), 0)):
                    raise AssertionError(
                        f"the stand-in waited {PATIENCE} s for {self.queue[0].missing()}"
                    )

    def _advance(self, last: Work | None) -> bool:
        """Do what can be done up to `last`; whether that is all."""
        while self.queue and not (last is not None and last.done):
            try:
                if not self.queue[0].attempt():
                    return False
            except AssertionError:  # it is reported once
                self.queue.popleft()
                raise
            self.queue.popleft()
        return True

    def synchronize(self) -> None:
        SYNCHRONISATIONS[0] += 1
        if self.ptr:
            self.drain(None)

    def wait_event(self, event: Event) -> None:
        assert event.recorded
        stream, last = event.at
        if stream is not self:
            if last is not None:
                stream.drain(last)
            self.ordered = True

    capturing = False

    def is_capturing(self) -> bool:
        return self.capturing

    def record(self, event: Any = None) -> Event:
        found = Event() if event is None else event
        found.record(self)
        return found

    @property
    def done(self) -> bool:
        with PROGRESS:
            return not self.ptr or self._advance(None)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: Any) -> None:
        return None


NULL = Stream(null=True)
Stream.null = NULL


class Event:
    """A CUDA event: a place in a stream's queue."""

    def __init__(
        self, block: bool = False, disable_timing: bool = False, interprocess: bool = False
    ) -> None:
        self.ptr = next(_NUMBERS)
        self.recorded = False
        self.at: tuple[Stream, Work | None] = (NULL, None)
        _EVENTS[self.ptr] = self

    def record(self, stream: Any = None) -> None:
        assert not OPEN_GROUPS.get(threading.get_ident()), (
            "an event between groupStart and groupEnd"
        )
        found = NULL if stream is None else stream
        self.recorded = True
        self.time = time.perf_counter()
        # what this thread has put on the null stream is done; what waits there is another rank's
        self.at = (found, found.queue[-1] if found.queue and found.ptr else None)

    def synchronize(self) -> None:
        SYNCHRONISATIONS[0] += 1
        if self.at[1] is not None:
            self.at[0].drain(self.at[1])

    @property
    def done(self) -> bool:
        return event_query(self.ptr) == 0


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    """Milliseconds between two events, as the host saw them."""
    return max(1e3 * (end_event.time - start_event.time), 1e-6)


def event_query(ptr: int) -> int:
    """`cudaEventQuery`."""
    stream, last = _EVENTS[ptr].at
    if last is None:
        return 0
    with PROGRESS:  # another rank may be at it
        stream._advance(last)
        return 0 if last.done else NOT_READY


OPEN_GROUPS: dict[int, list[Any]] = {}
"""What each thread has put between ``groupStart`` and ``groupEnd``."""
