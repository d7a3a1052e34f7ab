"""Tests of `compat/autograd/nodes.py`: graphs of calls with nodes of the user's own."""

import numpy as np
import pytest

from pullback.compat.autograd import grad, hessian
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.extend import primitive
from pullback.compat.autograd.tracer import Node, getval, isbox, trace


class Call(Node):
    """Keeps all that it is given."""

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        self.value, self.fun, self.args, self.kwargs = value, fun, args, kwargs
        self.parent_argnums, self.parents = parent_argnums, parents

    def initialize_root(self):
        self.parents, self.fun, self.parent_argnums = [], None, ()

    @property
    def name(self):
        return self.fun.__name__ if self.fun else "input"

    def replayed(self):
        return self.fun(*self.args, **self.kwargs)


def calls(node):
    return [name for parent in node.parents for name in calls(parent)] + [node.name]


def test_each_call_has_a_node_that_runs_it_again():
    value, node = trace(Call.new_root(), lambda x: anp.sin(x) * 2.0 + x, 1.0)
    assert np.isclose(value, 2 * np.sin(1.0) + 1.0)
    assert type(value) is np.float64
    assert calls(node) == ["input", "sin", "multiply", "input", "add"]
    assert node.replayed() == value
    assert node.parent_argnums == (0, 1)
    assert node.parents[0].args[1] == 2.0


def test_gradients_are_traced_as_what_they_do():
    _, node = trace(Call.new_root(), grad(lambda x: anp.sin(x)), 1.0)
    assert "cos" in calls(node)
    value, node = trace(Call.new_root(), hessian(lambda x: anp.sum(x**3)), np.ones(2))
    assert np.array_equal(value, 6 * np.eye(2))
    assert node is not None


def test_arrays_in_lists_are_arguments_of_a_function_of_their_own():
    value, node = trace(Call.new_root(), lambda x: anp.concatenate([x, np.ones(1), x]), np.ones(2))
    assert np.array_equal(value, np.ones(5))
    assert np.array_equal(node.replayed(), value)
    assert len(node.parents) == 2


def test_containers_go_in_and_come_out():
    value, node = trace(Call.new_root(), lambda p: {"a": p[0] * p[1], "b": 3.0}, (2.0, 3.0))
    assert value == {"a": 6.0, "b": 3.0}
    assert node.replayed() == value


def test_traced_arrays_are_boxes_with_values():
    def f(x):
        assert isbox(x)
        assert getval(x) == 2.0
        assert x > 1.0
        with pytest.raises(TypeError, match="node would be lost"):
            float(x)
        return x * x

    assert trace(Call.new_root(), f, 2.0)[0] == 4.0


def test_what_does_not_depend_on_the_argument_has_no_node():
    with pytest.warns(UserWarning, match="independent"):
        value, node = trace(Call.new_root(), lambda x: anp.zeros(2), 1.0)
    assert node is None
    assert type(value) is np.ndarray


def test_traces_nest():
    def outer(x):
        inner, node = trace(Call.new_root(), lambda y: anp.exp(y) * x, 0.5)
        assert calls(node) == ["input", "exp", "multiply"]
        return inner + x

    value, node = trace(Call.new_root(), outer, 2.0)
    assert np.isclose(value, 2 * np.exp(0.5) + 2)
    assert calls(node) == ["input", "multiply", "input", "add"]


def test_a_primitive_is_one_node_and_gets_plain_values():
    seen = []

    @primitive
    def cube(x):
        seen.append(type(x))
        return x**3

    value, node = trace(Call.new_root(), lambda x: cube(x) + 1.0, np.ones(2))
    assert calls(node) == ["input", "cube", "add"]
    assert seen == [np.ndarray]
    assert np.array_equal(value, [2.0, 2.0])


def test_functions_of_shapes_are_constants():
    _, node = trace(Call.new_root(), lambda x: anp.zeros_like(x) + x, np.ones(2))
    assert calls(node) == ["input", "add"]


def test_several_results_have_a_node_each():
    value, node = trace(Call.new_root(), lambda A: anp.linalg.eigh(A)[0], np.eye(2))
    assert np.array_equal(value, [1.0, 1.0])
    assert calls(node)[-2] == "linalg.eigh"
