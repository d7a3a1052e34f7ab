"""Captures of CUDA graphs, and work that must not fall into one.

A capture is spoilt by much that libraries do to let go of what they hold, such as to wait for the device. But objects
are gone at any moment and in any thread: whenever Python collects what refers to itself. So what a finaliser has to
tell the device is put off until no capture is under way, as far as can be known: none of this package's, and none on
the current stream of the thread.
"""

from __future__ import annotations

import contextlib
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ..common.forks import ForkSafeLock, in_child

_capturing = ForkSafeLock()  # held by a capture, and by whoever does what was put off
_put_off: deque[Callable[[], object]] = deque()


@contextlib.contextmanager
def capture(cupy: Any, stream: Any) -> Iterator[list[Any]]:
    """A context in which `stream` captures: a list, which has the graph behind it."""
    found: list[Any] = []
    try:
        with _capturing.current:
            stream.begin_capture()
            try:
                yield found
            finally:
                found.append(stream.end_capture())
    finally:
        do_what_was_put_off(cupy)


def outside_captures(cupy: Any, work: Callable[[], object]) -> None:
    """Do some work at once, or when the captures that are under way have ended; for finalisers, which may not wait."""
    _put_off.append(work)
    do_what_was_put_off(cupy)


def do_what_was_put_off(cupy: Any) -> None:
    """Do it, unless a capture is under way or another thread is at it.

    Whoever has the lock looks again when it is let go, for work that came meanwhile. No one waits for it here: Python
    may run a finaliser in the middle of a block that holds it.
    """
    while _put_off:
        lock = _capturing.current
        if not lock.acquire(blocking=False):
            return
        try:
            if _is_capturing(cupy):
                return
            _do_next()
        finally:
            lock.release()


def _do_next() -> None:
    try:
        work = _put_off.popleft()
    except IndexError:  # another thread did it
        return
    try:
        work()
    except Exception as error:  # CUDA's, CuPy's and the library's errors have no common class
        # whoever does this comes by on other business, which goes on
        warnings.warn(
            f"something was not freed on the device ({type(error).__name__}: {error})",
            RuntimeWarning,
            stacklevel=2,
        )


def _is_capturing(cupy: Any) -> bool:
    """Whether the current stream captures; CUDA refuses to say it of the default stream while another one does."""
    try:
        return bool(cupy.cuda.get_current_stream().is_capturing())
    except RuntimeError:  # CuPy's own is derived from it
        return True


@in_child
def _forget() -> None:
    """Leave to the parent what is on its device: a forked process cannot reach it."""
    _put_off.clear()
