"""Where gradients go wrong in other libraries: broadcasting, keywords, kinks, zeros, ties.

26 ways, collected from issue trackers, in four files; a test is named after its number.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture
from ._pitfalls import QUIET, grads, needs, rows

xp = pb.xp


@pytest.mark.parametrize(
    ("f", "shapes"),
    rows(
        (
            "where",
            "where",
            lambda a, b: xp.where(np.array([[True], [False]]), a, b),
            [(3,), (2, 1)],
        ),
        ("multiply", "multiply", lambda a, b: a * b, [(1, 3), (2, 1)]),
        (
            "batched solve, vector",
            "linalg.solve",
            lambda A, b: xp.linalg.solve(A + 9 * np.eye(3), b),
            [(2, 3, 3), (3,)],
        ),
        (
            "batched solve",
            "linalg.solve",
            lambda A, b: xp.linalg.solve(A + 9 * np.eye(3), b),
            [(3, 3), (4, 3, 1)],
        ),
        ("linear", "linear", xp.linear, [(4, 2, 3), (3, 5), (5,)]),
        ("clip", "clip", lambda x, lo, hi: xp.clip(x, lo, hi), [(2, 3), (3,), (2, 1)]),
    ),
)
def test_01_broadcasting_gives_exactly_the_input_s_shape_and_dtype(f, shapes):
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.float32):
        xs = [rng.uniform(-1, 1, s).astype(dtype) for s in shapes]
        for g, x in zip(grads(f, *xs), xs, strict=True):
            assert (type(g), g.shape, g.dtype) == (np.ndarray, x.shape, x.dtype)


@pytest.mark.parametrize(
    ("f", "reference"),
    rows(
        ("var", "var", lambda x: xp.var(x, correction=1.0), lambda x: np.var(x, ddof=1)),
        ("std", "std", lambda x: xp.std(x, correction=2), lambda x: np.std(x, ddof=2)),
        ("sum", "sum", lambda x: xp.sum(x, dtype=xp.float32), lambda x: np.sum(x)),
        ("prod", "prod", lambda x: xp.prod(x, dtype=xp.float64), np.prod),
        ("roll", "roll", lambda x: xp.roll(x, 1, axis=-1)[0] ** 2, lambda x: np.roll(x, 1)[0] ** 2),
    ),
)
def test_02_keywords_are_honoured(f, reference):
    x, eps = np.array([1.0, 2.0, 4.0, 5.0]), 1e-5
    numeric = [(reference(x + d) - reference(x - d)) / (2 * eps) for d in eps * np.eye(4)]
    np.testing.assert_allclose(pb.grad(f)(x), numeric, rtol=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: xp.sum(x, ddof=1),
        lambda x: xp.mean(x, dtype=xp.float32),
        lambda x: xp.exp(x, out=x),
        lambda x: xp.add(x1=x, x2=x),
        lambda x: xp.concat((x, x), dim=0),
        lambda x: xp.reshape(x, (2,), order="F"),
    ],
)
def test_02_keywords_that_are_not_the_standard_s_are_refused(call):
    with pytest.raises(TypeError, match="argument"):
        pb.grad(lambda x: xp.sum(call(x)))(np.ones(2))


def test_02_astype_copy():
    x = np.ones(2)
    for copy in (True, False):
        assert pb.grad(lambda x, c=copy: xp.sum(3 * xp.astype(x, xp.float64, copy=c)))(
            x
        ).tolist() == [3.0, 3.0]
    fresh = pb.to_numpy(xp.astype(x, xp.float64, copy=True))
    assert not np.shares_memory(fresh, x)


def test_03_where_of_a_singular_branch_is_nan_and_the_double_where_is_right():
    x = np.array([-1.0, 0.0, 2.0])
    with np.errstate(**QUIET):
        composed = pb.grad(lambda x: xp.sum(xp.where(x > 0, xp.log(x), 0.0)))(x)
    assert np.isnan(composed[1]) or composed[1] == 0  # 0/0 by the chain rule; documented
    assert composed[2] == 0.5

    def double(x):
        good = x > 0
        return xp.sum(xp.where(good, xp.log(xp.where(good, x, 1.0)), 0.0))

    np.testing.assert_array_equal(pb.grad(double)(x), [0.0, 0.0, 0.5])


ORDS = [2, 1, 3, 0.5, np.inf, -np.inf, -1, -2, 0]


@needs("linalg.vector_norm")
@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_04_vector_norms_at_zero_have_subgradient_zero(order, dtype):
    x = np.zeros(3, dtype)
    for settings in ({}, {"axis": 0}, {"keepdims": True}):
        g = pb.grad(lambda x, s=settings: xp.sum(xp.linalg.vector_norm(x, ord=order, **s)))(x)
        np.testing.assert_array_equal(g, x)


@needs("linalg.matrix_norm")
@pytest.mark.parametrize("order", ["fro", "nuc", 1, 2, np.inf])
def test_04_matrix_norms_at_zero_have_subgradient_zero(order):
    x = np.zeros((2, 3))
    np.testing.assert_array_equal(pb.grad(lambda x: xp.linalg.matrix_norm(x, ord=order))(x), x)


@pytest.mark.parametrize(
    ("f", "n"),
    rows(
        ("std", "std", lambda x: xp.std(x), 3),
        ("hypot", "hypot", lambda x: xp.hypot(x[0], x[1]), 2),
        ("atan2", "atan2", lambda x: xp.atan2(x[0], x[1]), 2),
    ),
)
def test_04_std_hypot_and_atan2_at_zero_are_finite(f, n):
    np.testing.assert_array_equal(pb.grad(f)(np.zeros(n)), np.zeros(n))


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    rows(
        ("abs at 0", "abs", xp.abs, [0.0, -0.0, -2.0], [0, 0, -1]),
        ("abs at complex 0", "abs", xp.abs, [0j, 3 + 4j], [0, 0.6 + 0.8j]),
        ("relu at 0", "relu", xp.relu, [0.0, -0.0, 1e-300], [0, 0, 1]),
        (
            "clip",
            "clip",
            lambda x: xp.clip(x, 0.0, 1.0),
            [-1.0, 0.0, 0.5, 1.0, 2.0],
            [0, 1, 1, 1, 0],
        ),
        ("maximum(x, x)", "maximum", lambda x: xp.maximum(x, x), [1.0, -2.0], [1, 1]),
        ("minimum(x, x)", "minimum", lambda x: xp.minimum(x, x), [1.0, -2.0], [1, 1]),
        (
            "maximum with an equal number",
            "maximum",
            lambda x: xp.maximum(x, 1.0),
            [1.0, 2.0, 0.0],
            [0.5, 1, 0],
        ),
        ("max", "max", lambda x: xp.max(x), [3.0, 1.0, 3.0], [0.5, 0, 0.5]),
        (
            "max by rows",
            "max",
            lambda x: xp.max(x, axis=1),
            [[1.0, 1.0], [0.0, 2.0]],
            [[0.5, 0.5], [0, 1]],
        ),
        ("min", "min", lambda x: xp.min(x, axis=0), [[1.0, 1.0], [1.0, 2.0]], [[0.5, 1], [0.5, 0]]),
        ("max of infinities", "max", lambda x: xp.max(x), [np.inf, np.inf, 0.0], [0.5, 0.5, 0]),
    ),
)
def test_05_kinks_and_ties(f, x, expected):
    np.testing.assert_allclose(grads(f, x)[0], expected, rtol=1e-15)


def test_05_ties_are_counted_without_overflow():
    """Half precision counts no further than 65504."""
    g = pb.grad(xp.max)(np.ones(70_000, np.float16))
    assert g.dtype == np.float16
    np.testing.assert_allclose(g, 1 / 70_000, rtol=0.05)


@needs("prod")
@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [2.0, 3.0, 4.0], [0.0]])
def test_06_prod_with_zeros(x):
    x = np.array(x)
    exclusive = [np.prod(np.delete(x, i)) for i in range(x.size)]
    np.testing.assert_allclose(pb.grad(xp.prod)(x), exclusive)
    pb.check_grads(xp.prod, (x,), order=2)


@needs("cumulative_prod")
@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0, 5.0], [0.0, 0.0, 3.0], [2.0, 3.0, 4.0]])
def test_06_cumulative_prod_with_zeros(x):
    pb.check_grads(xp.cumulative_prod, (np.array(x),), order=2)


@pytest.mark.parametrize(
    ("x", "y", "by_base", "by_exponent"),
    [
        (0.0, 0.0, 0.0, None),  # 0**0 is 1 whatever the base
        (0.0, 1.0, 1.0, 0.0),
        (0.0, 2.0, 0.0, 0.0),
        (0.0, 3.5, 0.0, 0.0),
        (2.0, 0.0, 0.0, math.log(2)),
        (-2.0, 3.0, 12.0, None),
        (-2.0, 2.0, -4.0, None),
        (-2.0, -1.0, -0.25, None),
    ],
)
def test_06_pow_at_base_zero_and_below(x, y, by_base, by_exponent):
    base, exponent = np.array([x]), np.array([y])
    for number in (exponent, y, int(y) if y == int(y) else y):
        got = pb.grad(lambda b, n=number: xp.sum(b**n))(base)
        np.testing.assert_allclose(got, [by_base], rtol=1e-15)
    second = pb.grad(lambda b: xp.sum(pb.grad(lambda c: xp.sum(c**y))(b)))(base)
    np.testing.assert_allclose(
        second, [0.0 if y in (0, 1) else y * (y - 1) * x ** (y - 2)], rtol=1e-13
    )
    if by_exponent is not None:
        np.testing.assert_allclose(pb.grad(lambda n: xp.sum(base**n))(exponent), [by_exponent])
        np.testing.assert_allclose(pb.grad(lambda n: xp.sum(x**n))(exponent), [by_exponent])


@pytest.mark.parametrize("descending", [False, True])
def test_07_sort_follows_its_own_permutation(descending):
    x, w = np.array([2.0, 1.0, 2.0, 1.0, 0.0]), np.arange(5.0)
    g = pb.grad(lambda x: xp.sum(xp.sort(x, descending=descending) * w))(x)
    order = np.argsort(-x if descending else x, kind="stable")
    expected = np.zeros(5)
    expected[order] = w
    np.testing.assert_array_equal(g, expected)


def test_07_unique_scatters_to_first_occurrences():
    x = np.array([3.0, 1.0, 3.0, 2.0])
    g = pb.grad(lambda x: xp.sum(xp.unique_values(x) * np.array([1.0, 10.0, 100.0])))(x)
    np.testing.assert_array_equal(g, [100.0, 1.0, 0.0, 10.0])


@needs("take")
def test_07_duplicates_accumulate():
    g = pb.grad(lambda x: xp.sum(xp.take(x, np.array([1, 1, 0])) * np.array([1.0, 2.0, 4.0])))(
        np.ones(3)
    )
    np.testing.assert_array_equal(g, [4.0, 3.0, 0.0])
