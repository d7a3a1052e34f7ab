"""The public pictures: what is in each figure, and what is refused. One of each is drawn, without a display."""

from __future__ import annotations

import io

import numpy as np
import pytest

import pullback as pb

from ._loop import on_device, run

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn", reason="needs scikit-learn")

T, M = pb.train, pb.models


def drawn(figure):
    """The figure, after it was drawn once."""
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    return figure


# ── weights ───────────────────────────────────────────────────────────────────────────────────


def test_the_weights_of_a_unit_are_its_image():
    model = M.MLP([16, 3, 2], seed=0)
    figure = drawn(T.weights_as_images(model, title="pixels"))
    images = figure.axes[0].images
    W = pb.to_numpy(model.layers[0].W)
    for unit, image in enumerate(images):
        np.testing.assert_allclose(image.get_array(), W[:, unit].reshape(4, 4))
        assert image.get_clim() == pytest.approx((-abs(W).max(), abs(W).max()))
    assert len(images) == 3
    assert figure.get_suptitle() == "pixels"
    wide = T.weights_as_images(model, image_shape=(2, 8)).axes[0].images[0]
    assert wide.get_array().shape == (2, 8)


def test_weights_that_are_no_images_are_a_heat_map():
    W = np.arange(15.0).reshape(5, 3)
    axes = drawn(T.weights_as_images(W, columns=list("abcde"), units=list("xyz"))).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), W)
    assert [label.get_text() for label in axes.get_yticklabels()] == list("abcde")


def test_kernels_are_images_of_each_channel():
    kernels = np.random.default_rng(0).standard_normal((4, 2, 3, 5))
    images = T.weights_as_images({"W": kernels}).axes[0].images
    assert len(images) == 8
    np.testing.assert_array_equal(images[5].get_array(), kernels[2, 1])


def test_estimators_have_first_weights_too():
    X = np.random.default_rng(0).standard_normal((60, 16))
    y = (X[:, 0] > 0).astype(int)
    net = T.MLPClassifier((5,), max_iter=200, tol=1.0, random_state=0).fit(X, y)
    assert len(T.weights_as_images(net).axes[0].images) == 5
    linear = T.LogisticRegression().fit(X, y)
    (image,) = T.weights_as_images(linear).axes[0].images
    np.testing.assert_array_equal(image.get_array(), linear.coef_.reshape(4, 4))


def test_weights_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="no array of two dimensions"):
        T.weights_as_images(M.Activation("relu"))
    with pytest.raises(ValueError, match=r"image_shape=\(3, 3\) for 16 features"):
        T.weights_as_images(M.MLP([16, 2]), image_shape=(3, 3))
    with pytest.raises(ValueError, match=r"kernels of shape \(2, 2, 2\)"):
        T.weights_as_images(np.ones((2, 2, 2)))


# ── decisions ─────────────────────────────────────────────────────────────────────────────────

X = np.random.default_rng(0).uniform(-1, 1, (40, 2))


def linear(W, b=None, dtype="float64"):
    home = pb.backend.current()
    W = home.asarray(np.asarray(W, dtype))
    return M.Linear(W, None if b is None else home.asarray(np.asarray(b, dtype)))


def boundary_of(figure):
    """The points of the lines between the regions."""
    lines = figure.axes[0].collections[1]
    return np.concatenate([path.vertices for path in lines.get_paths() if len(path.vertices)])


@pytest.mark.parametrize(
    "model",
    [
        lambda: linear([[1.0], [0.0]], [-0.25]),  # one logit: x₀ > ¼
        lambda: linear([[0.0, 1.0], [0.0, 0.0]], [0.25, 0.0]),  # two
        lambda: linear([[0.0, 1.0], [0.0, 0.0]], [0.25, 0.0], "float32"),
        lambda: T.LogisticRegression(C=1e6).fit(
            [[0.0, 0.0], [0.5, 0.0], [0.0, 1.0], [0.5, 1.0]], [0, 1, 0, 1]
        ),
    ],
)
def test_the_boundary_is_where_the_decision_changes(model):
    y = (X[:, 0] > 0.25).astype(int)
    figure = T.decision_boundary(model(), X, y, steps=100)
    at = boundary_of(figure)
    np.testing.assert_allclose(at[:, 0], 0.25, atol=0.05)
    assert at[:, 1].max() > 0.9
    assert at[:, 1].min() < -0.9
    points = figure.axes[0].collections[2:]
    assert [len(p.get_offsets()) for p in points] == [(y == 0).sum(), (y == 1).sum()]


def test_one_region_has_no_boundary_and_labels_may_be_strings():
    figure = drawn(T.decision_boundary(linear([[0.0], [0.0]], [1.0]), X, np.ones(40, int)))
    assert len(figure.axes[0].collections) == 2
    names = np.where(X[:, 1] > 0, "up", "down")
    model = T.LogisticRegression().fit(X, names)
    legend = T.decision_boundary(model, X, names, steps=30).axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["down", "up"]


@pytest.mark.parametrize(
    ("samples", "labels", "settings", "message"),
    [
        (np.ones((4, 3)), np.ones(4), {}, "a plane takes"),
        (X, np.ones(3), {}, "a plane takes"),
        (X[:0], np.ones(0), {}, "a plane takes"),
        (X, np.ones(40), {"steps": 1}, "steps=1"),
    ],
)
def test_what_is_no_plane_is_refused(samples, labels, settings, message):
    with pytest.raises(ValueError, match=message):
        T.decision_boundary(linear([[1.0], [0.0]]), samples, labels, **settings)


# ── losses ────────────────────────────────────────────────────────────────────────────────────


def lines(figure):
    return {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}


def test_the_curves_of_a_fit():
    fit = run(epochs=12, patience=0)
    wanted = {
        "training": [row.loss for row in fit.history],
        "validation": [row.validation_loss for row in fit.history],
    }
    for history in (fit, fit.history):
        figure = T.loss_curves(history)
        assert lines(figure) == wanted
        assert figure.axes[0].get_yscale() == "log"
    scored = T.loss_curves(run(epochs=12, patience=0, score=T.r_squared), score_name="R2")
    assert len(scored.axes) == 2


def test_curves_of_estimators_and_of_numbers():
    x = np.linspace(-1, 1, 30)[:, None]
    model = T.MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, tol=1.0, n_iter_no_change=9)
    with pytest.warns(match="Maximum iterations"):
        model.fit(x, x[:, 0])
    assert lines(T.loss_curves(model)) == {"training": model.loss_curve_}
    figure = drawn(T.loss_curves({"a": [1.0, -0.5], "b": on_device(np.asarray([2.0, 0.0]))[0]}))
    assert lines(figure) == {"a": [1.0, -0.5], "b": [2.0, 0.0]}
    assert figure.axes[0].get_yscale() == "linear"
    for nothing in ([], {}, {"a": []}):
        with pytest.raises(ValueError, match="no losses"):
            T.loss_curves(nothing)
