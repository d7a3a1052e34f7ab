"""The command line: how it ends on a full disk, when it is broken off, and when the loss overflows."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import stat
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import pullback as pb
from pullback.train.cli import main

from . import _cli
from ._cli import FILES, QUICK, child, files, records, table

folder, pullback = _cli.folder, _cli.pullback  # fixtures

FULL, READ_ONLY = errno.ENOSPC, errno.EROFS


@pytest.mark.parametrize(("code", "reason"), [(FULL, "No space left"), (READ_ONLY, "Read-only")])
@pytest.mark.parametrize("after", [0, 1, 3, 5])
def test_a_disk_that_fails_leaves_nothing_half_written(pullback, monkeypatch, code, reason, after):
    """The disk takes so many files and then no more."""
    table("t.csv")
    fsync, count = os.fsync, []

    def failing(descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            count.append(1)
            if len(count) > after:
                raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    exit_code, _, err = pullback("train", "t.csv", "--epochs", "3")
    assert (exit_code, len(err)) == (2, 1)
    assert "cannot write" in err[0]
    assert reason in err[0]
    if after == 0:
        assert not Path("runs").exists()
        return
    assert set(files("runs/t")) <= set(FILES)
    monkeypatch.setattr(os, "fsync", fsync)
    tomllib.loads(Path("runs/t/run.toml").read_text())
    if after >= 3:
        assert pullback("predict", "runs/t", "t.csv")[0] == 0


def test_a_file_that_grows_too_large_for_the_disk():
    """The system itself breaks off the writing in the middle of a file, by a limit on its size."""
    resource = pytest.importorskip("resource")
    table("t.csv")
    limit = 1500
    process = child(
        "train", "t.csv", *QUICK, "--hidden", "64", "--backend", "numpy",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert err.count("\n") == 1
    assert "cannot write" in err
    assert "model.safetensors" in err
    assert files("runs/t") == ["metrics.csv", "run.toml"]


# How it ends ------------------------------------------------------------------------------------

ENDLESS = ["--epochs", "1000000", "--patience", "0", "--name", "run"]


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def epochs_written():
    path = Path("runs/run/metrics.csv")
    return len(path.read_text().splitlines()) - 2 if path.exists() else 0


def test_ctrl_c_ends_a_run_with_what_it_has(pullback):
    table("t.csv")
    process = child("train", "t.csv", *ENDLESS)
    wait_for(lambda: epochs_written() > 2, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert "interrupted in epoch" in out
    assert "test accuracy" in out.splitlines()[-3]
    assert out.splitlines()[-1] == "to go on: pullback train --resume runs/run"
    assert files("runs/run") == FILES
    assert pullback("predict", "runs/run", "t.csv")[0] == 0


def test_sigkill_leaves_readable_files(pullback):
    table("t.csv")
    process = child("train", "t.csv", *ENDLESS, "--hidden", "512,512")
    wait_for(lambda: epochs_written() > 2, process)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    kept = [
        name for name in files("runs/run") if name[0] != "." and name != "checkpoint.safetensors"
    ]
    assert kept == ["metrics.csv", "model.safetensors", "run.toml"]
    rows = records(Path("runs/run/metrics.csv").read_text())
    assert {len(row) for row in rows} == {6}
    assert tomllib.loads(Path("runs/run/run.toml").read_text())["hidden"] == [512, 512]
    code, out, _ = pullback("predict", "runs/run", "t.csv")
    assert code == 0
    assert len(out) == 61


def test_ctrl_c_before_the_training_writes_nothing(pullback, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pullback.train.run.tables.load_dataset", interrupted)
    code, out, err = pullback("train", "t.csv")
    assert (code, out, len(err)) == (130, [], 1)
    assert not Path("runs").exists()


SIGNALS = [number for number in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, number)]
START = """
import os, signal, sys

