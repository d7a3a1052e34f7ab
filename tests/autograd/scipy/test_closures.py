"""Tests of `autograd/scipy/closures.py`."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.scipy.closures import converted, refuse_traced

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file


def count_and_value(make):
    """How many arrays are found, and the function's values before and after they are replaced by 10."""
    found = []

    def f(x):
        g = make(x)
        rebuild, extras = converted(g)
        before = float(pb.stop_gradient(g(2.0)))
        after = rebuild([10.0 for _ in extras])(2.0)
        found.append((len(extras), before, float(pb.stop_gradient(pb.xp.asarray(after)))))
        return x * 1.0

    pb.grad(f)(3.0)
    return found[0]


@dataclass(frozen=True)
class Times:
    factor: object

    def __call__(self, t):
        return self.factor * t

    def method(self, t):
        return self.factor * t


pb.tree.register(Times)


def _nested(x):
    inner = lambda t: x * t
    return lambda t: inner(t)


def _in_a_dictionary(x):
    p = {"a": [x, 1.0]}
    return lambda t: p["a"][0] * t


def _by_default(x):
    return lambda t, factor=x: factor * t


def _by_keyword(x):
    def f(t, *, factor=x):
        return factor * t

    return f


@pytest.mark.parametrize(
    "make",
    [
        lambda x: lambda t: x * t, _nested, _in_a_dictionary, _by_default, _by_keyword,
        lambda x: functools.partial(lambda a, t: a * t, x), lambda x: Times(x).method,
        lambda x: functools.partial(Times.method, Times(x)),
    ],
)  # fmt: skip
def test_traced_arrays_are_found(make):
    assert count_and_value(make) == (1, 6.0, 20.0)


def test_what_is_constant_stays():
    constant = np.asarray(4.0)
    assert count_and_value(lambda x: lambda t: constant * t) == (0, 8.0, 8.0)


def test_what_cannot_be_found_is_refused():
    hidden = {}

    class Holder:
        pass

    def f(x):
        holder = Holder()
        holder.x = x
        hidden["f"] = lambda t: holder.x * t
        _, extras = converted(hidden["f"])
        assert extras == []
        with pytest.raises(TypeError, match="pass it in args"):
            refuse_traced(hidden["f"](2.0), "quad", "the integrand")
        return x * 1.0

    pb.grad(f)(3.0)
