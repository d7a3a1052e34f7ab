"""The training loop: what it minimises, when it ends, and that it does the same twice."""

from __future__ import annotations

import itertools
import math
import signal
import threading

import numpy as np
import pytest

import pullback as pb
from pullback.train.run import plots as _plots

SQUARED = pb.models.squared_error


def on_device(*arrays):
    return tuple(pb.backend.current().asarray(np.asarray(a)) for a in arrays)


def parabola(n=64, dtype="float64"):
    x = np.linspace(-1, 1, n, dtype=dtype)[:, None]
    return on_device(x, x**2)


def network(*sizes, **settings):
    return pb.models.MLP(sizes, **{"activation": "tanh", "dtype": "float64", **settings})


def weights(model):
    return [pb.to_numpy(leaf) for leaf in pb.tree.leaves(model)]


def run(opt=None, *, data=None, validation=None, model=None, **settings):
    data = data or parabola()
    model = model or network(1, 8, 1)
    opt = opt or pb.optim.Adam(0.01)
    return pb.train.fit(model, SQUARED, data, validation or data, opt, **settings)


def test_it_learns_and_tells_how():
    fit = run(epochs=200, patience=0, score=pb.train.r_squared)
    assert fit.best.validation_loss < 0.01 < fit.history[0].validation_loss
    assert fit.best.validation_score > 0.9
    assert [row.epoch for row in fit.history] == list(range(201))
    assert [row.steps for row in fit.history] == list(range(0, 402, 2))
    assert (fit.steps, fit.stopped, fit.why) == (400, "epochs", "all 200 epochs done")
    assert fit.seconds > 0