# a shell may have had it ignored, as nohup has SIGHUP
signal.signal(signal.{name}, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["pullback", "train", "t.csv"]

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            os.kill(os.getpid(), getattr(signal, "{name}"))

sys.meta_path.insert(0, Finder())
from pullback.train.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_while_it_starts_is_one_line(name):
    ended = subprocess.run(
        [sys.executable, "-P", "-c", START.replace("{name}", name)], capture_output=True, text=True
    )
    assert ended.returncode == 128 + getattr(signal, name)
    assert (ended.stdout, ended.stderr) == ("", "pullback: interrupted while it started\n")


@pytest.mark.parametrize("name", SIGNALS[1:])
@pytest.mark.parametrize("command", [["train", "t.csv"], ["tune", "t.csv", "--folds", 2]])
def test_a_signal_ends_a_command_with_its_code(pullback, monkeypatch, name, command):
    """While data are read; within `fit`; and between the folds of `tune`."""
    table("t.csv")
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)
    # sent from within the loss of the second step
    steps = []

    def loss(outputs, y):
        steps.append(1)
        if len(steps) == 5:
            os.kill(os.getpid(), number)
        return pb.models.cross_entropy(outputs, y)

    task = pb.train.task_for
    monkeypatch.setattr(
        "pullback.train.run.tables.task_for", lambda data: replace(task(data), loss=loss)
    )
    try:
        code, out, err = pullback(*command, *QUICK)
        assert code == 128 + number
        said = "\n".join([*out, *err])
        assert (f"ended by {name} in epoch" in said) == (command[0] == "train")
        assert signal.getsignal(number) == signal.SIG_DFL
        load = "pullback.train.run.tables.load_dataset"
        monkeypatch.setattr(load, lambda *_, **__: os.kill(os.getpid(), number))
        code, out, err = pullback(*command, *QUICK)
        assert (code, out) == (128 + number, [])
        assert err == [f"pullback: ended by {name}; files that are there are whole"]
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_in_the_background_signals_that_the_shell_ignores_end_nothing(pullback, monkeypatch, name):
    """`pullback train … &` is started with Ctrl-C ignored, and `nohup pullback train …` with SIGHUP."""
    table("t.csv")
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("Windows has no SIGHUP")
    sent = []

    def loss(outputs, y):
        if not sent:
            sent.append(number)
            os.kill(os.getpid(), number)
        return pb.models.cross_entropy(outputs, y)

    task = pb.train.task_for
    monkeypatch.setattr(
        "pullback.train.run.tables.task_for", lambda data: replace(task(data), loss=loss)
    )
    before = signal.signal(number, signal.SIG_IGN)
    try:
        code, out, err = pullback("train", "t.csv", *QUICK)
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)
    assert (code, err, sent) == (0, [], [number])
    assert any(line.startswith("all 2 epochs done") for line in out)


def test_a_loss_that_overflows_keeps_the_best_weights_and_exits_with_1(pullback):
    table("n.csv", "numbers")
    code, out, err = pullback(
        "train", "n.csv", "--optimizer", "sgd", "--learning-rate", "1e6", "--epochs", 50
    )
    assert (code, len(err)) == (1, 1)
    assert "at step" in err[0]
    assert "are kept" in err[0]
    assert out[-2].startswith("test R2")
    assert files("runs/n") == FILES
    assert pullback("predict", "runs/n", "n.csv")[0] == 0


@pytest.mark.parametrize(
    "error", [MemoryError(), MemoryError("Unable to allocate 8.00 TiB for an array")]
)
def test_out_of_memory_says_what_to_do(error, monkeypatch, capsys):
    """Whether or not the library says how much it asked for."""

    def full(commands):
        raise error

    # the module: its name in the package is that of the function
    monkeypatch.setattr(importlib.import_module("pullback.train.cli.main"), "_app", full)
    assert main(["train"]) == 2
    said = capsys.readouterr().err
    assert "choose a smaller network or batch" in said
    assert str(error) in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_while_options_are_read_is_one_line(pullback, monkeypatch, name):
    """Typer makes an exit code of its own of Ctrl-C, without a word."""
    from pullback.train.cli import app

    number = getattr(signal, name)
    before = signal.signal(
        number, signal.SIG_DFL if name != "SIGINT" else signal.default_int_handler
    )
    parse = app.typer.core.TyperCommand.parse_args

    def interrupted(self, ctx, args):
        os.kill(os.getpid(), number)
        return parse(self, ctx, args)

    monkeypatch.setattr(app.typer.core.TyperCommand, "parse_args", interrupted)
    try:
        code, out, err = pullback("train", "t.csv")
        assert (code, out, len(err)) == (128 + number, [], 1)
    finally:
        signal.signal(number, before)
