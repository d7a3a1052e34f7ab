"""Tests of `playground/training/drawing.py`: what stands where, without a browser."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bokeh", reason="Bokeh is not installed (extra `playground`)")

from pullback.playground.training import drawing
from pullback.playground.training.network import Training
from pullback.playground.training.settings import Settings


@pytest.mark.parametrize("hidden", [(), (8,), (3, 8, 1)])
def test_each_weight_has_a_line_between_its_units(hidden):
    training = Training(Settings(hidden=hidden, features=("x1", "x2", "sin(x1)")))
    found = drawing.figures()
    drawing.show_structure(found, training)
    units, lines = found.units.data, found.lines.data
    assert len(units["x"]) == sum(training.settings.widths)
    places = {
        name: (x, y) for name, x, y in zip(units["name"], units["x"], units["y"], strict=True)
    }
    assert len(places) == len(units["x"])
    weights = sum(layer.W.size for layer in training.params.layers)
    assert {len(column) for column in lines.values()} == {weights}
    for name, xs, ys in zip(lines["name"], lines["xs"], lines["ys"], strict=True):
        left, right = name.split(" → ")
        assert (xs[0], ys[0]) == places[left]
        assert (xs[-1], ys[-1]) == places[right]
    assert found.network.x_range.end == len(hidden) + 1.5
    assert found.gradients.data["layer"] == list(range(1, len(hidden) + 2))


def test_lines_are_in_the_order_of_the_weights():
    training = Training(Settings(hidden=(2,)))
    found = drawing.figures()
    drawing.show_structure(found, training)
    assert found.lines.data["name"] == [
        "x₁ → layer 1, unit 1", "x₁ → layer 1, unit 2", "x₂ → layer 1, unit 1", "x₂ → layer 1, unit 2",
        "layer 1, unit 1 → output", "layer 1, unit 2 → output",
    ]  # fmt: skip


def test_the_pictures_of_features_are_theirs_and_those_of_units_are_empty():
    training = Training(Settings(hidden=(2,), features=("x1", "x2")))
    found = drawing.figures()
    drawing.show_structure(found, training)
    images = found.units.data["image"]
    assert [image.shape for image in images] == [(27, 27)] * 5
    assert np.all(np.diff(images[0][0].astype(int)) >= 0)
    assert np.all(np.diff(images[1][:, 0].astype(int)) >= 0)
    assert all(np.all(image == 127) for image in images[2:])


def test_points_are_coloured_by_their_targets():
    training = Training()
    found = drawing.figures()
    drawing.show_data(found, training.train, training.test)
    assert set(found.train.data["y"]) == {-1.0, 1.0}
    assert len(found.train.data["x1"]) + len(found.test.data["x1"]) == 500
    training.change("dataset", "plane")
    drawing.show_data(found, training.train, training.test)
    assert len(set(found.train.data["y"])) > 100


def test_colours_go_from_orange_through_grey_to_blue():
    colours = drawing.palette()
    assert len(colours) == 255
    assert (colours[0], colours[127], colours[-1]) == (
        drawing.NEGATIVE,
        drawing.BETWEEN,
        drawing.POSITIVE,
    )
    assert drawing.palette(2) == [drawing.NEGATIVE, drawing.POSITIVE]
