"""L-BFGS's inverse against the BFGS update written out as matrices."""

from __future__ import annotations

import numpy as np

from pullback.autograd.solve.implicit.lbfgs import inverse_times, pair_of


def test_inverse_is_that_of_the_bfgs_update():
    rng = np.random.default_rng(0)
    H_inverse = rng.normal(size=(5, 5))
    A = H_inverse @ H_inverse.T + np.eye(5)
    steps = rng.normal(size=(3, 5))
    pairs = [pair_of(s, A @ s, s @ A @ s, s @ s, (A @ s) @ (A @ s)) for s in steps]
    H = pairs[-1].scale * np.eye(5)
    for s, y, sy, _ in pairs:
        V = np.eye(5) - np.outer(y, s) / sy
        H = V.T @ H @ V + np.outer(s, s) / sy
    g = rng.normal(size=5)
    np.testing.assert_allclose(inverse_times(pairs, g), H @ g, rtol=1e-12)


def test_pairs_without_curvature_are_left_out():
    s = np.ones(2)
    assert pair_of(s, -s, -2.0, 2.0, 2.0) is None
    assert pair_of(s, 0 * s, 0.0, 2.0, 0.0) is None
    np.testing.assert_array_equal(inverse_times([], s), s)
