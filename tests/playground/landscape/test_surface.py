"""Tests of `playground/landscape/surface.py`: losses on a grid, and their scale."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.playground.landscape.surface import Surface, flat, losses, scale_of

RNG = np.random.default_rng(0)


def test_the_grid_has_the_losses_of_its_points():
    model = pb.models.MLP([2, 3, 1], activation="tanh", dtype="float64")
    X, y = RNG.normal(size=(7, 2)), RNG.normal(size=(7, 1))

    def loss(m, X, y):
        return pb.xp.mean((m(X) - y) ** 2)

    vector, shapes, unravel = flat(model)
    assert shapes == ((2, 3), (3,), (3, 1), (1,))
    u, v = RNG.normal(size=(2, len(vector)))
    found = Surface(loss, unravel)(vector, u, v, (-1, 2, -3, 1), 4, (X, y))
    for i, b in enumerate(np.linspace(-3, 1, 4)):
        for j, a in enumerate(np.linspace(-1, 2, 4)):
            wanted = float(loss(unravel(vector + a * u + b * v), X, y))
            assert found[i, j] == pytest.approx(wanted)
    again = losses(loss, model, unravel(u), unravel(v), (-1, 2, -3, 1), 4, X, y)
    np.testing.assert_allclose(again, found)


def test_one_call_serves_all_points_and_other_data():
    calls = []

    def loss(w, X):
        calls.append(1)
        return pb.xp.sum((X @ w) ** 2)

    surface = Surface(loss, lambda w: w)
    e = np.eye(2)
    first = surface(np.zeros(2), e[0], e[1], (-1, 1, -1, 1), 9, (np.eye(2),))
    traced = len(calls)
    second = surface(np.ones(2), e[0], e[1], (-1, 1, -1, 1), 9, (2 * np.eye(2),))
    assert len(calls) == traced < 9
    assert first.min() == 0
    assert second[-1, -1] == 4 * 8


def test_flat_is_undone_by_unravel():
    params = {"W": RNG.normal(size=(2, 3)), "b": RNG.normal(size=3)}
    vector, _, unravel = flat(params)
    assert vector.shape == (9,)
    for name, value in unravel(vector).items():
        np.testing.assert_array_equal(pb.to_numpy(value), params[name])
    with pytest.raises(ValueError, match="no array"):
        flat({})


@pytest.mark.parametrize("low", [-5.0, 0.0, 1e-3])
def test_heights_are_monotone_and_undone(low):
    values = low + np.concatenate([[0], np.logspace(-6, 3, 50)])
    scale = scale_of(values)
    heights = scale.heights(values)
    assert heights[0] == 0
    assert heights[-1] == pytest.approx(1)
    assert (np.diff(heights) >= 0).all()
    np.testing.assert_allclose(scale.losses(heights), values, atol=1e-9)
    # powers of ten far above the lowest are evenly spaced
    decades = scale.heights(low + np.asarray([1e1, 1e2, 1e3]))
    assert decades[2] - decades[1] == pytest.approx(decades[1] - decades[0], rel=0.02)


def test_what_is_not_finite_has_no_height():
    values = np.asarray([1.0, 2.0, np.inf, np.nan])
    np.testing.assert_array_equal(
        np.isnan(scale_of(values).heights(values)), [False, False, True, True]
    )
    assert scale_of(values[2:]).span == 0
    np.testing.assert_array_equal(scale_of(np.ones(3)).heights(np.ones(3)), 0)
