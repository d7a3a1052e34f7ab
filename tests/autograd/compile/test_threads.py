"""Tests of threads."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile import executable, programs
from pullback.autograd.compile.cpu import background, numba_kernels
from pullback.autograd.compile.loops import runner

from ..._fork import FORKS, exit_code
from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._compiled import arrays

xp = pb.xp
# Seconds that a kernel takes after a fork was asked for: one that does not wait has begun its child by then.
LONG = 0.2


def test_threads(fast):
    compiled = pb.compile(pb.value_and_grad(lambda x: xp.sum(xp.sin(x) @ x.mT)), fast=fast)
    compiled(*arrays((30, 30)))
    compiled(*arrays((30, 30)))
    wrong = []

    def work(seed: int) -> None:
        for i in range(40):
            (x,) = arrays((30, 30), seed=100 * seed + i)
            value, gradient = compiled(x)
            eager = pb.value_and_grad(lambda x: xp.sum(xp.sin(x) @ x.mT))(x)
            if not np.allclose(gradient, eager[1]) or not np.allclose(value, eager[0]):
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []
    assert len(compiled._executables) == 1


def test_nesting(fast):
    inner = pb.compile(lambda x: xp.sin(x) * 2, fast=fast)
    (x,) = arrays((3,))
    for _ in range(3):
        np.testing.assert_allclose(inner(x), 2 * np.sin(x))
        np.testing.assert_allclose(pb.grad(lambda x: xp.sum(inner(x)))(x), 2 * np.cos(x))
    outer = pb.compile(pb.grad(lambda x: xp.sum(inner(x) * inner(x))), fast=fast)
    for _ in range(3):
        np.testing.assert_allclose(outer(x), 8 * np.sin(x) * np.cos(x))
    assert "sin" in outer.program()


def test_recursion(fast):
    def f(x: Any, depth: int) -> Any:
        return x if depth == 0 else xp.sin(compiled(x, depth - 1))

    compiled = pb.compile(f, fast=fast, static_argnums=1)
    (x,) = arrays((3,))
    for _ in range(2):
        np.testing.assert_allclose(compiled(x, 3), np.sin(np.sin(np.sin(x))))


# ── forks ─────────────────────────────────────────────────────────────────────────────────────


def f(x: Any) -> Any:
    return xp.sum(xp.sin(x) @ x.mT) * 2.0


def right(compiled: Any, x: Any) -> bool:
    return bool(np.allclose(compiled(x), f(x)))


@contextlib.contextmanager
def stopped_in(
    monkeypatch: Any, owner: Any, name: str, call: Callable[[], Any], *, after: bool = False
) -> Iterator[None]:
    """While another thread, which makes that call, stands still before or after the call of a function within."""
    original, there, end = getattr(owner, name), threading.Event(), threading.Event()

    def watched(*args: Any, **settings: Any) -> Any:
        if threading.current_thread() is not thread:
            return original(*args, **settings)
        out = original(*args, **settings) if after else None
        there.set()
        end.wait(120)
        return out if after else original(*args, **settings)

    monkeypatch.setattr(owner, name, watched)
    thread = threading.Thread(target=call)
    thread.start()
    try:
        assert there.wait(120)
        yield
    finally:
        end.set()
        thread.join()


forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@FORKS
@forks
@pytest.mark.parametrize(
    ("owner", "name", "after"),
    [
        (executable, "assemble", False),
        (executable, "assemble", True),
        (executable, "compile_text", False),
        (executable, "compile_text", True),
        (programs.Programs, "find", False),  # under the lock of the compiled function
    ],
    ids=["begun", "laid out", "written", "nearly done", "looked up"],
)
def test_a_fork_while_another_thread_prepares_the_same_function(
    fast, monkeypatch, owner, name, after
):
    compiled = pb.compile(f, fast=fast)
    (x,) = arrays((4, 4))
    compiled(x)
    with stopped_in(monkeypatch, owner, name, lambda: compiled(x), after=after):
        assert exit_code(lambda: right(compiled, x) and right(compiled, x)) == 0
    assert right(compiled, x)


@FORKS
@forks
def test_a_fork_while_another_thread_prepares_a_loop(fast, monkeypatch):
    def total(x: Any) -> Any:
        return pb.scan(lambda c, row: (c * 0.5 + row, c * row), x[0] * 0, x)[0]

    def is_right() -> bool:
        return bool(np.allclose(compiled(x), total(x)))

    def hold() -> None:  # what `StepCode` does while it prepares, and while it takes a runner
        with codes[0].lock.current:
            held.set()
            end.wait(120)

    codes: list[Any] = []
    prepare = runner.StepCode.prepare
    monkeypatch.setattr(
        runner.StepCode, "prepare", lambda code: (codes.append(code), prepare(code))
    )
    compiled = pb.compile(total, fast=fast)
    (x,) = arrays((4, 3))
    compiled(x)
    assert len(codes) == 1
    held, end = threading.Event(), threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(120)
    assert exit_code(is_right) == 0
    end.set()
    thread.join()
    assert is_right()


@FORKS
@forks
def test_a_fork_while_another_thread_looks_for_kernels(monkeypatch):
    """The child sees that they have come."""
    source = numba_kernels.Source("kernel_that_is_there", "", ())
    monkeypatch.setitem(numba_kernels._LOADED, source.name, None)
    monkeypatch.setattr(background, "INTERVAL", 0.0)
    pending, found = background.Pending([source], Path()), []
    call = lambda: found.append(pending.has_ended())
    with stopped_in(monkeypatch, numba_kernels.Source, "is_there", call):
        assert not pending.has_ended()  # the other thread looks
        assert exit_code(pending.has_ended) == 0
    assert found == [True]


@FORKS
@forks
@pytest.mark.skipif(
    not importlib.util.find_spec("numba"), reason="numba is not installed (extra `fast`)"
)
def test_a_fork_while_another_thread_compiles(monkeypatch, tmp_path):
    """numba's lock cannot be renewed, nor LLVM's: the fork waits until the kernel is there."""
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    compiled, other = pb.compile(f, fast=True), pb.compile(lambda x: x * 3.0 + 1.0, fast=True)
    (x,) = arrays((4, 4))
    compiled(x)
    compiled(x)  # numba is there
    from numba.core.compiler_lock import global_compiler_lock

    other(x)
    held, forking = threading.Event(), threading.Event()

    def compile_for_long() -> None:
        with global_compiler_lock:
            held.set()
            forking.wait(120)
            time.sleep(LONG)

    os.register_at_fork(before=forking.set)  # for good, and it does no harm
    thread = threading.Thread(target=compile_for_long)
    thread.start()
    assert held.wait(120)
    assert exit_code(lambda: np.allclose(other(x), x * 3.0 + 1.0)) == 0
    thread.join()
