"""Helpers of `test_line_search.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

import pullback as pb

xp = pb.xp


def random_function(seed):
    """A function of 1 to 5 variables that is bounded below, a point and a direction in which it decreases."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    A, b = rng.standard_normal((n + 2, n)), rng.standard_normal(n + 2)
    scale = 10.0 ** rng.uniform(-2, 2)
    kinds = (
        lambda x: scale * xp.sum((A @ x - b) ** 2),
        lambda x: scale * xp.sum(xp.log1p((A @ x - b) ** 2)),
        lambda x: scale * (xp.sum(xp.sin(3 * (A @ x))) + xp.sum(x * x)),
        lambda x: scale * xp.sum((A @ x - b) ** 4) + xp.sum(xp.abs(x)),
        lambda x: scale * xp.sum(xp.logaddexp(A @ x, -2 * (A @ x))),
    )
    f = kinds[seed % len(kinds)]
    x = rng.standard_normal(n) * 3
    g = pb.grad(f)(x)
    M = rng.standard_normal((n, n))
    d = -(M @ M.T + 0.1 * np.eye(n)) @ g
    return f, x, g, d, 10.0 ** rng.uniform(-3, 3)


CASES = [random_function(seed) for seed in range(200)]


def along(f, x, d, s):
    """φ(s) and φ'(s)."""
    value, g = pb.value_and_grad(f)(x + s * d)
    return float(value), float(g @ d)
