"""`fit(..., distributed=group)`: the training of one process, on any number of ranks, the same bits on all of them."""

from __future__ import annotations

import dataclasses
import math
import signal

import numpy as np
import pytest

import pullback as pb
from pullback.train.fitting.agreed import AgreedInterrupt
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


def branching(outputs, y):
    value = M.squared_error(outputs, y)
    return value * 2 if value > 1e9 else value


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
    "a scale that overflows": {
        "opt": pb.optim.LossScaling(
            pb.optim.SGD(0.005), initial=2.0**126, interval=1, most=2.0**127
        ),
        "model": mlp(dtype="float32"),
        "data": (X.astype("float32"), 16 * Y.astype("float32")),
    },
    "sharded": {"opt": D.sharded(pb.optim.Adam(0.02)), "l1": 1e-3},
    "sharded and clipped": {
        "opt": D.sharded(pb.optim.Clipped(pb.optim.SGD(0.1, momentum=0.9), norm=0.5)),
        "l1": 1e-3,
    },
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
    "a state of one's own": {"model": Centred(mlp(), pb.xp.zeros(3))},
    "float16": {
        "model": mlp(dtype="float32"),
        "data": (X.astype("float32"), Y.astype("float32")),
        "opt": pb.optim.LossScaling(pb.optim.SGD(0.05), initial=2.0**20),  # overflows at first
        "precision": "float16",
        "batch_size": 10,
    },
    "no program": {"loss": branching},
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
    monkeypatch.setattr("pullback.train.replay._WORTH", 1)
    alone = trained(None, case)
    for size in (2, 3, 5) if case == "an MLP" else (3,):
        fits = simulated(size, trained, case)
        same_bits(fits)
        close(
            fits[0],
            alone,
            {"divergence": 1e-6, "float16": 1e-4, "a scale that overflows": 1e-4}.get(case, 1e-10),
        )
        assert fits[0].eager == alone.eager


def test_a_whole_world_of_one_is_one_process():
    (fit,) = simulated(1, trained, "an MLP")
    assert fit.history[-1].loss == trained(None, "an MLP").history[-1].loss


def test_arrays_of_every_library(lib):
    """On a second device, and on one that is no host: what is exchanged is of the library's own arrays."""
    data = tuple(lib.asarray(a) for a in PAIR)
    with pb.backend.use("numpy"):
        models = mlp(), Normed.init()

    def train(group, model):
        moved = pb.tree.map(lib.asarray, model)
        settings = {"epochs": 2, "batch_size": 8, "score": pb.train.r_squared, "distributed": group}
        return pb.train.fit(moved, M.squared_error, data, data, pb.optim.SGD(0.05), **settings)

    for model in models:
        fits = simulated(2, train, model)
        same_bits(fits)
        close(fits[0], train(None, model))
        assert all(lib.is_raw(leaf) for leaf in pb.tree.leaves(fits[1].model))


class Dropped(M.Module):
    """Dropout before a layer."""

    drop: M.Dropout
    last: M.MLP

    def __call__(self, x):
        return self.last(x)

    def training(self, x, *, key=None):
        return self.last(self.drop.training(x, key=key)[0]), self


def test_dropout_draws_for_each_rank_and_repeats():
    """The ranks' masks are different ones, the models equal; the same number of ranks gives the same bits again."""
    settings = {"epochs": 2, "batch_size": 8, "compile": False}
    drawn = {}

    def train(group, note):
        def loss(outputs, y):
            note.setdefault(group.rank, []).append(float(pb.stop_gradient(outputs)[0, 0]))
            return M.squared_error(outputs, y)

        same = (np.ones((32, 3)), np.ones((32, 1)))
        model = Dropped(M.Dropout(0.5), mlp())
        return pb.train.fit(
            model, loss, same, same, pb.optim.SGD(0.05), distributed=group, **settings
        )

    first, again = simulated(2, train, drawn), simulated(2, train, {})
    same_bits(first)
    same_bits([first[0], again[1]])
    assert drawn[0] != drawn[1]


def failing(group, **wrong):
    """A training in which rank 1 has other settings."""
    settings = {
        "epochs": 1,
        "batch_size": 8,
        "data": PAIR,
        "opt": pb.optim.SGD(0.05),
        "model": mlp(),
    }
    settings |= wrong if group.rank == 1 else {}
    data, opt, model = (settings.pop(k) for k in ("data", "opt", "model"))
    return pb.train.fit(model, M.squared_error, data, data, opt, distributed=group, **settings)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"seed": 1}, "fit: seed is 1 on rank 1 and 0 on rank 0"),
        ({"epochs": 2}, "fit: epochs is 2 on rank 1 and 1 on rank 0"),
        ({"patience": 3}, "fit: patience is 3 on rank 1"),
        ({"l1": 0.1}, "fit: the optimiser is Proximal"),
        ({"opt": pb.optim.SGD(0.06)}, "fit: the optimiser is SGD.*0.06"),
        ({"model": mlp(3, 6, 1)}, "fit: the network .* is MLP"),
        (
            {"data": (X[::-1], Y[::-1])},
            "fit: the training data's digest is .* same seed on every rank",
        ),
        ({"data": (X[:20], Y[:20])}, "fit: the training data's digest is .* takes its share"),
    ],
)
def test_a_rank_with_other_settings_or_data_is_told_on_all(wrong, told):
    def train(group):
        with pytest.raises(D.DistributedError, match=told):
            failing(group, **wrong)
        return True

    assert simulated(2, train) == [True, True]


