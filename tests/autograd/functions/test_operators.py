"""The operators of Array, in both orders, with every kind of operand."""

from __future__ import annotations

import operator as op

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.defvjp import library_defvjp
from pullback.autograd.core.registry import find

from ..._host import A, N, numpy_is_active, same  # noqa: F401 - one is a fixture

xp = pb.xp

FLOAT_OPERATORS = [
    op.add,
    op.sub,
    op.mul,
    op.truediv,
    op.floordiv,
    op.mod,
    op.lt,
    op.le,
    op.gt,
    op.ge,
    op.eq,
    op.ne,
]
INTEGER_OPERATORS = [
    op.and_,
    op.or_,
    op.xor,
    op.lshift,
    op.rshift,
    op.add,
    op.mul,
    op.floordiv,
    op.mod,
]


@pytest.mark.parametrize("f", FLOAT_OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "other",
    [2.5, 2, np.float64(2.5), np.array(2.5), np.array([2.0, 0.5, 3.0]), np.ones((2, 3))],
    ids=["float", "int", "NumPy scalar", "0-d", "ndarray", "matrix"],
)
def test_operators_in_both_orders(f, other):
    x = xp.asarray(A)
    same(f(x, other), f(A, other))
    same(f(other, x), f(other, A) if not np.isscalar(other) else f(np.asarray(other, float), A))
    if isinstance(other, np.ndarray):
        same(f(x, xp.asarray(other)), f(A, other))


