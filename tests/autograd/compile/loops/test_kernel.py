"""Tests of `autograd/compile/loops/kernel.py`: loops as one kernel, against the same loops without kernels."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.loops import runner

pytest.importorskip("numba", reason="kernels need numba (extra `fast`)")

xp = pb.xp
RNG = np.random.default_rng(0)


@pytest.fixture
def sources(monkeypatch, kernels):
    """The texts of all loops that are laid out."""
    monkeypatch.setenv("PULLBACK_CACHE", str(kernels))
    found = []
    prepare = runner.StepCode.prepare

    def noted(self):
        prepare(self)
        found.append("\n".join([self.source, *self.assembly.kernels]))

    monkeypatch.setattr(runner.StepCode, "prepare", noted)
    return found


def assert_same(f, *args, rtol=1e-12):
    kernels, plain = pb.compile(f, fast=True), pb.compile(f, fast=False)
    for k in range(2):
        given = [a + k for a in args]
        for a, b in zip(
            pb.tree.leaves(kernels(*given)), pb.tree.leaves(plain(*given)), strict=True
        ):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(pb.to_numpy(a), pb.to_numpy(b), rtol=rtol, atol=1e-12)


def in_kernel(sources):
    return ["for step in range(first, last, stride)" in text for text in sources[:1]]


@pytest.mark.parametrize("size", [3, 20])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_recurrent_cell_forward_and_backward(sources, size, dtype):
    """Products with vectors, small ones as sums and large ones by BLAS; rows in, rows out, sums of gradients."""
    w, rows = (RNG.standard_normal((n, size)).astype(dtype) for n in (size, 6))

    def f(w, rows):
        def step(h, x):
            h = xp.tanh(w @ h + x @ w + (h @ x))
            return h, h[::-1]

        h, ys = pb.scan(step, xp.zeros_like(rows[0]), rows, reverse=True)
        return xp.sum(h) + xp.sum(ys**2)

    assert_same(pb.value_and_grad(f, (0, 1)), w, rows, rtol=1e-12 if dtype == "float64" else 2e-3)
    assert in_kernel(sources) == [True]


def test_numbers_counters_flags_and_matrices(sources):
    """A carry of several dtypes and shapes; a matrix product; a Python number; what changes places."""
    a = RNG.standard_normal((4, 4)) / 3

    def f(a, scale):
        def step(c, _):
            m, other, i, flag = c
            new = (other @ m * scale, m, i + 1, flag & (xp.sum(m) < 1e9))
            return new, (xp.sum(m, axis=0), i)

        (m, other, i, flag), (sums, count) = pb.scan(step, (a, a.T, 0, True), None, length=5)
        return m, other, i, flag, sums, count

    compiled, plain = pb.compile(f, fast=True), pb.compile(f, fast=False)
    for scale in (0.5, 1.5):
        for x, y in zip(compiled(a, scale), plain(a, scale), strict=True):
            np.testing.assert_allclose(pb.to_numpy(x), pb.to_numpy(y), rtol=1e-12)
    assert in_kernel(sources) == [True]


def test_a_condition_is_part_of_the_kernel(sources):
    f = lambda x: pb.while_loop(lambda c: c < 100, lambda c: c * c, x, max_steps=30)
    assert_same(pb.value_and_grad(f), np.asarray(2.0))
    assert in_kernel(sources) == [True]
    assert "if not " in sources[0]


def test_a_step_with_other_functions_is_a_loop_of_python(sources):
    f = lambda x: pb.scan(lambda c, v: (xp.sort(c * v), xp.sum(c)), x, x)[1]
    assert_same(f, RNG.standard_normal(5))
    assert in_kernel(sources) == [False]


def test_arrays_in_other_orders_and_no_steps(sources):
    w, rows = RNG.standard_normal((3, 3)), RNG.standard_normal((4, 3))
    step = lambda w: lambda h, x: (w @ h + x, h)
    f = pb.compile(lambda w, rows: pb.scan(step(w), rows[0], rows), fast=True)
    expected = f(w, rows)
    for got, want in zip(f(np.asfortranarray(w), np.asfortranarray(rows)), expected, strict=True):
        np.testing.assert_array_equal(got, want)
