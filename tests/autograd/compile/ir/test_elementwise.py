"""The table of elementwise functions: the name of each is that of its ufunc's values."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import pullback as pb
from pullback.autograd.compile.ir.elementwise import TABLE

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
