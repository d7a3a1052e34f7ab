"""Runs on images by convolutions: every form of images, predictions from them, what is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from ..cli import _cli
from ..cli._cli import FILES, files, records, table
from ._networks_data import images, text

folder, pullback = _cli.folder, _cli.pullback
QUICK = ["--model", "cnn", "--hidden", 8, "--learning-rate", 0.01]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"shape": (6, 6)}, "cnn 1 × 6 × 6 to 1"),
        ({"shape": (6, 7, 3)}, "cnn 3 × 6 × 7 to 1"),
        ({"shape": (3, 7, 6), "first": True}, "cnn 3 × 7 × 6 to 1"),
    ],
)
def test_images_of_every_form_are_learned_and_told_apart(pullback, settings, said):
    code, out, err = pullback("train", images(**settings), *QUICK, "--epochs", 12)
    assert (code, err) == (0, [])
    assert said in out[1]
    assert float(out[3].split("accuracy ")[1].split()[0]) > 90
    assert files("runs/images") == FILES
    code, out, err = pullback("predict", "runs/images", "images.npz")
    assert (code, err) == (0, [])
    told = [row[0] for row in records("\n".join(out))[1:]]
    assert np.mean([a == str(i % 2) for i, a in enumerate(told)]) > 0.9


def test_the_settings_file_repeats_the_run(pullback):
    assert pullback("train", images(), *QUICK, "--epochs", 2)[0] == 0
    written = tomllib.loads(Path("runs/images/run.toml").read_text())
    assert (written["model"], written["hidden"], written["dropout"]) == ("cnn", [8], 0.25)
    assert pullback("train", "--config", "runs/images/run.toml")[0] == 0
    for name in ("metrics.csv", "model.safetensors"):
        assert Path("runs/images", name).read_bytes() == Path("runs/images-2", name).read_bytes()


def test_settings_of_a_cnn_are_tuned(pullback):
    code, out, err = pullback(
        "tune", images(), "--model", "cnn", "--hidden", "4;8", "--learning-rate", "1e-2", "--folds", 2, "--epochs", 1,
    )  # fmt: skip
    assert (code, err) == (0, [])
    assert out[0].startswith("images: 2 combinations of settings")


def test_what_is_no_image_is_refused(pullback):
    np.savez("flat.npz", X=np.ones((20, 4)), y=np.arange(20) % 2)
    for arguments, said in [
        (["flat.npz"], "model: cnn takes images, and flat.npz has 4 columns: save X with shape (n, h"),
        ([table("t.csv")], "model: cnn takes images: digits, an IDX file, an .npz file"),
        (["wine"], "model: cnn takes images: digits"),
        ([text()], "model: cnn takes tables or images, and notes.txt is a text"),
    ]:  # fmt: skip
        code, out, err = pullback("train", *arguments, "--model", "cnn")
        assert (code, out, len(err)) == (2, [], 1)
        assert said in err[0]
    assert "lstm takes a text" in pullback("train", "digits", "--model", "lstm")[2][0]
    assert not Path("runs").exists()


def test_images_of_another_form_are_not_predicted(pullback):
    pullback("train", images(shape=(6, 7, 3)), *QUICK, "--epochs", 1)
    _, expected, _ = pullback("predict", "runs/images", "images.npz")
    found = np.load("images.npz")
    np.savez("turned.npz", X=np.moveaxis(found["X"], -1, 1))
    said = pullback("predict", "runs/images", "turned.npz")[2][0]
    assert "turned.npz has images of shape (3, 6, 7), the model takes (6, 7, 3)" in said
    np.savez("flat.npz", X=found["X"].reshape(len(found["X"]), -1))
    assert pullback("predict", "runs/images", "flat.npz")[1] == expected


def test_an_array_with_gaps_and_targets_in_a_file_goes_on_repeats_and_predicts(pullback):
    x = np.random.default_rng(0).normal(size=(30, 3))
    x[4, 1] = np.nan
    np.save("x.npy", x)
    np.save("y.npy", np.arange(30) % 2)
    first = ["train", "x.npy", "--target-file", "y.npy", "--hidden", 4, "--epochs", 1]
    assert pullback(*first)[0] == 0
    assert pullback("train", "--resume", "runs/x", "--epochs", 2)[0] == 0
    assert pullback("train", "--config", "runs/x/run.toml")[0] == 0
    same = [Path("runs", run, "metrics.csv").read_bytes() for run in ("x", "x-2")]
    assert same[0] == same[1]
    code, out, err = pullback("predict", "runs/x", "x.npy")
    assert (code, len(out), err) == (0, 31, [])
    assert pullback("evaluate", "runs/x", "x.npy", "--target-file", "y.npy")[0] == 0
