"""Operators with NumPy's and others' arrays, and NumPy's numbers and functions: right, or an error with advice."""

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


def test_numpy_arrays_in_place_take_constants_and_refuse_traced_arrays():
    host = A.copy()
    host += xp.asarray(B[0])
    assert type(host) is np.ndarray
    np.testing.assert_array_equal(host, A + B[0])

    def adds(x):
        total = np.zeros(3)
        total += x
        return xp.sum(total)

    def stores(x):
        total = np.zeros(3)
        total[0] = x[0]
        return xp.sum(xp.asarray(total))

    with pytest.raises(TypeError, match="stop_gradient"):
        pb.grad(adds)(A)
    with pytest.raises(
        ValueError, match="array element"
    ) as caught:  # NumPy's own, raised from ours
        pb.grad(stores)(A)
    assert "stop_gradient" in str(caught.value.__cause__)


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


# ── NumPy's functions ─────────────────────────────────────────────────────────────────────────

UFUNCS = sorted({u.__name__ for u in vars(np).values() if isinstance(u, np.ufunc)})
ROUTED = {
    "absolute": "abs", "arccos": "acos", "arctan2": "atan2", "conjugate": "conj", "power": "pow", "rint": "round",
    "sin": "sin", "exp": "exp", "multiply": "multiply", "matmul": "matmul", "maximum": "maximum", "hypot": "hypot",
}  # fmt: skip


def operands(ufunc):
    if ufunc.__name__ in ("matvec", "vecmat"):
        return [B, A] if ufunc.__name__ == "matvec" else [A, B]
    return [A / 3, B.T / 4][: ufunc.nin]


def try_ufunc(ufunc, *xs):
    """What it returns, or None for an error with advice."""
    try:
        return ufunc(*xs)
    except (TypeError, pb.MissingRuleError) as error:
        advice = str(error)
    assert "pb.xp" in advice or "pb.defvjp" in advice
    return None


@pytest.mark.parametrize("name", UFUNCS)
@np.errstate(all="ignore")
def test_every_ufunc_is_right_or_refuses(name):
    """Of a traced array, NumPy's value, traced; or an error with advice. Of a constant, NumPy's value."""
    ufunc = getattr(np, name)
    hosts = operands(ufunc)
    try:
        expected = ufunc(*hosts)
    except TypeError:
        pytest.skip("not for floating point")
    outs = []

    def f(*xs):
        out = try_ufunc(ufunc, *xs)
        outs.append(out)
        if out is None or not out.traced:
            assert out is None or not np.issubdtype(out.dtype, np.inexact)
            return xp.sum(xs[0])
        return xp.sum(out)

    pb.grad(f, argnums=tuple(range(len(hosts))))(*hosts)
    if name in ROUTED:
        assert outs[0] is not None
    if outs[0] is not None:
        np.testing.assert_allclose(np.asarray(outs[0]), expected, rtol=1e-14)
    got = ufunc(*(xp.asarray(a) for a in hosts))
    for y, wanted in zip(
        *((got, expected) if ufunc.nout > 1 else ([got], [expected])), strict=True
    ):
        np.testing.assert_allclose(np.asarray(y), wanted, rtol=1e-14)


@pytest.mark.parametrize(("name", "ours"), ROUTED.items())
def test_ufuncs_have_the_gradient_of_their_counterpart(name, ours):
    ufunc, function = getattr(np, name), getattr(xp, ours)
    hosts = [np.abs(B) / 4, np.abs(B.T) / 3 + 0.1][: ufunc.nin]
    got, traced = tapped(ufunc, *hosts)
    assert traced
    for g, wanted in zip(got, tapped(function, *hosts)[0], strict=True):
        np.testing.assert_array_equal(g, wanted)
    if ufunc.nin == 2:
        (g,), _ = tapped(lambda y: ufunc(hosts[0], y), hosts[1])
        np.testing.assert_array_equal(g, got[1])


FUNCTIONS = {
    "mean": lambda np, x: np.mean(x, axis=0), "sum": lambda np, x: np.sum(x, axis=1, keepdims=True),
    "var": lambda np, x: np.var(x), "concatenate": lambda np, x: np.concat([x, x], axis=1),
    "stack": lambda np, x: np.stack([x, 2 * x]), "where": lambda np, x: np.where(x > 0, x, 0 * x),
    "reshape": lambda np, x: np.reshape(x, (9,)), "clip": lambda np, x: np.clip(x, 0.0, 1.5),
    "broadcast_to": lambda np, x: np.broadcast_to(x, (2, 3, 3)), "tensordot": lambda np, x: np.tensordot(x, x, axes=1),
    "det": lambda np, x: np.linalg.det(x), "inv": lambda np, x: np.linalg.inv(x),
    "solve": lambda np, x: np.linalg.solve(x, 2 * x + 1), "sort": lambda np, x: np.sort(x, axis=0),
}  # fmt: skip


@pytest.mark.parametrize("call", FUNCTIONS.values(), ids=FUNCTIONS)
def test_numpy_functions_of_the_standard_s_names_and_signatures(call):
    (expected,), _ = tapped(lambda x: call(xp, x), B)
    (got,), traced = tapped(lambda x: call(np, x), B)
    assert traced
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    np.testing.assert_allclose(np.asarray(call(np, xp.asarray(B))), call(np, B), rtol=1e-12)


CUT = {
    "cumsum": lambda x: np.cumsum(x),
    "norm": lambda x: np.linalg.norm(x),
    "ddof": lambda x: np.std(x, ddof=1),
    "ufunc.reduce": lambda x: np.add.reduce(x),
    "ufunc.accumulate": lambda x: np.add.accumulate(x),
    "ufunc dtype=": lambda x: np.exp(x, dtype=np.float64),
    "median": lambda x: np.median(x),
    "positional axis": lambda x: np.sum(x, 0),
    "ptp": lambda x: np.ptp(x),
    "spacing": lambda x: np.spacing(x),
    "out=": lambda x: np.add(x, 1.0, out=np.zeros(3)),
}


@pytest.mark.parametrize("call", CUT.values(), ids=CUT)
def test_other_numpy_functions_work_on_constants_and_refuse_traced_arrays(call):
    with pytest.raises(TypeError, match=r"pb\.xp.*stop_gradient"):
        pb.grad(lambda x: xp.sum(call(x)))(A)
    np.testing.assert_array_equal(np.asarray(call(xp.asarray(A))), call(A))


def test_questions_of_shape_and_dtype_cut_nothing():
    def f(x):
        assert (np.shape(x), np.ndim(x), np.size(x)) == ((3, 3), 2, 9)
        assert np.isrealobj(x)
        assert not np.iscomplexobj(x)
        assert np.result_type(x, np.float32) == np.float64
        assert np.zeros_like(x).shape == (3, 3)
        return xp.sum(x)

    pb.grad(f)(B)


def test_a_buffer_of_ours_is_never_an_output():
    with pytest.raises(TypeError, match="out="):
        np.add(A, A, out=xp.zeros(3))
    with pytest.raises(TypeError, match="out="):
        np.cumsum(A, out=xp.zeros(3))