def test_one_step_is_the_optimisers_step_on_the_whole_batch():
    x, y = parabola(16)
    model, opt = network(1, 4, 1), pb.optim.SGD(0.1)
    fit = run(opt, data=(x, y), model=model, batch_size=16, epochs=1)
    gradient = pb.grad(lambda m: SQUARED(m(x), y))(model)
    expected, _ = opt.step(model, gradient, opt.init(model))
    for one, other in zip(weights(fit.model), weights(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_every_row_is_used_once_an_epoch():
    """With a model that is linear in x, the steps' gradients tell which rows were taken."""
    seen = []

    class Spy(pb.models.Module):
        w: object

        def __call__(self, x):
            seen.append(pb.to_numpy(pb.stop_gradient(x))[:, 0].tolist())
            return pb.xp.matmul(x, self.w)

    x = np.arange(10.0)[:, None]
    data = on_device(x, x)
    pb.train.fit(
        Spy(on_device(np.ones((1, 1)))[0]),
        SQUARED,
        data,
        data,
        pb.optim.SGD(1e-3),
        epochs=2,
        batch_size=4,
    )
    batches = [rows for rows in seen if len(rows) < 10]
    assert [len(rows) for rows in batches] == [4, 4, 2] * 2
    first, second = (list(itertools.chain(*batches[i : i + 3])) for i in (0, 3))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert first != sorted(first)


def test_the_same_seed_gives_the_same_bits():
    first, again, other = (run(epochs=5, batch_size=7, seed=s) for s in (3, 3, 4))
    assert first.history == again.history
    for one, same in zip(weights(first.model), weights(again.model), strict=True):
        np.testing.assert_array_equal(one, same)
    assert first.history != other.history


def test_it_stops_early_and_keeps_the_best_weights():
    """Validation on targets of the other sign: every step of learning makes it worse."""
    x, y = parabola()
    fit = run(data=(x, y), validation=(x, -y), patience=3, epochs=100, opt=pb.optim.SGD(0.05))
    assert (fit.stopped, fit.why) == ("patience", "no better validation loss for 3 epochs")
    losses = [row.validation_loss for row in fit.history]
    assert fit.best.epoch == int(np.argmin(losses))
    assert len(losses) == fit.best.epoch + 3 + 1
    assert pb.train.evaluate(fit.model, SQUARED, (x, -y))[0] == fit.best.validation_loss


def test_patience_0_never_stops_early():
    x, y = parabola()
    fit = run(data=(x, y), validation=(x, -y), patience=0, epochs=30, opt=pb.optim.SGD(0.05))
    assert (fit.stopped, len(fit.history)) == ("epochs", 31)


def diverging_at(step):
    """A loss that becomes NaN at a step, counted from 1."""
    calls = []

    def loss(outputs, y):
        value = SQUARED(outputs, y)
        if outputs.traced:
            calls.append(1)
            if len(calls) >= step:
                return value * math.nan
        return value

    return loss


@pytest.mark.parametrize("step", [1, 2, 3, 150, 260])
def test_a_loss_that_is_no_number_stops_the_run_and_names_the_step(step):
    """8 steps an epoch in the short ones; a long epoch is read a hundred steps at a time."""
    data = parabola(64 if step < 10 else 300)
    batch = 8 if step < 10 else 1
    told = []
    fit = pb.train.fit(
        network(1, 4, 1),
        diverging_at(step),
        data,
        data,
        pb.optim.SGD(1e-3),
        batch_size=batch,
        epochs=3,
        compile=False,  # the loss counts its calls
        on_epoch=told.append,
    )
    assert fit.stopped == "diverged"
    assert fit.why == f"the loss became nan at step {step} (epoch 1)"
    assert fit.steps == step
    assert fit.best.epoch == 0
    assert all(np.isfinite(w).all() for w in weights(fit.model))
    assert len(told) == 1


def test_an_overflow_keeps_the_best_epoch_and_is_no_warning():
    fit = run(pb.optim.SGD(1e3), model=network(1, 8, 1, activation="relu"), epochs=50)
    assert fit.stopped == "diverged"
    assert "at step" in fit.why
    assert math.isfinite(fit.best.validation_loss)
    assert fit.best.validation_loss <= fit.history[0].validation_loss
    assert all(np.isfinite(w).all() for w in weights(fit.model))


def test_a_validation_loss_that_is_no_number_stops_the_run():
    x, y = parabola()
    fit = run(data=(x, y), validation=on_device(np.full((4, 1), 1e200), np.zeros((4, 1))),
              model=network(1, 4, 1, activation="identity"), epochs=5)  # fmt: skip
    assert fit.stopped == "diverged"
    assert fit.why == "the validation loss became inf at step 0 (epoch 0)"


def interrupt_after(epoch):
    def on_epoch(fit):
        if fit.history[-1].epoch == epoch:
            signal.raise_signal(signal.SIGINT)

    return on_epoch


def test_ctrl_c_ends_the_run_with_what_it_has():
    before = signal.getsignal(signal.SIGINT)
    fit = run(epochs=1000, patience=0, on_epoch=interrupt_after(4))
    assert (fit.stopped, fit.why) == ("interrupted", "interrupted in epoch 4")
    assert len(fit.history) == 5
    assert fit.best.validation_loss < fit.history[0].validation_loss
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_in_the_middle_of_an_epoch_measures_what_was_reached():
    steps = []

    def loss(outputs, y):
        if outputs.traced:
            steps.append(1)
            if len(steps) == 5:
                signal.raise_signal(signal.SIGINT)
        return SQUARED(outputs, y)

    data = parabola()
    fit = pb.train.fit(
        network(1, 4, 1), loss, data, data, pb.optim.Adam(), batch_size=1, compile=False
    )
    assert fit.stopped == "interrupted"
    assert fit.steps == 5
    assert [(row.epoch, row.steps) for row in fit.history] == [(0, 0), (1, 5)]


def test_a_second_ctrl_c_breaks_off():
    def twice(fit):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(epochs=10, on_epoch=twice)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_and_other_handlers_are_left_alone():
    results = []
    thread = threading.Thread(target=lambda: results.append(run(epochs=2)))
    thread.start()
    thread.join()
    assert results[0].stopped == "epochs"

    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        fit = run(epochs=3, on_epoch=interrupt_after(1))
    finally:
        signal.signal(signal.SIGINT, before)
    assert (fit.stopped, seen) == ("epochs", [1])


def test_predictions_do_not_depend_on_how_many_rows_go_at_once(monkeypatch):
    monkeypatch.setattr("pullback.train.loop._ROWS_AT_ONCE", 10)
    model, (x, _) = network(1, 8, 3), parabola(64)
    np.testing.assert_allclose(
        pb.to_numpy(pb.train.predict(model, x)), pb.to_numpy(model(x)), rtol=1e-12
    )


# Tasks ------------------------------------------------------------------------------------------


def test_accuracy_counts_the_largest_logit_or_the_sign():
    logits, y = on_device([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [1, 1, 2])
    assert pb.train.accuracy(logits, y) == 2 / 3
    logits, y = on_device([[-1.0], [2.0], [3.0], [-4.0]], [0, 1, 0, 0])
    assert pb.train.accuracy(logits, y) == 0.75


def test_r_squared_is_1_for_the_truth_and_0_for_the_mean():
    y = np.asarray([[1.0, 5.0], [2.0, 7.0], [6.0, 0.0]])
    assert pb.train.r_squared(*on_device(y, y)) == 1.0
    assert abs(pb.train.r_squared(*on_device(np.tile(y.mean(axis=0), (3, 1)), y))) < 1e-12


def test_probabilities_are_exact_in_both_tails():
    z = np.asarray([[-800.0], [-40.0], [0.0], [40.0], [800.0]])
    p = pb.train.probabilities(z)
    np.testing.assert_allclose(p[:, 1], [0.0, 4.248354255291589e-18, 0.5, 1.0, 1.0], rtol=1e-12)
    np.testing.assert_array_equal(p[:, 0], p[::-1, 1])
    p = pb.train.probabilities(np.asarray([[1000.0, 0.0, -1000.0], [1.0, 1.0, 1.0]]))
    np.testing.assert_allclose(p, [[1, 0, 0], [1 / 3] * 3], atol=1e-15)


@pytest.mark.parametrize(
    ("y", "classes", "outputs", "score"),
    [
        ([0, 1, 0], ("a", "b"), 1, "accuracy"),
        ([0, 1, 2], ("a", "b", "c"), 3, "accuracy"),
        ([[0.5, 1.0], [2.0, 3.0]], (), 2, "R2"),
    ],
)
def test_the_last_layer_follows_the_target(y, classes, outputs, score):
    kind = "classification" if classes else "regression"
    data = pb.train.Dataset("made", np.zeros((len(y), 1)), np.asarray(y), kind, classes)
    task = pb.train.task_for(data)
    assert (task.outputs, task.score_name) == (outputs, score)
    out, target = on_device(np.zeros((len(y), outputs)), np.asarray(y))
    assert math.isfinite(float(task.loss(out, target)))
    assert math.isfinite(task.score(out, target))


# Pictures ---------------------------------------------------------------------------------------


def size_of(png):
    image = pytest.importorskip("matplotlib.image")
    import io

    return image.imread(io.BytesIO(png)).shape[:2]


@pytest.mark.parametrize("epochs", [1, 30])
def test_the_curves_are_drawn(epochs):
    pytest.importorskip("matplotlib")
    fit = run(epochs=epochs, patience=0, score=pb.train.r_squared)
    height, width = size_of(_plots.curves_png(fit, title="a $ in the title", score_name="R2"))
    assert 800 < width < 1600
    assert 300 < height < 800


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((64, 100), {"image_shape": (8, 8)}),
        ((6, 1), {"image_shape": (2, 3)}),
        ((4, 3), {"columns": ("a", "$b", "a very long name of a column indeed", "d")}),
        ((200, 300), {}),
        ((1, 1), {"units": ("only",)}),
    ],
)
def test_the_weights_are_drawn(shape, settings):
    pytest.importorskip("matplotlib")
    for W in (np.random.default_rng(0).normal(size=shape), np.zeros(shape)):
        height, width = size_of(_plots.weights_png(W, title="weights", **settings))
        assert 200 < width < 2000
        assert 200 < height < 2000


# Digits -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_accuracy_on_the_digits_over_ten_seeds():
    """The defaults: at least 97.5 % on average and at the default seed."""
    pytest.importorskip("sklearn")
    settings = pb.train.Settings()
    data = pb.train.load_dataset("digits")
    task = pb.train.task_for(data)
    scores = []
    for seed in range(10):
        parts = pb.train.split(data, seed=seed)
        x = pb.train.Standardizer.fit(data.x[parts.train], one_scale=True).transform(
            data.x, settings.dtype
        )
        train, validation, test = (
            on_device(x[rows], data.y[rows]) for rows in (parts.train, parts.validation, parts.test)
        )
        model = pb.models.MLP([64, *settings.hidden, 10], seed=seed)
        opt = pb.optim.AdamW(settings.learning_rate, weight_decay=settings.l2)
        fit = pb.train.fit(model, task.loss, train, validation, opt, seed=seed)
        scores.append(pb.train.evaluate(fit.model, task.loss, test, task.score)[1])
    assert scores[0] >= 0.975
    assert np.mean(scores) >= 0.975
