"""Tests of `autograd/diagnostics/check_grads.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ..core.test_defvjp import rules  # noqa: F401 - a fixture

xp = pb.xp


WRONG = {
    "a factor": lambda ct, x, xp: 1.001 * ct * xp.cos(x),
    "a sign": lambda ct, x, xp: -ct * xp.cos(x),
    "another function": lambda ct, x, xp: ct * xp.cosh(x),
    "zero": lambda ct, xp: xp.zeros_like(ct),
    "one element": lambda ct, x, xp: ct * xp.where(x > 0.5, xp.cos(x), x),
    "NaN": lambda ct: ct * float("nan"),
}


@pytest.mark.parametrize("rule", WRONG.values(), ids=WRONG)
def test_check_grads_catches_wrong_rules(rules, rule):  # noqa: F811 - a fixture
    rules("sin", x=rule)
    with pytest.raises(AssertionError, match=r"order 1.*differences give .*\d.*VJP gives"):
        pb.check_grads(lambda x: xp.sin(x), (np.array([0.3, 0.7, -1.1]),))


def test_check_grads_catches_a_rule_that_is_wrong_at_second_order(rules):  # noqa: F811 - a fixture
    """A factor taken for a constant is right once and wrong twice."""
    rules("sin", x=lambda ct, x, xp: ct * xp.stop_gradient(xp.cos(x)))
    args = (np.array([0.3, 0.7, -1.1]),)
    pb.check_grads(lambda x: xp.sin(x), args, order=1)
    with pytest.raises(AssertionError, match="order 2"):
        pb.check_grads(lambda x: xp.sin(x), args, order=2)


def test_check_grads_catches_a_missing_conjugate(rules):  # noqa: F811 - a fixture
    rules("abs", x=lambda ct, x, out: x * (ct / out))
    with pytest.raises(AssertionError):
        pb.check_grads(lambda x: xp.abs(x), (np.array([1 + 2j, -0.5j]),))
    pb.check_grads(lambda x: xp.abs(x), (np.array([1.0, 0.5]),))


def test_check_grads_catches_one_wrong_argument_of_several(rules):  # noqa: F811 - a fixture
    rules("multiply", x1=lambda ct, x2: ct * x2, x2=lambda ct, x1: ct * x1 * 1.01)
    with pytest.raises(AssertionError):
        pb.check_grads(lambda x, y: xp.multiply(x, y), (np.array([1.0]), np.array([2.0])))


def test_check_grads_s_settings():
    f = lambda x: xp.where(
        x > 0, x * 1.0000001, x
    )  # relative error 1e-7 of the rule's, none of f's
    pb.check_grads(f, (np.array([1.0]),))
    with pytest.raises(AssertionError):
        pb.check_grads(
            lambda x: xp.floor(x), (np.array([1.0]),), eps=1e-3
        )  # a jump inside the step
    pb.check_grads(xp.exp, (np.array([0.5, 0.7], np.float32),), rtol=1e-2, atol=1e-2)
    pb.check_grads(
        lambda t: {"y": t["a"] * t["b"]}, ({"a": np.array([1.0, 2.0]), "b": 3.0},), order=2
    )


def test_every_library_in_check_grads(lib):
    pb.check_grads(
        lambda x, y: xp.sin(x) * y, (lib.asarray([0.3, 0.4]), lib.asarray([1.0, 2.0])), order=3
    )
