"""Writes through views, beside the programs of `test_views.py`: what is read-only, a copy, a number; memory; tapes."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import tracemalloc
import weakref

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._views import by_differences

xp = pb.xp


MADE_OF_RAW = {
    "reshape": lambda a: xp.reshape(a, (4,)),
    "transpose": lambda a: xp.permute_dims(a, (1, 0)),
    "flip": lambda a: xp.flip(a),
    "a part of a reshape": lambda a: xp.reshape(a, (4,))[1:],
}


@pytest.mark.parametrize("make", MADE_OF_RAW.values(), ids=MADE_OF_RAW)
def test_a_write_that_would_not_reach_a_raw_array_is_refused(make):
    def f(a):
        v = make(a)
        v *= 2.0
        return np.sum(a)

    for run in (f, pb.compile(f, fast=False)):
        with pytest.raises(ValueError, match=r"begin with pb\.xp\.asarray"):
            run(np.ones((2, 2)))
    y = xp.reshape(np.ones((2, 2)), (4,)) * 1.0
    y += 1.0  # of its own
    assert float(xp.sum(y)) == 8.0


@pytest.mark.parametrize(
    "make", [copy.copy, copy.deepcopy, lambda y: pickle.loads(pickle.dumps(y)), pb.stop_gradient]
)
def test_copies_are_arrays_of_their_own(make):
    y = xp.asarray([1.0, 2.0, 3.0])
    v = y[1:]
    of_view, of_base = make(v), make(y)
    v *= 10.0
    of_view[0] = -1.0
    of_base[2] = -1.0
    np.testing.assert_array_equal(pb.to_numpy(y), [1.0, 20.0, 30.0])
    np.testing.assert_array_equal(pb.to_numpy(of_view), [-1.0, 3.0])
    np.testing.assert_array_equal(pb.to_numpy(of_base), [1.0, 2.0, -1.0])


def test_at_stays_pure_and_the_caller_s_arrays_stay():
    host = np.array([1.0, 2.0, 3.0])
    y = xp.asarray(host)
    v = y[1:]
    z = v.at[0].set(9.0)
    y *= 2.0
    np.testing.assert_array_equal(pb.to_numpy(z), [9.0, 3.0])
    np.testing.assert_array_equal(pb.to_numpy(v), [4.0, 6.0])
    np.testing.assert_array_equal(host, [1.0, 2.0, 3.0])


def power(x):
    p = x
    for _ in range(3):
        p *= x
    return p


def test_numbers_are_immutable():
    """What a float, a NumPy scalar or a result without axes is: ``p *= x`` gives the name p another one."""
    assert pb.grad(power)(2.0) == 32.0
    assert pb.grad(pb.grad(power))(2.0) == 48.0
    assert pb.grad(pb.checkpoint(power))(np.float64(2.0)) == 32.0
    assert (
        pb.compile(pb.grad(lambda x: power(xp.sum(x))), fast=False)(np.array([1.5, 0.5]))[0] == 32.0
    )
    total = xp.sum(xp.asarray([1.0, 2.0]))
    best = total
    best += np.ones(2)
    assert float(total) == 3.0
    assert best.shape == (2,)


def test_arrays_without_axes_are_arrays():
    a = xp.asarray(1.0)
    b, v = a, a[...]
    b += 1.0
    v *= 3.0
    assert float(a) == 6.0
    assert pb.grad(power)(np.array(2.0)) == 8 * 2.0**7  # p and x are one array, squared three times


def test_the_level_below_is_not_changed_behind_a_tape():
    """A write to an array that an inner tape keeps, between its forward and its backward pass."""

    def cubes(u):
        _, pull = pb.vjp(lambda w: w * w * w, u)
        u *= 10.0
        return xp.sum(pull(np.ones(2))[0])

    def products(u):
        y = u * 1.0
        out, pull = pb.vjp(lambda w: xp.exp(w) * y, np.ones(2))
        y *= 10.0
        out *= 3.0
        return xp.sum(pull(np.ones(2))[0])

    def two(u):
        a, b = pb.grad(lambda a, b: xp.sum(u * (a + b)), argnums=(0, 1))(u, u)
        a *= 5.0
        return xp.sum(b * u)

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(pb.grad(cubes)(x), 6 * x)
    np.testing.assert_allclose(pb.grad(products)(x), np.exp([1.0, 1.0]))
    np.testing.assert_allclose(pb.grad(two)(x), 2 * x)


@pytest.mark.parametrize("wrap", [lambda f: f, pb.checkpoint], ids=["plain", "checkpoint"])
def test_a_function_writes_to_its_argument(wrap):
    @wrap
    def doubled(a):
        a *= 2.0
        a[0] = a[1]
        return xp.sum(a**2)

    def f(x):
        y = x * 1.0
        v = y[1:]
        return doubled(y) * xp.sum(y**2) + xp.sum(v**3)

    def by_hand(x):
        y = 2.0 * x
        y[0] = y[1]
        return np.sum(y**2) ** 2 + np.sum(y[1:] ** 3)

    x = np.array([0.5, 1.5, -1.0])
    value, gradient = pb.value_and_grad(f)(x)
    np.testing.assert_allclose(value, by_hand(x))
    np.testing.assert_allclose(gradient, by_differences(by_hand, x), rtol=1e-6)
    slope = pb.hvp(f, x, np.ones(3))
    e = 1e-6
    np.testing.assert_allclose(slope, (pb.grad(f)(x + e) - pb.grad(f)(x - e)) / (2 * e), rtol=1e-5)


def test_a_custom_rule_refuses_a_write_to_its_argument():
    def forward(x):
        x *= 2.0
        return x, None

    f = pb.custom_vjp(lambda x: 2.0 * x)
    f.defvjp(forward, lambda _, ct: (2.0 * ct,))
    with pytest.raises(TypeError, match="writes to an argument in place"):
        pb.grad(lambda x: xp.sum(f(x)))(np.ones(2))


def test_a_raw_array_that_a_tape_keeps_is_read_only_while_recorded():
    def f(x, c):
        def g(x):
            y = x * c
            c[0] = 5.0
            return np.sum(y**2)

        return pb.grad(g)(x)

    x = np.ones(2)
    with pytest.raises(ValueError, match="read-only"):
        f(x, np.ones(2))
    with pytest.raises(ValueError, match="read-only"):
        pb.compile(f, fast=False)(x, np.ones(2))


def test_a_compiled_program_asks_how_its_arguments_lie():
    def f(x):
        y = x * 1.0
        np.reshape(y, (-1,))[:2] *= 10.0
        return np.sum(y**2)

    x = np.arange(6.0).reshape(2, 3)
    compiled = pb.compile(pb.grad(f), fast=False)
    for y in (x, np.asfortranarray(x), x + 1.0, x.T, np.asfortranarray(x + 1.0)):
        np.testing.assert_allclose(compiled(y), pb.grad(f)(y))


def test_a_view_from_a_tape_that_is_over_says_so():
    kept = []

    def f(x):
        y = x * 1.0
        kept.extend([y, y[1:]])
        return xp.sum(y)

    pb.grad(f)(np.ones(3))
    base, view = kept
    with pytest.raises(ValueError, match="a derivative which is over"):
        view *= 2.0
    with pytest.raises(ValueError, match="a derivative which is over"):
        base *= 2.0
    np.testing.assert_array_equal(pb.to_numpy(base), np.ones(3))


FIRST_WRITE = """
import numpy as np, pullback as pb
xp = pb.xp

