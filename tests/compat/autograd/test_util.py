"""Tests of `compat/autograd/util.py` and of `compat/autograd/test_util.py`."""

from types import SimpleNamespace

import numpy as np
import pytest

from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd import test_util, util
from pullback.compat.autograd.extend import defjvp, defvjp, primitive


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(0)


def test_nodes_come_after_all_that_depend_on_them():
    def node(name, *parents):
        return SimpleNamespace(name=name, parents=parents, __hash__=None)

    class Named:
        def __init__(self, name, *parents):
            self.name, self.parents = name, parents

    root = Named("a")
    left, right = Named("b", root), Named("c", root)
    end = Named("d", left, right, right)
    order = [n.name for n in util.toposort(end)]
    assert order[0] == "d"
    assert order[-1] == "a"
    assert sorted(order) == ["a", "b", "c", "d"]
    assert util.func(node) is node


def test_the_quick_check_warns_and_checks():
    with pytest.warns(UserWarning, match="deprecated"):
        util.quick_grad_check(lambda x, y: x**2 * y, 1.0, (2.0,))


def wrong(rule):
    @primitive
    def doubled(x):
        return x * 2.0

    rule(doubled)
    return doubled


def test_a_wrong_pullback_is_found():
    f = wrong(lambda f: defvjp(f, lambda ans, x: lambda g: g * 2.001))
    with pytest.raises(AssertionError, match=r"\(VJP\) check of doubled failed"):
        test_util.check_grads(f, modes=["rev"])(1.0)


def test_a_wrong_pullback_of_a_pullback_is_found():
    @primitive
    def same(x):
        return x

    defvjp(same, lambda ans, x: lambda g: g * 1.001)
    f = wrong(lambda f: defvjp(f, lambda ans, x: lambda g: same(g) * 2))
    with pytest.raises(AssertionError, match=r"\(VJP\) check of vjp_doubled failed"):
        test_util.check_grads(f, modes=["rev"])(1.0)


def test_a_wrong_forward_derivative_is_found():
    f = wrong(lambda f: defjvp(f, lambda g, ans, x: g * 2.001))
    with pytest.raises(AssertionError, match="mismatch"):
        test_util.check_grads(f, modes=["fwd"])(1.0)


def test_values_of_different_spaces_are_not_equivalent():
    test_util.check_equivalent([1.0, np.ones(2)], [1.0, np.ones(2)])
    with pytest.raises(AssertionError, match="VSpace"):
        test_util.check_equivalent(np.ones(2), np.ones(3))
    with pytest.raises(AssertionError, match="Value"):
        test_util.check_equivalent(np.ones(2), np.zeros(2))


def test_modes_have_names():
    with pytest.raises(ValueError, match="fwd"):
        test_util.check_grads(anp.sin, modes=["forward"])(1.0)


def test_all_combinations_are_checked():
    seen = []

    def f(x, y, scale=1.0):
        seen.append((float(anp.shape(x) == ()), y, scale))
        return anp.sum(x) * y * scale

    test_util.combo_check(f, (0,), modes=["rev"], order=1)(
        [1.0, np.ones(2)], [2.0], scale=[1.0, 3.0]
    )
    assert set(seen) == {(a, 2.0, s) for a in (0.0, 1.0) for s in (1.0, 3.0)}