def test_models_that_differ_at_the_start_are_rank_0s():
    fits = simulated(2, failing_not)
    same_bits(fits)
    close(fits[0], failing_not(None))


def failing_not(group):
    model = mlp(seed=0 if group is None else group.rank)
    settings = {"epochs": 2, "batch_size": 8, "distributed": group}
    return pb.train.fit(model, M.squared_error, PAIR, PAIR, pb.optim.SGD(0.05), **settings)


def test_an_optimiser_that_does_something_else_on_a_rank_is_told():
    class Own(pb.optim.SGD):
        def step(self, params, grads, state, **settings):
            params, state = super().step(params, grads, state, **settings)
            return pb.tree.map(lambda p: p * (1 + 1e-15 * D.rank()), params), state

    def train(group):
        with pytest.raises(
            D.DistributedError, match="after epoch 1 the model of rank 1 is not that of"
        ):
            pb.train.fit(mlp(), M.squared_error, PAIR, PAIR, Own(0.05), distributed=group, epochs=3)
        return True

    assert simulated(2, train) == [True, True]


def weighted(outputs, y):
    w = pb.xp.asarray(y) ** 2
    return pb.xp.sum(w * (outputs - y) ** 2) / pb.xp.sum(w)


@pytest.mark.parametrize("loss", [weighted, lambda outputs, y: pb.xp.sum((outputs - y) ** 2)])
def test_a_loss_that_is_no_mean_over_rows_is_warned_of(loss):
    def train(group):
        return pb.train.fit(
            mlp(), loss, PAIR, PAIR, pb.optim.SGD(1e-3), distributed=group, epochs=1
        )

    with pytest.warns(
        UserWarning, match=r"the loss is no mean over rows: of six of them it is"
    ) as told:
        simulated(2, train)
    assert len(told) == 1


def test_one_graph_is_refused():
    def train(group):
        with pytest.raises(NotImplementedError, match=r"batch_size=None on 2 ranks: .* by rows"):
            pb.train.fit(
                mlp(),
                M.squared_error,
                PAIR,
                PAIR,
                pb.optim.SGD(0.05),
                distributed=group,
                batch_size=None,
            )
        return True

    assert simulated(2, train) == [True, True]


def test_an_error_on_one_rank_ends_all():
    def train(group):
        def on_epoch(run):
            if group.rank == 1 and len(run.history) == 2:
                raise OSError("disk full on rank 1")

        return pb.train.fit(
            mlp(),
            M.squared_error,
            PAIR,
            PAIR,
            pb.optim.SGD(0.05),
            distributed=group,
            on_epoch=on_epoch,
        )

    with pytest.raises(OSError, match="disk full on rank 1"):
        simulated(3, train)


@pytest.mark.parametrize("moment", ["on_start", "on_step", "on_epoch"])
def test_a_callback_of_one_rank_stops_all_and_its_error_leaves_a_checkpoint(
    moment, tmp_path, monkeypatch
):
    """Rank 1 alone has one."""
    monkeypatch.setattr("pullback.train.parallel.ranks._BETWEEN_LOOKS", 1e-4)
    path = tmp_path / "c.safetensors"

    class Once:
        def __init__(self, error):
            self.error, self.count = error, 0

    def call(self, run):
        self.count += 1
        if self.count == (1 if moment == "on_start" else 3):
            raise self.error

    setattr(Once, moment, call)

    def train(group, error, **more):
        return pb.train.fit(
            mlp(), M.squared_error, PAIR, PAIR, pb.optim.SGD(0.05), distributed=group, epochs=12,
            patience=0, batch_size=4, callbacks=[Once(error)] if group.rank == 1 and error else [],
            checkpoint=path, every=1000, **more,
        )  # fmt: skip

    fits = simulated(3, train, pb.train.StopTraining("enough"))
    same_bits([dataclasses.replace(fit, why="") for fit in fits])
    assert {fit.stopped for fit in fits} == {"callback"}
    assert fits[1].why == "enough"
    path.unlink(missing_ok=True)
    with pytest.raises(OSError, match="disk full"):
        simulated(3, train, OSError("disk full"))
    assert path.exists() == (moment != "on_start")
    on = simulated(3, lambda group: train(group, None, resume=True))
    whole = simulated(3, lambda group: train(group, None))
    same_bits([*on, *whole])


