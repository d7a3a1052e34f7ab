"""Helpers of `test_minimize_convergence_rates.py` and the test files split from it."""

from __future__ import annotations

import numpy as np


def quadratic(eigenvalues, seed=0):
    """``½ (x − c)ᵀ Q diag(λ) Qᵀ (x − c)``, its minimiser c and a start."""
    rng = np.random.default_rng(seed)
    n = len(eigenvalues)
    Q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    H, c = Q @ np.diag(eigenvalues) @ Q.T, rng.standard_normal(n)
    return lambda x: 0.5 * ((x - c) @ (H @ (x - c))), c, c + Q @ np.ones(n)


# eigenvalues down to 0, spread evenly in their logarithms: with x0 − x* of equal coordinates the gap of gradient
# descent is Σ λ (1 − λ)^2k, which is 1/k exactly in the limit
FLAT = np.logspace(-9, 0, 400)


def slope(gaps, low, high):
    """The exponent p of gap ~ k^p between two steps."""
    k = np.arange(low, high)
    return np.polyfit(np.log(k), np.log(np.asarray(gaps)[low:high]), 1)[0]


def order(norms):
    """The order of convergence from the last three norms above rounding."""
    norms = [n for n in norms if n > 1e-13][-3:]
    return np.log(norms[2] / norms[1]) / np.log(norms[1] / norms[0])
