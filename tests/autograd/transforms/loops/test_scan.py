"""Tests of `autograd/transforms/loops/scan.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._loops import CASES, ROWS, Case, W, X, linear, python_loop

xp = pb.xp


def summed_gradient(f):
    return lambda *args: xp.sum(pb.grad(f)(*args))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_values_and_derivatives_are_those_of_a_python_loop(case: Case):
    every = tuple(range(len(case.args)))

    def scanned(*args):
        return case.f(pb.scan, *args)

    def looped(*args):
        return case.f(python_loop, *args)

    np.testing.assert_allclose(pb.to_numpy(scanned(*case.args)), pb.to_numpy(looped(*case.args)))
    for order in (lambda f: f, summed_gradient):
        ours = pb.grad(order(scanned), every)(*case.args)
        theirs = pb.grad(order(looped), every)(*case.args)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    if not case.kinks:
        pb.check_grads(scanned, case.args)


def test_a_linear_recurrence_has_the_known_derivatives():
    """c_n = Σ aⁿ⁻¹⁻ⁱ x_i."""
    a, n = 0.7, len(X)
    powers = a ** np.arange(n - 1, -1, -1)
    f = lambda x, a: linear(pb.scan, x, a)
    np.testing.assert_allclose(pb.grad(f)(X, a), powers, rtol=1e-14)
    slope = sum((n - 1 - i) * a ** (n - 2 - i) * X[i] for i in range(n - 1))
    np.testing.assert_allclose(pb.grad(f, 1)(X, a), slope, rtol=1e-14)
    _, along = pb.jvp(lambda x: f(x, a), (X,), (np.ones(n),))
    np.testing.assert_allclose(along, powers.sum(), rtol=1e-14)
    bend = sum((n - 1 - i) * (n - 2 - i) * a ** (n - 3 - i) * X[i] for i in range(n - 2))
    np.testing.assert_allclose(pb.grad(pb.grad(lambda a: f(X, a)))(a), bend, rtol=1e-14)


def test_running_sums_and_products_are_numpys():
    for reverse in (False, True):
        back = slice(None, None, -1 if reverse else 1)
        _, sums = pb.scan(lambda c, v: (c + v, c + v), 0.0, X, reverse=reverse)
        _, products = pb.scan(lambda c, v: (c * v, c * v), 1.0, X, reverse=reverse)
        np.testing.assert_allclose(sums, np.cumsum(X[back])[back], rtol=1e-14)
        np.testing.assert_allclose(products, np.cumprod(X[back])[back], rtol=1e-14)
    for order in range(2):
        f, g = (
            (lambda x: xp.sum(pb.scan(lambda c, v: (c * v, c * v), 1.0, x)[1] ** 2)),
            (lambda x: xp.sum(xp.cumulative_prod(x) ** 2)),
        )
        take = pb.grad if order == 0 else pb.hessian
        np.testing.assert_allclose(take(f)(X), take(g)(X), rtol=1e-12)


def test_hessians_products_and_jacobians():
    f = lambda x: xp.sum(pb.scan(lambda c, v: (xp.sin(c * v), c), x, x)[1] ** 2)
    g = lambda x: xp.sum(python_loop(lambda c, v: (xp.sin(c * v), c), x, x)[1] ** 2)
    np.testing.assert_allclose(pb.hessian(f)(X), pb.hessian(g)(X), rtol=1e-12)
    np.testing.assert_allclose(pb.hvp(f, X, X), pb.hvp(g, X, X), rtol=1e-12)
    columns = lambda loop: lambda x: loop(lambda c, v: (xp.sin(c * v), c), x, x)[1]
    np.testing.assert_allclose(
        pb.jacobian(columns(pb.scan))(X), pb.jacobian(columns(python_loop))(X), rtol=1e-12
    )


def test_runs_on_every_library(lib):
    x, w = lib.asarray(ROWS, "float32"), lib.asarray(W, "float32")

    def f(w):
        def step(h, v):
            h = xp.tanh(w @ h + v)
            return h, (h, xp.max(h))

        (h, (rows, tops)) = pb.scan(step, x[0, ...] * 0, x)
        return xp.sum(rows**2) + xp.sum(tops) + xp.sum(h)

    gradient = pb.grad(f)(w)
    assert lib.is_raw(gradient)
    assert "float32" in str(gradient.dtype)
    host = pb.grad(lambda w: f_host(w, ROWS))(W)
    np.testing.assert_allclose(lib.to_numpy(gradient), host, rtol=1e-4)
    last, rows = pb.scan(lambda c, v: (c + xp.sum(v), c), 0.0, x)
    assert lib.is_raw(last)
    assert lib.is_raw(rows)


def f_host(w, x):
    def step(h, v):
        h = xp.tanh(w @ h + v)
        return h, (h, xp.max(h))

    (h, (rows, tops)) = python_loop(step, x[0] * 0, x)
    return xp.sum(rows**2) + xp.sum(tops) + xp.sum(h)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_dtypes_are_kept(dtype):
    x = X.astype(dtype)
    last, rows = pb.scan(lambda c, v: (c * v + 0.5, c), 1.0, x)
    assert (last.dtype, rows.dtype) == (np.dtype(dtype),) * 2
    last, rows = pb.scan(lambda c, v: (c + v, c), 0, x)
    assert (last.dtype, rows.dtype) == (np.dtype(dtype),) * 2
    f = lambda x: xp.sum(xp.abs(pb.scan(lambda c, v: (c * v, c), 1.0, x)[1]) ** 2)
    assert pb.grad(f)(x).dtype == np.dtype(dtype)


def test_numbers_of_the_first_carry_begin_as_the_step_needs_them():
    (count, total), _ = pb.scan(lambda c, v: ((c[0] + 1, c[1] + v), None), (0, 0), X)
    assert (count.dtype, total.dtype) == (np.int64, np.float64)
    assert int(count) == len(X)
    half, _ = pb.scan(lambda c, _: (c / 2, None), 1, None, length=2)
    assert float(half) == 0.25


def test_numpy_arrays_give_numpy_arrays_and_arrays_arrays():
    step = lambda c, v: (c + v, c)
    for init, xs in ((0.0, X), (np.zeros(()), X), (np.float64(0), X)):
        assert [type(y) for y in pb.scan(step, init, xs)] == [np.ndarray] * 2
    for init, xs in ((xp.zeros(()), X), (0.0, xp.asarray(X))):
        assert [type(y) for y in pb.scan(step, init, xs)] == [pb.Array] * 2
    assert type(pb.scan(lambda c, _: (c + 1, None), 0.0, length=2)[0]) is pb.Array


def test_the_callers_arrays_are_not_written_to():
    init, xs = xp.asarray(X, copy=True), xp.asarray(X, copy=True)

    def step(c, v):
        c += v
        v += 1.0
        return c, (c, v)

    last, (rows, _) = pb.scan(step, init, xs)
    np.testing.assert_allclose(pb.to_numpy(init), X)
    np.testing.assert_allclose(pb.to_numpy(xs), X)
    np.testing.assert_allclose(pb.to_numpy(rows), X + np.cumsum(X)[:, None])
    np.testing.assert_allclose(pb.to_numpy(last), X + X.sum())


def test_length_and_no_steps():
    assert pb.scan(lambda c, x: (c + 1.0, x), 0.0, None, length=3)[1] is None
    last, (rows, more) = pb.scan(lambda c, x: (c + x[0], (x, {"a": c})), 1.0, np.zeros((0, 3)))
    assert float(last) == 1.0
    assert (rows.shape, more["a"].shape) == ((0, 3), (0,))
    f = lambda x: pb.scan(lambda c, v: (c * v, c), xp.sum(x), x[:0])[0]
    np.testing.assert_allclose(pb.grad(f)(X), np.ones(4))


def test_checkpoint_gives_the_same_and_keeps_only_the_carries():
    calls = []

    def step(c, v):
        calls.append(1)
        return (xp.sin(c[0] * v), c[1]), c[0]

    f = lambda checkpoint: lambda x: xp.sum(pb.scan(step, (x, x), x, checkpoint=checkpoint)[1] ** 2)
    plain = pb.grad(f(False))(X)
    before = len(calls)
    np.testing.assert_allclose(pb.grad(f(True))(X), plain, rtol=1e-14)
    assert len(calls) - before == 2 * before


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: pb.scan(lambda c, x: (c, x, 1), 0.0, X), TypeError, "a tuple of 3"),
        (lambda: pb.scan(lambda c, x: c, 0.0, X), TypeError, r"return \(carry, y\), not Array"),
        (lambda: pb.scan(lambda c, x: ((c, c), x), 0.0, X), TypeError, "structure"),
        (
            lambda: pb.scan(lambda c, x: ({"a": c["a"][None]}, x), {"a": X}, X),
            TypeError,
            r"carry at 'a' begins as float64\[4\], and a step returns float64\[1, 4\]",
        ),
        (
            lambda: pb.scan(lambda c, x: (c * x, x), np.zeros((), "float32"), X),
            TypeError,
            r"begins as float32\[\], and a step returns float64\[\]",
        ),
        (lambda: pb.scan(lambda c, x: (c, c), "a", X), TypeError, "init is 'a', of type str"),
        (lambda: pb.scan(lambda c, x: (c, "y"), 0.0, X), TypeError, "y is 'y', of type str"),
        (lambda: pb.scan(lambda c, x: (c, c), 0.0), ValueError, "length=n"),
        (lambda: pb.scan(lambda c, x: (c, c), 0.0, X, 3), ValueError, "4 rows, but length is 3"),
        (
            lambda: pb.scan(lambda c, x: (c, c), 0.0, {"a": X, "b": ROWS[:2]}),
            ValueError,
            "xs at 'a' has 4 rows, but xs at 'b' has 2",
        ),
        (lambda: pb.scan(lambda c, x: (c, c), 0.0, {"a": 1.0}), TypeError, "xs at 'a' has type"),
        (lambda: pb.scan(lambda c, x: (c, c), 0.0, np.ones(())), TypeError, "xs has no axis"),
        (lambda: pb.scan(lambda c, x: (c, c), 0.0, None, -1), ValueError, "at least 0"),
        (lambda: pb.scan(lambda c, x: (c, c), 0.0, None, 1.5), TypeError, "an integer"),
        (
            lambda: pb.scan(lambda c, x: (c + 1, X[: int(c) + 1]), 0, None, 2),
            TypeError,
            "same shapes and dtypes",
        ),
        (
            lambda: pb.scan(lambda c, x: (c + 1, (c,) * (1 + int(c))), 0, None, 2),
            TypeError,
            "each step has to give",
        ),
    ],
)
def test_refusals(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_jacobians_take_many_cotangents_at_once():
    """The arrays one level down are batches then, in an ordinary loop of operations."""
    f = lambda loop: lambda x: loop(lambda c, v: (xp.sin(c * v) @ W, c), x[:3], ROWS * x[3])[1]
    np.testing.assert_allclose(pb.jacobian(f(pb.scan))(X), pb.jacobian(f(python_loop))(X))
    compiled = pb.compile(pb.jacobian(f(pb.scan)), fast=False)
    np.testing.assert_allclose(compiled(X), pb.jacobian(f(python_loop))(X), rtol=1e-12)
    np.testing.assert_allclose(compiled(X + 1), pb.jacobian(f(python_loop))(X + 1), rtol=1e-12)
