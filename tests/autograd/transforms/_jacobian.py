"""Helpers of `test_jacobian.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

import pullback as pb

xp = pb.xp


RNG = np.random.default_rng(0)


X = np.asarray([0.7, 1.9, 3.1])


V = np.asarray([0.3, -1.0, 0.2])


Z = np.asarray([1 + 2j, 0.3 - 1j])


W = RNG.standard_normal((3, 3))


FUNCTIONS = {
    "wide": (lambda x: xp.concat([x, xp.sin(x), x * x[0]]), X),  # more outputs than inputs: columns
    "tall": (lambda x: xp.stack([x[0] * x[1], xp.exp(x[2])]), X),  # fewer: rows
    "scalar": (lambda x: xp.sum(x**3), X),
    "matrix": (lambda x: xp.tanh(W @ x)[:, None] * x, X),
    "0-d": (lambda x: xp.sin(x) * x, np.asarray(0.4)),
    "solve-free matmul": (lambda A: A @ A, W),
}
