"""Loops with sums in them, over every axis, of length 0 and 1 too."""

from __future__ import annotations

import re

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import loops
from pullback.autograd.compile.cpu.native import threads

xp = pb.xp

pytest.importorskip("numba", reason="kernels are an extra")


AXES = (None, 0, 1, 2, (0, 2), (1, 2), -1)


@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 3, 4), (2, 1, 4), (2, 3, 1), (0, 3, 4)])
def test_a_sum_over_any_axis(shape):
    def f(x):
        return [xp.sum(xp.tanh(x) * x, axis=axis) for axis in AXES]

    x = np.random.default_rng(0).standard_normal(shape)
    compiled = pb.compile(f, fast=True)
    compiled(x)  # which is recorded
    for out, axis in zip(compiled(x), AXES, strict=True):
        np.testing.assert_allclose(out, np.sum(np.tanh(x) * x, axis=axis), rtol=1e-12)


@pytest.mark.parametrize("shape", [(3, 4), (1, 4)])
def test_a_sum_that_the_same_program_uses(shape):
    def f(x):
        return x * 2 - xp.sum(x * x, axis=1, keepdims=True)

    x = np.random.default_rng(0).standard_normal(shape)
    compiled = pb.compile(f, fast=True)
    compiled(x)  # which is recorded
    out = compiled(x)
    np.testing.assert_allclose(out, x * 2 - np.sum(x * x, axis=1, keepdims=True), rtol=1e-12)


def test_nan_goes_through_a_sum():
    x = np.asarray([[1.0, np.nan], [2.0, 3.0]])
    compiled = pb.compile(lambda x: xp.sum(x * 2, axis=1), fast=True)
    compiled(x)
    out = compiled(x)
    np.testing.assert_array_equal(out, [np.nan, 10.0])


def test_short_rows_of_functions():
    def f(x):
        e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
        return e / xp.sum(e, axis=-1, keepdims=True), xp.sum(xp.tanh(x) * x, axis=0)

    for n in (3, 20):
        x = np.random.default_rng(0).normal(size=(4, n))
        compiled = pb.compile(f, fast=True)
        compiled(x)
        for a, b in zip(compiled(x), f(x), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.fixture
def shared_loops(monkeypatch):
    """Every loop in two halves, by two threads."""
    monkeypatch.setattr(loops, "SHARED", 0)
    monkeypatch.setattr(loops, "FEWEST", 2)
    monkeypatch.setattr(threads, "_cores", lambda: 2)


SHARED = {
    "elementwise": lambda x: xp.exp(x) * 2 - x,
    "broadcast": lambda x: x * xp.sum(x, axis=0) + xp.sum(x, axis=1, keepdims=True),
    "sums of rows": lambda x: xp.sum(x * x, axis=-1),
    "sums of columns": lambda x: xp.sum(x * x, axis=0),
    "both sums": lambda x: (xp.sum(x * 2, axis=0), xp.sum(x * 2, axis=1), xp.sum(x * 2)),
    "largest and least": lambda x: (xp.max(x, axis=0), xp.min(x, axis=1), xp.max(x), xp.min(x)),
    "transposed": lambda x: xp.matrix_transpose(x) * 2 + 1,
    "softmax": lambda x: (
        xp.exp(x - xp.max(x, axis=-1, keepdims=True)) / xp.sum(xp.exp(x), axis=-1, keepdims=True)
    ),
    "of a product": lambda x: xp.sum((x * 2 + 1) @ xp.matrix_transpose(x), axis=0),
}


@pytest.mark.parametrize("shape", [(5, 20), (3, 4, 133)])
def test_two_threads_share_a_loop(shared_loops, shape):
    compiled = pb.compile(lambda x: {name: f(x) for name, f in SHARED.items()}, fast=True)
    x = np.random.default_rng(0).normal(size=shape)
    compiled(x)
    ours = compiled(x)
    assert compiled._executables[0].source.count("halves(") >= 3
    for name, f in SHARED.items():
        for a, b in zip(pb.tree.leaves(ours[name]), pb.tree.leaves(f(x)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("size", [20, 301])
def test_two_threads_share_a_vector(shared_loops, size):
    def f(x):
        return xp.exp(x) * 2 - x, xp.sum(xp.exp(x) * x), xp.max(x)

    x = np.random.default_rng(0).normal(size=size)
    compiled = pb.compile(f, fast=True)
    compiled(x)
    for a, b in zip(compiled(x), f(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_one_thread_gives_the_same_bits(shared_loops, monkeypatch):
    def f(x):
        return xp.sum(xp.exp(x), axis=0), xp.sum(xp.tanh(x)), xp.max(x, axis=0)

    x = np.random.default_rng(0).normal(size=(11, 70)).astype(np.float32)
    compiled = pb.compile(f, fast=True)
    compiled(x)
    first = [np.array(y) for y in compiled(x)]
    monkeypatch.setattr(threads, "_cores", lambda: 1)
    for a, b in zip(first, compiled(x), strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_number_stays_none_in_the_halves_of_a_reduction(shared_loops):
    compiled = pb.compile(lambda x: (xp.max(x, axis=0), xp.min(x), xp.sum(x)), fast=True)
    x = np.ones((8, 3))
    compiled(x)
    for row in (1, 6):
        y = x.copy()
        y[row, 1] = np.nan
        largest, least, total = compiled(y)
        np.testing.assert_array_equal(largest, [1, np.nan, 1])
        assert np.isnan(least)
        assert np.isnan(total)


def test_small_loops_are_not_shared():
    compiled = pb.compile(lambda x: x * 2 + 1, fast=True)
    compiled(np.ones(1000))
    compiled(np.ones(1000))
    assert "halves(" not in compiled._executables[0].source


def test_a_refusal_between_shared_loops(shared_loops):
    def f(x, y):
        return pb.models.cross_entropy(x * 2, y) + xp.sum(x * x)

    compiled = pb.compile(f, fast=True)
    x, y = np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 1, 2, 0, 1, 2])
    compiled(x, y)
    np.testing.assert_allclose(compiled(x, y), f(x, y))
    with pytest.raises(IndexError, match="label 3"):
        compiled(x, y + 1)
    np.testing.assert_allclose(compiled(x, y), f(x, y))


def test_a_constant_in_another_order_that_a_kernel_and_a_call_read():
    C = np.asfortranarray(np.arange(9.0).reshape(3, 3) + 4 * np.eye(3))

    def f(x):
        y = xp.tanh(x * C)
        return y, xp.linalg.solve(xp.asarray(C), y)

    x = np.random.default_rng(0).standard_normal((3, 3))
    compiled = pb.compile(f, fast=True)
    for _ in range(2):
        y, z = compiled(x)
        np.testing.assert_allclose(pb.to_numpy(y), np.tanh(x * C), rtol=1e-12)
        np.testing.assert_allclose(pb.to_numpy(C @ pb.to_numpy(z)), np.tanh(x * C), rtol=1e-12)
    shared = compiled._last.assembly.shared
    kernels = [line for line in compiled._last.assembly.lines if line.startswith("kernel")]
    given = set(re.findall(r"\bk_\w+", "\n".join(kernels)))
    assert [shared[name].flags.c_contiguous for name in given] == [True]
