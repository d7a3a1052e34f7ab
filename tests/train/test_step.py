"""Whatever trains enters training mode: dropout drops, statistics move, keys follow the seed; measured in inference."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.train.data import device_data as _feeding

from .._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._step_training_mode import MODELS, Silent, X, Y, fit, leaves, linear, norm, on_device

M = pb.models
SQUARED = M.squared_error


class Counted(M.Module):
    """Integers, a running statistic of its own, and no layer that trains differently."""

    inner: M.Linear
    order: object
    calls: object = M.state()

    def __call__(self, x):
        return self.inner(x[:, pb.to_numpy(pb.xp.asarray(self.order)).tolist()])

    def training(self, x, *, key=None):
        return self(x), Counted(self.inner, self.order, self.calls + 1)


class SilentModule(M.Module):
    inner: M.BatchNorm

    def __call__(self, x):
        return self.inner(x)


def falling():
    """A loss that is lower each time that it is measured, so that the last epoch is the best."""
    calls = []

    def loss(outputs, y):
        value = SQUARED(outputs, y)
        if outputs.traced:
            return value
        calls.append(1)
        return 0 * value - len(calls)

    return loss


def statistics(model):
    """All running means and variances of a model, in order."""
    pairs = zip(pb.tree.leaves(model), pb.tree.leaves(M.parameter_mask(model)), strict=True)
    return [pb.to_numpy(leaf) for leaf, own in pairs if not own]


@pytest.mark.parametrize("case", MODELS)
def test_statistics_move_and_follow_the_batches(case):
    """Each running mean is what momentum makes of the batches' means, in the order in which they came."""
    model = MODELS[case]()
    before = [s.copy() for s in statistics(model)]
    run = fit(model, opt=pb.optim.SGD(1e-12), loss=falling(), epochs=2)
    after = statistics(run.model)
    assert all((a != b).any() for a, b in zip(after, before, strict=True))
    if case != "batch norm":
        return
    x, order, mean = X, np.random.default_rng([0, 1]), np.zeros(4)
    layer = model.layers[0]
    for _ in range(2):
        rows = order.permutation(41)
        for part in _feeding.parts_of(41, 8, 2):
            hidden = x[rows[part]] @ pb.to_numpy(layer.W) + pb.to_numpy(layer.b)
            mean = 0.9 * mean + 0.1 * hidden.mean(axis=0)
    np.testing.assert_allclose(after[0], mean, rtol=1e-6)


@pytest.mark.parametrize("case", MODELS)
def test_losses_are_measured_in_inference_mode(case):
    run = fit(MODELS[case]())
    again = pb.train.evaluate(run.model, SQUARED, on_device(X, Y))
    assert again == pb.train.evaluate(run.model, SQUARED, on_device(X, Y))  # nothing is drawn
    assert again[0] == pytest.approx(run.best.validation_loss)
    np.testing.assert_allclose(
        SQUARED(run.model(on_device(X)[0]), on_device(Y)[0]), again[0], rtol=1e-12
    )


def test_the_best_epoch_brings_its_own_statistics():
    """The second epoch is the best of five by a loss that says so."""
    said = iter([5.0, 5.0, 3.0, 3.0, 2.0, 2.0, *[4.0] * 6])

    def loss(outputs, y):
        value = SQUARED(outputs, y)
        return value if outputs.traced else 0 * value + next(said)

    seen = []
    run = fit(
        MODELS["with dropout"](),
        loss=loss,
        epochs=5,
        on_epoch=lambda now: seen.append(leaves(now.model)),
    )
    assert (run.best.epoch, len(run.history)) == (2, 6)
    assert len(seen) == 6
    for early, best, last, got in zip(seen[1], seen[2], seen[5], leaves(run.model), strict=True):
        np.testing.assert_array_equal(got, best)
        np.testing.assert_array_equal(last, best)  # not trained on since
        assert (early != best).any()


