"""`pullback train --resume`: the files of a run that was broken off anywhere are those of one that was not."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

import pullback as pb
from pullback.train import loop

from ...conftest import WITHOUT_STANDIN
from ..cli import _cli
from ..cli._cli import FILES, child, files, table
from . import _networks_data

folder, pullback = _cli.folder, _cli.pullback  # fixtures

SAME = ("model.safetensors", "metrics.csv", "checkpoint.safetensors", "weights.png")


class Killed(BaseException):
    """What no handler catches, as SIGKILL."""


@pytest.fixture
def kill(monkeypatch):
    """Break off after so many checkpoints."""
    write = loop.write

    def after(number):
        left = [number]

        def counted(*args):
            if not left[0]:
                raise Killed
            write(*args)
            left[0] -= 1

        monkeypatch.setattr(loop, "write", write if number is None else counted)

    return after


def killed(pullback, kill, number, *arguments):
    kill(number)
    with pytest.raises(Killed):
        pullback(*arguments, "--checkpoint-every", 0)
    kill(None)


def same_files(one, other, names=SAME):
    for name in names:
        assert Path(one, name).read_bytes() == Path(other, name).read_bytes(), name


SMALL = ["--epochs", 3, "--hidden", 4, "--batch-size", 16]


@pytest.mark.parametrize("number", [0, 3, 10])
def test_it_ends_with_the_same_bits(pullback, kill, number):
    table("t.csv")
    assert pullback("train", "t.csv", *SMALL, "--name", "whole")[0] == 0
    killed(pullback, kill, number, "train", "t.csv", *SMALL, "--name", "run")
    assert "weights.png" not in files("runs/run")
    # of a writer that is gone
    Path(f"runs/run/.checkpoint.safetensors.{2**22 + 1}.tmp").write_text("half of one")
    code, out, err = pullback("train", "--resume", "runs/run")
    assert (code, err) == (0, [])
    says = "has no checkpoint.safetensors yet: it begins anew" if number == 0 else "goes on after"
    assert f"{Path('runs/run')} {says}" in out[2]
    assert files("runs/run") == FILES
    same_files("runs/run", "runs/whole", SAME[:-1])
    assert pullback("predict", "runs/run", "t.csv")[0] == 0


NETWORKS = {
    "cnn": lambda: (_networks_data.images(), "--model", "cnn"),
    "lstm": lambda: (_networks_data.text(), "--length", 12),
    "gcn": _networks_data.graph,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_data(pullback, kill, name):
    run = ["train", *NETWORKS[name](), "--hidden", 4, "--epochs", 3]
    assert pullback(*run, "--name", "whole")[0] == 0
    killed(pullback, kill, 2, *run, "--name", "run")
    assert pullback("train", "--resume", "runs/run")[0] == 0
    same_files("runs/run", "runs/whole", SAME[:-1])


def test_a_finished_run_says_so_and_goes_on_for_more_epochs(pullback):
    table("t.csv")
    pullback("train", "t.csv", *SMALL, "--name", "run")
    before = {name: Path("runs/run", name).read_bytes() for name in FILES}
    code, out, _ = pullback("train", "--resume", "runs/run")
    assert code == 0
    assert out[2].endswith("is finished: nothing is left to do; a larger --epochs goes on")
    assert "0 of them now" in out[3]
    assert {name: Path("runs/run", name).read_bytes() for name in FILES} == before

    code, out, _ = pullback("train", "--resume", "runs/run", "--epochs", 5)
    assert code == 0
    assert "goes on after epoch 3, step 9" in out[2]
    pullback("train", "t.csv", *SMALL, "--epochs", 5, "--name", "whole")
    same_files("runs/run", "runs/whole", SAME[:-1])
    assert "epochs = 5" in Path("runs/run/run.toml").read_text()


def test_patience_may_be_another(pullback):
    table("t.csv")
    run = ["t.csv", "--epochs", 200, "--hidden", 4, "--learning-rate", 0.3]
    _, out, _ = pullback("train", *run, "--patience", 3, "--name", "run")
    assert "no better validation loss for 3 epochs" in out[2]
    _, out, _ = pullback("train", "--resume", "runs/run")
    assert out[2].endswith("a larger --patience goes on")
    pullback("train", "--resume", "runs/run", "--patience", 6)
    pullback("train", *run, "--patience", 6, "--name", "whole")
    same_files("runs/run", "runs/whole", SAME[:-1])


def test_a_run_that_diverged_ends_as_it_did(pullback):
    table("n.csv", "numbers")
    run = ["n.csv", "--optimizer", "sgd", "--learning-rate", "1e6", "--epochs", 50]
    code, _, err = pullback("train", *run)
    assert code == 1
    again, out, said = pullback("train", "--resume", "runs/n", "--epochs", 60)
    assert (again, said) == (code, err)
    assert out[2].endswith("is finished: nothing is left to do")


# Refusals ---------------------------------------------------------------------------------------


def refused(pullback, *arguments):
    code, out, err = pullback("train", *arguments)
    assert (code, out, len(err)) == (2, [], 1), (out, err)
    return err[0]


def test_what_would_be_another_run_is_refused(pullback):
    table("t.csv")
    pullback("train", "t.csv", *SMALL, "--name", "run")
    before = {name: Path("runs/run", name).read_bytes() for name in FILES}
    resume = ["--resume", "runs/run"]
    for options, says in (
        (["--hidden", 5], "hidden: (5,) is not what"),
        (["--learning-rate", 0.5], "learning_rate: 0.5 is not what"),
        (["--seed", 1], "seed: 1 is not what"),
        (["--batches", "drawn"], "batches: 'drawn' is not what"),
        (["--no-compile"], "compile: False is not what"),
        (["--name", "other"], "name: 'other' is not what"),
        (["digits"], "data: 'digits' is not what"),
        (["--epochs", 2], "epochs: 2 is less than 3"),
        (["--config", "runs/run/run.toml"], "leave out --config"),
        (["--checkpoint-every", -1], "checkpoint_every: -1.0 is not a number of seconds"),
    ):
        assert says in refused(pullback, *resume, *options)
    # what the run has anyway may be said again
    assert pullback("train", "t.csv", *resume, *SMALL)[0] == 0
    assert {name: Path("runs/run", name).read_bytes() for name in FILES} == before


def test_what_is_no_run_is_told(pullback):
    table("t.csv")
    assert "no such run: nothing" in refused(pullback, "--resume", "nothing")
    assert "t.csv is a file: give the folder" in refused(pullback, "--resume", "t.csv")
    Path("empty").mkdir()
    assert "empty has no run.toml" in refused(pullback, "--resume", "empty")
    Path("empty/tune.csv").write_text("")
    assert "is of `pullback tune`" in refused(pullback, "--resume", "empty")
    pullback("train", "t.csv", *SMALL, "--name", "run")
    assert f"there is {Path('runs/run')}" in refused(pullback, "--resume", "run")
    # a run of an earlier version
    Path("runs/run/checkpoint.safetensors").unlink()
    says = refused(pullback, "--resume", "runs/run")
    assert "is finished, and has no checkpoint.safetensors" in says
    assert f"pullback train --config {Path('runs/run/run.toml')}" in says


def test_other_data_and_damage_are_told(pullback, kill):
    table("t.csv")
    killed(pullback, kill, 2, "train", "t.csv", *SMALL)
    whole = Path("t.csv").read_text()
    lines = whole.splitlines()
    Path("t.csv").write_text("\n".join([*lines[:9], "0.5,0.5,mid", *lines[10:]]) + "\n")
    settings = Path("runs/t/run.toml").read_text()
    code, _, err = pullback("train", "--resume", "runs/t", "--epochs", 40)
    assert (code, len(err)) == (2, 1)
    assert "is of another training: the training data's digest was" in err[0]
    assert Path("runs/t/run.toml").read_text() == settings
    for old, new, key in (("low", "lower", "classes"), ("left,right", "right,left", "columns")):
        Path("t.csv").write_text(whole.replace(old, new))
        code, _, err = pullback("train", "--resume", "runs/t", "--epochs", 40)
        assert (code, len(err)) == (2, 1)
        assert f"the data are not those that runs/t was trained on: {key} [" in err[0]
    Path("t.csv").write_text(whole)
    path = Path("runs/t/checkpoint.safetensors")
    data = path.read_bytes()
    path.write_bytes(data[:-9])
    code, _, err = pullback("train", "--resume", "runs/t")
    assert (code, len(err)) == (2, 1)
    assert "is damaged" in err[0]
    assert "remove it to start anew" in err[0]
    path.write_bytes(data)
    assert pullback("train", "--resume", "runs/t")[0] == 0


def test_a_run_in_use_is_left_alone(pullback):
    pytest.importorskip("fcntl", reason="locks of folders are of POSIX")
    table("t.csv")
    pullback("train", "t.csv", *SMALL)
    with pb.train.files.locked(Path("runs/t")):
        assert "another process is training this run" in refused(pullback, "--resume", "runs/t")
    assert pullback("train", "--resume", "runs/t")[0] == 0


# Processes --------------------------------------------------------------------------------------

LONG = [
    *("mixed.csv", "--stream", "--epochs", 60, "--hidden", 8, "--batch-size", 8, "--patience", 0),
    *("--checkpoint-every", 0),
]


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and process.poll() is None:
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.002)


@WITHOUT_STANDIN
def test_sigkill_and_signals_at_random_moments(pullback):
    """One run, ended again and again by everything that ends runs; then its files are those of the other.

    Its rows are on disk, and of those no file is left by any of the ends. `tools/kill_runs.py` does so for longer.
    """
    _networks_data.mixed()
    assert pullback("train", *LONG, "--no-stream", "--name", "whole")[0] == 0
    path = Path("runs/run/checkpoint.safetensors")
    draw = random.Random(0)
    command = ["train", *LONG, "--name", "run"]
    ended = []
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        before = path.stat().st_mtime_ns if path.exists() else 0
        process = child(*command)
        wait_for(lambda b=before: path.exists() and path.stat().st_mtime_ns != b, process)
        time.sleep(draw.uniform(0, 0.05))
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        ended.append((number, process.returncode))
        if number != signal.SIGKILL and process.returncode:
            assert err == ""
            assert f"ended by {number.name} in epoch" in out
            assert out.splitlines()[-1] == "to go on: pullback train --resume runs/run"
        command = ["train", "--resume", "runs/run", "--checkpoint-every", 0]
    codes = {number: -9 if number == signal.SIGKILL else 128 + number for number, _ in ended}
    assert all(code in (codes[number], 0) for number, code in ended), ended
    assert ended[0][1] == -9
    assert (files("."), files("runs")) == (["mixed.csv", "runs"], ["run", "whole"])
    assert pullback("train", "--resume", "runs/run")[0] == 0
    same_files("runs/run", "runs/whole", SAME[:-1])
    assert files("runs/run") == FILES
