"""Tests of `compat/autograd/misc/tracers.py`."""

import numpy as np
import pytest

from pullback.compat.autograd import grad
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.extend import primitive
from pullback.compat.autograd.misc import const_graph
from pullback.compat.autograd.misc.tracers import full_graph


def test_the_python_of_a_function_runs_once():
    runs = []

    def f(x, y):
        runs.append(1)
        return grad(lambda x: anp.sin(x) + x * 2)(x * y)

    replayed = const_graph(f)
    for x, y in ((0.0, 0.0), (1.0, 0.5), (2.0, 3.0)):
        assert np.isclose(replayed(x, y), np.cos(x * y) + 2)
    assert len(runs) == 1
    assert replayed.__name__ == "f"


def test_only_what_varies_runs_again():
    ran = []

    @primitive
    def process(x, name):
        ran.append(name)
        return x

    def f(x, y, z):
        return process(x, "x") + 2 * process(y, "y") + 3 * process(z, "z")

    replayed = const_graph(f, 1.0, z=3.0)
    assert replayed(2.0) == 14.0
    assert ran == ["x", "y", "z"]
    assert replayed(3.0) == 16.0
    assert ran == ["x", "y", "z", "y"]


def test_a_graph_is_differentiable():
    replayed = const_graph(lambda x: anp.sum(anp.sin(x) * x))
    x = np.asarray([0.1, 0.2])
    replayed(x)
    assert np.allclose(grad(replayed)(x), np.cos(x) * x + np.sin(x))


def test_a_graph_depends_on_its_arguments():
    with pytest.warns(UserWarning, match="independent"), pytest.raises(ValueError, match="depend"):
        const_graph(lambda x: 1.0)(2.0)


def test_a_graph_is_looked_at():
    end = full_graph(lambda x, y: anp.exp(x) * y, 1.0, 2.0)
    fun, args, kwargs, parents = end.recipe
    assert fun.__name__ == "multiply"
    assert fun(*args, **kwargs) == end.value == np.exp(1.0) * 2.0
    assert [i for i, _ in parents] == [0, 1]
