"""Tests of `autograd/compile/cpu/native/threads.py`."""

from __future__ import annotations

import os
import threading
import time

import pytest

from pullback.autograd.compile.cpu.native import threads
from pullback.autograd.compile.cpu.native.threads import alone, halves


@pytest.fixture
def two_cores(monkeypatch):
    """Two cores and two threads, whatever this machine and its settings have."""
    monkeypatch.setattr(threads, "_cores", lambda: 2)
    serial = threads._SerialBlas()
    counts = [2]
    monkeypatch.setattr(
        threads, "_switch", lambda: (lambda: counts[-1], lambda n: counts.append(n) or 0, False)
    )
    monkeypatch.setattr(threads, "_SERIAL", serial)
    monkeypatch.setattr(threads, "_HELPER", threads._Helper())
    return counts


def parts_of(n: int, **settings: bool) -> list[tuple[int, int, int, int]]:
    """Which parts were run, and in which thread."""
    found: list[tuple[int, int, int, int]] = []
    halves(lambda *part: found.append((*part, threading.get_ident())), n, **settings)
    return sorted(found)


def test_the_second_half_runs_on_the_helper(two_cores):
    here = threading.get_ident()
    first, second = parts_of(7)
    assert (first[:3], second[:3]) == ((0, 3, 0), (3, 7, 1))
    assert first[3] == here
    assert second[3] != here
    assert parts_of(7)[1][3] == second[3]  # the same helper
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


def test_a_busy_helper_is_left_alone(two_cores):
    seen = []

    def outer(start: int, stop: int, part: int) -> None:
        inner = parts_of(4)
        seen.append((inner, threading.get_ident()))

    halves(outer, 2)
    assert len(seen) == 2
    for inner, thread in seen:
        assert inner == [(0, 2, 0, thread), (2, 4, 1, thread)]
    assert two_cores == [2, 1, 2]  # switched by the outermost alone


@pytest.mark.parametrize("wrong", [0, 1])
def test_what_a_half_raises_comes_out_after_the_other_has_ended(two_cores, wrong):
    ended = []

    def run(start: int, stop: int, part: int) -> None:
        if part == wrong:
            raise ValueError(f"half {part}")
        time.sleep(0.02)
        ended.append(part)

    with pytest.raises(ValueError, match=f"half {wrong}"):
        halves(run, 2)
    assert ended == [1 - wrong]
    assert two_cores[-1] == 2
    assert len(parts_of(4)) == 2  # it still works


def test_an_interrupt_waits_for_the_helper(two_cores):
    ended = []

    def run(start: int, stop: int, part: int) -> None:
        if part == 0:
            raise KeyboardInterrupt
        time.sleep(0.02)
        ended.append(part)

    with pytest.raises(KeyboardInterrupt):
        halves(run, 2)
    assert ended == [1]


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
    parts_of(4)
    child = os.fork()
    if not child:
        ok = False
        try:
            threads._HELPER.reset()  # this one is the test's own, not that of `_in_child`
            found = parts_of(6)
            ok = [part[:3] for part in found] == [(0, 3, 0), (3, 6, 1)]
            ok = ok and found[0][3] != found[1][3]
        finally:
            os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_in_a_child_what_was_locked_is_free(two_cores):
    threads._SERIAL.enter()
    threads._HELPER.free.acquire()
    threads._in_child()
    assert two_cores[-1] == 2
    assert parts_of(4)[1][3] != threading.get_ident()
