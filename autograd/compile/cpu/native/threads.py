"""Two halves of a kernel at once: one here, one on a helper thread.

There is one helper, which is started when it is first wanted and serves the programs of all threads, one half after
another. Kernels let go of the interpreter's lock, so that both halves run at once. What a half computes does not
depend on where it runs: the halves are always the same two, and BLAS does not use threads of its own in either.

Nobody waits for a helper that has not begun: on a machine whose cores are busy it may get none for milliseconds. Each
second half is claimed once, by the helper or, when the first is done, by the thread that asked for both. So
nothing can hang that the helper will never come to: a half given out while the interpreter ends, or by the
helper itself.

OpenBLAS's number of threads is one for the whole process: while halves run, products of other threads use one core
too. MKL's is each thread's own. Both are set where both are there: which one a kernel calls, its program chose.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from typing import Any

from .....backend.common.forks import ForkSafeLock, in_child
from .....backend.numpy import mkl, openblas

_cores = openblas.cores
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
        Whether the helper is worth its 3 to 20 µs.

    Raises
    ------
    BaseException
        What a half raises, the first one's if both do. By then the other half has come to its end, or will never begin.
    """
    middle = n // 2
    if not n:
        return

    def run_both(threads: int) -> None:
        if not middle:
            run(0, n, 1)
        elif not (parallel and threads > 1 and _cores() > 1 and _HELPER.both(run, middle, n)):
            run(0, middle, 0)
            run(middle, n, 1)

    _serially(run_both)


def alone(run: Callable[[], Any]) -> Any:
    """``run()`` with products that use no threads, as in `halves`."""
    return _serially(lambda threads: run())


def _serially(run: Callable[[int], Any]) -> Any:
    """``run(threads)``, with the number of threads that BLAS has otherwise."""
    user, interrupted = object(), None
    try:
        return run(_SERIAL.enter(user))
    finally:
        # Without a call before the second `try`: where a function begins, Ctrl-C may come out.
        while True:
            try:
                _SERIAL.leave(user)
                break
            except KeyboardInterrupt as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted


class _Half:
    """A second half: whoever claims it runs it."""

    __slots__ = ("claims", "done", "error", "work")

    def __init__(self, run: Run, middle: int, n: int) -> None:
        self.work: tuple[Run, int, int] | None = (run, middle, n)
        # Who claimed it: by a dictionary, not a lock, as an interrupt may come before a lock's answer is read.
        self.claims: dict[str, str] = {}
        self.done = threading.Lock()
        self.done.acquire()
        self.error: BaseException | None = None

    def is_for(self, who: str) -> bool:
        """Whether it is this one, "caller" or "helper", who runs it; the first that asks does."""
        return self.claims.setdefault("by", who) == who

    def end(self) -> None:
        """Let the half come to its end, or never begin: where it is running, it writes into memory of this call."""
        if not self.is_for("caller"):
            with self.done:  # let go when it is done
                pass
        self.work = None  # the helper may hold this object for long


class _Helper:
    """A thread that runs second halves."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.reset()

    def reset(self) -> None:
        """Forget the thread: a child process has none."""
        self.halves: queue.SimpleQueue[_Half] = queue.SimpleQueue()
        self.thread: threading.Thread | None = None

    def both(self, run: Run, middle: int, n: int) -> bool:
        """Run both halves; False, and nothing done, if there can be no helper."""
        if self.thread is None and not self._started():
            return False
        half, interrupted = _Half(run, middle, n), None
        try:
            self.halves.put(half)
            run(0, middle, 0)
            if half.is_for("caller"):
                run(middle, n, 1)
        finally:
            while True:  # as in `_serially`
                try:
                    half.end()
                    break
                except KeyboardInterrupt as error:
                    interrupted = error
            if interrupted is not None:
                raise interrupted
        if half.error is not None:
            try:
                raise half.error
            finally:
                half.error = None  # or they would hold each other
        return True

    def _started(self) -> bool:
        with self.lock.current:
            if self.thread is None:
                thread = threading.Thread(
                    target=self._serve, args=(self.halves,), name="pullback-helper", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:  # no more threads, or the interpreter is about to end
                    return False
                self.thread = thread
        return True

    @staticmethod
    def _serve(halves: queue.SimpleQueue[_Half]) -> None:
        while True:
            half = halves.get()
            if half.is_for("helper"):
                _SERIAL.enter_thread()
                assert half.work is not None
                run, middle, n = half.work
                try:
                    run(middle, n, 1)
                except BaseException as error:
                    half.error = error
                del run
                half.done.release()
            del half


class _SerialBlas:
    """The switch that has BLAS use no threads. OpenBLAS has one for the whole process, so its users are known."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.reset()

    def reset(self) -> None:
        """Nobody uses it: of a child process."""
        self.threads = 1
        # each user with MKL's number of threads before, which is each thread's own; 0 is what MKL has itself
        self.users: dict[object, int] = {}

    def enter(self, user: object) -> int:
        """Turn BLAS's threads off until this user leaves: how many there were."""
        get, put = _switch()
        found = mkl.loaded()
        with self.lock.current:
            if not self.users:
                self.threads = get()
            self.users[user] = 0  # if an interrupt keeps MKL's answer from us
            if len(self.users) == 1 and self.threads > 1:
                put(1)
            threads = self.threads
        if found is not None:
            self.users[user] = found.set_threads(1)
        return threads

    def leave(self, user: object) -> None:
        """Turn them on again if nobody uses the switch any more; what may be said twice, or before `enter`."""
        get, put = _switch()
        found = mkl.loaded()
        if found is not None:
            before = self.users.get(user)
            if before is not None:
                found.set_threads(before)
        with self.lock.current:
            # somebody else may have set another number meanwhile
            if user in self.users and len(self.users) == 1 and self.threads > 1 and get() == 1:
                put(self.threads)
            self.users.pop(user, None)

    def enter_thread(self) -> None:
        """Turn off, for good, the threads that MKL would use in this thread."""
        found = mkl.loaded()
        if found is not None:
            found.set_threads(1)


@functools.cache
def _switch() -> tuple[Callable[[], int], Callable[[int], Any]]:
    """How many threads NumPy's BLAS uses, and how to set that."""
    library = openblas.numpys()
    if library is None:
        return _cores, lambda threads: None
    return library.function("get_num_threads"), library.function("set_num_threads")


_HELPER = _Helper()
_SERIAL = _SerialBlas()


@in_child
def _forget() -> None:
    """Forget the parent's threads, and what they used."""
    used, threads = bool(_SERIAL.users), _SERIAL.threads
    _HELPER.reset()
    _SERIAL.reset()
    if used and threads > 1:
        _switch()[1](threads)
