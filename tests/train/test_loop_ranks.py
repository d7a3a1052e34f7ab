"""`fit(..., distributed=group)`: the training of one process, on any number of ranks, the same bits on all of them."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.train.measure import RowMean

from ._ranks import close, same_bits, simulated

D, M = pb.distributed, pb.models
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(30, 3))
Y = np.sin(X[:, :1]) - X[:, 1:2]
LABELS = np.argmax(X, axis=1)
VALIDATION = slice(0, 13)  # no multiple of the numbers of ranks


def mlp(*sizes, **settings):
    return M.MLP(sizes or (3, 5, 1), **{"activation": "tanh", "dtype": "float64", **settings})


class Normed(M.Module):
    """A linear layer, normalised over the batch, and another."""

    first: M.Linear
    norm: M.BatchNorm
    last: M.Linear

    @classmethod
    def init(cls):
        return cls(
            M.Linear.init(3, 4, dtype="float64", seed=1),
            M.BatchNorm.init(4, dtype="float64"),
            M.Linear.init(4, 1, dtype="float64", seed=2),
        )

    def __call__(self, x):
        return self.last(self.norm(self.first(x)))

    def training(self, x, *, key=None):
        y, norm = self.norm.training(self.first(x))
        return self.last(y), Normed(self.first, norm, self.last)


class Centred(M.Module):
    """A layer of the user's own with a running mean, which knows nothing of ranks and does not use it in training."""

    inner: M.MLP
    mean: object = M.state()

    def __call__(self, x):
        return self.inner(x) + 0.01 * pb.xp.sum(pb.xp.stop_gradient(self.mean))

    def training(self, x, *, key=None):
        new = 0.9 * pb.xp.stop_gradient(self.mean) + 0.1 * pb.xp.mean(x, axis=0)
        return self.inner(x), Centred(self.inner, new)


class TwoInputs(M.Module):
    """Two inputs."""

    a: M.Linear
    b: M.Linear

    def __call__(self, x, z):
        return self.a(x) + self.b(z)


def penalised(model, batch):
    return M.squared_error(model(batch["x"]), batch["y"]) + 1e-3 * pb.xp.sum(model.layers[0].W ** 2)


def distance(outputs, y):
    return float(pb.xp.mean(pb.xp.abs(outputs - y)))


def two():
    return TwoInputs(
        M.Linear.init(3, 1, dtype="float64", seed=1), M.Linear.init(3, 1, dtype="float64", seed=2)
    )


PAIR = (X, Y)
CASES = {
    "an MLP": {},
    "a score of all outputs": {"score": pb.train.r_squared},
    "eager": {"compile": False},
    "once": {"batches": "once", "score": RowMean(distance)},
    "drawn": {"batches": "drawn"},
    "one row a batch": {"batch_size": 1, "epochs": 2},
    "momentum and l1": {"opt": pb.optim.SGD(0.05, momentum=0.9), "l1": 1e-3},
    "adam and l1": {"l1": 1e-3},
    "scaled loss": {"opt": pb.optim.LossScaling(pb.optim.Adam(0.01))},
    "clipped": {"opt": pb.optim.Clipped(pb.optim.SGD(0.1), norm=0.5)},
    "classes": {
        "model": mlp(3, 6, 3),
        "loss": M.cross_entropy,
        "data": (X, LABELS),
        "score": pb.train.accuracy,
    },
    "loss of a model": {"loss": penalised, "data": {"x": X, "y": Y}, "loss_of": "model"},
    "two inputs": {"model": two(), "data": ((X, X**2), Y)},
    # Adam would make steps of the rounding errors that are the gradient of a bias before the norm
    "batch statistics": {"model": Normed.init(), "opt": pb.optim.SGD(0.05, momentum=0.9)},
    "batch statistics, eager": {
        "model": Normed.init(),
        "opt": pb.optim.SGD(0.05, momentum=0.9),
        "compile": False,
    },
    "a state of one's own": {"model": Centred(mlp(), np.zeros(3))},
    "early end": {"patience": 2, "epochs": 9, "opt": pb.optim.SGD(0.9)},
    "divergence": {"opt": pb.optim.SGD(1e3), "model": mlp(activation="relu"), "epochs": 60},
}


def trained(group, case):
    settings = {
        "model": mlp(),
        "loss": M.squared_error,
        "data": PAIR,
        "opt": pb.optim.Adam(0.02),
        "epochs": 4,
        "batch_size": 7,  # the last batch has two rows
        "compile": True,
        **CASES[case],
    }
    model, loss, data, opt = (settings.pop(k) for k in ("model", "loss", "data", "opt"))
    part = pb.tree.map(lambda a: a[VALIDATION], data)
    return pb.train.fit(model, loss, data, part, opt, distributed=group, **settings)


@pytest.mark.parametrize("case", CASES)
def test_any_number_of_ranks_is_the_training_of_one_process(case, monkeypatch):
    monkeypatch.setattr("pullback.train.step._WORTH", 1)
    alone = trained(None, case)
    for size in (2, 3):
        fits = simulated(size, trained, case)
        same_bits(fits)
        close(fits[0], alone, 1e-6 if case == "divergence" else 1e-10)
        assert fits[0].eager == alone.eager
