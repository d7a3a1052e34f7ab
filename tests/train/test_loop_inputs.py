"""`fit` with models of several inputs, sequences, masks, trees, losses of the model, and everything as one batch."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.train import replay

from ._loop import network, on_device, parabola, weights

M, SQUARED = pb.models, pb.models.squared_error
STEPS = {"epochs": 20, "batch_size": 8, "patience": 0}


def fit(model, loss, train, **settings):
    return pb.train.fit(model, loss, train, train, pb.optim.Adam(0.01), **{**STEPS, **settings})


def same(one, other, rtol=1e-9):
    for a, b in zip(weights(one.model), weights(other.model), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol)


class Two(M.Module):
    """The network of the columns of two inputs, the second of which comes with a factor."""

    net: M.MLP

    def __call__(self, a, b):
        return self.net(pb.xp.concat([a, b["b"]], axis=1))


def test_several_inputs_are_learned_as_their_columns_are():
    x, y = on_device(*(np.random.default_rng(0).normal(size=(40, k)) for k in (3, 1)))
    one = fit(network(3, 4, 1), SQUARED, (x, y))
    two = fit(Two(network(3, 4, 1)), SQUARED, ((x[:, :1], {"b": x[:, 1:]}), y))
    assert two.eager == "", "several inputs are compiled, too"
    same(one, two)


def test_a_mask_among_the_targets_takes_rows_out_of_the_loss():
    x, y = parabola(40)
    wrong = on_device(np.where(np.arange(40)[:, None] % 4, pb.to_numpy(y), 100.0))[0]
    mask = on_device((np.arange(40)[:, None] % 4 > 0).astype(float))[0]

    def masked(outputs, targets):
        y, mask = targets
        return pb.xp.sum(mask * (outputs - y) ** 2) / pb.xp.maximum(pb.xp.sum(mask), 1.0)

    run = fit(network(1, 8, 1), masked, (x, (wrong, mask)), epochs=100)
    assert run.eager == ""
    assert run.best.validation_loss < 0.02


class Tokens(M.Module):
    """The next token, from the two before it."""

    table: M.Embedding
    net: M.Linear

    def __call__(self, tokens):
        h = self.table(tokens)
        return self.net(pb.xp.reshape(h, (h.shape[0], -1)))


def test_integer_tokens():
    sequence = np.arange(60) % 3
    x = np.stack([sequence[:-2], sequence[1:-1]], axis=1)
    model = Tokens(M.Embedding.init(3, 4), M.Linear.init(8, 3))
    data = on_device(x, sequence[2:])
    run = fit(model, M.cross_entropy, data, score=pb.train.accuracy, epochs=30)
    assert run.eager == ""
    assert run.best.validation_score == 1.0


def test_the_loss_of_a_model_is_that_of_its_outputs():
    x, y = parabola(40)

    def loss(model, batch):
        return SQUARED(model(batch["x"]), batch["y"])

    one = fit(network(1, 8, 1), SQUARED, (x, y))
    other = fit(
        network(1, 8, 1),
        loss,
        {"x": x, "y": y},
        loss_of="model",
        score=lambda model, batch: -float(loss(model, batch)),
    )
    assert other.eager == ""
    same(one, other)
    assert other.best.validation_score == pytest.approx(-one.best.validation_loss, rel=1e-9)


def test_the_loss_of_a_model_with_a_training_mode():
    x, y = parabola(40)

    def model():
        return M.Sequential(
            M.Linear.init(1, 8, dtype="float64"),
            M.BatchNorm.init(8, dtype="float64"),
            "tanh",
            M.Dropout(0.1),
            M.Linear.init(8, 1, dtype="float64"),
        )

    def loss(model, batch, *, key):
        x, y = batch
        out, model = (model(x), model) if key is None else model.training(x, key=key)
        return SQUARED(out, y), model

    one, other = (
        fit(model(), SQUARED, (x, y)),
        fit(model(), loss, (x, y), loss_of="model"),
    )
    assert other.eager == ""
    same(one, other)
    assert other.best.validation_loss == pytest.approx(one.best.validation_loss, rel=1e-9)
    with pytest.raises(TypeError, match=r"has a training mode, has to return \(loss, model\)"):
        fit(model(), lambda m, batch, *, key: SQUARED(m(batch[0]), batch[1]), (x, y), loss_of="model")  # fmt: skip


def test_the_loss_of_a_model_without_dropout_needs_no_key():
    """Layers that have a training mode, and none as they are set; where there is one, the error says so."""

    def loss(model, batch):
        return pb.xp.mean(model(batch) ** 2)

    def model(dropout):
        return M.Sequential(M.GRU.init(2, 3, layers=2, dropout=dropout), M.Linear.init(3, 1))

    x = np.ones((8, 4, 2), np.float32)
    run = fit(model(0.0), loss, x, loss_of="model", epochs=2)
    assert run.history[-1].loss < run.history[0].loss
    with pytest.raises(TypeError, match=r"loss is loss\(model, batch, \*, key\), which returns"):
        fit(model(0.5), loss, x, loss_of="model")


class Smooth(M.Module):
    """A linear layer of the means over neighbours, given as pairs of nodes."""

    layer: M.Linear

    def __call__(self, x, edges):
        n = x.shape[0]
        sums = pb.xp.zeros_like(x)
        sums = pb.xp.asarray(sums).at[edges[1]].add(pb.xp.take(x, edges[0], axis=0))
        return self.layer((x + sums) / n)


def test_everything_is_one_batch_of_arrays_of_different_lengths():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(6, 2)), random.normal(size=(6, 1))
    edges = random.integers(0, 6, (2, 9))
    data = tuple(on_device(x, edges)), on_device(y)[0]
    model = Smooth(M.Linear.init(2, 1, dtype="float64"))
    opt = pb.optim.SGD(0.1)
    run = pb.train.fit(model, SQUARED, data, data, opt, batch_size=None, epochs=1)
    assert run.steps == 1
    gradient = pb.grad(lambda m: SQUARED(m(*data[0]), data[1]))(model)
    expected, _ = opt.step(model, gradient, opt.init(model))
    for one, other in zip(weights(run.model), weights(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    long = fit(model, SQUARED, data, batch_size=None, epochs=60)
    assert (long.eager, long.steps) == ("", 60)
    assert long.history[-1].loss < long.history[0].loss


X, Y = np.zeros((4, 1)), np.zeros((4, 1))


@pytest.mark.parametrize(
    ("train", "settings", "said"),
    [
        ((X, Y, Y), {}, r"train has to be a pair \(x, y\), not 3 parts; several inputs are a tuple"),
        ({"x": X}, {}, r"train has to be a pair \(x, y\), not dict"),
        ((X, Y[:3]), {}, r"train has arrays of 4 and 3 rows; .* as many of each"),
        ((X[:0], Y[:0]), {}, r"train has arrays of 0 and 0 rows; it needs one or more"),
        (((X, np.asarray(1.0)), Y), {}, r"train holds a 0-d array"),
        ((X, Y), {"loss_of": "batch"}, r"loss_of='batch'; there are 'outputs' and 'model'"),
        ((X, Y), {"batch_size": 0}, r"batch_size=0; it is an integer of at least 1, or None"),
        ((X, Y), {"batch_size": 2.5}, r"batch_size=2.5; it is an integer of at least 1, or None"),
        ((X, Y), {"batch_size": None, "batches": "drawn"}, r"batches='drawn' with batch_size=None"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_is_refused(train, settings, said):
    with pytest.raises(ValueError, match=said):
        fit(network(1, 1), SQUARED, train, **settings)


def test_names_of_losses_and_optimisers_are_refused():
    """As estimators take them; and rows of many arrays are not all listed."""
    with pytest.raises(TypeError, match=r"fit: loss='squared_error'; it is a function"):
        fit(network(1, 1), "squared_error", (X, Y))
    with pytest.raises(TypeError, match=r"fit: opt='adam'; it is an optimiser"):
        pb.train.fit(network(1, 1), SQUARED, (X, Y), (X, Y), "adam")
    ragged = tuple(np.zeros((n, 1)) for n in range(1, 9))
    with pytest.raises(ValueError, match="arrays of 1 and 2 and 3 and 4 and more rows"):
        fit(network(1, 1), SQUARED, (ragged, Y))


def test_lists_of_numbers_are_refused():
    with pytest.raises(TypeError, match=r"fit: train, y, holds a float: it is an array"):
        fit(network(1, 1), SQUARED, (X, [0.0] * 4))


def test_a_loss_for_each_row_is_refused():
    with pytest.raises(ValueError, match=r"one number, the mean over rows; it has shape \(40, 1\)"):
        fit(network(1, 1), lambda out, y: (out - y) ** 2, parabola(40))


# Kernels ----------------------------------------------------------------------------------------


def test_kernels_are_for_layers_that_have_some_and_long_trainings():
    convolutions = M.Sequential(M.Conv1d.init(1, 2, 3), M.Flatten(), M.Linear.init(12, 1))
    assert [replay.kernels_pay(convolutions, n) for n in (499, 500)] == [False, True]
    assert not replay.kernels_pay(network(1, 4, 1), 10_000)
    # an update of large arrays is worth them by itself
    large = network(99, 1000, 10)
    elements = sum(leaf.size for leaf in pb.tree.leaves(large))
    assert [replay.kernels_pay(large, n * 10**9 // elements) for n in (1, 2)] == [False, True]
    assert not replay.kernels_pay(network(2000, 2000, 1), 499)


@pytest.mark.parametrize("fast", [True, False])
def test_kernels_do_not_change_what_is_learned(fast):
    if fast:
        pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
    x, y = on_device(*(np.random.default_rng(0).normal(size=(40, k)) for k in (8, 1)))
    x = pb.backend.current().xp.reshape(x, (40, 1, 8))

    def model():
        return M.Sequential(
            M.Conv1d.init(1, 2, 3, dtype="float64"),
            M.Flatten(),
            M.Linear.init(12, 1, dtype="float64"),
        )

    one = fit(model(), SQUARED, (x, y), compile=False)
    other = fit(model(), SQUARED, (x, y), fast=fast)
    assert other.eager == ""
    same(one, other, rtol=1e-8)
    for a, b in zip(one.history, other.history, strict=True):
        assert a.validation_loss == pytest.approx(b.validation_loss, rel=1e-9)


def test_what_cannot_be_recorded_is_measured_as_it_is():
    forward = replay.Forward(True)

    class Branch(M.Module):
        w: object

        def __call__(self, x):
            return x * self.w if float(pb.xp.sum(x)) > 0 else x

    x = parabola(4)[0]
    for a in (x + 2, -x - 2):
        expected = Branch(np.float64(3.0))(a)
        out = forward(Branch(on_device(np.asarray(3.0))[0]), a)
        np.testing.assert_array_equal(pb.to_numpy(pb.stop_gradient(out)), pb.to_numpy(expected))


def _host_parabola():
    x = np.linspace(-1, 1, 40)[:, None]
    return x, x**2


@pytest.mark.parametrize("batch_size", [8, None], ids=["batches", "whole"])
@pytest.mark.parametrize("batches", ["shuffled", "once"])
def test_data_on_the_host_and_on_the_device_go_together(lib, backend, batch_size, batches):
    """The targets, or the validation part, may lie elsewhere than the inputs: the numbers are the same."""
    x, y = _host_parabola()
    there = lib.asarray
    settings = {"epochs": 3, "batch_size": batch_size}
    if batch_size:
        settings["batches"] = batches

    def trained(train, validation):
        return pb.train.fit(
            network(1, 8, 1), SQUARED, train, validation, pb.optim.Adam(0.01), **settings
        )

    wanted = trained((x, y), (x, y))
    for train, validation in (
        ((there(x), y), (x, there(y))),
        ((x, there(y)), (there(x), y)),
        ((x, y), (there(x), there(y))),
    ):
        found = trained(train, validation)
        assert [e.validation_loss for e in found.history] == pytest.approx(
            [e.validation_loss for e in wanted.history], rel=1e-9
        )
        same(found, wanted)
    evaluated = pb.train.evaluate(wanted.model, SQUARED, (x, there(y)))[0]
    assert evaluated == pytest.approx(pb.train.evaluate(wanted.model, SQUARED, (x, y))[0])

    def of_model(model, batch):
        return SQUARED(model(batch["x"]), batch["y"])

    mixed, host = {"x": x, "y": there(y)}, {"x": x, "y": y}
    runs = [
        pb.train.fit(
            network(1, 8, 1), of_model, part, host, pb.optim.Adam(0.01), loss_of="model", **settings
        )
        for part in (mixed, host)
    ]
    same(*runs)


def test_data_of_another_library_than_the_models_are_refused_by_name(lib):
    if lib.name == "numpy":
        pytest.skip("NumPy's data are taken by every model")
    x, y = _host_parabola()
    with pb.backend.use("numpy"):
        model = network(1, 8, 1)
    opt, there = pb.optim.Adam(0.01), lib.asarray
    match = rf"is an array of {lib.says}, the model one of numpy: give .* pb\.to_numpy .*tree\.map"
    for train, validation, name in (
        ((there(x), y), (x, y), "fit: train, x, "),
        ((x, there(y)), (x, y), "fit: train, y, "),
        ((x, y), (there(x), y), "fit: validation, x, "),
        ((x, y), (x, there(y)), "fit: validation, y, "),
    ):
        with pytest.raises(TypeError, match=name + match):
            pb.train.fit(model, SQUARED, train, validation, opt)
    with pytest.raises(TypeError, match="predict: x " + match):
        pb.train.predict(model, there(x))
    with pytest.raises(TypeError, match="evaluate: y " + match):
        pb.train.evaluate(model, SQUARED, (x, there(y)))
    with pb.backend.use(pb.backend.backend_of(there(x))):
        moved = pb.tree.map(pb.asarray, model)
        assert lib.is_raw(pb.train.predict(moved, there(x)))