def f(x):
    y = x * 1.0
    a = y[1:][::-1]
    c = xp.reshape(xp.reshape(y, (2, 2)).T, (-1,))  # a copy of a view that is gone
    d, e = c[:2], c[1:]
    del c
    b = xp.einsum("ii->i", xp.reshape(y, (2, 2)))
    y[2] = 5 * x[0]
    d *= 3.0
    b += 1.0
    return xp.sum(y**2 * x) + xp.sum(a**3) + xp.sum(e**2) + xp.sum(d)

x = np.array([1.0, 2.0, 3.0, -1.5])
first = TRANSFORM(f)(x)
np.testing.assert_allclose(pb.to_numpy(first), pb.to_numpy(TRANSFORM(f)(x)), rtol=1e-13)
print("same")
"""


@pytest.mark.parametrize(
    "transform", ["pb.grad", "pb.hessian", "lambda f: lambda x: f(xp.asarray(x))"]
)
def test_views_made_before_the_first_write_of_a_process(transform):
    code = FIRST_WRITE.replace("TRANSFORM", f"({transform})")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "same\n", done.stderr


# ── memory ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("only_new_objects")
def test_slices_are_forgotten_when_they_are_gone():
    y = xp.asarray(np.arange(8.0))
    y[0] = 1.0
    for _ in range(10):
        y[1:]
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for i in range(20_000):
            v = y[i % 4 :]
        for _ in range(20_000):
            v = v[::-1]
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()
    v[0] = 7.0
    assert 7.0 in y.value


@pytest.mark.usefixtures("only_new_objects")
def test_views_make_no_cycles():
    """Without the garbage collector, bases and views are freed as the last name goes."""
    gc.collect()
    gc.disable()
    try:
        y = xp.asarray(np.arange(6.0))
        views = [y[1:], xp.reshape(y, (2, 3)), xp.reshape(y, (2, 3))[0]]
        for v in views:
            v *= 2.0
        watched = [weakref.ref(a) for a in (y, *views)]
        del y, v
        views[0][0] = 4.0  # the base lives as long as a view
        assert float(views[1][0, 1]) == 4.0
        del views
        assert [r() for r in watched] == [None] * 4
    finally:
        gc.enable()


def _step(x):
    def f(x):
        y = x * 1.0
        rows = [y[i] for i in range(2)]
        for row in rows:
            row /= xp.sum(row)
        y.T[0] += rows[1][:2]
        return xp.sum(y**2)

    return pb.value_and_grad(f)(x)


@pytest.mark.usefixtures("only_new_objects")
def test_steps_that_write_leave_nothing_behind():
    x = np.ones((2, 3))
    for _ in range(300):
        _step(x)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            _step(x)
        before = len(gc.get_objects())
        for _ in range(200):
            _step(x)
        assert len(gc.get_objects()) - before <= 10
    finally:
        gc.enable()
