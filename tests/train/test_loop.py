"""The training loop: what it minimises, when it ends, and that it does the same twice."""

from __future__ import annotations

import itertools
import math
import signal
import threading

import numpy as np
import pytest

import pullback as pb

from ._loop import network, on_device, parabola, run, weights

SQUARED = pb.models.squared_error


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


def test_without_a_validation_part_the_lowest_training_loss_is_the_best():
    data = parabola()
    fit = pb.train.fit(
        network(1, 8, 1), SQUARED, data, None, pb.optim.SGD(0.05), epochs=4, batch_size=16
    )
    assert math.isnan(fit.best.validation_loss)
    assert fit.best.epoch == int(np.argmin([row.loss for row in fit.history])) > 0
    assert pb.train.evaluate(fit.model, SQUARED, data)[0] == fit.best.loss


@pytest.mark.parametrize("compile", [False, True])
def test_the_mean_of_the_steps_losses_is_that_of_the_weights_before_each(compile):
    x, y = parabola(40)
    models = []

    class Callback:
        def on_start(self, run):
            models.append(pb.tree.map(np.copy, run.last))

        def on_step(self, run):
            models.append(pb.tree.map(np.copy, run.last))

    fit = run(
        data=(x, y), batch_size=16, epochs=60, batches="once", patience=0, compile=compile,
        training_loss="steps", callbacks=[Callback()], score=pb.train.r_squared, opt=pb.optim.SGD(0.05),
    )  # fmt: skip
    assert (fit.eager == "") is compile
    order = np.random.default_rng([0, 1]).permutation(40)
    for epoch in (1, 2, 60):
        total = sum(
            len(part) * pb.train.evaluate(models[3 * epoch - 3 + i], SQUARED, (x[part], y[part]))[0]
            for i, part in enumerate((order[:16], order[16:32], order[32:]))
        )
        assert fit.history[epoch].loss == pytest.approx(total / 40, rel=1e-12)
    assert math.isnan(fit.history[1].score)
    assert not math.isnan(fit.history[1].validation_score)


def test_another_kind_of_training_loss_is_refused():
    with pytest.raises(ValueError, match="training_loss='mean'; there are 'measured' and 'steps'"):
        run(training_loss="mean")
    with pytest.raises(NotImplementedError, match="'steps' on several ranks"):
        run(training_loss="steps", distributed=pb.distributed.world())


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


@pytest.mark.usefixtures("terminal_signals")
def test_ctrl_c_ends_the_run_with_what_it_has():
    before = signal.getsignal(signal.SIGINT)
    fit = run(epochs=1000, patience=0, on_epoch=interrupt_after(4))
    assert (fit.stopped, fit.why) == ("interrupted", "interrupted in epoch 4")
    assert len(fit.history) == 5
    assert fit.best.validation_loss < fit.history[0].validation_loss
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("terminal_signals")
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


@pytest.mark.usefixtures("terminal_signals")
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
    monkeypatch.setattr("pullback.train.measure.ROWS_AT_ONCE", 10)
    model, (x, _) = network(1, 8, 3), parabola(64)
    np.testing.assert_allclose(
        pb.to_numpy(pb.train.predict(model, x)), pb.to_numpy(model(x)), rtol=1e-12
    )


# Tasks ------------------------------------------------------------------------------------------


# Pictures ---------------------------------------------------------------------------------------


# Digits -----------------------------------------------------------------------------------------
