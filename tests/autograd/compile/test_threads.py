"""Tests of threads."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._compiled import arrays

xp = pb.xp


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