@pytest.mark.parametrize("case", MODELS)
def test_the_seed_decides_the_keys(case):
    first, again, other = (fit(MODELS[case](), seed=s) for s in (1, 1, 2))
    assert first.history == again.history
    for a, b in zip(leaves(first.model), leaves(again.model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.history != other.history


def test_dropout_drops_anew_in_each_step():
    """Without an update the model stays, so what the steps' losses differ by is what was dropped."""
    seen = []

    class Watched(M.Module):
        w: object

        def __call__(self, x):
            return pb.xp.asarray(x) * self.w

        def training(self, x, *, key=None):
            seen.append(tuple(pb.to_numpy(key).tolist()))
            y, _ = M.Dropout(0.5).training(x, key=key)
            return y * self.w, self

    x = np.ones((8, 1))
    settings = {"epochs": 3, "batch_size": 4}
    run = fit(Watched(on_device(np.ones(1))[0]), x, 0 * x, **settings)
    assert run.steps == 6
    assert len(set(seen)) == 6
    key = pb.train.step.key_of(0, pb.backend.current())
    assert seen == [tuple(pb.to_numpy(pb.random.fold_in(key, i)).tolist()) for i in range(6)]


@pytest.mark.parametrize(
    "opt",
    [
        pb.optim.AdamW(1e-3, weight_decay=0.5, mask=lambda p: True),
        pb.optim.SGD(1e-3, momentum=0.9, weight_decay=0.5, mask=lambda p: True),
    ],
    ids=lambda opt: type(opt).__name__,
)
def test_no_optimiser_moves_a_statistic(opt):
    """Rows that are all alike: the running mean tends to their mean, whatever decays."""
    x = np.tile([[1.0, 2.0, 3.0]], (16, 1)) + np.linspace(-1e-3, 1e-3, 16)[:, None]
    run = fit(M.Sequential(norm(3), linear(3, 1)), x, Y[:16], opt, falling(), epochs=60)
    np.testing.assert_allclose(statistics(run.model)[0], [1, 2, 3], rtol=0.05)


def test_integers_and_states_of_one_s_own():
    order, calls = on_device(np.asarray([2, 0, 1]), np.asarray(0))
    run = fit(Counted(linear(3, 1), order, calls), epochs=2, batch_size=41)
    assert int(run.model.calls) == 2
    np.testing.assert_array_equal(pb.to_numpy(run.model.order), [2, 0, 1])
    assert run.history[-1].loss < run.history[0].loss


@pytest.mark.parametrize("kind", [lambda: Silent([norm(3)]), lambda: SilentModule(norm(3))])
def test_a_model_that_does_not_say_how_it_trains_is_refused(kind):
    with pytest.raises(NotImplementedError, match=r"write Silent\w*\.training\(x, \*, key=None\)"):
        fit(kind(), y=X)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (lambda self, x, *, key=None: self(x), "has to return \\(outputs, model\\), not Array"),
        (lambda self, x, *, key=None: (self(x), self.inner), "in the structure that it had"),
    ],
)
def test_a_training_mode_that_returns_something_else_is_told(training, message):
    wrong = type("Wrong", (SilentModule,), {"training": training, "__annotations__": {}})
    with pytest.raises((TypeError, ValueError), match=message):
        fit(wrong(norm(3)), y=X)


# ── the last batch, and parts that are too small ──────────────────────────────────────────────


@pytest.mark.parametrize(
    ("n", "rows", "least", "sizes"),
    [
        (5, 2, 1, [2, 2, 1]),
        (5, 2, 2, [2, 3]),
        (6, 2, 2, [2, 2, 2]),
        (1, 4, 2, [1]),
        (5, 4, 2, [5]),
        (4, 4, 2, [4]),
        (6, 4, 2, [4, 2]),
        (3, 1, 2, [1, 2]),
    ],
)
def test_a_last_batch_of_one_row_joins_the_one_before(n, rows, least, sizes):
    parts = _feeding.parts_of(n, rows, least)
    assert [part.stop - part.start for part in parts] == sizes
    assert [i for part in parts for i in range(n)[part]] == list(range(n))
    for order in (None, np.random.default_rng(0).permutation(n)):
        x = np.arange(n)
        got = list(_feeding.batches((x, -x), order, rows, pb.backend.resolve("numpy"), least))
        assert [len(a) for a, _ in got] == sizes
        np.testing.assert_array_equal(
            np.concatenate([a for a, _ in got]), x if order is None else order
        )
        np.testing.assert_array_equal(
            np.concatenate([-b for _, b in got]), x if order is None else order
        )


@pytest.mark.parametrize("size", [40, 41, 5, 4])
def test_fit_joins_it_for_batch_statistics(size):
    assert fit(MODELS["batch norm"](), batch_size=size).steps == 3 * len(
        _feeding.parts_of(41, size, 2)
    )


