"""The command line: what it writes, what it predicts, what it tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import pullback as pb

from . import _cli
from ._cli import FILES, QUICK, child, files, records, table

folder, pullback = _cli.folder, _cli.pullback  # fixtures

# What train writes ------------------------------------------------------------------------------


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


def test_the_settings_file_repeats_the_run_bit_for_bit(pullback):
    table("t.csv")
    settings = ["--hidden", "7,5", "--optimizer", "nesterov", "--learning-rate", "0.03", "--l2", 0.01,
                "--batch-size", 9, "--epochs", 4, "--patience", 2, "--seed", 11, "--dtype", "float64",
                "--activation", "tanh", "--target", "kind"]  # fmt: skip
    assert pullback("train", "t.csv", *settings)[0] == 0
    written = tomllib.loads(Path("runs/t/run.toml").read_text())
    assert written == {
        "data": "t.csv", "target": "kind", "task": "classification", "hidden": [7, 5],
        "activation": "tanh", "optimizer": "nesterov", "learning_rate": 0.03, "batch_size": 9,
        "epochs": 4, "patience": 2, "seed": 11, "backend": pb.backend.current().name,
        "dtype": "float64", "l2": 0.01, "precision": "float32", "compile": True, "name": "t",
    }  # fmt: skip
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


def test_two_classes_have_one_logit_and_regression_tells_r2(pullback):
    code, out, _ = pullback("train", table("two.csv", "two"), "--epochs", 20, "--hidden", "none")
    assert code == 0
    assert "network 2-1, 3 parameters" in out[1]
    assert "test accuracy 100.00 %" in out[-2]
    code, out, _ = pullback("train", table("n.csv", "numbers", 200), "--activation", "identity")
    assert code == 0
    assert "regression on 'kind'" in out[0]
    assert float(out[-2].split()[2].rstrip(",")) > 0.98
    assert "root mean squared error" in out[-2]
    assert records(Path("runs/n/metrics.csv").read_text())[0][3] == "r2"


def test_built_in_data_and_image_files_are_trained_on(pullback):
    pytest.importorskip("sklearn")
    for name in ("digits", "breast_cancer", "wine", "iris", "diabetes"):
        assert pullback("train", name, "--epochs", 1)[0] == 0, name
        assert files(f"runs/{name}") == FILES
    digits = pb.train.load_dataset("digits")
    np.savez("d.npz", X=digits.x.reshape(-1, 8, 8), y=digits.y)
    assert pullback("train", "d.npz", "--epochs", 1)[0] == 0
    by_name, by_file = (records(Path(f"runs/{r}/metrics.csv").read_text()) for r in ("digits", "d"))
    assert by_name == by_file


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


# Predictions ------------------------------------------------------------------------------------


def test_predictions_are_classes_and_probabilities(pullback):
    table("t.csv")
    assert pullback("train", "t.csv", "--epochs", 40)[0] == 0
    code, out, err = pullback("predict", "runs/t", "t.csv")
    assert (code, err) == (0, [])
    told = records("\n".join(out))
    assert told[0] == ["class", "p(high)", "p(low)", "p(mid)"]
    p = np.asarray([row[1:] for row in told[1:]], dtype=float)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    truth = [line.split(",")[2] for line in Path("t.csv").read_text().splitlines()[1:]]
    predicted = [row[0] for row in told[1:]]
    assert predicted == [("high", "low", "mid")[i] for i in p.argmax(axis=1)]
    assert np.mean([a == b for a, b in zip(predicted, truth, strict=True)]) > 0.9


def test_predictions_find_columns_by_name_or_place_and_go_to_a_file(pullback):
    table("t.csv")
    pullback("train", "t.csv", *QUICK)
    lines = [line.split(",") for line in Path("t.csv").read_text().splitlines()]
    Path("swapped.csv").write_text("\n".join(f"{c},{b},{a}" for a, b, c in lines) + "\n")
    Path("bare.csv").write_text("\n".join(f"{a},{b}" for a, b, _ in lines[1:]) + "\n")
    Path("features.csv").write_text("\n".join(f"{a},{b}" for a, b, _ in lines) + "\n")
    _, expected, _ = pullback("predict", "runs/t", "features.csv")
    for name in ("t.csv", "swapped.csv", "bare.csv"):
        code, out, err = pullback("predict", "runs/t", name, "--output", "p.csv")
        assert (code, out, err) == (0, [], []), name
        assert Path("p.csv").read_text().splitlines() == expected
    assert pullback("predict", "runs/t/model.safetensors", "bare.csv")[1] == expected


def test_regression_predicts_in_the_targets_own_units(pullback):
    table("n.csv", "numbers", 200)
    pullback("train", "n.csv", "--activation", "identity", "--epochs", 100)
    code, out, _ = pullback("predict", "runs/n", "n.csv")
    assert code == 0
    assert out[0] == "predicted kind"
    truth = [float(line.split(",")[2]) for line in Path("n.csv").read_text().splitlines()[1:]]
    np.testing.assert_allclose(np.asarray(out[1:], float), truth, atol=0.3)


def test_a_reader_that_has_enough_is_no_error(pullback):
    pullback("train", table("t.csv"), *QUICK)
    process = child("predict", "runs/t", table("long.csv", n=5000))
    assert process.stdout.readline().startswith("class,")
    process.stdout.close()  # with far more to come than a pipe holds
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 0
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_the_output_is_told(pullback):
    pullback("train", table("t.csv"), *QUICK)
    with open("/dev/full", "w") as full:
        process = child("predict", "runs/t", "t.csv", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == "pullback: cannot write the output: No space left on device\n"


def test_an_encoding_that_lacks_a_letter_is_told(pullback):
    Path("t.csv").write_text("a,k\n" + "1,größer\n0,b\n" * 20)
    pullback("train", "t.csv", *QUICK)
    process = child("predict", "runs/t", "t.csv", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.count("\n") == 1
    assert "--output" in err


# The rest ---------------------------------------------------------------------------------------


def test_info_tells_backend_device_memory_versions_and_threads(pullback):
    code, out, err = pullback("info")
    assert (code, err) == (0, [])
    told = dict(line.split(None, 1) for line in out if len(line.split(None, 1)) == 2)
    active = pb.backend.current()
    assert told["pullback"] == pb.__version__
    assert told["backend"] == active.name
    assert told["why"] == active.reason
    assert told["numpy"] == np.__version__
    assert {"Python", "device", "memory", "scipy", "optree", "cupy", "BLAS"} <= set(told)
    assert "thread" in "\n".join(out)


def test_why_auto_chose_is_told(pullback):
    code, out, _ = pullback("info", "--backend", "auto")
    assert code == 0
    assert any(line.startswith("why") and "auto" in line for line in out)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["train", "--help"], ["predict", "--help"]])
def test_help_is_given(pullback, arguments):
    code, out, err = pullback(*arguments)
    assert (code, err) == (0, [])
    text = "\n".join(out)
    if arguments[:1] == ["train"]:
        for option in ("target", "hidden", "activation", "optimizer", "learning-rate", "batch-size",
                       "epochs", "patience", "seed", "backend", "dtype", "l2", "name", "config"):  # fmt: skip
            assert f"--{option}" in text
    else:
        assert "predict" in text


def test_the_module_is_the_command():
    run = subprocess.run(
        [sys.executable, "-P", "-m", "pullback", "train", "nothing.csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "pullback: no such file: nothing.csv\n"


def test_a_progress_bar_is_shown_on_a_terminal_only():
    pty = pytest.importorskip("pty")
    table("t.csv")
    parent, end = pty.openpty()
    run = subprocess.run(
        [sys.executable, "-P", "-m", "pullback", "train", "t.csv", "--epochs", "50"],
        stdout=subprocess.PIPE,
        stderr=end,
        text=True,
        check=False,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(end)
    shown = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(parent)
    assert run.returncode == 0
    assert b"epoch" in shown
    assert b"validation" in shown
    assert run.stdout.splitlines()[-2].startswith("test accuracy")
    assert "\x1b" not in run.stdout


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
