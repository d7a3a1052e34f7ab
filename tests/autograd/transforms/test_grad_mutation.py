"""Changes between forward and backward: a right gradient or an error, never a wrong number."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core import tape

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


def test_grad_locks_its_inputs_while_it_runs():
    x = np.ones(3)

    def f(y):
        with pytest.raises(ValueError, match="read-only"):
            x[0] = 5.0
        return xp.sum(y * y)

    np.testing.assert_array_equal(pb.grad(f)(x), 2 * np.ones(3))
    x[0] = 5.0


def test_grad_leaves_locked_what_was_locked():
    x = np.ones(3)
    x.flags.writeable = False
    pb.grad(lambda y: xp.sum(y * y))(x)
    assert not x.flags.writeable


def test_one_array_as_two_arguments_is_locked_and_unlocked_once():
    x = np.ones(3)
    by_first, by_second = pb.grad(lambda a, b: xp.sum(a * b * b), argnums=(0, 1))(x, x)
    np.testing.assert_array_equal(by_first, np.ones(3))
    np.testing.assert_array_equal(by_second, 2 * np.ones(3))
    assert x.flags.writeable


@pytest.mark.parametrize("order", ["whole first", "view first", "views only"])
def test_views_of_one_buffer_are_unlocked_in_any_order(order):
    """NumPy refuses to unlock a view while its owner is locked."""
    x = np.ones(4)
    args = {"whole first": (x, x[:2]), "view first": (x[:2], x), "views only": (x[:2], x[2:])}[
        order
    ]
    g, h = pb.grad(lambda a, b: xp.sum(a * a) + 3 * xp.sum(b), argnums=(0, 1))(*args)
    np.testing.assert_array_equal(g, 2 * np.ones(args[0].size))
    np.testing.assert_array_equal(h, 3 * np.ones(args[1].size))
    assert all(a.flags.writeable for a in (x, *args))


def test_constants_are_writable_again_and_views_of_them_too():
    x, w = np.ones(3), np.full(6, 2.0)
    evens, reverse = w[::2], w[::-1][:3]
    for _ in range(2):
        g = pb.grad(
            lambda x: xp.sum(x * evens) + xp.sum(x * reverse) + xp.sum(x * w[:3]) + x @ w[3:]
        )(x)
        np.testing.assert_array_equal(g, np.full(3, 8.0))
        assert all(a.flags.writeable for a in (x, w, evens, reverse))


def test_vjp_copies_its_inputs():
    x, w = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    _, pull = pb.vjp(lambda x: x * x * w, x)
    x[:], w[:] = 99.0, 99.0
    np.testing.assert_array_equal(pull(np.ones(2))[0], [6.0, 16.0])


CONSTANTS = {
    "multiply": (lambda x, w: x * w, np.array([3.0, 4.0])),
    "multiply, stretched": (lambda x, w: x * w, np.array([[3.0], [4.0]])),
    "divide": (lambda x, w: x / w, np.array([3.0, 4.0])),
    "pow": (lambda x, w: x**w, np.array([3.0, 4.0])),
    "matmul": (lambda x, w: x @ w, np.array([[3.0, 1.0], [4.0, 2.0]])),
    "matmul, left": (lambda x, w: w @ x, np.array([[3.0, 1.0], [4.0, 2.0]])),
    "linear": (
        lambda x, w: xp.linear(w, xp.reshape(x, (2, 1)), np.zeros(1)),
        np.array([[3.0, 1.0], [4.0, 2.0]]),
    ),
    "where": (lambda x, w: xp.where(w, x, 0.0), np.array([True, False])),
    "getitem": (lambda x, w: x[w], np.array([1, 1])),
    "getitem, mask": (lambda x, w: x[w], np.array([True, False])),
    "setitem": (lambda x, w: _put(x * 1.0, w), np.array([1])),
    "take": (lambda x, w: xp.take(x, w), np.array([1, 1])),
    "maximum": (lambda x, w: xp.maximum(x, w), np.array([3.0, 0.0])),
    "cross-entropy": (
        lambda x, w: xp.softmax_cross_entropy(xp.reshape(x, (1, 2)), w),
        np.array([1]),
    ),
    "an Array over it": (lambda x, w: x * xp.asarray(w), np.array([3.0, 4.0])),
}


def _put(x, key):
    x[key] = 5.0
    return x


@pytest.mark.parametrize(("use", "constant"), CONSTANTS.values(), ids=CONSTANTS)
def test_a_constant_changed_after_its_use_is_right_or_an_error(use, constant):
    """A reused buffer, overwritten by the function itself between its use and the sweep (trap 15)."""
    x = np.array([1.0, 2.0])
    expected = pb.grad(lambda x: xp.sum(use(x, constant.copy())))(x)
    buffer = constant.copy()

    def f(x):
        y = use(x, buffer)
        buffer[...] = 0
        return xp.sum(y)

    try:
        g = pb.grad(f)(x)
    except ValueError:  # read-only, at the assignment
        g = expected
    np.testing.assert_allclose(g, expected)
    assert buffer.flags.writeable
    buffer[...] = constant
    _, pull = pb.vjp(lambda x: xp.sum(use(x, buffer)), x)
    buffer[...] = 0
    np.testing.assert_allclose(pull(1.0)[0], expected)


def test_in_place_changes_never_reach_the_caller_s_array():
    host = np.array([1.0, 2.0, 3.0])

    def f(x):
        x[0] = 10.0
        x += 1
        x *= 2
        return xp.sum(x * x)

    g = pb.grad(f)(host)
    np.testing.assert_array_equal(host, [1.0, 2.0, 3.0])
    np.testing.assert_allclose(g, [0.0, 8 * 3.0, 8 * 4.0])


def test_a_buffer_that_a_rule_kept_is_not_overwritten():
    def f(x):
        y = xp.exp(x)  # keeps its output
        z = y * 1.0
        y += 100.0
        y[0] = -1.0
        return xp.sum(z) + 0 * xp.sum(y)

    x = np.array([0.5, 1.0])
    np.testing.assert_allclose(pb.grad(f)(x), np.exp(x), rtol=1e-14)


@pytest.mark.parametrize("view", ["row", "whole", "diagonal of einsum"])
@pytest.mark.parametrize("outer", ["grad", "hessian", "value_and_grad"])
def test_a_view_of_what_an_outer_tape_has_locked(outer, view):
    """NumPy lets nobody write to a view before its base: it is unlocked after the outer derivative."""
    M = np.add.outer(np.arange(3.0), [0.5, 1.5, 4.0])
    part = {"row": M[1], "whole": M[:], "diagonal of einsum": np.einsum("ii->i", M)}[view]
    seen = []

    def f(x):
        y = M @ x
        inside = pb.grad(lambda a: xp.sum(xp.sin(a) * y))(part)
        seen.append((M.flags.writeable, part.flags.writeable))
        return xp.sum(inside * x)

    getattr(pb, outer)(f)(np.ones(3))
    assert seen == [(False, False)]
    assert M.flags.writeable
    assert part.flags.writeable
    part[...] = 0.0


def test_a_view_whose_base_stays_locked_waits_for_no_longer_than_it_lives():
    M = np.ones((2, 2))
    part = M[0]

    def f(x):
        M.setflags(write=False)
        return xp.sum(x * x)

    np.testing.assert_array_equal(pb.grad(f)(part), [2.0, 2.0])
    assert not part.flags.writeable  # as NumPy has it
    pb.grad(lambda x: xp.sum(x))(np.ones(2))
    assert len(tape._WAITING) == 1
    del part
    pb.grad(lambda x: xp.sum(x))(np.ones(2))
    assert not tape._WAITING
