"""Tests of `autograd/core/dispatch.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from .test_defvjp import rules  # noqa: F401 - a fixture

xp = pb.xp


def test_a_missing_rule_names_function_and_argument():
    """And what to do; it never passes for a constant."""
    with pytest.raises(
        pb.MissingRuleError, match=r"where.*'condition'.*pb\.stop_gradient\(condition\).*pb\.defvjp"
    ):
        pb.grad(lambda x: xp.sum(xp.where(x, 1.0, x)))(np.ones(2))


def test_a_function_without_rules_raises_under_a_derivative_alone(rules):  # noqa: F811 - a fixture
    rules("tanh")
    assert float(xp.tanh(xp.asarray(0.0))) == 0.0
    with pytest.raises(pb.MissingRuleError, match=r"tanh\(x, /\).*'x'"):
        pb.grad(xp.tanh)(0.0)
    assert issubclass(pb.MissingRuleError, NotImplementedError)


def test_the_engine_sums_casts_and_takes_real_parts_for_rules(rules):  # noqa: F811 - a fixture
    """A rule may return what broadcasting made of its input, in another precision, or complex."""
    rules("add", x1=lambda ct: ct * (1 + 5j), x2=lambda ct: ct)
    g, _ = pb.grad(lambda a, b: xp.sum(xp.add(a, b)), argnums=(0, 1))(
        np.ones((2, 1), np.float32), np.ones((2, 3))
    )
    assert (g.shape, g.dtype) == ((2, 1), np.float32)
    np.testing.assert_array_equal(g, [[3.0], [3.0]])
