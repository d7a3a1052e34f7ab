"""Two halves of a kernel at once: one here, one on a helper thread.

There is one helper, which is started when it is first wanted and serves one program at a time. Kernels let go of the
interpreter's lock, so that both halves run at once. What a half computes does not depend on where it runs:
the halves are always the same two, and BLAS does not use threads of its own in either.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import threading
from collections.abc import Callable
from typing import Any

from .. import blas

Run = Callable[[int, int, int], Any]


def halves(run: Run, n: int, *, parallel: bool = True) -> None:
    """``run(0, n // 2, 0)`` and ``run(n // 2, n, 1)``, at the same time where that is possible.

    Parameters
    ----------
    run : callable
        ``run(start, stop, part)`` computes what belongs to the indices from `start` to `stop`; `part` is 0 or 1.
        It spends its time in kernels, which let go of the interpreter's lock.
    n : int
        The number of indices. An empty half is not run.
    parallel : bool
        Whether the helper is worth its 10 to 20 µs.

    Raises
    ------
    BaseException
        What a half raises, the first one's if both do; the other half has come to its end by then.
    """
    middle = n // 2
    if not n:
        return
    threads, before = _SERIAL.enter()
    try:
        if not middle:
            run(0, n, 1)
        elif not (parallel and threads > 1 and _cores() > 1 and _HELPER.both(run, middle, n)):
            run(0, middle, 0)
            run(middle, n, 1)
    finally:
        _SERIAL.leave(before)


def alone(run: Callable[[], Any]) -> Any:
    """``run()`` with products that use no threads, as in `halves`."""
    _, before = _SERIAL.enter()
    try:
        return run()
    finally:
        _SERIAL.leave(before)


def _cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Helper:
    """A thread that runs second halves."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the thread: a child process has none."""
        self.free = threading.Lock()
        self.start, self.done = threading.Semaphore(0), threading.Semaphore(0)
        self.thread: threading.Thread | None = None
        self.work: tuple[Run, int, int] | None = None
        self.error: BaseException | None = None

    def both(self, run: Run, middle: int, n: int) -> bool:
        """Run both halves; False, and nothing done, if the helper works for another program."""
        if not self.free.acquire(blocking=False):
            return False
        try:
            if self.thread is None:
                thread = threading.Thread(target=self._serve, name="pullback-helper", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no more threads, or the interpreter is about to end
                    return False
                self.thread = thread
            self.work = (run, middle, n)
            self.start.release()
            try:
                run(0, middle, 0)
            finally:
                self._wait()
            error, self.error = self.error, None
            if error is not None:
                raise error
            return True
        finally:
            self.error = None
            self.free.release()

    def _wait(self) -> None:
        """Wait for the helper, whatever happens: it writes into memory of this call."""
        interrupted = None
        while True:
            try:
                self.done.acquire()
                break
            except KeyboardInterrupt as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted

    def _serve(self) -> None:
        _SERIAL.enter_thread()
        while True:
            self.start.acquire()
            assert self.work is not None
            run, middle, n = self.work
            try:
                run(middle, n, 1)
            except BaseException as error:
                self.error = error
            self.work = None
            del run
            self.done.release()


class _SerialBlas:
    """The switch that has BLAS use no threads. OpenBLAS has one for the whole process, so who uses it is counted."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Nobody uses it: of a child process."""
        self.lock, self.count, self.threads = threading.Lock(), 0, 1

    def enter(self) -> tuple[int, int]:
        """Turn BLAS's threads off: how many there were, and what `leave` has to be given."""
        get, put, local = _switch()
        if local:
            threads = get()
            return threads, put(1)
        with self.lock:
            self.count += 1
            if self.count == 1:
                self.threads = get()
                if self.threads > 1:
                    put(1)
            return self.threads, 0

    def leave(self, before: int) -> None:
        """Turn them on again, after the last that had turned them off."""
        _, put, local = _switch()
        if local:
            put(before)
            return
        with self.lock:
            self.count -= 1
            if self.count == 0 and self.threads > 1:
                put(self.threads)

    def enter_thread(self) -> None:
        """Turn off, for good, the threads that a library would use in this thread alone."""
        _, put, local = _switch()
        if local:
            put(1)


@functools.cache
def _switch() -> tuple[Callable[[], int], Callable[[int], Any], bool]:
    """How many threads BLAS uses, how to set that, and whether it is set for the calling thread alone."""
    library = blas.for_kernels()
    with contextlib.suppress(OSError, AttributeError):
        if library is not None:
            # with the interpreter's lock held: each takes 0.2 µs
            loaded = ctypes.PyDLL(library.path)
            if library.bits == 32:  # MKL
                get, put = loaded.MKL_Get_Max_Threads, loaded.MKL_Set_Num_Threads_Local
            else:
                get = loaded.scipy_openblas_get_num_threads64_
                put = loaded.scipy_openblas_set_num_threads64_
            put.argtypes = (ctypes.c_int,)
            return get, put, library.bits == 32
    return _cores, lambda threads: 0, True


_HELPER = _Helper()
_SERIAL = _SerialBlas()


def _in_child() -> None:
    """A child process has none of its parent's threads, and locks that nobody will let go."""
    count, threads = _SERIAL.count, _SERIAL.threads
    _HELPER.reset()
    _SERIAL.reset()
    if count and threads > 1:
        _switch()[1](threads)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
