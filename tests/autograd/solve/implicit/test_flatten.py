"""Tests of `autograd/solve/implicit/flatten.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


implicit = pb.implicit


def test_pytrees_closures_and_several_parameters():
    def g(v, p):
        return {
            "a": v["a"] + xp.sum(v["b"]) * 0.1 - p["x"],
            "b": [v["b"] * 2 + v["a"] * scale - 1.0][0],
        }

    scale = 1.0

    def f(p, s):
        nonlocal scale
        scale = s
        v = implicit.root(g, {"a": 0.0, "b": np.zeros((2, 1))}, p)
        assert [v[key].shape for key in "ab"] == [(), (2, 1)]
        return v["a"] + xp.sum(v["b"]) ** 2

    # a + (b₁ + b₂)/10 = x,  b = (1 − s a)/2
    def expected(p, s):
        a = (p["x"] - 0.1) / (1 - 0.1 * s)
        return a + (1 - s * a) ** 2

    p = {"x": np.asarray(0.7)}
    assert float(f(p, 0.4)) == pytest.approx(float(expected(p, 0.4)))
    for mine, other in zip(
        pb.tree.leaves(pb.grad(f, argnums=(0, 1))(p, 0.4)),
        pb.tree.leaves(pb.grad(expected, argnums=(0, 1))(p, 0.4)),
        strict=True,
    ):
        assert float(mine) == pytest.approx(float(other), rel=1e-12)
