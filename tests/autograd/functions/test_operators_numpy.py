"""Operators with NumPy's and others' arrays, and NumPy's numbers: right, or an error with advice."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import pullback as pb

xp = pb.xp
A = np.asarray([0.5, 1.5, 2.5])
B = np.asarray([[1.0, -2.0, 0.5], [2.0, 3.0, -1.5], [0.25, 1.0, 2.0]])


def tapped(f, *xs):
    """`f` of traced arrays, and whether its result is traced."""
    seen = []

    def g(*ys):
        out = f(*ys)
        seen.append(type(out) is pb.Array and out.traced)
        return xp.sum(out)

    return pb.grad(g, argnums=tuple(range(len(xs))))(*xs), seen[0]


# ── operators with NumPy's arrays, in either order ────────────────────────────────────────────

OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "@": operator.matmul, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
ON_INTEGERS = {
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
}


@pytest.mark.parametrize("op", OPERATORS.values(), ids=OPERATORS)
def test_operators_with_numpy_arrays(op):
    expected = op(A, B)
    for x, y in ((xp.asarray(A), xp.asarray(B)), (A, xp.asarray(B)), (xp.asarray(A), B)):
        out = op(x, y)
        assert type(out) is pb.Array
        assert out.dtype == expected.dtype
        np.testing.assert_array_equal(pb.to_numpy(out), expected)


@pytest.mark.parametrize("op", ON_INTEGERS.values(), ids=ON_INTEGERS)
def test_operators_on_integers(op):
    i, j = np.asarray([1, 6, 3]), np.asarray([2, 3, 1])
    for x, y in ((xp.asarray(i), xp.asarray(j)), (i, xp.asarray(j)), (xp.asarray(i), j)):
        out = op(x, y)
        assert type(out) is pb.Array
        np.testing.assert_array_equal(pb.to_numpy(out), op(i, j))


@pytest.mark.parametrize("name", ["+", "-", "*", "/", "**", "@", "%"])
def test_gradients_through_operators_with_numpy_arrays(name):
    op = OPERATORS[name]
    C = B + 3.0
    (both_a, both_c), _ = tapped(op, A, C)
    (alone_a,), traced_a = tapped(lambda a: op(a, C), A)
    (alone_c,), traced_c = tapped(lambda c: op(A, c), C)
    assert traced_a
    assert traced_c
    np.testing.assert_allclose(alone_a, both_a, rtol=1e-14)
    np.testing.assert_allclose(alone_c, both_c, rtol=1e-14)


@pytest.mark.parametrize("op", OPERATORS.values(), ids=OPERATORS)
def test_operators_with_other_libraries(op, lib):
    """On the left, and on the right where the other library defers (array_api_strict does not)."""
    a, b = lib.asarray(A), lib.asarray(B)
    pairs = [(xp.asarray(a), b), (xp.asarray(a), xp.asarray(b))]
    for x, y in pairs if lib.name == "array_api_strict" else [*pairs, (a, xp.asarray(b))]:
        out = op(x, y)
        assert type(out) is pb.Array
        np.testing.assert_allclose(lib.to_numpy(out.value), op(A, B))


def test_two_libraries_in_one_operation_are_an_error_that_names_both(lib):
    if lib.name == "numpy":
        pytest.skip("one library")
    x = xp.asarray(lib.asarray(A))
    for f in (lambda: x + A, lambda: A * x, lambda: xp.maximum(x, xp.asarray(A))):
        with pytest.raises(TypeError, match=f"(numpy.*{lib.says})|({lib.says}.*numpy)"):
            f()


# ── in place ──────────────────────────────────────────────────────────────────────────────────


def test_in_place_rebinds_and_writes_nowhere():
    host = A.copy()
    x = same = xp.asarray(host)
    before = x.value
    x += B[0]
    assert x is same
    assert before is host
    np.testing.assert_array_equal(host, A)
    np.testing.assert_array_equal(pb.to_numpy(x), A + B[0])
    x[1] = 7.0
    x[[0, 2]] = np.asarray([1.0, 2.0])
    np.testing.assert_array_equal(pb.to_numpy(x), [1.0, 7.0, 2.0])
    np.testing.assert_array_equal(host, A)


def test_in_place_keeps_shape_and_dtype():
    x = xp.ones(3, dtype=xp.float32)
    x *= np.float64(2)
    assert x.dtype == xp.float32
    with pytest.raises(ValueError, match="shape"):
        x += xp.ones((2, 3))
    i = xp.ones(3, dtype=xp.int64)
    with pytest.raises(TypeError, match="int64"):
        i /= 2
    with pytest.raises(TypeError, match="complex"):
        x[0] = 1j


# ── NumPy's numbers ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize(
    "number", [np.float64(2.5), np.float32(2.5), np.int64(2), np.complex64(1 + 2j), True]
)
def test_numpy_numbers_promote_as_in_numpy(dtype, number):
    host = A.astype(dtype)
    x = xp.asarray(host)
    for out, expected in (
        (x * number, host * number),
        (number * x, number * host),
        (number - x, number - host),
    ):
        assert type(out) is pb.Array
        assert out.dtype == expected.dtype
        np.testing.assert_array_equal(pb.to_numpy(out), expected)


def test_gradients_with_numpy_numbers():
    for f in (
        lambda x: np.float64(3) * x,
        lambda x: x * np.float32(3),
        lambda x: x * 3,
        lambda x: x / (1 / np.float64(3)),
    ):
        (g,), traced = tapped(f, A)
        assert traced
        np.testing.assert_allclose(g, [3.0, 3.0, 3.0], rtol=1e-15)
    assert pb.grad(lambda x: np.float64(2) * x**2)(np.float64(3.0)) == 12.0