def test_one_row_at_a_time_has_no_batch_statistics():
    with pytest.raises(ValueError, match="the variance takes two or more"):
        fit(MODELS["batch norm"](), batch_size=1)


@pytest.mark.parametrize("part", ["train", "validation"])
@pytest.mark.parametrize(("rows", "targets"), [(0, 0), (3, 2), (2, 3)])
def test_a_part_without_rows_or_of_two_lengths_is_refused(part, rows, targets):
    good = on_device(X, Y)
    bad = on_device(X[:rows], Y[:targets])
    parts = {"train": good, "validation": good, part: bad}
    with pytest.raises(ValueError, match=f"fit: {part} has arrays of {rows} and {targets} rows"):
        pb.train.fit(linear(3, 1), SQUARED, parts["train"], parts["validation"], pb.optim.SGD(0.1))


def test_predictions_of_no_rows_are_none():
    assert pb.train.predict(linear(3, 2), np.zeros((0, 3))).shape == (0, 2)


@pytest.fixture
def quiet():
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*aximum iterations")
        yield


def made(n):
    x = np.random.default_rng(0).normal(size=(n, 3))
    return x, np.arange(n) % 2


@pytest.mark.parametrize("n", [2, 3, 201, 401])
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_estimators_join_it_too(quiet, kind, n):
    x, y = made(n)
    model = getattr(pb.train, kind)(
        hidden_layer_sizes=(4,), batch_norm=True, max_iter=2, random_state=0
    )
    assert np.isfinite(model.fit(x, y).score(x, y))
    assert model.t_ == 2 * n
    assert np.isfinite(model.partial_fit(x, y).loss_)


TOO_FEW = {
    "one row": ({"batch_norm": True}, lambda m: m.fit(*made(1)), "2 or more are needed"),
    "one row more": ({"batch_norm": True}, lambda m: m.partial_fit(*made(1)), "2 or more are needed"),
    "one is left": ({"batch_norm": True, "early_stopping": True, "validation_fraction": 0.5},
                    lambda m: m.fit(*made(3)), "is 1"),
    "batches of one": ({"batch_norm": True, "batch_size": 1}, lambda m: m.fit(*made(9)), "2 or more with batch_norm"),
    "10 rows": ({"early_stopping": True}, lambda m: m.fit(*made(10)), "validation set is too small"),
    "1 row of 200": ({"early_stopping": True, "validation_fraction": 0.001},
                     lambda m: m.fit(*made(200)), "validation set is too small: 1 of 200"),
    "batch norm by lbfgs": ({"batch_norm": True, "solver": "lbfgs"}, lambda m: m.fit(*made(9)), "no training mode"),
    "dropout by lbfgs": ({"dropout": 0.1, "solver": "lbfgs"}, lambda m: m.fit(*made(9)), "no training mode"),
}  # fmt: skip


@pytest.mark.parametrize("case", TOO_FEW)
def test_too_few_rows_are_refused_before_anything_is_done(quiet, case):
    settings, call, message = TOO_FEW[case]
    model = pb.train.MLPRegressor(hidden_layer_sizes=(4,), **settings)
    with pytest.raises(ValueError, match=message):
        call(model)
    assert not hasattr(model, "model_")


def test_a_partial_fit_of_one_row_leaves_the_model_as_it_was(quiet):
    x, y = made(20)
    model = pb.train.MLPClassifier((4,), batch_norm=True, random_state=0)
    model.partial_fit(x, y, classes=[0, 1])
    before = leaves(model.model_)
    with pytest.raises(ValueError, match="2 or more are needed"):
        model.partial_fit(x[:1], y[:1])
    for a, b in zip(before, leaves(model.model_), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_validation_part_of_one_class_only_is_refused(quiet):
    x, _ = made(40)
    with pytest.raises(ValueError, match=r"should be greater or equal|too small"):
        pb.train.MLPClassifier(early_stopping=True, validation_fraction=0.05).fit(
            x, np.arange(40) % 4
        )


def test_folds_of_one_number_have_no_r_squared():
    y = np.arange(20.0)[:, None]
    data = pb.train.Dataset("made", np.zeros((20, 1)), y, "regression")
    with pytest.raises(pb.train.InputError, match="too few for 9 folds"):
        pb.train.folds(data, k=9)
    assert min(len(part.validation) for part in pb.train.folds(data, k=8)) == 2
