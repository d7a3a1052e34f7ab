"""The distributions that torch's layers draw from."""

from __future__ import annotations

import numpy as np

from pullback.models.attention import initial

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file


def test_bounds_and_variances():
    rng = np.random.default_rng(0)
    for x, bound in (
        (initial.uniform(rng, 0.3, (80, 90), "float32"), 0.3),
        (initial.xavier(rng, 80, 90, "float32"), np.sqrt(6 / 170)),
        (initial.linear(rng, 80, 90, bias=False, dtype="float32").W, 1 / np.sqrt(80)),
    ):
        assert x.shape == (80, 90)
        assert x.dtype == np.float32
        assert np.abs(x).max() <= bound
        np.testing.assert_allclose(x.var(), bound**2 / 3, rtol=0.05)


def test_biases():
    rng = np.random.default_rng(0)
    assert initial.linear(rng, 3, 4, bias=False, dtype="float32").b is None
    b = initial.linear(rng, 25, 400, bias=True, dtype="float64").b
    assert 0.19 < np.abs(b).max() <= 0.2
    assert np.all(initial.zeros(4, "float32") == 0)
