"""Tests of `autograd/compile/cpu/native/threads.py`."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import weakref
from typing import Any

import pytest

from pullback.autograd.compile.cpu.native import threads
from pullback.autograd.compile.cpu.native.threads import alone, halves

from ....._fork import FORKS, exit_code


@pytest.fixture
def two_cores(monkeypatch):
    """Two cores and two threads, whatever this machine and its settings have."""
    monkeypatch.setattr(threads, "_cores", lambda: 2)
    serial = threads._SerialBlas()
    counts = [2]
    monkeypatch.setattr(
        threads, "_switch", lambda: (lambda: counts[-1], lambda n: counts.append(n) or 0)
    )
    monkeypatch.setattr(threads, "_SERIAL", serial)
    monkeypatch.setattr(threads, "_HELPER", threads._Helper())
    return counts


def parts_of(
    n: int, *, together: bool = False, **settings: bool
) -> list[tuple[int, int, int, int]]:
    """Which parts were run, and in which thread; the first waits until the second has begun if they are `together`."""
    found: list[tuple[int, int, int, int]] = []
    begun = threading.Event()

    def run(start: int, stop: int, part: int) -> None:
        if part:
            begun.set()
        elif together:
            assert begun.wait(10)
        found.append((start, stop, part, threading.get_ident()))

    halves(run, n, **settings)
    return sorted(found)


@pytest.fixture
def busy_helper(two_cores):
    """A helper that is at work until the test is over."""
    free, begun = threading.Event(), threading.Event()

    def run(start: int, stop: int, part: int) -> None:
        begun.set() if part else begun.wait(10)
        if part:
            free.wait(10)

    other = threading.Thread(target=lambda: halves(run, 2))
    other.start()
    assert begun.wait(10)
    yield two_cores
    free.set()
    other.join()


def test_the_second_half_runs_on_the_helper(two_cores):
    here = threading.get_ident()
    first, second = parts_of(7, together=True)
    assert (first[:3], second[:3]) == ((0, 3, 0), (3, 7, 1))
    assert first[3] == here
    assert second[3] != here
    assert parts_of(7, together=True)[1][3] == second[3]  # the same helper
    assert two_cores == [2, 1, 2, 1, 2]  # BLAS was serial meanwhile


def test_without_the_helper_the_halves_are_the_same(two_cores):
    here = threading.get_ident()
    assert parts_of(7, parallel=False) == [(0, 3, 0, here), (3, 7, 1, here)]
    assert parts_of(1) == [(0, 1, 1, here)]
    assert parts_of(0) == []
    two_cores[:] = [1]
    assert parts_of(7) == [(0, 3, 0, here), (3, 7, 1, here)]


def test_one_core_runs_both(two_cores, monkeypatch):
    monkeypatch.setattr(threads, "_cores", lambda: 1)
    assert {part[3] for part in parts_of(4)} == {threading.get_ident()}


def test_a_half_that_the_helper_has_not_begun_is_taken_back(busy_helper):
    here = threading.get_ident()
    assert parts_of(7) == [(0, 3, 0, here), (3, 7, 1, here)]


def test_what_was_taken_back_keeps_nothing_alive(busy_helper):
    class Runs:
        def __call__(self, start: int, stop: int, part: int) -> None:
            pass

    run = Runs()
    gone = weakref.ref(run)
    halves(run, 2)
    del run
    assert gone() is None


def test_halves_within_halves(two_cores):
    seen = []

    def outer(start: int, stop: int, part: int) -> None:
        seen.append([piece[:3] for piece in parts_of(4)])

    halves(outer, 2)
    assert seen == [[(0, 2, 0), (2, 4, 1)]] * 2
    assert two_cores == [2, 1, 2]  # switched by the outermost alone


@pytest.mark.parametrize("wrong", [0, 1])
def test_what_a_half_raises_comes_out_after_the_other_has_ended(two_cores, wrong):
    ended, begun = [], threading.Event()

    def run(start: int, stop: int, part: int) -> None:
        begun.set() if part else begun.wait(10)
        if part == wrong:
            raise ValueError(f"half {part}")
        time.sleep(0.02)
        ended.append(part)

    with pytest.raises(ValueError, match=f"half {wrong}"):
        halves(run, 2)
    assert ended == [1 - wrong]
    assert two_cores[-1] == 2
    assert len(parts_of(4, together=True)) == 2  # it still works


def test_no_second_half_begins_after_the_first_has_failed(busy_helper):
    def run(start: int, stop: int, part: int) -> None:
        assert part == 0
        raise ValueError("half 0")

    with pytest.raises(ValueError, match="half 0"):
        halves(run, 2)


def test_an_error_of_the_helper_is_not_kept(two_cores):
    class Large:
        pass

    begun = threading.Event()

    def run(start: int, stop: int, part: int) -> None:
        begun.set() if part else begun.wait(10)
        if part:
            large = Large()
            refs.append(weakref.ref(large))
            raise ValueError("half 1")

    refs: list[weakref.ref[Large]] = []
    gc.disable()
    try:
        with pytest.raises(ValueError, match="half 1") as caught:
            halves(run, 2)
        del caught
        assert refs[0]() is None
    finally:
        gc.enable()


def test_an_interrupt_waits_for_the_helper(two_cores):
    ended, begun = [], threading.Event()

    def run(start: int, stop: int, part: int) -> None:
        if part == 0:
            begun.wait(10)
            raise KeyboardInterrupt
        begun.set()
        time.sleep(0.02)
        ended.append(part)

    with pytest.raises(KeyboardInterrupt):
        halves(run, 2)
    assert ended == [1]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer here")
def test_interrupts_at_any_moment(two_cores, monkeypatch):
    """Whatever line an interrupt comes at: no half runs afterwards, and BLAS has its threads back."""
    here, running = threading.get_ident(), []
    unraisable = sys.unraisablehook

    def report(found: Any) -> None:
        # Python drops an interrupt that comes while a weak reference of some collected object is told of it.
        if found.exc_type is not KeyboardInterrupt:
            unraisable(found)

    monkeypatch.setattr(sys, "unraisablehook", report)

    def run(start: int, stop: int, part: int) -> None:
        if threading.get_ident() == here:
            time.sleep(0)
        else:
            running.append(part)
            sum(range(500))
            running.pop()

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    interrupts = 0
    try:
        for i in range(1000):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-6 * (1 + i % 200))
                for _ in range(30):
                    halves(run, 4)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupts += 1
            assert running == []
            assert not threads._SERIAL.users
            assert two_cores[-1] == 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupts
    assert len(parts_of(4, together=True)) == 2


def test_many_threads_share_one_helper(two_cores):
    wrong = []

    def work() -> None:
        for n in range(2, 60):
            out = [0] * n

            def run(start: int, stop: int, part: int, out: list[int] = out) -> None:
                out[start:stop] = range(start, stop)

            halves(run, n)
            if out != list(range(n)):
                wrong.append(out)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for t in workers:
        t.start()
    for t in workers:
        t.join()
    assert wrong == []
    assert two_cores[-1] == 2


def test_alone_turns_threads_off_and_on(two_cores):
    assert alone(lambda: two_cores[-1]) == 1
    assert two_cores[-1] == 2


def test_blas_has_its_threads_back():
    get = threads._switch()[0]
    before = get()
    seen = []
    halves(lambda *part: seen.append(get()), 4, parallel=False)
    assert seen == [1, 1]
    assert get() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_process_starts_a_helper_of_its_own(two_cores):
    parts_of(4, together=True)
    child = os.fork()
    if not child:
        ok = False
        try:
            threads._HELPER.reset()  # this one is the test's own, not that of `_forget`
            found = parts_of(6, together=True)
            ok = [part[:3] for part in found] == [(0, 3, 0), (3, 6, 1)]
            ok = ok and found[0][3] != found[1][3]
        finally:
            os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0


@FORKS
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_in_a_child_what_was_locked_is_free(two_cores):
    def is_free() -> bool:
        was_reset = two_cores[-1] == 2
        return was_reset and parts_of(4, together=True)[1][3] != threading.get_ident()

    user = object()
    threads._SERIAL.enter(user)
    with threads._SERIAL.lock.current, threads._HELPER.lock.current:
        assert exit_code(is_free) == 0
    assert two_cores[-1] == 1
    threads._SERIAL.leave(user)
