"""The table of elementwise functions: the name of each is that of its ufunc's values."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import pullback as pb
from pullback.autograd.compile.ir.elementwise import COMPARISONS, TABLE, simple_power
from pullback.backend.numpy import vjp_kernels

X = np.asarray([0.25, 0.5, 0.75])
NAMES = sorted(
    name for name, e in TABLE.items() if isinstance(e.ufunc, np.ufunc) and hasattr(pb.xp, name)
)


@pytest.mark.parametrize("name", NAMES)
def test_a_ufunc_has_the_values_of_its_function(name):
    """Integers where the function takes no other."""
    ufunc = TABLE[name].ufunc
    for x in (X, np.asarray([1, 2, 3]), np.asarray([True, False, True])):
        operands = (x + 1 if name == "acosh" else x,) * ufunc.nin  # acosh begins at 1
        try:
            expected = getattr(pb.xp, name)(*operands)
        except TypeError:
            continue
        assert_allclose(ufunc(*operands), expected, rtol=1e-12)
        return
    pytest.fail(f"{name} took no operands")


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_function_can_be_computed(name):
    assert TABLE[name].ufunc is not None or TABLE[name].text


@pytest.mark.parametrize("name", sorted(n for n, e in TABLE.items() if e.text))
def test_expressions_have_their_operands_and_nothing_else(name):
    text = TABLE[name].text
    operands = getattr(TABLE[name].ufunc, "nin", text.count("{"))
    filled = text.format(*["a"] * max(operands, 1))
    assert "{" not in filled
    assert "{0}" in text


def test_there_are_many():
    assert len(NAMES) > 20


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("exponent", [2, 3, 4, 3.0, 0.5])
def test_powers_that_are_products_have_the_values_of_numpys(exponent, dtype):
    """Within two units in the last place; overflow, underflow, zeros and NaN as NumPy has them."""
    x = np.asarray([-0.0, 0.0, 1.0, -3.0, 1.5, 1e-20, -1e15, np.inf, -np.inf, np.nan, 0.1])
    if dtype == "int64":
        x = np.asarray([-7, 0, 3, 2**40])
    if exponent == 0.5:
        x = abs(x)
    x = x.astype(np.result_type(np.dtype(dtype), exponent))
    op = SimpleNamespace(name="pow", args=(None, exponent))
    with np.errstate(all="ignore"):
        text = simple_power(op, "np.sqrt").format("x")
        wanted = x**exponent
        found = eval(text, {"np": np, "x": x})
    assert found.dtype == x.dtype
    rtol = 2 * np.finfo(x.dtype).eps if x.dtype.kind == "f" else 0
    assert_allclose(found, wanted, rtol=rtol)
    assert np.array_equal(np.signbit(found), np.signbit(wanted))
    assert simple_power(SimpleNamespace(name="multiply", args=(None, exponent))) == ""


def test_signed_and_unsigned_integers_are_compared_as_numbers():
    """Kernels compute in float64 where NumPy promotes to it, and there 2⁶³ − 1 and 2⁶³ are one number."""
    x, y = np.asarray([2**63 - 1, -1, 7]), np.asarray([2**63, 2**64 - 1, 7], np.uint64)

    def f(x, y):
        return [getattr(pb.xp, name)(x, y) for name in sorted(COMPARISONS)]

    compiled = pb.compile(f)
    for _ in range(2):
        for name, ours in zip(sorted(COMPARISONS), compiled(x, y), strict=True):
            assert np.array_equal(ours, getattr(np, name)(x, y))


def test_the_cotangent_of_the_larger_is_the_kernels_with_nan_too():
    """The expression beside the function that rules call: where an operand is NaN, neither takes any."""
    text = TABLE["chosen"].text.format("2.0", "a", "b")
    values = (-np.inf, 1.0, 3.0, np.inf, np.nan)
    a, b = (x.ravel() for x in np.meshgrid(values, values))
    ct = np.full(a.shape, 2.0)
    found = [eval(text, {"T": float, "a": x, "b": y}) for x, y in zip(a, b, strict=True)]
    assert found == vjp_kernels.chosen(ct, a, b).tolist()
