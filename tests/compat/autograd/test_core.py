"""Tests of `compat/autograd/core.py`."""

import numpy as np
import pytest

from pullback.compat.autograd import core, grad
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.tracer import trace


def test_a_graph_of_nodes_is_swept_by_hand():
    def f(x):
        y = anp.sin(x)
        return anp.sum(y * y + x)

    x = np.asarray([0.3, 0.7])
    _, end = trace(core.VJPNode.new_root(), f, x)
    assert np.allclose(core.backward_pass(1.0, end), grad(f)(x))
    _, end = trace(core.JVPNode.new_root(np.asarray([1.0, 2.0])), f, x)
    assert np.isclose(end.g, grad(f)(x) @ [1.0, 2.0])


def test_cotangents_are_added_with_a_flag():
    total, mutable = core.add_outgrads(None, 1.0)
    assert (total, mutable) == (1.0, False)
    assert core.add_outgrads((total, mutable), 2.0) == (3.0, False)
    assert core.sum_outgrads([np.ones(2), np.ones(2)]).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("old", ["defgrad", "defvjp"])
def test_rules_are_given_by_the_old_methods(old):
    @core.primitive
    def product(x, y):
        return x * y

    for i in (0, 1):
        rule = (
            (lambda ans, x, y, i=i: lambda g: g * (y, x)[i])
            if old == "defgrad"
            else (lambda g, ans, vs, gvs, x, y, i=i: g * (y, x)[i])
        )
        with pytest.warns(DeprecationWarning, match=r"extend\.defvjp"):
            getattr(product, old)(rule, argnum=i)
    assert grad(product, (0, 1))(2.0, 3.0) == (3.0, 2.0)


def test_zero_is_given_by_the_old_method():
    @core.primitive
    def ignored(x):
        return 0 * x

    with pytest.warns(DeprecationWarning, match=r"extend\.defvjp"):
        ignored.defvjp_is_zero([0])
    assert grad(ignored)(2.0) == 0.0
