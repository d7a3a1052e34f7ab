"""A disk that is full at each write of a command: one line, whole files, and `--resume` goes on."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

import pullback as pb
from pullback.train.run import run, tables

from . import _cli
from ._cli import files, table

folder, pullback = _cli.folder, _cli.pullback
TRAIN = ["train", "t.csv", "--epochs", 2, "--hidden", 4, "--batch-size", 16]
SAME = ("model.safetensors", "metrics.csv", "weights.png")


class Disk:
    """Counts what needs room on the disk, and refuses it from one of them on, or that one alone."""

    def __init__(self, monkeypatch):
        self.count, self.first, self.ever = 0, 0, True
        for module, name in (
            (os, "fsync"),
            (os, "replace"),
            (os, "mkdir"),
            (tempfile, "TemporaryFile"),
        ):
            monkeypatch.setattr(module, name, self.refusing(getattr(module, name)))

    def refusing(self, function):
        def refused(*arguments, **settings):
            self.count += 1
            if self.first and (self.count == self.first or (self.ever and self.count > self.first)):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return function(*arguments, **settings)

        return refused

    def full(self, first, ever=True):
        """From the write of this number on, counted from 1; 0 for never."""
        self.count, self.first, self.ever = 0, first, ever


@pytest.fixture
def disk(monkeypatch):
    # every epoch writes; pictures are files like others
    monkeypatch.setattr(run, "_SECONDS_BETWEEN_WRITES", 0.0)
    monkeypatch.setattr(run, "curves_png", lambda *_, **__: b"a picture")
    monkeypatch.setattr(tables, "weights_png", lambda W, **_: W.tobytes())
    monkeypatch.setattr("pullback.train.run.tuning.tune.tuning_png", lambda *_, **__: b"a picture")
    return Disk(monkeypatch)


def counted(pullback, disk, *arguments):
    """How often a command writes."""
    disk.full(0)
    assert pullback(*arguments)[0] == 0
    return disk.count


def check_whole(folder):
    """All files that are there can be read, and there are no others."""
    there = files(folder) if Path(folder).exists() else []
    assert set(there) <= {*_cli.FILES}, there
    if "model.safetensors" in there:
        pb.train.load(Path(folder) / "model.safetensors")


def told(code, err):
    """Whether it failed, which takes a line; a folder that could not be synchronised is no failure."""
    assert (code, len(err)) in ((2, 1), (0, 0)), (code, err)
    if code:
        assert "No space left on device" in err[0]
    return code == 2


@pytest.mark.parametrize("options", [[], ["--stream"]], ids=["in memory", "on disk"])
def test_training_with_a_disk_that_fills_up(pullback, disk, options):
    table("t.csv")
    command = [*TRAIN, *options, "--checkpoint-every", 0]
    writes = counted(pullback, disk, *command, "--name", "whole")
    assert writes > 20
    failed = 0
    # from each of the first writes on, which are of another kind each, and of some others
    for first in [*range(1, 9), *range(9, writes + 1, 8 + 9 * bool(options))]:
        name = f"runs/run{first}"
        disk.full(first)
        code, _, err = pullback(*command, "--name", f"run{first}")
        failed += told(code, err)
        disk.full(0)
        check_whole(name)
        if not Path(name).exists():
            continue
        assert pullback("train", "--resume", name)[0] == 0
        for file in SAME:
            assert Path(name, file).read_bytes() == Path("runs/whole", file).read_bytes(), (
                first,
                file,
            )
        assert files(name) == _cli.FILES
    assert failed > 8
    assert all(path.is_dir() for path in Path("runs").iterdir())


def test_one_write_that_fails_leaves_the_state_before_it(pullback, disk):
    table("t.csv")
    counted(pullback, disk, *TRAIN, "--name", "whole")
    longer = ["--epochs", 3, "--checkpoint-every", 0]
    counted(pullback, disk, *TRAIN, *longer, "--name", "longer")
    writes = counted(pullback, disk, "train", "--resume", "runs/whole", *longer)
    for first in range(1, writes + 1, 6):
        name = f"runs/run{first}"
        disk.full(0)
        pullback(*TRAIN, "--name", f"run{first}")
        disk.full(first, ever=False)
        code, _, err = pullback("train", "--resume", name, *longer)
        told(code, err)
        disk.full(0)
        check_whole(name)
        assert pullback("predict", name, "t.csv")[0] == 0
        assert pullback("train", "--resume", name, *longer)[0] == 0
        for file in SAME:
            assert Path(name, file).read_bytes() == Path("runs/longer", file).read_bytes(), (
                first,
                file,
            )


def test_tuning_keeps_the_trials_that_are_in_its_table(pullback, disk):
    table("t.csv")
    command = [
        "tune",
        "t.csv",
        "--learning-rate",
        "1e-3,1e-2",
        "--folds",
        2,
        "--epochs",
        1,
        "--hidden",
        "4",
    ]
    writes = counted(pullback, disk, *command, "--name", "whole")
    whole = Path("runs/whole/tune.csv").read_text().splitlines()
    held = []
    for first in range(1, writes + 1):
        disk.full(first)
        code, _, err = pullback(*command, "--name", f"run{first}")
        disk.full(0)
        found = Path(f"runs/run{first}")
        if told(code, err) and found.exists():
            assert set(files(found)) <= {"tune.csv", "tune.png", "best.toml"}
            lines = (found / "tune.csv").read_text().splitlines()
            assert lines == whole[: len(lines)]
            held.append(len(lines))
    assert held == sorted(held)
    assert held[-1] == len(whole) == 3


def test_predictions_that_could_not_be_written_leave_those_before(pullback, disk):
    table("t.csv")
    counted(pullback, disk, *TRAIN, "--name", "run")
    command = ["predict", "runs/run", "t.csv", "--output", "p.csv"]
    writes = counted(pullback, disk, *command)
    before = Path("p.csv").read_bytes()
    for first in range(1, writes + 1):
        Path("p.csv").write_bytes(b"old")
        disk.full(first)
        code, out, err = pullback(*command)
        failed = told(code, err)
        assert out == []
        assert Path("p.csv").read_bytes() == (b"old" if failed else before)
        assert files(".") == ["p.csv", "runs", "t.csv"]
