"""Tests of `playground/landscape/view.py`: what the figure is given."""

from __future__ import annotations

import time

import numpy as np
import pytest

import pullback as pb

pytest.importorskip("bokeh", reason="Bokeh is not installed (extra `playground`)")

from bokeh.document import Document

from pullback.playground.landscape.plane import whole_plane
from pullback.playground.landscape.view import LandscapeView, Line, short


def _data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2)).astype(np.float32)
    return pb.asarray(X), pb.asarray((X[:, :1] * X[:, 1:] > 0).astype(np.float32))


def _loss(model, X, y):
    z = model(X)
    return pb.xp.mean(pb.xp.softplus(z) - z * y)


def test_a_network_s_path_is_shown_and_the_loss_at_its_end():
    X, y = _data()
    model, path = pb.models.MLP([2, 4, 1], activation="tanh"), []
    optimiser = pb.optim.Adam(0.05)
    state = optimiser.init(model)
    for _ in range(12):
        path.append(model)
        model, state = optimiser.step(model, pb.grad(_loss)(model, X, y), state)
    view = LandscapeView(points=21)
    view.show(_loss, path, X, y, losses=[float(_loss(m, X, y)) for m in path])
    source, ends, _ = view._paths[0]
    assert len(source.data["x"]) == 12
    np.testing.assert_allclose([ends.data["x"][0], ends.data["y"][0]], 0, atol=1e-6)
    # the middle of the grid is not the path's end, but the grid's losses there are its loss
    values = np.asarray(view._grid.data["loss"][0])
    x = np.linspace(view.figure.x_range.start, view.figure.x_range.end, 21)
    y_ = np.linspace(view.figure.y_range.start, view.figure.y_range.end, 21)
    i, j = np.abs(y_).argmin(), np.abs(x).argmin()
    assert values[i, j] == pytest.approx(float(_loss(path[-1], X, y)), rel=0.2)
    assert view.note.text.startswith("The plane of 17 parameters")
    assert "% of its length" in view.note.text
    plane, surface = view.plane, view._surface
    view.show(_loss, path[:-1], X, y)
    assert view._surface is surface  # compiled once
    before = view._grid.data["loss"][0]
    vectors = [
        np.concatenate([np.ravel(pb.to_numpy(leaf)) for leaf in pb.tree.leaves(m)])
        for m in path[:-1]
    ]
    view.show(_loss, vectors, X, y, like=model)
    np.testing.assert_array_equal(view._grid.data["loss"][0], before)
    assert plane.u @ view.plane.u > 0


def test_short_paths_and_paths_of_two_parameters_are_told():
    X, y = _data()
    model = pb.models.MLP([2, 2, 1])
    view = LandscapeView(points=5)
    view.show(_loss, [model], X, y)
    assert "no step is taken yet" in view.note.text
    flat_view = LandscapeView(points=5)
    flat_view.show(
        lambda w: w[0] ** 2 + w[1] ** 2, [np.asarray([2.0, 1.0]), np.asarray([1.0, 0.5])]
    )
    assert "all points of the two parameters" in flat_view.note.text
    assert flat_view.figure.xaxis.axis_label == "x"


def test_paths_are_walked_and_fewer_paths_leave_none_behind():
    view = LandscapeView(points=5)
    points = np.asarray([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    lines = [Line(name, points, np.asarray([3.0, 2.0, 1.0]), np.arange(3)) for name in "ab"]
    values = np.arange(25.0).reshape(5, 5)
    view.draw(whole_plane(), values, (0, 2, 0, 2), lines)
    view.walk(1)
    assert [len(source.data["x"]) for source, _, _ in view._paths] == [2, 2]
    assert view._paths[0][1].data["loss"] == [2.0]
    view.show_lines(lines[:1])
    assert [len(source.data["x"]) for source, _, _ in view._paths] == [3, 0]


def test_a_loss_that_is_flat_or_not_finite_is_drawn_all_the_same():
    view = LandscapeView(points=3)
    for values in (np.ones((3, 3)), np.full((3, 3), np.nan), np.asarray([[1, 2, np.inf]] * 3)):
        view.draw(whole_plane(), values, (0, 1, 0, 1), [])
        assert np.isfinite(view._grid.data["image"][0]).all()


def test_a_picture_is_renewed_several_times_a_second():
    """41 × 41 points at 2-8-8-1 with 300 samples: 40 ms on a quiet core, far below a second anywhere."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)).astype(np.float32)
    y = (X[:, :1] > 0).astype(np.float32)
    model = pb.models.MLP([2, 8, 8, 1], activation="tanh")
    other = pb.models.MLP([2, 8, 8, 1], activation="tanh", seed=1)
    view = LandscapeView()
    view.show(_loss, [other, model], X, y)
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        view.show(_loss, [other, model], X, y)
        times.append(time.perf_counter() - begin)
    assert min(times) < 1.0


def test_numbers_are_short():
    assert [short(x) for x in (2510.3, 0.01234, -5.0, 2e9)] == ["2510", "0.0123", "-5", "2e+09"]


def test_a_page_looks_through_its_models_for_new_paths_alone(monkeypatch):
    """Which takes a tenth of a second, and would be at each picture."""
    document, view = Document(), LandscapeView(points=5)
    document.add_root(view.layout)
    looked = []
    monkeypatch.setattr(document.models, "recompute", lambda: looked.append(None))
    line = Line("path", np.zeros((2, 2)), np.zeros(2), np.arange(2))
    view.show_lines([line])
    assert looked == []
    view.show_lines([line, line])
    assert len(looked) == 1
