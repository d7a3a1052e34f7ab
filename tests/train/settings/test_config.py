"""Tests of `train/settings/config.py`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pullback as pb
from pullback.train.settings.config import merged

from ..cli import _cli
from ..cli._cli import FILES, table

folder = _cli.folder


pullback = _cli.pullback


def test_the_settings_file_repeats_the_run_bit_for_bit(pullback):
    table("t.csv")
    settings = ["--hidden", "7,5", "--optimizer", "nesterov", "--learning-rate", "0.03", "--l2", 0.01,
                "--batch-size", 9, "--epochs", 4, "--patience", 2, "--seed", 11, "--dtype", "float64",
                "--activation", "tanh", "--target", "kind", "--batches", "drawn",
                "--l1", 0.001]  # fmt: skip
    assert pullback("train", "t.csv", *settings)[0] == 0
    written = tomllib.loads(Path("runs/t/run.toml").read_text())
    expected = {
        "data": "t.csv", "target": "kind", "task": "classification", "model": "mlp", "hidden": [7, 5],
        "activation": "tanh", "optimizer": "nesterov", "learning_rate": 0.03, "batch_size": 9,
        "batches": "drawn",
        "epochs": 4, "patience": 2, "seed": 11, "backend": pb.backend.current().name,
        "dtype": "float64", "l2": 0.01, "l1": 0.001, "precision": "float32", "compile": True, "name": "t",
        "missing": "impute",
        "dropout": 0.0, "batch_norm": False, "momentum": 0.9, "schedule": "constant", "warmup": 0,
        "clip": 0.0, "class_weight": "none",
    }  # fmt: skip
    assert {key: written[key] for key in expected} == expected
    code, out, _ = pullback("train", "--config", "runs/t/run.toml")
    assert code == 0
    assert out[-1].startswith(f"files in {Path('runs/t-2')}: ")
    for name in FILES:
        first, second = (Path("runs", run, name).read_text("latin1") for run in ("t", "t-2"))
        assert first.replace("runs/t;", "") == second.replace("t-2;", "t;") or name == "run.toml"
    assert tomllib.loads(Path("runs/t-2/run.toml").read_text()) == written


def test_options_beat_the_settings_file(pullback):
    table("t.csv")
    Path("c.toml").write_text(
        'data = "t.csv"\nepochs = 1\nhidden = [3]\noptimizer = "sgd"\nlearning_rate = 0.5\n'
    )
    code, out, _ = pullback("train", "--config", "c.toml", "--epochs", 2, "--optimizer", "adam")
    assert code == 0
    assert "2-3-3" in out[1]
    written = tomllib.loads(Path("runs/t/run.toml").read_text())
    assert (written["epochs"], written["hidden"], written["optimizer"]) == (2, [3], "adam")
    assert written["learning_rate"] == 0.001  # 0.5 was for sgd
    pullback("train", "--config", "c.toml", "--name", "again")
    assert tomllib.loads(Path("runs/again/run.toml").read_text())["learning_rate"] == 0.5


def test_settings_survive_a_settings_file(tmp_path):
    odd = pb.train.Settings(
        data='a "quoted"\\path\u00e4\x7f.csv',
        hidden=(),
        learning_rate=1e-05,
        l2=0,
        name="x y",
        seed=2**70,
    )
    path = tmp_path / "c.toml"
    path.write_text(pb.train.config_text(odd, ("a comment",)))
    assert pb.train.Settings(**pb.train.read_config(path)) == odd


def test_dates_that_are_read_otherwise_are_found_anew():
    from_file = {
        "data": "t.csv",
        "dates": "day-first",
        "columns": (("day", "date %d/%m/%Y"), ("x", "number")),
    }
    assert merged(from_file, {"dates": "day-first"}).columns == from_file["columns"]
    assert merged(from_file, {"dates": "month-first"}).columns == (("day", "date"), ("x", "number"))
    assert merged(from_file, {"target": "x"}).columns == ()


def test_what_is_said_of_a_column_goes_before_the_file():
    from_file = {"data": "t.csv", "categorical": ("zip", "ward"), "drop": ("id",)}
    found = merged(from_file, {"numeric": ("zip", "id")})
    assert (found.categorical, found.numeric, found.drop) == (("ward",), ("zip", "id"), ())
