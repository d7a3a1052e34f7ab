"""Data that lie on the host are fed to the device batch by batch, in order, and give the same model."""

from __future__ import annotations

import dataclasses

import array_api_strict
import numpy as np
import pytest

import pullback as pb
from pullback.train.data import device_data as _feeding

SQUARED = pb.models.squared_error
X = np.linspace(-1, 1, 30)[:, None]


class Watched:
    """A backend whose feed writes down what goes through it."""

    def __init__(self, home):
        self.batches = []
        self.home = dataclasses.replace(home, feed=self.feed, array_type=type(self))

    def feed(self, batches):
        for batch in batches:
            assert all(type(a) is np.ndarray for a in batch)
            self.batches.append(batch)
            yield batch


@pytest.fixture
def second_device():
    """The backend of array_api_strict's second device, which refuses NumPy arrays beside its own."""
    device = array_api_strict.Device("device1")
    return pb.backend.backend_of(array_api_strict.zeros(1, device=device))


def moved(model, home):
    return pb.tree.map(lambda leaf: home.asarray(pb.to_numpy(leaf)), model)


def network():
    with pb.backend.use("numpy"):
        return pb.models.MLP([1, 6, 1], activation="tanh", dtype="float64", seed=0)


SETTINGS = {"epochs": 3, "batch_size": 8}


def test_data_on_the_host_train_a_model_on_another_device(second_device):
    """The second device refuses whatever was not moved to it: every batch was."""
    here = pb.train.fit(network(), SQUARED, (X, X**2), (X, X**2), pb.optim.Adam(0.01), **SETTINGS)
    model = moved(network(), second_device)
    there = pb.train.fit(model, SQUARED, (X, X**2), (X, X**2), pb.optim.Adam(0.01), **SETTINGS)
    assert [e.loss for e in there.history] == pytest.approx([e.loss for e in here.history])
    for a, b in zip(pb.tree.leaves(there.model), pb.tree.leaves(here.model), strict=True):
        assert pb.backend.backend_of(a) is second_device
        np.testing.assert_allclose(pb.to_numpy(a), b, rtol=1e-12)


def test_the_feed_gets_every_row_once_and_in_the_drawn_order():
    watched = Watched(pb.backend.resolve("numpy"))
    order = np.random.default_rng(0).permutation(30)
    got = list(_feeding.batches((X, X**2), order, 8, watched.home))
    assert [len(x) for x, _ in got] == [8, 8, 8, 6]
    assert len(watched.batches) == 4
    for place, column in enumerate((X, X**2)):
        np.testing.assert_array_equal(np.concatenate([b[place] for b in got]), column[order])


def test_the_feed_is_asked_for_one_batch_at_a_time():
    """So that it may copy ahead as far as it wants, and never holds more of the data than that."""
    taken = []
    watched = Watched(pb.backend.resolve("numpy"))
    parts = ((X[i : i + 5], taken.append(i))[:1] for i in range(0, 30, 5))
    feed = _feeding.prefetch(parts, X, watched.home)
    assert taken == []
    next(feed)
    assert taken == [0]


def test_on_the_cpu_nothing_is_fed():
    home = dataclasses.replace(pb.backend.resolve("numpy"), feed=None)  # a call would fail
    parts = list(_feeding.batches((X, X), np.arange(30), 7, home))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), X)


@pytest.mark.parametrize(("free", "there"), [(4 * 480, True), (4 * 480 - 1, False), (None, True)])
def test_data_lie_on_the_device_if_a_quarter_of_its_memory_holds_them(second_device, free, there):
    memory = {} if free is None else {"free": free}
    home = dataclasses.replace(second_device, memory=lambda: memory)
    x, y, nothing = _feeding.to_device_if_it_fits((X, X**2, None), home)
    assert nothing is None
    assert (type(x) is np.ndarray) is (type(y) is np.ndarray) is not there


@pytest.mark.filterwarnings("ignore:.*Maximum iterations")  # 2 are enough here
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_an_estimator_feeds_what_does_not_fit(monkeypatch, shuffle, weighted):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    settings = {"hidden_layer_sizes": (5,), "max_iter": 2, "batch_size": 8, "shuffle": shuffle}
    weights = np.linspace(1, 2, 30) if weighted else None
    with pb.backend.use("numpy"):
        model = pb.train.MLPRegressor(random_state=0, **settings).fit(X, X[:, 0], weights)
        watched = Watched(pb.backend.current())
        monkeypatch.setattr(_feeding, "prefetch", lambda parts, x, home: watched.feed(parts))
        prefetch = pb.train.MLPRegressor(random_state=0, **settings).fit(X, X[:, 0], weights)
    assert [len(batch[0]) for batch in watched.batches] == [8, 8, 8, 6] * 2
    assert {len(batch) for batch in watched.batches} == {3 if weighted else 2}
    assert prefetch.loss_curve_ == model.loss_curve_


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("device", ["host", "second"])
def test_the_shares_of_the_ranks_are_the_batch(size, device, second_device):
    """In order and of nearly equal sizes; a batch of fewer rows than ranks goes to each of them."""
    home = pb.backend.resolve("numpy") if device == "host" else second_device
    order = np.random.default_rng(1).permutation(30)
    arrays = (home.asarray(X), home.asarray(X**2))
    whole = [[pb.to_numpy(a) for a in b] for b in _feeding.batches(arrays, order, 9, home)]
    shares = [
        [
            [pb.to_numpy(a) for a in batch]
            for batch in _feeding.batches(arrays, order, 9, home, share=(rank, size))
        ]
        for rank in range(size)
    ]
    assert [len(own) for own in shares] == [4] * size
    for batch, *parts in zip(whole, *shares, strict=True):
        lengths = [len(x) for x, _ in parts]
        for place in (0, 1):
            if len(batch[0]) < size:
                for part in parts:
                    np.testing.assert_array_equal(part[place], batch[place])
            else:
                joined = np.concatenate([part[place] for part in parts])
                np.testing.assert_array_equal(joined, batch[place])
                assert max(lengths) - min(lengths) <= 1
