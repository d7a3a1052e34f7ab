"""Runs on texts: what they write and say, and that the settings' file repeats them."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.train.run.texts import load_blocks, next_accuracy

from .._loop import on_device
from ..cli import _cli
from ..cli._cli import FILES, files, records
from ._networks_data import text

folder, pullback = _cli.folder, _cli.pullback
QUICK = ["--epochs", 2, "--length", 8, "--batch-size", 16]


@pytest.mark.parametrize(("model", "hidden"), [("lstm", "8"), ("transformer", "16")])
def test_a_text_is_trained_on_and_its_file_repeats_it(pullback, model, hidden):
    code, out, err = pullback("train", text(), "--model", model, "--hidden", hidden, *QUICK)
    assert (code, err) == (0, [])
    assert out[0] == (
        "notes: 624 characters, 16 different, in blocks of 8; 488 to train on, 64 to validate, 64 to test"
    )
    assert out[1].startswith(f"{model} {hidden}, ")
    loss = float(out[3].split("test loss ")[1].split()[0])
    told = out[3].split("(perplexity ")[1].rstrip(")")
    perplexity, bits = told.split(" bits")[0].split(", ")
    assert float(perplexity) == pytest.approx(math.exp(loss), rel=1e-3)
    assert float(bits) == pytest.approx(loss / math.log(2), abs=1e-3)
    assert files("runs/notes") == [name for name in FILES if name != "evaluation.png"]
    losses = [float(row[4]) for row in records(Path("runs/notes/metrics.csv").read_text())[1:]]
    assert losses[-1] < losses[0]
    written = tomllib.loads(Path("runs/notes/run.toml").read_text())
    assert (written["model"], written["length"]) == (model, 8)
    assert "activation" not in written
    assert pullback("train", "--config", "runs/notes/run.toml")[0] == 0
    for name in ("metrics.csv", "model.safetensors"):
        assert Path("runs/notes", name).read_bytes() == Path("runs/notes-2", name).read_bytes()


def test_settings_of_a_text_are_tuned_on_its_stretches(pullback):
    code, out, err = pullback(
        "tune", text(), "--hidden", "4;8", "--learning-rate", "1e-2", "--folds", 2, "--length", 8, "--epochs", 1,
    )  # fmt: skip
    assert (code, err) == (0, [])
    assert out[0].startswith("notes: 2 combinations of settings, 2 folds of ")
    assert tomllib.loads(Path("runs/tune-notes/best.toml").read_text())["model"] == "lstm"


def test_accuracy_is_that_of_the_largest_logit():
    logits = np.asarray([[[0.0, 1.0], [2.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    assert next_accuracy(*on_device(logits, np.asarray([[1, 1], [1, 0]]))) == 0.5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--hidden", "8,4"], "hidden: 8,4; the layers of lstm have one width: write 128 for one layer"),
        (["--hidden", "none"], "hidden: none; the layers of lstm have one width"),
        (["--model", "transformer", "--hidden", "15"], "hidden: 15; a transformer turns pairs of features"),
        (["--length", "300"], "notes has 624 characters: training, validation and test part need a block of 300"),
        (["--model", "cnn"], "model: cnn takes tables or images, and notes.txt is a text"),
        (["--edges", "e.csv"], "model: gcn takes a table of nodes as .csv, not notes.txt"),
        (["--target", "x"], "target: 'x': a text's characters are predicted by those before them"),
    ],
)  # fmt: skip
def test_what_a_text_has_not_is_refused(pullback, options, said):
    code, out, err = pullback("train", text(), *options)
    assert (code, out, len(err)) == (2, [], 1)
    assert said in err[0]
    assert not Path("runs").exists()


def test_a_missing_text_is_refused(pullback):
    assert pullback("train", "none.txt")[2] == ["pullback: no such file: none.txt"]
    Path("b.txt").write_bytes(b"\xff\xfe")
    assert "b.txt is not UTF-8 text" in pullback("train", "b.txt")[2][0]
    with pytest.raises(pb.train.InputError, match="no such file"):
        load_blocks(pb.train.Settings(data="none.txt"))
