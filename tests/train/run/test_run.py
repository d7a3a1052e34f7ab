"""Tests of `train/run/run.py`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import pullback as pb

from .._loop import on_device
from ..cli import _cli
from ..cli._cli import FILES, QUICK, files, records, table

folder = _cli.folder


pullback = _cli.pullback


def test_training_writes_its_files_and_says_so_last(pullback):
    code, out, err = pullback("train", table("t.csv"), "--epochs", 3, "--name", "first")
    assert (code, err) == (0, [])
    assert out[-2].startswith("test accuracy ")
    assert " test loss " in out[-2]
    assert out[-1].startswith(f"files in {Path('runs/first')}: ")
    assert files("runs/first") == FILES
    for name in FILES:
        assert name in out[-1]
    assert Path("runs/first/curves.png").read_bytes()[:4] == b"\x89PNG"

    metrics = records(Path("runs/first/metrics.csv").read_text())
    assert metrics[0] == ["epoch", "steps", "loss", "accuracy", "validation_loss", "validation_accuracy"]  # fmt: skip
    assert [row[0] for row in metrics[1:]] == ["0", "1", "2", "3"]
    assert all(np.isfinite(float(cell)) for row in metrics[1:] for cell in row)

    model, told = pb.train.load("runs/first/model.safetensors")
    assert model.sizes == (2, 128, 3)
    assert told["classes"] == ["high", "low", "mid"]
    assert told["columns"] == ["left", "right"]
    assert f"test accuracy {100 * told['test_accuracy']:.2f} %" in out[-2]


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", "momentum", "nesterov"])
def test_every_optimizer_learns_and_every_layer_decays(optimizer):
    settings = pb.train.Settings(
        data=str(table("t.csv")),
        optimizer=optimizer,
        epochs=100,
        hidden=(8,),
        task="classification",
    )
    said = []
    result = pb.train.train(settings, say=said.append)
    assert result.fit.best.validation_loss < 0.5 * result.fit.history[0].validation_loss
    assert result.test_score > 0.8
    assert len(said) == 5


def test_runs_are_numbered_but_a_name_asked_for_must_be_free(pullback):
    table("t.csv")
    for expected in ("t", "t-2", "t-3"):
        code, out, _ = pullback("train", "t.csv", *QUICK)
        assert code == 0
        assert f"{Path('runs', expected)}:" in out[-1]
    before = Path("runs/t-2/metrics.csv").read_bytes()
    code, _, err = pullback("train", "t.csv", "--name", "t-2", *QUICK)
    assert code == 2
    assert "t-2 exists already: choose another --name" in err[0]
    assert Path("runs/t-2/metrics.csv").read_bytes() == before
    assert files("runs/t-2") == FILES


def test_the_metadata_are_json_under_one_key(pullback):
    pullback("train", table("t.csv"), *QUICK)
    data = Path("runs/t/model.safetensors").read_bytes()
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    content = json.loads(head["__metadata__"]["pullback"])
    assert content["architecture"] == {
        "kind": "MLP", "sizes": [2, 4, 3], "activation": "relu", "dtype": "float32"
    }  # fmt: skip
    told = content["metadata"]
    assert (told["task"], told["target"]) == ("classification", "kind")
    assert len(told["standardize"]["mean"]) == 2


@pytest.mark.slow
def test_accuracy_on_the_digits_over_ten_seeds():
    """The defaults: at least 97.5 % on average and at the default seed."""
    pytest.importorskip("sklearn", reason="needs scikit-learn")
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
