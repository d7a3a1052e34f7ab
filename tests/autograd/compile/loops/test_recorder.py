"""Tests of `autograd/compile/loops/recorder.py`: loops under `pb.compile`, against the same without it."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.tracing.trace_builder import TraceError

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ...transforms.loops._loops import CASES, ROWS, Case, W, X

xp = pb.xp


def scanned(case: Case):
    return lambda *args: case.f(pb.scan, *args)


def assert_same(f, args, shift=0.1, fast=False, rtol=1e-10):
    """A compiled function gives what it gives uncompiled, in its first call and in the next."""
    compiled = pb.compile(f, fast=fast)
    for k in range(3):
        given = tuple(a + shift * k if a.dtype.kind in "fc" else a for a in args)
        ours, theirs = pb.tree.leaves(compiled(*given)), pb.tree.leaves(f(*given))
        for a, b in zip(ours, theirs, strict=True):
            a, b = pb.to_numpy(a), pb.to_numpy(b)
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


def gradients(case: Case):
    return pb.value_and_grad(scanned(case), tuple(range(len(case.args))))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_values_and_gradients(case: Case):
    assert_same(gradients(case), case.args)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_higher_derivatives(case: Case):
    f = scanned(case)
    first = lambda *args: xp.sum(pb.grad(f)(*args))
    second = lambda *args: xp.sum(pb.grad(first)(*args))
    along = lambda x, *args: pb.jvp(lambda x: f(x, *args), (x,), (x + 1,))
    for derivative in (pb.grad(first), pb.grad(second), along):
        assert_same(derivative, case.args, rtol=1e-8)


KERNELS = [case for case in CASES if repr(case) in ("rnn", "swapped", "nested", "written", "noisy")]


@pytest.mark.parametrize("case", KERNELS, ids=repr)
def test_kernels_give_the_same(case: Case, fast: bool):
    assert_same(gradients(case), case.args, fast=fast)


def test_float32_stays_and_models_are_carries_and_rows(fast: bool):
    model = pb.models.MLP([3, 4, 3], activation="tanh", seed=0)
    rows = ROWS.astype("float32")

    def loss(model, rows):
        def step(m, row):
            loss, g = pb.value_and_grad(lambda m: xp.sum((m(row[None]) - row) ** 2))(m)
            return pb.tree.map(lambda p, d: p - 0.1 * d, m, g), loss

        model, losses = pb.scan(step, model, rows)
        return xp.sum(losses) + xp.sum(model(rows) ** 2)

    compiled = pb.compile(pb.value_and_grad(loss), fast=fast)
    for k in range(2):
        value, gradient = compiled(model, rows + k)
        expected, other = pb.value_and_grad(loss)(model, rows + k)
        np.testing.assert_allclose(value, expected, rtol=1e-4)
        assert {x.dtype for x in pb.tree.leaves(gradient)} == {np.dtype("float32")}
        for a, b in zip(pb.tree.leaves(gradient), pb.tree.leaves(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-4)


def test_runs_on_every_library(lib):
    x, w = lib.asarray(ROWS), lib.asarray(W)

    def f(w, x):
        def step(h, v):
            h = xp.tanh(w @ h + v)
            return h, (h, xp.max(h))

        h, (rows, tops) = pb.scan(step, x[0, ...] * 0, x)
        return xp.sum(rows**2) + xp.sum(tops) + xp.sum(h)

    compiled, plain = pb.compile(pb.grad(f, (0, 1)), fast=False), pb.grad(f, (0, 1))
    for k in range(2):
        for a, b in zip(compiled(w + k, x), plain(w + k, x), strict=True):
            assert lib.is_raw(a)
            np.testing.assert_allclose(lib.to_numpy(a), lib.to_numpy(b), rtol=1e-12)


def entries(n: int) -> tuple[int, int]:
    """The operations of a compiled gradient, and how often the step is called."""
    calls = []

    def step(h, x):
        calls.append(1)
        h = xp.tanh(W @ h + x)
        return h, xp.sum(h)

    f = lambda rows: xp.sum(pb.scan(step, xp.zeros(3), rows)[1])
    compiled = pb.compile(pb.grad(f), fast=False)
    rows = np.random.default_rng(0).standard_normal((n, 3))
    first = compiled(rows)
    np.testing.assert_allclose(compiled(rows), first)
    return int(compiled.program().split(": ")[1].split(" operations")[0]), len(calls)


def test_a_long_loop_has_the_program_of_a_short_one():
    assert entries(10_000) == entries(10)
    operations, calls = entries(10)
    assert operations < 10
    assert calls == 1


def test_another_length_is_another_program_of_the_same_function():
    f = pb.compile(lambda x: pb.scan(lambda c, v: (c + v, c * v), 0.0, x), fast=False)
    for n in (3, 5, 3):
        x = np.arange(1.0, n + 1)
        last, rows = f(x)
        assert (float(last), rows.shape) == (x.sum(), (n,))


def test_constants_and_numbers():
    """A loop over nothing but constants, numbers among the arguments, and a length that is read."""
    f = pb.compile(lambda x: x * pb.scan(lambda c, v: (c + v, c), 0.0, X)[0], fast=False)
    np.testing.assert_allclose(f(X), X * X.sum())
    power = lambda a, n: pb.scan(lambda c, _: (c * a, None), 1.0, None, n)[0]
    g = pb.compile(pb.grad(power), fast=False)
    assert [float(g(2.0, 3)), float(g(3.0, 3)), float(g(2.0, 4))] == [12.0, 27.0, 32.0]
    g = pb.compile(pb.grad(pb.grad(pb.grad(lambda a: power(a, 5)))), fast=False)
    assert [float(g(2.0)), float(g(3.0))] == [240.0, 540.0]


def test_a_compiled_result_is_not_changed_by_later_calls():
    f = pb.compile(lambda x: pb.scan(lambda c, v: (c + v, c), x[0] * 0, x), fast=False)
    first = f(X)
    kept = [np.copy(a) for a in first]
    f(X + 1)
    for a, b in zip(first, kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_may_not_write_to_what_it_closes_over():
    def f(x):
        outside = xp.zeros(4) * x

        def step(c, v):
            outside[0] = v
            return c + v, None

        return pb.scan(step, x[0], x)[0] + outside[0]

    with pytest.raises(TraceError, match="part of the carry"):
        pb.compile(f, fast=False)(X)


def test_a_checkpoint_in_a_step_may_not_close_over_a_traced_array():
    def f(x):
        step = lambda c, v: (pb.checkpoint(lambda c: xp.sin(c * x))(c), None)
        return xp.sum(pb.scan(step, x, x)[0])

    with pytest.raises(TypeError, match="argument"):
        pb.compile(pb.grad(f), fast=False)(X)


def test_branches_on_values_are_refused_as_ever():
    with pytest.raises(TraceError, match="recorded once"):
        pb.compile(lambda x: pb.scan(lambda c, v: (c if c > 0 else v, None), 0.0, x), fast=False)(X)


def newton(a, **options):
    unsettled = lambda x: abs(x * x - a) > 1e-12
    return pb.while_loop(unsettled, lambda x: 0.5 * (x + a / x), 1.0, **options)


def test_a_loop_with_a_condition_and_its_forward_derivatives():
    numbers = [np.asarray(v) for v in (2.0, 4.0, 9.0)]
    root = pb.compile(newton, fast=False)
    assert [float(root(a)) for a in numbers] == pytest.approx([2**0.5, 2.0, 3.0], rel=1e-9)
    along = lambda f: lambda a: pb.jvp(f, (a,), (xp.ones_like(a),))[1]
    f = lambda a: newton(a) ** 3 + xp.sin(newton(a))
    assert_same(along(f), (np.asarray(2.0),), shift=2.5)
    assert_same(along(along(f)), (np.asarray(2.0),), shift=2.5)


def test_reverse_mode_of_a_loop_with_a_condition_asks_for_its_length():
    with pytest.raises(TypeError, match=r"max_steps=, use pb.scan .* pb.implicit.fixed_point"):
        pb.compile(pb.grad(newton), fast=False)(np.asarray(2.0))
    f = lambda a: newton(a, max_steps=20) ** 3
    for order in (pb.grad, lambda f: pb.grad(pb.grad(f)), lambda f: pb.grad(pb.grad(pb.grad(f)))):
        assert_same(order(f), (np.asarray(2.0),), shift=2.5, rtol=1e-8)
    along = lambda a: pb.jvp(pb.grad(f), (a,), (xp.ones_like(a),))[1]
    assert_same(along, (np.asarray(2.0),), shift=2.5)


def test_max_steps_and_no_step():
    count = lambda n, most: pb.while_loop(lambda c: c < n, lambda c: c + 1, 0, max_steps=most)
    for most, expected in ((0, 0), (3, 3), (9, 5), (None, 5)):
        f = pb.compile(lambda n, most=most: count(n, most), fast=False)
        assert [int(f(np.asarray(5))), int(f(np.asarray(-1)))] == [expected, 0]
    squared = lambda x: pb.while_loop(lambda c: c[0] < 9, lambda c: c * c, x, max_steps=4)
    f = pb.compile(pb.grad(lambda x: xp.sum(squared(x))), fast=False)
    for x, powers in ((X + 9, 1), (X - X + 3, 2), (X - X + 2, 4)):
        np.testing.assert_allclose(f(x), powers * x ** (powers - 1))


def test_a_condition_on_every_library(lib):
    x = lib.asarray(X)

    def f(x):
        last = pb.while_loop(
            lambda s: xp.sum(s[0]) < 40, lambda s: (s[0] * x * 3, s[1] + 1), (x, 0), max_steps=9
        )
        return xp.sum(last[0] ** 2)

    compiled = pb.compile(pb.value_and_grad(f), fast=False)
    for k in range(2):
        value, gradient = compiled(x + k)
        expected, other = pb.value_and_grad(f)(x + k)
        assert lib.is_raw(gradient)
        np.testing.assert_allclose(lib.to_numpy(gradient), lib.to_numpy(other), rtol=1e-12)
        np.testing.assert_allclose(pb.to_numpy(value), pb.to_numpy(expected), rtol=1e-12)


def test_a_loop_with_a_condition_within_a_scan_and_the_other_way_round():
    def f(x):
        def step(c, v):
            c = pb.while_loop(lambda c: xp.sum(c) < 9, lambda c: c * 1.5 + v * x[0], c, max_steps=8)
            return c / 4, xp.sum(c)

        last, rows = pb.scan(step, x, x)
        return xp.sum(last**2) + xp.sum(rows)

    def g(x):
        step = lambda c: pb.scan(lambda d, v: (d * v + x[1], d), c, x)[0] + 1
        return pb.while_loop(lambda c: c < 3, step, x[0], max_steps=20)

    for h in (f, g):
        assert_same(pb.grad(h), (X,))
        assert_same(pb.grad(lambda x, h=h: xp.sum(pb.grad(h)(x))), (X,))


def test_what_leaks_out_of_a_step_is_refused():
    def f(x):
        kept = []

        def step(c, v):
            kept.append(c * v)
            return c + v, None

        return pb.scan(step, x[0], x)[0] + kept[0]

    with pytest.raises(TraceError, match="recording that is over"):
        pb.compile(f, fast=False)(X)


def test_checkpoint_asks_for_nothing_that_is_not_there_anyway():
    f = lambda x: xp.sum(pb.scan(lambda c, v: (xp.sin(c * x), v), x, x, checkpoint=True)[0])
    g = lambda x: xp.sum(pb.scan(lambda c, v: (xp.sin(c * x), v), x, x)[0])
    compiled = pb.compile(pb.grad(f), fast=False)
    for k in range(2):
        np.testing.assert_allclose(compiled(X + k), pb.grad(g)(X + k), rtol=1e-12)
