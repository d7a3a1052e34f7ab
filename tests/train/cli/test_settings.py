"""Every optimiser, every schedule, and the other settings of a run.

They train; compiled they do the same; a run that goes on, and one that is repeated from its file, have the same bits.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.train import InputError, Settings, config_text, read_config
from pullback.train.run.run import load_source
from pullback.train.schedules import SCHEDULES
from pullback.train.settings.config import merged
from pullback.train.settings.defaults import COEFFICIENTS, OPTIMIZERS

from . import _cli
from ._cli import FILES, files, table

folder, pullback = _cli.folder, _cli.pullback  # fixtures

# each once with another, and each pair in the first test
ROWS = {
    **{name: {"optimizer": name, "schedule": "cosine", "warmup": 3} for name in OPTIMIZERS},
    **{name: {"schedule": name} for name in SCHEDULES},
    "share of warm-up": {"warmup": 0.2, "schedule": "inverse_sqrt"},
    "sgd with momentum": {"optimizer": "sgd", "momentum": 0.8, "l1": 0.01},
    "plateau, l1": {"optimizer": "sgd", "schedule": "plateau", "l1": 0.01},
    "clipped": {"clip": 0.01, "optimizer": "adam", "l1": 0.01},
    "dropout": {"dropout": 0.3},
    "batch norm": {"batch_norm": True, "activation": "tanh"},
    "both": {"batch_norm": True, "dropout": 0.3, "class_weight": "balanced", "clip": 1.0},
    "balanced": {"class_weight": "balanced"},
}


@cache
def iris():
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    return load_source(Settings(data="iris"))


def trained(settings, **more):
    source = iris()
    ready = source.prepare(settings, source.split(settings.seed), pb.backend.current())
    return pb.train.fit(
        ready.model, ready.task.loss, ready.parts["train"], ready.parts["validation"],
        ready.optimizer, score=ready.task.score, epochs=settings.epochs,
        batch_size=settings.batch_size, l1=settings.l1, plateau=ready.plateau,
        patience=settings.patience, compile=settings.compile, **more,
    )  # fmt: skip


SMALL = Settings(data="iris", hidden=(6,), epochs=2, patience=0, dtype="float64")


def weights(run):
    return [pb.to_numpy(leaf) for leaf in pb.tree.leaves(run.model)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_with_every_schedule(optimizer):
    own = replace(SMALL, optimizer=optimizer, learning_rate=None, l2=None, beta1=None, beta2=None)
    found = []
    for schedule in SCHEDULES:
        run = trained(replace(own, schedule=schedule))
        losses = [row.loss for row in run.history]
        assert len(losses) == 3
        assert losses[-1] < losses[0], schedule
        found.append(losses[-1])
    # plateau has not lowered anything yet; of the others each is another one
    assert found[SCHEDULES.index("plateau")] == found[0]
    assert len(set(found)) == len(SCHEDULES) - 1


@pytest.mark.parametrize("name", ROWS)
def test_compiled_is_eager_to_rounding(name):
    settings = Settings(**{**vars_of(SMALL), "epochs": 3, "batch_size": 4, **ROWS[name]})
    eager, compiled = (trained(replace(settings, compile=c)) for c in (False, True))
    assert (eager.eager, compiled.eager) == ("compile=False", "")
    assert compiled.steps >= 60
    for one, other in zip(weights(eager), weights(compiled), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


def vars_of(settings):
    """What was given, so that the rest is chosen anew."""
    return {
        key: getattr(settings, key) for key in ("data", "hidden", "epochs", "patience", "dtype")
    }


class Broken(Exception):
    """What breaks a run off."""


@pytest.mark.parametrize("name", ROWS)
def test_a_run_that_goes_on_has_the_bits_of_one_that_was_not_broken_off(name, tmp_path):
    settings = Settings(**{**vars_of(SMALL), "epochs": 4, **ROWS[name]})
    if settings.schedule == "plateau":
        settings = replace(settings, learning_rate=1.0)
    whole = trained(settings)

    def broken(run):
        if len(run.history) == 3:
            raise Broken

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Broken):
        trained(settings, checkpoint=path, every=0, on_epoch=broken)
    run = trained(settings, checkpoint=path, resume=True)
    # the second epoch's end was not kept: its last step was
    assert run.resumed == 6
    assert [row.loss for row in run.history] == [row.loss for row in whole.history]
    for one, other in zip(weights(run), weights(whole), strict=True):
        assert one.tobytes() == other.tobytes()


def test_the_rate_of_a_plateau_is_kept_when_a_run_goes_on(tmp_path):
    """Where a reduction lies before the break, and the losses since then are counted."""
    rule = pb.optim.ReduceOnPlateau(0.5, factor=0.3, patience=1, threshold=0.05)
    x = np.random.default_rng(0).standard_normal((64, 3))
    y = x @ np.ones((3, 1)) + np.random.default_rng(1).standard_normal((64, 1))

    def run(epochs, **more):
        return pb.train.fit(
            pb.models.MLP([3, 1], dtype="float64"), pb.models.squared_error, (x, y), (x, y),
            pb.optim.SGD(0.5), batch_size=16, epochs=epochs, patience=0, plateau=rule, **more,
        )  # fmt: skip

    whole = run(20)
    path = tmp_path / "c.safetensors"
    for epochs in (7, 8, 20):
        last = run(epochs, checkpoint=path, resume=True)
    assert [row.loss for row in last.history] == [row.loss for row in whole.history]
    assert len({row.loss for row in whole.history[-3:]}) > 1


# By the command line ------------------------------------------------------------------------------

RUNS = {
    "lion": ["--optimizer", "lion", "--schedule", "cosine", "--warmup", 0.25, "--beta2", 0.95],
    "layers": ["--dropout", 0.3, "--batch-norm", "--clip", 0.5, "--class-weight", "balanced"],
    "plateau": ["--schedule", "plateau", "--optimizer", "sgd", "--momentum", 0.5, "--l1", 0.01],
}


@pytest.fixture
def unpainted(monkeypatch):
    """Runs without their pictures, which take most of their time."""
    for place in ("run.curves_png", "tables.weights_png", "tuning.tune.tuning_png"):
        monkeypatch.setattr(f"pullback.train.run.{place}", lambda *_, **__: b"")


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_repeated_from_its_file_and_goes_on(pullback, name):
    table("t.csv", "two" if name == "layers" else "classes")
    run = ["train", "t.csv", "--hidden", 4, "--batch-size", 16, *RUNS[name]]
    code, out, err = pullback(*run, "--epochs", 3, "--name", "one")
    assert (code, err) == (0, [])
    told = {"lion": "lion, cosine, 25 % warm-up;", "plateau": "sgd, plateau;",
            "layers": "adamw, gradients clipped to 0.5, classes balanced;"}  # fmt: skip
    assert told[name] in out[1]
    assert pullback("train", "--config", "runs/one/run.toml", "--name", "two")[0] == 0
    for file in ("model.safetensors", "metrics.csv"):
        assert Path("runs/one", file).read_bytes() == Path("runs/two", file).read_bytes()
    assert files("runs/one") == FILES
    code, out, _ = pullback("predict", "runs/one", "t.csv")
    assert code == 0
    assert len(out) == 61
    # more epochs, where the schedule is not made for so many
    code, out, err = pullback("train", "--resume", "runs/one", "--epochs", 5)
    if name == "lion":
        assert code == 2
        assert "epochs: the learning rate of runs/one is made for 3 epochs" in err[0]
        assert "pullback train --config runs/one/run.toml --epochs 5" in err[0]
        return
    assert (code, err) == (0, [])
    assert pullback(*run, "--epochs", 5, "--name", "whole")[0] == 0
    for file in ("model.safetensors", "metrics.csv"):
        assert Path("runs/one", file).read_bytes() == Path("runs/whole", file).read_bytes()


@pytest.mark.usefixtures("unpainted")
def test_what_is_read_again_is_measured_as_it_was(pullback):
    """Running statistics are kept, and neither dropout nor the batch matters where losses are measured."""
    table("t.csv")
    run = ["train", "t.csv", "--hidden", "8,4", "--epochs", 5, "--batch-norm", "--dropout", 0.4]
    assert pullback(*run, "--class-weight", "balanced")[0] == 0
    model, told = pb.train.load("runs/t/model.safetensors")
    assert [type(layer).__name__ for layer in model.layers[:4]] == [
        "Linear", "BatchNorm", "Activation", "Dropout",
    ]  # fmt: skip
    settings = Settings(**read_config("runs/t/run.toml"))
    source = load_source(settings)
    ready = source.prepare(settings, source.split(settings.seed), pb.backend.current())
    loss, score = pb.train.evaluate(model, ready.task.loss, ready.parts["test"], ready.task.score)
    assert (loss, score) == (told["test_loss"], told["test_accuracy"])
    assert float(pb.to_numpy(model.layers[1].running_var).max()) != 1.0


@pytest.mark.usefixtures("unpainted")
def test_tune_has_these_settings(pullback):
    table("t.csv")
    code, _, err = pullback(
        "tune", "t.csv", "--folds", 2, "--epochs", 2, "--hidden", 4, "--optimizer", "adam,lion",
        "--schedule", "cosine", "--batch-norm", "yes", "--dropout", 0.1, "--class-weight", "balanced",
        "--clip", 1, "--batches", "drawn",
    )  # fmt: skip
    assert (code, err) == (0, [])
    best = Path("runs/tune-t/best.toml").read_text()
    for line in ('schedule = "cosine"', "batch_norm = true", "clip = 1.0", 'batches = "drawn"'):
        assert line in best
    assert pullback("train", "--config", "runs/tune-t/best.toml")[0] == 0


@pytest.mark.usefixtures("unpainted")
def test_tune_takes_the_coefficients_of_one_optimizer(pullback):
    table("t.csv")
    run = ["tune", "t.csv", "--folds", 2, "--epochs", 1, "--hidden", 4, "--learning-rate", 0.1]
    assert pullback(*run, "--optimizer", "sgd", "--momentum", 0.5)[0] == 0
    best = Settings(**read_config("runs/tune-t/best.toml"))
    assert (best.optimizer, best.momentum) == ("sgd", 0.5)
    code, _, err = pullback(*run, "--optimizer", "sgd,adam", "--beta1", 0.5)
    assert code == 2
    assert "beta1: is of one optimiser, and --optimizer has 2" in err[0]


REFUSED = {
    "adam has no momentum": ({"optimizer": "adam", "momentum": 0.9}, "adam has none; leave it out, or take one of sgd"),
    "sgd has no betas": ({"optimizer": "sgd", "beta1": 0.9}, "beta1: --optimizer sgd has none"),
    "rmsprop has one": ({"optimizer": "rmsprop", "beta1": 0.9}, "beta1: --optimizer rmsprop"),
    "nesterov needs one": ({"optimizer": "nesterov", "momentum": 0.0}, "without momentum is --optimizer sgd"),
    "a momentum of 1": ({"optimizer": "sgd", "momentum": 1.0}, "momentum: 1.0 is not below 1"),
    "a beta below 0": ({"beta2": -0.1}, "beta2: -0.1 is not a number"),
    "no such schedule": ({"schedule": "linear"}, "schedule: unknown value 'linear'; choose one of constant"),
    "two rises": ({"schedule": "one_cycle", "warmup": 5}, "warmup: the schedule one_cycle begins with a rise"),
    "plateau and warm-up": ({"schedule": "plateau", "warmup": 0.1}, "warmup: the schedule plateau has no"),
    "plateau that never acts": ({"schedule": "plateau", "patience": 10}, "schedule: plateau waits 10 epochs"),
    "half a step": ({"warmup": 1.5}, "warmup: 1.5 is neither a whole number"),
    "negative warm-up": ({"warmup": -1}, "warmup: -1 is not a number"),
    "negative clip": ({"clip": -1.0}, "clip: -1.0 is not a number"),
    "no such weights": ({"class_weight": "equal"}, "class_weight: unknown value 'equal'"),
    "weights of numbers": ({"class_weight": "balanced", "task": "regression"}, "class_weight: is for classes"),
    "weights of a text": ({"class_weight": "balanced", "data": "a.txt"}, "is for tables and images, not for lstm"),
    "dropout without layers": ({"hidden": (), "dropout": 0.5}, "dropout: acts on hidden layers"),
    "norm without layers": ({"hidden": (), "batch_norm": True}, "batch_norm: acts on hidden layers"),
    "norm of a cnn": ({"model": "cnn", "batch_norm": True}, "batch_norm: is for mlp"),
    "norm of a word": ({"batch_norm": 1}, "batch_norm: 1 is neither true nor false"),
    "full batches": ({"optimizer": "lbfgs"}, "optimizer: lbfgs takes all rows in every step"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_settings_that_cannot_be_together_are_refused(case):
    given, said = REFUSED[case]
    with pytest.raises(InputError) as refused:
        Settings(**given)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--warmup", "all"], "warmup: 'all' is neither a number of steps, as 100, nor a share"),
        (["--warmup", 500, "--epochs", 2], "warmup: 500 steps of warm-up are all of the run's 6"),
        (["--schedule", "one_cycle", "--epochs", 1], "one_cycle needs 4 steps or more"),
        (["--task", "regression", "--class-weight", "balanced"], "class_weight: is for classes"),
    ],
)
def test_what_the_data_do_not_allow_is_refused_before_a_file_is_written(pullback, arguments, said):
    table("t.csv", "two")
    code, out, err = pullback("train", "t.csv", "--batch-size", 16, *arguments)
    assert (code, out, len(err)) == (2, [], 1)
    assert said in err[0]
    assert not Path("runs").exists()


def test_another_optimizer_than_the_file_s_brings_its_own_numbers(tmp_path):
    path = tmp_path / "run.toml"
    for name, extra in itertools.chain(
        ((name, {}) for name in OPTIMIZERS), [("sgd", {"momentum": 0.5})]
    ):
        settings = Settings(optimizer=name, warmup=0.5, schedule="step", **extra)
        path.write_text(config_text(settings))
        assert Settings(**read_config(path)) == settings
        for other in OPTIMIZERS:
            if other != name:
                found = merged(read_config(path), {"optimizer": other})
                assert found == Settings(optimizer=other, warmup=0.5, schedule="step")
    assert set(COEFFICIENTS) == set(OPTIMIZERS)
    # with a momentum steps are longer
    assert (
        Settings(optimizer="sgd", momentum=0.9).learning_rate
        == Settings(optimizer="momentum").learning_rate
    )
