"""What ended a run, by its files alone."""

from __future__ import annotations

import csv

import pytest

import pullback as pb
from pullback.train.files import locked
from pullback.train.records.record import is_run, read_record
from pullback.train.settings.config import config_text

from ._runs import make, settings

pytest.importorskip("safetensors", reason="models need safetensors, of the extra 'train'")

NONE = {"stopped": None, "why": None, "test_loss": None, "test_accuracy": None}
PATIENCE = {"stopped": "patience", "why": "no better"}


@pytest.mark.parametrize(
    ("files", "state", "why"),
    [
        ({}, "finished", "all 3 epochs done"),
        ({"told": PATIENCE, "epochs": 30}, "finished", "no better"),
        ({"told": {"stopped": "diverged", "why": "nan"}}, "diverged", "nan"),
        ({"told": {"stopped": "interrupted", "why": "SIGTERM"}}, "interrupted", "SIGTERM"),
        ({"told": {"stopped": "callback", "why": "enough"}}, "interrupted", "enough"),
        # killed; and killed after it was to go on for more
        ({"told": NONE}, "interrupted", "without a word"),
        ({"epochs": 9}, "interrupted", "9 epochs are wanted, and 3 done"),
        ({"model": False}, "without model", "before it wrote one"),
        ({"model": False, "losses": None}, "without model", "before it wrote one"),
    ],
)
def test_states(tmp_path, files, state, why):
    record = read_record(make(tmp_path / "iris", **files))
    assert (record.state, record.kind, record.name) == (state, "train", "iris")
    assert why in record.why
    assert record.epochs == (None if "losses" in files else 3)


def test_all_that_a_finished_run_tells(tmp_path):
    record = read_record(make(tmp_path / "iris", learning_rate=0.5))
    assert record.settings == settings(learning_rate=0.5)
    assert record.network == "mlp 2-4-3"
    assert (record.best_epoch, record.score_name) == (2, "accuracy")
    assert (record.validation_loss, record.validation_score) == (0.25, 0.75)
    assert (record.test_loss, record.test_score) == (0.5, 0.875)
    newest = max((tmp_path / "iris").iterdir(), key=lambda p: p.stat().st_mtime)
    assert record.written == newest.stat().st_mtime


@pytest.mark.parametrize(
    ("epochs", "patience", "state"),
    [(3, 50, "finished"), (9, 1, "finished"), (9, 2, "interrupted")],
)
def test_runs_of_earlier_versions_which_did_not_say_what_ended_them(
    tmp_path, epochs, patience, state
):
    folder = make(tmp_path / "old", told={}, epochs=epochs, patience=patience)
    model, told = pb.train.load(folder / "model.safetensors")
    del told["validation_accuracy"]
    pb.train.save(folder / "model.safetensors", model, told)
    record = read_record(folder)
    assert record.state == state
    # by the line of its epoch in metrics.csv
    assert (record.best_epoch, record.validation_score) == (2, 0.75)


def test_a_process_that_has_it_is_training_it(tmp_path):
    pytest.importorskip("fcntl")
    folder = make(tmp_path / "iris", told=NONE)
    with locked(folder):
        assert read_record(folder).state == "running"
    assert read_record(folder).state == "interrupted"


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("run.toml", b"data = ", "is not valid TOML"),
        ("run.toml", b"\xff", "is not UTF-8"),
        ("run.toml", b"colour = 3", "unknown setting"),
        ("model.safetensors", b"\x01", "is no model"),
        ("metrics.csv", b"epoch\nx", "the last line"),
    ],
)
def test_what_is_damaged_is_told(tmp_path, name, data, why):
    folder = make(tmp_path / "iris")
    (folder / name).write_bytes(data)
    record = read_record(folder)
    assert record.state == "damaged"
    assert why in record.why


def test_odd_metadata_are_no_numbers(tmp_path):
    told = {
        "validation_loss": "low",
        "validation_accuracy": [1],
        "best_epoch": "two",
        "test_loss": True,
    }
    record = read_record(make(tmp_path / "iris", told=told))
    assert (record.validation_loss, record.test_loss, record.best_epoch) == (None, None, 2)
    # beyond float64
    assert read_record(make(tmp_path / "b", told={"test_loss": 10**400})).test_loss is None


def test_folders_of_nothing(tmp_path):
    (tmp_path / "notes").mkdir()
    assert not is_run(tmp_path / "notes")
    for folder in (tmp_path / "notes", tmp_path / "none"):
        with pytest.raises(pb.train.InputError):
            read_record(folder)


def test_searches(tmp_path):
    folder = tmp_path / "tune"
    folder.mkdir()
    rows = [["learning_rate", "loss", "accuracy", "epochs", "loss_3_epochs", "loss_9_epochs", "loss_1"],
            ["0.1", "0.5", "0.75", "9", "0.6", "0.5", "0.5"],
            ["0.2", "0.4", "0.5", "3", "0.4", "", "0.4"]]  # fmt: skip
    with open(folder / "tune.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    record = read_record(folder)
    # with halving the best one is in the last rung
    assert (record.kind, record.state, record.validation_loss) == ("tune", "interrupted", 0.5)
    assert (record.score_name, record.validation_score) == ("accuracy", 0.75)
    (folder / "best.toml").write_text(config_text(settings()))
    record = read_record(folder)
    assert (record.state, record.why, record.settings) == ("tuned", "2 combinations", settings())
    (folder / "tune.csv").write_bytes(b"\xff")
    assert read_record(folder).state == "damaged"
