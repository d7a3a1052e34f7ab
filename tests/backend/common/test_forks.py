"""Tests of `backend/common/forks.py`: what a forked process forgets."""

from __future__ import annotations

import contextlib
import gc
import threading

import pytest

from pullback.backend.common import forks
from pullback.backend.common.forks import ForkSafeLock, hold_while_forking, in_child

from ..._fork import FORKS, exit_code

pytestmark = [FORKS, pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")]


class Holder:
    """A thread that holds a lock until the test lets it go."""

    def __init__(self, take, let_go) -> None:
        self.held, self.end = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.hold, args=(take, let_go))

    def hold(self, take, let_go) -> None:
        take()
        self.held.set()
        self.end.wait(60)
        let_go()

    def __enter__(self) -> Holder:
        self.thread.start()
        assert self.held.wait(60)
        return self

    def __exit__(self, *_) -> None:
        self.end.set()
        self.thread.join()


def test_it_is_a_lock():
    lock = ForkSafeLock()
    with lock.current:
        assert not lock.current.acquire(blocking=False)
    assert lock.current.acquire(blocking=False)


def test_a_child_has_it_anew():
    lock, other = ForkSafeLock(), threading.Lock()
    with (
        Holder(lock.current.acquire, lock.current.release),
        Holder(other.acquire, other.release),
    ):
        assert exit_code(lambda: lock.current.acquire(timeout=1)) == 0
        assert exit_code(lambda: other.acquire(timeout=0.1)) == 1  # as any other lock is
        assert lock.current.locked()  # that of this process stays


def test_who_forks_while_it_holds_one_lets_go_of_it():
    lock, block = ForkSafeLock(), contextlib.ExitStack()

    def leave_and_take_it() -> bool:
        block.close()
        return lock.current.acquire(blocking=False)

    block.enter_context(lock.current)
    assert exit_code(leave_and_take_it) == 0
    assert leave_and_take_it()


def test_locks_are_not_kept():
    locks = [ForkSafeLock() for _ in range(50)]
    before = len(forks._LOCKS)
    del locks
    gc.collect()
    assert len(forks._LOCKS) <= before - 50


def test_what_is_registered_is_called_in_each_child():
    called = []
    assert in_child(child := lambda: called.append(1)) is child
    assert exit_code(lambda: called == [1]) == 0
    assert exit_code(lambda: called == [1]) == 0
    assert called == []


def test_a_fork_waits_for_a_lock_that_cannot_be_renewed():
    lock = threading.RLock()
    asked, found = threading.Event(), []

    def acquire() -> None:
        asked.set()
        lock.acquire()

    hold_while_forking(acquire, lock.release)
    with Holder(lock.acquire, lock.release) as holder:
        let_go = threading.Thread(target=lambda: asked.wait(60) and holder.end.set())
        let_go.start()
        assert exit_code(lambda: lock.acquire(timeout=1)) == 0
        let_go.join()
        assert holder.end.is_set()
        with Holder(lambda: found.append(lock.acquire(timeout=1)), lock.release):
            assert found == [True]
