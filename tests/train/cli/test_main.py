"""The command line: what it writes, what it predicts, what it tells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pullback as pb

from . import _cli
from ._cli import FILES, QUICK, child, files, records, table

folder, pullback = _cli.folder, _cli.pullback  # fixtures

# What train writes ------------------------------------------------------------------------------


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
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    for name in ("digits", "breast_cancer", "wine", "iris", "diabetes"):
        assert pullback("train", name, "--epochs", 1)[0] == 0, name
        assert files(f"runs/{name}") == FILES
    digits = pb.train.load_dataset("digits")
    np.savez("d.npz", X=digits.x.reshape(-1, 8, 8), y=digits.y)
    assert pullback("train", "d.npz", "--epochs", 1)[0] == 0
    by_name, by_file = (records(Path(f"runs/{r}/metrics.csv").read_text()) for r in ("digits", "d"))
    assert by_name == by_file


# Predictions ------------------------------------------------------------------------------------


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


def test_help_tells_defaults_and_whole_sentences(pullback):
    _, out, _ = pullback("train", "--help")
    text = " ".join(" ".join(out).split())
    # in brackets, which rich would take for markup, and leave out
    for default in ("float32", "relu", "adamw", "by optimiser", "last", "compile"):
        assert f"[default: {default}]" in text, default
    _, out, _ = pullback("--help")
    assert not [line for line in out if line.startswith("  ") and line.endswith("...")]
    assert "[default: relu]" in "\n".join(pullback("tune", "--help")[1])


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


def test_the_command_line_has_both(pullback):
    table("t.csv")
    for name, options in {"a": ["--precision", "bfloat16"], "b": ["--no-compile"], "c": []}.items():
        code, out, err = pullback(
            "train", "t.csv", "--hidden", "4", "--epochs", "30", "--name", name, *options
        )
        assert (code, err) == (0, [])
        assert ("products in bfloat16" in out[1]) is (name == "a")
    texts = {name: Path(f"runs/{name}/run.toml").read_text() for name in "abc"}
    assert 'precision = "bfloat16"' in texts["a"]
    assert "compile = true" in texts["a"]
    assert "compile = false" in texts["b"]
    assert pullback("train", "--config", "runs/b/run.toml", "--name", "d")[0] == 0
    assert Path("runs/d/metrics.csv").read_text() == Path("runs/b/metrics.csv").read_text()
    assert Path("runs/a/metrics.csv").read_text() != Path("runs/c/metrics.csv").read_text()
