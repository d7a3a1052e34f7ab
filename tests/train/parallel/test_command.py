"""`pullback train --distributed`: one folder, one voice, the run of one process; errors and ends are everybody's."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.train.run import run as runs

from ...distributed._ranks import command, environment
from ..cli import _cli
from ..cli._cli import files, records, table

D = pb.distributed
folder, pullback = _cli.folder, _cli.pullback
SMALL = {"data": "table.csv", "hidden": (4,), "dtype": "float64", "epochs": 4, "batch_size": 7}
OPTIONS = ["table.csv", "--hidden", "4", "--dtype", "float64", "--batch-size", "7"]


def trained(size, **settings):
    """`pullback.train.train` on ranks that are threads, and what each rank said."""
    said = [[] for _ in range(size)]

    def train():
        rank = D.rank()
        return pb.train.train(
            pb.train.Settings(**{**SMALL, **settings}), say=said[rank].append, distributed=D.world()
        )

    return D.simulate(train, size, timeout=60), said


def numbers(run):
    return np.asarray(records((Path(run) / "metrics.csv").read_text())[1:], float)


def test_one_folder_and_one_voice():
    table("table.csv")
    alone = pb.train.train(pb.train.Settings(**SMALL, name="alone"), say=lambda line: None)
    results, said = trained(2)
    assert said[1] == []
    assert said[0][1].endswith(f"float64 on {pb.backend.current().name}, on 2 ranks by THREADS")
    assert files("runs") == ["alone", "table"]
    assert files("runs/table") == _cli.FILES
    assert [result.folder for result in results] == [Path("runs/table")] * 2
    assert results[0].test_loss == results[1].test_loss == pytest.approx(alone.test_loss, rel=1e-9)
    np.testing.assert_allclose(numbers("runs/table"), numbers("runs/alone"), rtol=1e-9)
    text = Path("runs/table/run.toml").read_text()
    assert "# The settings of the run in table, on 2 ranks by THREADS; to repeat it:\n" in text
    assert "# mpirun -n 2 pullback train --config run.toml --distributed threads\n" in text
    assert tomllib.loads(text)["batch_size"] == 7


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 4)])
def test_a_run_goes_on_on_another_number_of_ranks(before, after):
    table("table.csv")
    trained(1, epochs=6, name="whole")
    trained(before, epochs=3)
    said = [[] for _ in range(after)]

    def resume():
        said_here = said[D.rank()].append
        return pb.train.resume("runs/table", {"epochs": 6}, say=said_here, distributed=D.world())

    D.simulate(resume, after, timeout=60)
    assert any("goes on after epoch 3, step 18" in line for line in said[0])
    assert all(lines == [] for lines in said[1:])
    np.testing.assert_allclose(numbers("runs/table"), numbers("runs/whole"), rtol=1e-9)
    on = f", on {after} ranks by THREADS" if after > 1 else ""
    assert f"the run in table{on}; to repeat" in Path("runs/table/run.toml").read_text()


def test_data_that_one_rank_cannot_read_end_all(monkeypatch):
    table("table.csv")
    load = runs.load_source

    def elsewhere(settings, scratch=None):
        return load(pb.train.Settings(**{**SMALL, "data": "no.csv"}) if D.rank() == 1 else settings)

    monkeypatch.setattr(runs, "load_source", elsewhere)

    def train():
        with pytest.raises(pb.train.InputError, match=r"^rank 1 of 3: no such file: no\.csv$"):
            pb.train.train(pb.train.Settings(**SMALL), distributed=D.world())
        return True

    assert D.simulate(train, 3, timeout=60) == [True] * 3
    assert not Path("runs").exists()


@pytest.mark.parametrize("name", ["table", "curves.png"])
def test_files_that_rank_0_cannot_write_end_all(name, monkeypatch):
    """The folder's name is taken; or the disk is full at the end."""
    table("table.csv")
    if name == "table":
        trained(1)
        told = "exists already"
    else:
        write = runs.write_atomic

        def full(path, content):
            if Path(path).name == name:
                raise pb.train.WriteError(f"cannot write {path}: No space left on device")
            write(path, content)

        monkeypatch.setattr(runs, "write_atomic", full)
        told = "No space left on device"

    def train():
        with pytest.raises(pb.train.WriteError, match=told):
            pb.train.train(
                pb.train.Settings(**SMALL, name="table"),
                exact_name=True, say=lambda line: None, distributed=D.world(),
            )  # fmt: skip
        return True

    assert D.simulate(train, 2, timeout=60) == [True] * 2


def test_a_graph_is_refused_in_one_line():
    random = np.random.default_rng(0)
    Path("nodes.csv").write_text(
        "a,kind\n" + "".join(f"{x:.3f},{i % 2}\n" for i, x in enumerate(random.normal(size=30)))
    )
    Path("edges.csv").write_text("s,t\n" + "".join(f"{i},{(i + 1) % 30}\n" for i in range(30)))

    def train():
        settings = pb.train.Settings(data="nodes.csv", edges="edges.csv", epochs=2)
        with pytest.raises(pb.train.InputError, match="the nodes of one graph"):
            pb.train.train(settings, distributed=D.world())
        return True

    assert D.simulate(train, 2) == [True] * 2


# The command -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["train", "wine"], ["tune", "wine"], ["predict", "a", "b"], ["sample", "a"]],
)
def test_a_launcher_and_no_word_of_it_is_refused(pullback, arguments, monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "0")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    code, out, err = pullback(*arguments)
    assert (code, out, len(err)) == (2, [], 1)
    assert f"{arguments[0]}: a launcher has started 2 processes" in err[0]


def test_only_rank_0_speaks(pullback, monkeypatch):
    monkeypatch.setattr("pullback.train.cli.ending._SECONDS_TO_SPEAK", 0.0)
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "1")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    assert pullback("train", "wine") == (2, [], [])
    assert pullback("train", "wine", "--epochs", "x") == (2, [], [])
    assert pullback("info") == (0, [], [])


def test_an_unknown_kind_is_refused(pullback):
    code, _, err = pullback("train", "wine", "--distributed", "gloo")
    assert (code, err) == (2, ["pullback: distributed: 'gloo' is none of mpi, nccl"])


def start(n, *arguments):
    """The command line on ranks of MPI."""
    return subprocess.Popen(
        command(n, "-m", "pullback", "train", *map(str, arguments), "--distributed", "mpi"),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def rank_1_of(process):
    """The process of rank 1 that this `mpirun` has started."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if (
                parent == process.pid
                and b"OMPI_COMM_WORLD_RANK=1\0" in (path / "environ").read_bytes()
            ):
                return int(path.name)
        except (OSError, ValueError):
            continue
    return None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds ranks by Linux's /proc")
def test_two_ranks_of_mpi_end_by_a_signal_and_go_on_as_one(pullback):
    """The signal comes to rank 1; then one process goes on, and has the metrics of a run that was never ended."""
    table("table.csv", n=200)
    options = [*OPTIONS, "--epochs", "150", "--patience", "0"]
    process = start(2, *options, "--checkpoint-every", "0.05")
    try:
        deadline = time.monotonic() + 60
        while not Path("runs/table/checkpoint.safetensors").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(rank_1_of(process), signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    finally:
        process.terminate()
    assert process.returncode == 143, err
    assert out.count("ended by SIGTERM in epoch") == 1
    assert out.count("on 2 ranks by MPI") == 1
    assert len(numbers("runs/table")) < 150
    assert pullback("train", "--resume", "runs/table")[0] == 0
    assert pullback("train", *options, "--name", "alone")[0] == 0
    np.testing.assert_allclose(numbers("runs/table"), numbers("runs/alone"), rtol=1e-8)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds ranks by Linux's /proc")
def test_a_killed_rank_ends_all(pullback):
    table("table.csv", n=200)
    process = start(
        2, *OPTIONS, "--epochs", "1000000", "--patience", "0", "--checkpoint-every", "0.05"
    )
    try:
        deadline = time.monotonic() + 60
        while not Path("runs/table/checkpoint.safetensors").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(rank_1_of(process), signal.SIGKILL)
        process.communicate(timeout=30)
    finally:
        process.terminate()
    assert process.returncode != 0
    # what is there is whole
    assert len(pb.train.load("runs/table/model.safetensors")[0].layers) == 2