def test_a_signal_to_one_rank_ends_all_with_the_same_model(monkeypatch):
    """Rank 2 notes a signal after the second epoch; the others see nothing."""
    monkeypatch.setattr("pullback.train.parallel.ranks._BETWEEN_LOOKS", 1e-4)

    def train(group):
        def on_epoch(run):
            if group.rank == 2 and len(run.history) == 3:
                noted[group.rank]._note(signal.SIGTERM, None)

        settings = {"epochs": 10_000, "patience": 0, "batch_size": 4, "distributed": group}
        return pb.train.fit(
            mlp(), M.squared_error, PAIR, PAIR, pb.optim.SGD(1e-4), on_epoch=on_epoch, **settings
        )

    noted = {}
    enter = AgreedInterrupt.__enter__

    def entered(interrupt):
        noted[D.rank()] = interrupt
        return enter(interrupt)

    monkeypatch.setattr(AgreedInterrupt, "__enter__", entered)
    fits = simulated(3, train)
    same_bits(fits)
    assert fits[0].stopped == "interrupted"
    assert fits[0].why.startswith("ended by SIGTERM in epoch ")
    assert fits[0].signal == signal.SIGTERM
    assert 2 <= fits[0].history[-1].epoch < 200


class Broken(Exception):
    """What breaks a training off, on all ranks at the same step."""


RESUMED = {
    "an MLP": {},
    "batch statistics": {"model": Normed.init(), "opt": pb.optim.SGD(0.05, momentum=0.9)},
    "scaled loss": {"opt": pb.optim.LossScaling(pb.optim.SGD(0.05))},
}


@pytest.mark.parametrize(
    ("case", "before", "after"),
    [
        ("an MLP", 1, 2),
        ("an MLP", 2, 4),
        ("an MLP", 3, 2),
        ("batch statistics", 2, 4),
        ("scaled loss", 2, 1),
    ],
)
def test_another_number_of_ranks_goes_on(case, before, after, tmp_path):
    """Broken off in the middle of the second epoch; the result is that of a training that never was."""
    settings = {"opt": pb.optim.Adam(0.02), "model": mlp(), **RESUMED[case]}
    file = tmp_path / "state.safetensors"

    def train(group, at=math.inf, **more):
        made = []

        def loss(outputs, y):
            made.extend([1] * outputs.traced)
            if len(made) >= at:
                raise Broken
            return M.squared_error(outputs, y)

        return pb.train.fit(
            settings["model"], loss, PAIR, PAIR, settings["opt"],
            epochs=4, batch_size=7, compile=False, distributed=group, **more,
        )  # fmt: skip

    def on(size, *args, **more):
        if size == 1:
            return [train(None, *args, **more)]
        return simulated(size, lambda group: train(group, *args, **more))

    with pytest.raises(Broken):
        on(before, 8, checkpoint=file, every=0)
    fits = on(after, checkpoint=file, resume=True)
    same_bits(fits)
    assert fits[0].resumed == 7
    close(fits[0], train(None))


def test_a_checkpoint_after_the_last_step_of_an_epoch_goes_on(tmp_path):
    """Broken off while the epoch was measured: no batch of it is left, and on ranks no share of one."""
    file = tmp_path / "state.safetensors"

    def train(group, on_epoch=None, **more):
        return pb.train.fit(
            mlp(), M.squared_error, PAIR, PAIR, pb.optim.Adam(0.02), epochs=3, batch_size=7,
            on_epoch=on_epoch, distributed=group, **more,
        )  # fmt: skip

    def broken(run):
        if len(run.history) == 2:
            raise Broken

    with pytest.raises(Broken):
        simulated(2, lambda group: train(group, broken, checkpoint=file, every=0))
    whole = train(None)
    kept = file.read_bytes()
    for size in (1, 2, 3):
        file.write_bytes(kept)
        fits = simulated(size, lambda group: train(group, checkpoint=file, resume=True))
        same_bits(fits)
        assert fits[0].resumed == 5
        close(fits[0], whole)


def test_a_checkpoint_that_is_damaged_is_told_on_every_rank(tmp_path):
    file = tmp_path / "state.safetensors"
    file.write_bytes(b"nothing")

    def train(group):
        with pytest.raises(pb.train.InputError, match="is damaged"):
            pb.train.fit(
                mlp(), M.squared_error, PAIR, PAIR, pb.optim.SGD(0.05),
                distributed=group, checkpoint=file, resume=True,
            )  # fmt: skip
        return True

    assert simulated(2, train) == [True, True]
