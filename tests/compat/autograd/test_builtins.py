"""Tests of `compat/autograd/builtins.py`."""

import numpy as np

from pullback.compat import autograd as ag
from pullback.compat.autograd import builtins, grad
from pullback.compat.autograd import numpy as anp


def test_types_are_those_of_values():
    def f(x, n):
        assert ag.isinstance(x, float)
        assert ag.isinstance(n["a"], np.ndarray)
        assert ag.type(n["a"]) is np.ndarray
        assert ag.isinstance(n, dict)
        assert ag.isinstance(n, ag.dict)
        assert not ag.isinstance(x, (list, ag.tuple))
        return x * anp.sum(n["a"])

    gx, gn = grad(f, (0, 1))(2.0, {"a": np.ones(2)})
    assert gx == 2.0
    assert np.array_equal(gn["a"], [2.0, 2.0])


def test_containers_are_made_of_traced_parts():
    def f(x):
        t, li = ag.tuple((x, x)), ag.list([x, 2 * x])
        d = ag.dict([("a", x)], b=x)
        assert (type(t), type(li), type(d)) == (tuple, list, dict)
        assert ag.isinstance(t, ag.tuple)
        return t[0] * li[1] + d["a"] * d["b"]

    assert grad(f)(3.0) == 18.0
    assert ag.dict() == {}
    assert builtins.make_sequence(list, 1, 2) == [1, 2]


def test_gradients_of_containers_have_their_structure():
    x = {"w": [np.ones(2), (2.0, np.ones(1))], "unused": np.ones(3)}
    out = grad(lambda p: anp.sum(p["w"][0]) * p["w"][1][0])(x)
    assert np.array_equal(out["w"][0], [2.0, 2.0])
    assert out["w"][1][0] == 2.0
    assert np.array_equal(out["unused"], np.zeros(3))


def test_containers_are_used_as_python_has_them():
    def f(d):
        keys = sorted(d)
        total = sum(anp.sum(v) for _, v in sorted(d.items())) + sum(map(anp.sum, d.values()))
        extra = [d[keys[0]], d[keys[1]], d.get("c", 1.0)]
        assert "a" in d
        assert len(extra[:2]) == 2
        return total * extra[-1]

    out = grad(f)({"a": 1.0, "b": 2.0})
    assert out == {"a": 2.0, "b": 2.0}
