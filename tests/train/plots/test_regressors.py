"""Predicted against true, and residuals."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

pytest.importorskip("matplotlib")

P = pb.train.plots
Y = np.linspace(-1.0, 3.0, 20)


def test_points_are_true_and_predicted():
    ax = P.predicted(Y, Y[:, None] + 0.5, name="cost in $")
    np.testing.assert_allclose(ax.collections[0].get_offsets(), np.stack([Y, Y + 0.5], axis=1))
    assert ax.get_xlim() == ax.get_ylim()
    assert ax.get_xlabel() == r"true cost in \$"


def test_residuals_are_true_minus_predicted():
    ax = P.residuals(Y, Y + 0.5)
    np.testing.assert_allclose(ax.collections[0].get_offsets(), np.stack([Y + 0.5, 0 * Y - 0.5], 1))
    low, high = ax.get_ylim()
    assert low == -high < -0.5


@pytest.mark.parametrize("draw", [P.predicted, P.residuals])
def test_one_row_and_many_rows_are_drawn(draw):
    assert len(draw([3.0], [3.0]).collections[0].get_offsets()) == 1
    many = np.random.default_rng(0).normal(size=6000)
    hexagons = draw(many, many * 0.9).collections[0]
    assert hexagons.get_array().sum() == 6000


@pytest.mark.parametrize(
    ("true", "found", "message"),
    [
        (np.ones((3, 2)), np.ones((3, 2)), "draw one target at a time"),
        ([1.0], [1.0, 2.0], "draw one target at a time"),
        ([], [], "draw one target at a time"),
        ([np.nan], [1.0], "NaN or infinity"),
    ],
)
def test_what_cannot_be_drawn_is_refused(true, found, message):
    with pytest.raises(ValueError, match=message):
        P.predicted(true, found)
