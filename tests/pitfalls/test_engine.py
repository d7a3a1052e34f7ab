"""Where gradients go wrong in other libraries: mutation, foreign code, memory, depth, cancellation, indices, threads.

26 ways, collected from issue trackers, in four files; a test is named after its number.
"""

from __future__ import annotations

import gc
import math
import threading

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture
from ._pitfalls import grads, rows

xp = pb.xp


def test_15_mutation_between_forward_and_backward_is_never_a_wrong_number():
    x, w = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    _, pull = pb.vjp(lambda x: x * x * w + x @ w, x)
    expected = pull(np.ones(2))[0]
    x *= 7
    w *= 7
    np.testing.assert_array_equal(pull(np.ones(2))[0], expected)

    def f(y):
        out = y * y
        x[0] = 100.0
        return xp.sum(out)

    with pytest.raises(ValueError, match="read-only"):
        pb.grad(f)(x)
    assert x.flags.writeable


def test_15_the_caller_s_list_of_arrays_may_change():
    xs = [np.ones(2), np.ones(3)]

    def f(xs_):
        xs.pop()
        return xp.sum(xs_[0]) + 2 * xp.sum(xs_[1])

    g = pb.grad(f)(xs)
    assert [v.tolist() for v in g] == [[1.0, 1.0], [2.0, 2.0, 2.0]]


def _store(x):
    room = np.zeros(2)
    room[0] = x[0]
    return room[0]


ADVICE = r"pb\.stop_gradient|pb\.xp"


@pytest.mark.parametrize(
    "f",
    [
        _store,
        lambda x: math.sin(x[0]),
        lambda x: float(x[0]),
        lambda x: complex(x[0]),
        lambda x: x[0].item(),
        lambda x: np.asarray(x),
        lambda x: np.array([x[0], x[1]]),
        lambda x: np.add(x, x, out=np.zeros(2)),
        lambda x: np.zeros(2).__iadd__(x),
        lambda x: np.from_dlpack(x),
        lambda x: pb.to_numpy(x),
        lambda x: np.histogram(x),
    ],
    ids=[
        "ndarray[0]=",
        "math.sin",
        "float",
        "complex",
        "item",
        "asarray",
        "array-of-list",
        "out=",
        "+=",
        "dlpack",
        "to_numpy",
        "histogram",
    ],
)
def test_16_a_gradient_is_never_cut_silently(f):
    """Each of these would take the number and lose its derivative."""
    with pytest.raises((TypeError, ValueError)) as caught:
        pb.grad(lambda x: xp.sum(f(x)))(np.ones(2))
    texts = [str(caught.value), str(caught.value.__cause__)]
    assert any("pb.stop_gradient" in t or "pb.xp" in t for t in texts), texts


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (np.sin, np.cos([0.3, 0.4])),
        (lambda x: np.exp(x) + np.absolute(x), np.exp([0.3, 0.4]) + 1),
        (lambda x: np.array([2.0, 3.0]) * x, [2.0, 3.0]),
        (lambda x: np.array([2.0, 3.0]) @ x, [2.0, 3.0]),
        (lambda x: np.float64(2) * x + np.float32(1), [2.0, 2.0]),
        (lambda x: np.float64(1) - x, [-1.0, -1.0]),
        (lambda x: np.maximum(x, 0.35), [0.0, 1.0]),
    ],
    ids=[
        "sin",
        "exp and absolute",
        "ndarray *",
        "ndarray @",
        "NumPy scalars",
        "scalar on the left",
        "maximum",
    ],
)
def test_16_numpy_s_own_functions_give_the_right_answer(f, expected):
    np.testing.assert_allclose(
        pb.grad(lambda x: xp.sum(f(x)))(np.array([0.3, 0.4])), expected, rtol=1e-14
    )


@pytest.mark.usefixtures("only_new_objects")
def test_19_four_iterations_without_gc_grow_by_nothing():

    x = np.ones((10, 10))
    step = lambda: pb.grad(lambda x: xp.sum(xp.tanh(x @ x)))(x)
    step()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(4):
            step()
        assert len(gc.get_objects()) == before
    finally:
        gc.enable()


def test_20_depth_beyond_the_recursion_limit():
    import sys

    n = 3 * sys.getrecursionlimit()

    def f(x):
        for _ in range(n):
            x = xp.sin(x) + x
        return x

    assert np.isfinite(pb.grad(lambda x: f(x) * 0.0 + x)(0.0))


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    rows(
        (
            "tanh",
            "tanh",
            xp.tanh,
            [20.0, -20.0, 300.0, 0.0],
            [4 * math.exp(-40), 4 * math.exp(-40), 4 * math.exp(-600), 1],
        ),
        (
            "sigmoid",
            "sigmoid",
            xp.sigmoid,
            [-40.0, 40.0, -700.0, 0.0],
            [math.exp(-40), math.exp(-40), math.exp(-700), 0.25],
        ),
        (
            "softplus",
            "softplus",
            xp.softplus,
            [-40.0, 40.0, -700.0, 0.0],
            [math.exp(-40), 1, math.exp(-700), 0.5],
        ),
        ("log1p", "log1p", xp.log1p, [1e-20, 1e300], [1, 1e-300]),
        ("expm1", "expm1", xp.expm1, [1e-20, -50.0], [1, math.exp(-50)]),
        ("abs of large complex", "abs", xp.abs, [1e200 + 1e200j], [(1 + 1j) / math.sqrt(2)]),
        ("abs of tiny complex", "abs", xp.abs, [1e-300 + 1e-300j], [(1 + 1j) / math.sqrt(2)]),
        ("sqrt of tiny", "sqrt", xp.sqrt, [1e-300], [0.5e150]),
        ("divide large", "divide", lambda x: 1.0 / x, [1e200], [-0.0]),
    ),
)
def test_21_no_digits_are_cancelled(f, x, expected):
    with np.errstate(under="ignore"):
        np.testing.assert_allclose(grads(f, x)[0], expected, rtol=1e-13)