@pytest.mark.parametrize("f", INTEGER_OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", [2, np.array([1, 2, 3])], ids=["int", "ndarray"])
def test_integer_operators_in_both_orders(f, other):
    x, host = xp.asarray(np.abs(N)), np.abs(N)
    same(f(x, other), f(host, other))
    same(f(other, x), f(other, host))


@pytest.mark.parametrize("f", [op.neg, op.pos, op.abs], ids=lambda f: f.__name__)
def test_unary_operators(f):
    same(f(xp.asarray(A)), f(A))
    same(f(xp.asarray(N)), f(N))


def test_powers_products_and_inversion():
    x = xp.asarray(A)
    same(x**2, A**2)
    same(2.0**x, 2.0**A)
    same(np.abs(A) ** x, np.abs(A) ** A)
    same(x @ A, A @ A)
    same(np.ones((2, 3)) @ x, np.ones((2, 3)) @ A)
    same(~xp.asarray([True, False]), [False, True])
    same(~xp.asarray(N), ~N)
    same(xp.asarray([True, False]) & np.array([True, True]), [True, False])


@pytest.mark.parametrize(
    "f", [op.add, op.sub, op.mul, op.truediv, op.pow], ids=lambda f: f.__name__
)
@pytest.mark.parametrize(
    "other",
    [1.7, np.float64(1.7), np.array([1.7, 0.6]), np.array(1.7)],
    ids=["float", "scalar", "ndarray", "0-d"],
)
def test_traced_operators_in_both_orders(f, other):
    x = np.array([0.8, 1.4])
    pb.check_grads(lambda x: f(x, other), (x,), order=2)
    pb.check_grads(lambda x: f(other, x), (x,), order=2)
    pb.check_grads(lambda x: f(x, xp.asarray(other)), (x,), order=1)


def test_traced_matmul_in_both_orders():
    M = np.array([[1.0, 2.0], [3.0, 4.0]])
    pb.check_grads(lambda x: x @ M, (M,), order=2)
    pb.check_grads(lambda x: M @ x, (M,), order=2)
    pb.check_grads(lambda x: x @ x.T @ x.mT, (M,), order=2)


@pytest.mark.parametrize("f", [op.lt, op.le, op.gt, op.ge, op.eq, op.ne], ids=lambda f: f.__name__)
def test_comparisons_of_traced_arrays_are_untraced(f):
    seen = []

    def g(x):
        for y in (f(x, 1.0), f(1.0, x), f(x, x), f(np.ones(2), x)):
            seen.append(y)
            assert y.dtype == bool
            assert not y.traced
        return xp.sum(x)

    pb.grad(g)(np.array([0.5, 1.0]))
    np.testing.assert_array_equal(pb.to_numpy(seen[0]), f(np.array([0.5, 1.0]), 1.0))


@pytest.mark.parametrize(
    "other", ["text", ["a"], {}, object()], ids=["str", "list of str", "dict", "object"]
)
def test_operators_refuse_what_is_no_array(other):
    with pytest.raises(TypeError):
        xp.asarray(A) + other
    with pytest.raises(TypeError):
        other * xp.asarray(A)


REALS = [np.int8, np.uint8, np.int64, np.float16, np.float32, np.float64]
MIXED = {
    "add": op.add, "subtract": op.sub, "multiply": op.mul, "divide": op.truediv, "power": op.pow, "maximum": xp.maximum,
    "hypot": xp.hypot, "atan2": xp.atan2, "logaddexp": xp.logaddexp, "remainder": op.mod,
}  # fmt: skip


@pytest.mark.parametrize("f", MIXED.values(), ids=MIXED)
@pytest.mark.parametrize("traced", [np.float32, np.float64])
def test_constants_of_every_dtype_on_either_side(f, traced):
    """The gradient has the traced array's dtype, and the numbers of a computation in float64."""
    x = np.array([0.7, 1.6])
    for constant in REALS:
        c = np.array([2, 3], constant)
        for call in (lambda x, c: f(x, c), lambda x, c: f(c, x)):
            g = pb.grad(lambda x, call=call, c=c: xp.sum(1.5 * call(x, c)))(x.astype(traced))
            wide = pb.grad(lambda x, call=call, c=c: xp.sum(1.5 * call(x, c.astype(float))))(x)
            assert g.dtype == traced
            np.testing.assert_allclose(g, wide, rtol=2e-2 if constant == np.float16 else 1e-4)


@pytest.mark.parametrize("name", ["multiply", "divide", "power"])
@pytest.mark.parametrize("traced", [np.complex64, np.complex128])
def test_real_constants_beside_complex_arrays(name, traced):
    z = np.array([0.7 + 0.2j, 1.6 - 1j])
    for constant in REALS:
        c = np.array([2, 3], constant)
        g = pb.grad(lambda z, c=c: xp.real(xp.sum(MIXED[name](z, c))))(z.astype(traced))
        wide = pb.grad(lambda z, c=c: xp.real(xp.sum(MIXED[name](z, c.astype(float)))))(z)
        assert g.dtype == traced
        np.testing.assert_allclose(g, wide, rtol=2e-2 if constant == np.float16 else 1e-4)


# ── operands of other classes ─────────────────────────────────────────────────────────────────


class Quantity:
    """A class of somebody else's, with operators that take arrays."""

    __array_ufunc__ = None
    __hash__ = None

    def __init__(self, value):
        self.value = value


def _answer(symbol):
    return lambda self, other: (symbol, type(other))


SYMBOLS = {
    op.add: "radd", op.sub: "rsub", op.mul: "rmul", op.truediv: "rtruediv", op.floordiv: "rfloordiv", op.mod: "rmod",
    op.pow: "rpow", op.matmul: "rmatmul", op.and_: "rand", op.or_: "ror", op.xor: "rxor", op.lshift: "rlshift",
    op.rshift: "rrshift", op.lt: "gt", op.le: "ge", op.gt: "lt", op.ge: "le", op.eq: "eq", op.ne: "ne",
    op.iadd: "radd", op.imul: "rmul",
}  # fmt: skip
for _symbol in SYMBOLS.values():
    setattr(Quantity, f"__{_symbol}__", _answer(_symbol))


class Refusing:
    """A class whose reflected operator refuses arrays."""

    def __radd__(self, other):
        return NotImplemented


@pytest.mark.parametrize("f", SYMBOLS, ids=lambda f: f.__name__)
def test_another_class_has_its_turn(f):
    x = xp.asarray([1, 2])
    assert f(x, Quantity(2.0)) == (SYMBOLS[f], pb.Array)
    answers = []

    def traced(x):
        answers.append(f(x, Quantity(2.0)))
        return xp.sum(x)

    pb.grad(traced)(A)
    assert answers == [(SYMBOLS[f], pb.Array)]


def test_where_no_class_takes_the_other_it_is_an_error_that_says_what_to_do():
    x = xp.asarray(A)
    with pytest.raises(TypeError, match=r"unsupported operand type.*'Array' and 'Refusing'"):
        x + Refusing()  # Python's own error: both were asked
    for wrong in (lambda: x - Refusing(), lambda: Refusing() - x, lambda: xp.add(x, Quantity(2.0))):
        with pytest.raises(TypeError, match=r"is not an array; convert it by pb.xp.asarray\(x\)"):
            wrong()
    for builtin in ("ab", {1}, b"a"):  # a string would repeat itself, x times
        with pytest.raises(TypeError, match=r"is not an array"):
            xp.asarray(2) * builtin
        with pytest.raises(TypeError, match=r"is not an array"):
            builtin * xp.asarray(2)
    with pytest.raises(TypeError, match=r"builtins\.object is not an array"):
        x == object()  # noqa: B015 - not False by identity


BINARY = [
    op.add, op.sub, op.mul, op.truediv, op.floordiv, op.mod, op.pow,
    op.matmul, op.lt, op.le, op.gt, op.ge, op.eq, op.ne,
]  # fmt: skip


@pytest.mark.parametrize("f", BINARY)
@pytest.mark.parametrize("sequence", [[1.0, 2.0, 3.0], (2, 1, 2)])
def test_lists_and_tuples_are_arrays_to_operators_as_to_numpy(f, sequence):
    x = xp.asarray(A)
    for left, right in ((x, sequence), (sequence, x)):
        got = f(left, right)
        wanted = f(*(A if side is x else side for side in (left, right)))
        np.testing.assert_array_equal(pb.to_numpy(got), wanted)
        assert got.dtype == wanted.dtype
    if f in BINARY[:8]:
        for g in (lambda x: f(x, sequence), lambda x: f(sequence, x)):
            pb.check_grads(g, (A + 0.25,))
    traced_elements = lambda x: xp.sum(x * [x[0], 1.0, x[1]])
    pb.check_grads(traced_elements, (A,))


def test_lists_are_arrays_in_compiled_functions():
    for f in (lambda x: x * [1.0, 2.0, 3.0] + (1, 2, 3), lambda x: [1.0, 2.0, 3.0] - x):
        np.testing.assert_array_equal(pb.to_numpy(pb.compile(f, fast=False)(A)), f(A))
        g = pb.grad(lambda x: xp.sum(f(x) ** 2))  # noqa: B023 - called in this round
        np.testing.assert_allclose(pb.compile(g, fast=False)(A), g(A))


def test_a_list_is_added_in_place():
    def f(x):
        y = x * 2.0
        y += [1.0, 2.0, 3.0]
        return xp.sum(y**2)

    pb.check_grads(f, (A,))


def test_operators_follow_a_new_rule():
    multiply = find("multiply")
    rules = {**multiply.shared, **multiply.rules}
    pb.defvjp("multiply", x1=lambda ct, x2: 10 * ct * x2, x2=lambda ct, x1: ct * x1)
    try:
        np.testing.assert_array_equal(pb.grad(lambda x: xp.sum(x * 2.0))(A), [20.0] * 3)
        np.testing.assert_array_equal(pb.grad(lambda x: xp.sum(A * x))(A), A)
        assert (xp.asarray([1.0]) * Quantity(2.0))[0] == "rmul"
    finally:
        library_defvjp("multiply", **rules)
    # the tests of batched sweeps and of tapes, which come later, are right for the library's own rule alone
    assert multiply.trusted
    assert multiply.batched
    np.testing.assert_array_equal(pb.grad(lambda x: xp.sum(x * 2.0))(A), [2.0] * 3)
