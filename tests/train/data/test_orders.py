"""The three ways in which rows make batches."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._loop import parabola, run, weights


def taken(batches, *, n=10, rows=4, epochs=2):
    """The rows of each batch, which a model that notes its inputs has seen."""
    seen = []

    class Spy(pb.models.Module):
        w: object

        def __call__(self, x):
            seen.append(pb.to_numpy(pb.stop_gradient(x))[:, 0].astype(int).tolist())
            return pb.xp.matmul(x, self.w)

    home = pb.backend.current()
    x = home.asarray(np.arange(float(n))[:, None])
    pb.train.fit(
        Spy(home.asarray(np.ones((1, 1)))), pb.models.squared_error, (x, x), (x, x), pb.optim.SGD(1e-4),
        epochs=epochs, batch_size=rows, batches=batches, patience=0,
    )  # fmt: skip
    found = [chosen for chosen in seen if len(chosen) < n]
    steps = len(found) // epochs
    return [found[i * steps : (i + 1) * steps] for i in range(epochs)]


def flat(epoch):
    return [row for batch in epoch for row in batch]


def test_shuffled_batches_have_every_row_once_an_epoch_in_a_new_order():
    first, second = taken("shuffled")
    assert sorted(flat(first)) == sorted(flat(second)) == list(range(10))
    assert first != second


def test_shuffled_once_is_the_same_order_in_every_epoch():
    first, second, third = taken("once", epochs=3)
    assert first == second == third
    assert sorted(flat(first)) == list(range(10)) != flat(first)


def test_drawn_batches_are_independent_of_each_other():
    epochs = taken("drawn", n=30, rows=8, epochs=40)
    assert all([len(batch) for batch in epoch] == [8, 8, 8, 6] for epoch in epochs)
    assert all(len(set(batch)) == len(batch) for epoch in epochs for batch in epoch)
    # a row comes in 3 of 4 batches of an epoch now and then, and in none
    counts = np.asarray([np.bincount(flat(epoch), minlength=30) for epoch in epochs])
    assert counts.max() >= 3
    assert counts.min() == 0
    # each row has the same chance: 40 in expectation, with a standard deviation of 5.4
    assert np.all(abs(counts.sum(axis=0) - 40) < 25)


@pytest.mark.parametrize("batches", ["shuffled", "once", "drawn"])
def test_the_same_seed_gives_the_same_run(batches):
    first, again, other = (run(epochs=4, batch_size=7, seed=s, batches=batches) for s in (3, 3, 4))
    assert first.history == again.history != other.history
    for one, same in zip(weights(first.model), weights(again.model), strict=True):
        np.testing.assert_array_equal(one, same)


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match=r"fit: batches='random'; there are 'shuffled', 'once'"):
        run(batches="random", data=parabola())
    with pytest.raises(pb.train.InputError, match="batches"):
        pb.train.Settings(batches="random")


@pytest.mark.parametrize("batches", ["once", "drawn"])
def test_estimators_take_them_too(batches):
    X = np.linspace(-1, 1, 90)[:, None]
    settings = {"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 60, "learning_rate_init": 0.02,
                "batch_size": 16, "tol": 0.0, "n_iter_no_change": 100}  # fmt: skip
    models = [pb.train.MLPRegressor(batches=b, **settings) for b in (batches, batches, "shuffled")]
    with pytest.warns(match="Maximum iterations"):
        first, again, other = (m.fit(X, X[:, 0] ** 2).coefs_[0] for m in models)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert models[0].score(X, X[:, 0] ** 2) > 0.9
    with pytest.raises(ValueError, match=r"batches='drawn'.*shuffle=False"):
        pb.train.MLPRegressor(batches="drawn", shuffle=False).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="batches='one'"):
        pb.train.MLPClassifier(batches="one").fit(X, X[:, 0] > 0)