def test_21_second_derivatives_in_the_tails():
    """tanh'' = −2 tanh sech², σ'' = σ' (1 − 2σ)."""
    second = lambda f: pb.grad(lambda x: xp.sum(pb.grad(lambda y: xp.sum(f(y)))(x)))
    x = np.array([20.0, -20.0, 0.5])
    sech2 = 1 / np.cosh(x) ** 2
    np.testing.assert_allclose(second(xp.tanh)(x), -2 * np.tanh(x) * sech2, rtol=1e-12)
    s = 1 / (1 + np.exp(-x))
    slope = 0.25 / np.cosh(x / 2) ** 2
    np.testing.assert_allclose(second(xp.sigmoid)(x), slope * (1 - 2 * s), rtol=1e-12)
    np.testing.assert_allclose(second(xp.softplus)(x), slope, rtol=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "by_a", "by_b"),
    [
        (-np.inf, -np.inf, 0.0, 0.0),
        (-np.inf, 1.0, 0.0, 1.0),
        (np.inf, 1.0, None, None),
        (1000.0, 1000.0, 0.5, 0.5),
        (-1000.0, 1000.0, 0.0, 1.0),
        (0.0, -40.0, 1.0, math.exp(-40)),
    ],
)
def test_21_logaddexp_at_the_ends(a, b, by_a, by_b):
    g, h = grads(xp.logaddexp, [a], [b])
    assert not np.isnan([*g, *h]).any()
    if by_a is not None:
        np.testing.assert_allclose([*g, *h], [by_a, by_b], rtol=1e-13)


@pytest.mark.parametrize(
    ("x", "value", "weights"),
    [
        ([-np.inf, -np.inf], -np.inf, [0.0, 0.0]),
        ([-np.inf, 2.0], 2.0, [0.0, 1.0]),
        ([1e4, 1e4], 1e4 + math.log(2), [0.5, 0.5]),
        ([-1e4, 1e4], 1e4, [0.0, 1.0]),
        ([-1e308, -1e308], -1e308, [0.5, 0.5]),
    ],
)
def test_21_logsumexp_at_the_ends(x, value, weights):
    with np.errstate(divide="ignore"):  # log 0 is −inf, and that is the answer
        got, g = pb.value_and_grad(xp.logsumexp)(np.array(x))
    assert got == value
    np.testing.assert_allclose(g, weights, rtol=1e-12)


def test_22_repeated_indices_accumulate_in_reading_and_only_the_last_write_counts():
    x, key = np.array([1.0, 2.0, 3.0]), np.array([0, 0, 2, 0])
    np.testing.assert_array_equal(
        pb.grad(lambda x: xp.sum(x[key] * np.array([1.0, 10.0, 100.0, 1000.0])))(x), [1011, 0, 100]
    )

    def write(x, v):
        x[key] = v
        return xp.sum(x * np.array([1.0, 10.0, 100.0]))

    by_x, by_v = pb.grad(write, argnums=(0, 1))(x, np.array([5.0, 6.0, 7.0, 8.0]))
    np.testing.assert_array_equal(by_x, [0.0, 10.0, 0.0])
    np.testing.assert_array_equal(by_v, [0.0, 0.0, 100.0, 1.0])


def test_22_einsum_with_a_repeated_index_scatters_to_the_diagonal():
    np.testing.assert_array_equal(
        pb.grad(lambda A: xp.sum(xp.einsum("ii->i", A)))(np.ones((3, 3))), np.eye(3)
    )


def test_24_two_gradients_never_share_a_buffer_and_come_back_usable():
    x = np.asfortranarray(np.ones((3, 4)))
    g, h, k = pb.grad(
        lambda a, b, c: xp.sum(a + b) + xp.sum((c.T @ np.ones((3, 2))).T), argnums=(0, 1, 2)
    )(x, x, x)
    for one in (g, h, k):
        assert one.flags.c_contiguous
        assert one.flags.writeable
        assert one.flags.owndata
    for one, other in ((g, h), (g, k), (h, k), (g, x)):
        assert not np.shares_memory(one, other)


@pytest.mark.skipif(
    not hasattr(pb, "random"), reason="pb.random, which dropout will draw from, is not there yet"
)
def test_25_random_functions_draw_the_same_in_recomputation():
    key = pb.random.key(0)
    f = lambda x: xp.sum(x * pb.random.normal(key, x.shape))
    np.testing.assert_array_equal(pb.grad(pb.checkpoint(f))(np.ones(3)), pb.grad(f)(np.ones(3)))


def test_26_threads_do_not_see_each_other_s_tapes():
    """Each thread's leaf is a constant in the other's gradient."""
    shared, ready, results = {}, threading.Barrier(2), {}

    def work(me: str, other: str):
        def f(x):
            shared[me] = x
            ready.wait(timeout=10)
            y = xp.sum(x * x)
            ready.wait(timeout=10)
            return y + 0 * len(shared[other].shape)

        results[me] = pb.grad(f)(np.full(2, 1.0 if me == "a" else 10.0))

    threads = [threading.Thread(target=work, args=names) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(results["a"], [2.0, 2.0])
    np.testing.assert_array_equal(results["b"], [20.0, 20.0])


def test_26_exceptions_leave_no_tape_open():
    seen = []

    def f(x):
        seen.append(x)
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        pb.grad(f)(np.ones(2))
    assert not seen[0].traced
    assert not (seen[0] * 2).traced
    np.testing.assert_array_equal(pb.grad(lambda x: xp.sum(x * seen[0]))(np.ones(2)), [1.0, 1.0])
