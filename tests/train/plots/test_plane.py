"""Decision boundaries: what `test_pictures.py` does not ask of their figures."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

pytest.importorskip("matplotlib")


class Sectors:
    """A classifier by angle, into so many names."""

    def __init__(self, names):
        self.names = np.asarray(names)

    def predict(self, X):
        angle = (np.arctan2(X[:, 1], X[:, 0]) + np.pi) / (2 * np.pi)
        return self.names[np.minimum((angle * len(self.names)).astype(int), len(self.names) - 1)]


@pytest.mark.parametrize("classes", [2, 10, 60])
def test_classes_are_told_apart_without_colours(classes):
    model = Sectors([f"class {i:02}" for i in range(classes)])
    X = np.random.default_rng(0).normal(size=(20 * classes, 2))
    ax = pb.train.plots.decision_boundary(model, X, model.predict(X), steps=40, names=("$", "b"))
    points = ax.collections[2:]
    shapes = {(tuple(c.get_facecolor()[0]), c.get_paths()[0].vertices.tobytes()) for c in points}
    assert len(points) == classes
    assert len(shapes) == min(classes, 56)
    assert ax.get_xlabel() == r"\$"
    assert len(ax.get_legend().get_texts()) == min(classes, 48)


def test_a_frame_is_asked_by_its_names():
    pandas = pytest.importorskip("pandas")

    class ByName:
        def predict(self, X):
            return (X["up"] > 0).astype(int)

    X = pandas.DataFrame({"across": [-1.0, 1.0, -1.0, 1.0], "up": [-1.0, -1.0, 1.0, 1.0]})
    ax = pb.train.plots.decision_boundary(ByName(), X, ByName().predict(X), steps=20)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("across", "up")
    edge = ax.collections[1].get_paths()[0].vertices
    assert np.abs(edge[:, 1]).max() < 0.1
