"""Tests of `autograd/compile/cpu/native/matmul.py`."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu.native import jit, matmul

from ....._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
pytestmark = pytest.mark.skipif(
    not jit.has_blas(), reason="NumPy's BLAS is none that kernels can call"
)
xp = pb.xp


@pytest.fixture(autouse=True)
def small_ones_too(monkeypatch):
    monkeypatch.setattr(matmul, "WORTH", 0)


def normal(*shape: int, dtype: Any = np.float64, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def is_kernel(compiled: Any, *args: Any) -> bool:
    return ": kernel" in compiled.program(*args)


SHAPES = [
    ((5, 4, 3), (5, 3, 2)),
    ((2, 1, 4, 3), (5, 3, 2)),
    ((4, 3), (5, 3, 2)),
    ((2, 3, 1, 4), (1, 3, 4, 1)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_as_numpy(dtype):
    compiled = pb.compile(lambda a, b: xp.matmul(a, b), fast=True)
    for left, right in SHAPES:
        a, b = normal(*left, dtype=dtype), normal(*right, dtype=dtype, seed=1)
        compiled(a, b)
        # transposed, reversed, every second element, broadcast, read only
        lefts = [a, np.array(a.mT, order="C").mT, a[::-1], np.repeat(a, 2, -1)[..., ::2]]
        rights = [b, np.array(b.mT, order="C").mT, b[:, ::-1], np.broadcast_to(b[..., :1, :], b.shape)]  # fmt: skip
        for x, y in zip(lefts, rights, strict=True):
            ours = compiled(x, y)
            assert ours.dtype == dtype
            np.testing.assert_allclose(ours, x @ y, rtol=1e-5, atol=1e-6)
        assert is_kernel(compiled, a, b)


def test_views_in_a_program():
    def f(x: Any) -> Any:
        q, k = x[:, :, :4], x[:, :, 4:]
        return xp.matmul(xp.permute_dims(q, (1, 0, 2)), xp.permute_dims(k, (1, 2, 0)))

    x = normal(3, 2, 8)
    compiled = pb.compile(f, fast=True)
    compiled(x)
    np.testing.assert_allclose(compiled(x), f(x))
    assert is_kernel(compiled, x)


def test_gradients():
    def f(a: Any, b: Any) -> Any:
        return xp.sum(xp.matmul(a, b) ** 2)

    a, b = normal(3, 4, 5), normal(3, 5, 2)
    compiled = pb.compile(pb.grad(f, argnums=(0, 1)), fast=True)
    compiled(a, b)
    for ours, theirs in zip(compiled(a, b), pb.grad(f, argnums=(0, 1))(a, b), strict=True):
        np.testing.assert_allclose(ours, theirs)
    assert compiled.program(a, b).count(": kernel") == 3


def test_other_dtypes_are_calls():
    compiled = pb.compile(lambda a, b: xp.matmul(a, b), fast=True)
    for dtype in (np.int64, np.complex128, np.float16):
        a, b = normal(2, 3, 4).astype(dtype), normal(2, 4, 3).astype(dtype)
        compiled(a, b)
        np.testing.assert_allclose(compiled(a, b), a @ b)
        assert not is_kernel(compiled, a, b)
    a, b = normal(2, 3, 4), normal(2, 4, 3, dtype=np.float32)
    np.testing.assert_allclose(compiled(a, b), a @ b)
    assert not is_kernel(compiled, a, b)


def test_small_and_large_ones_are_numpys(monkeypatch):
    a, b = normal(2, 3, 4), normal(2, 4, 3)
    for name, value in (("WORTH", 72), ("LARGE", 36)):
        monkeypatch.setattr(matmul, "WORTH", 0)
        monkeypatch.setattr(matmul, name, value)
        assert not is_kernel(pb.compile(lambda a, b: xp.matmul(a, b), fast=True), a, b)


def test_in_threads():
    compiled = pb.compile(lambda a, b: xp.matmul(a, b), fast=True)
    compiled(normal(6, 5, 4), normal(6, 4, 5))
    wrong = []

    def work(seed: int) -> None:
        for i in range(20):
            a, b = normal(6, 5, 4, seed=100 * seed + i), normal(6, 4, 5, seed=i)
            if not np.allclose(compiled(a, b), a @ b):
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []
