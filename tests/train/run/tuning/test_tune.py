"""Settings by cross-validation: the folds, the grid, the table, the command."""

from __future__ import annotations

import csv
import math
import os
import pickle
import signal
import sys
import time
import tomllib
from dataclasses import replace

import numpy as np
import pytest

import pullback as pb
from pullback.train import InputError, Settings, tune
from pullback.train.cli import main
from pullback.train.run.run import load_source
from pullback.train.run.tuning.folds import Folds
from pullback.train.run.tuning.values import LogUniform

from ....conftest import WITHOUT_STANDIN
from .. import _networks_data
from .._tune import QUICK

pytest.importorskip("typer")
pytest.importorskip("safetensors")
pytest.importorskip("matplotlib")
pytest.importorskip("sklearn", reason="needs scikit-learn")


def test_the_best_is_the_lowest_mean_loss_and_a_diverged_run_never_is(tmp_path):
    found = tune(
        QUICK, {"learning_rate": [1e-3, 3e-2, 1e30]}, k=3, runs=tmp_path, say=lambda _: None
    )
    finite = [t for t in found.trials if math.isfinite(t.loss)]
    assert found.best.loss == min(t.loss for t in finite)
    assert found.best.settings.learning_rate == 3e-2
    assert not math.isfinite(found.trials[2].loss)
    best = found.best
    assert best.loss == pytest.approx(np.mean(best.losses))
    assert best.error == pytest.approx(np.std(best.losses, ddof=1) / math.sqrt(3))
    with open(found.folder / "tune.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["learning_rate"]) for row in rows] == [1e-3, 3e-2, 1e30]
    assert float(rows[1]["loss"]) == best.loss
    assert float(rows[1]["loss_3"]) == best.losses[2]
    assert (found.folder / "tune.png").read_bytes().startswith(b"\x89PNG")


def test_if_all_diverge_it_says_so(tmp_path):
    with pytest.raises(InputError, match="smaller learning rates"):
        tune(QUICK, {"learning_rate": [1e30]}, k=2, runs=tmp_path, say=lambda _: None)


def test_the_command_writes_settings_that_train_takes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = [
        "tune",
        "iris",
        "--learning-rate",
        "0.01,0.03",
        "--hidden",
        "4;8",
        "--folds",
        "2",
        "--epochs",
        "3",
    ]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "4 combinations of settings, 2 folds" in told
    assert "best: learning_rate" in told
    config = tmp_path / "runs" / "tune-iris" / "best.toml"
    best = tomllib.loads(config.read_text())
    assert best["learning_rate"] in (0.01, 0.03)
    assert best["hidden"] in ([4], [8])
    assert main(["train", "--config", str(config)]) == 0
    assert (tmp_path / "runs" / "iris" / "model.safetensors").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        "tune iris --learning-rate fast",
        "tune nothing.csv",
        "tune iris --folds 1",
        "tune iris --l2 -1",
        "tune iris --l2 1e-4:1",
        "tune iris --random 0",
        "tune iris --random 3 --hidden 4:8",
        "tune iris --resource rows",
        "tune iris --halving --resource time",
    ],
)
def test_the_command_refuses_in_one_line_and_leaves_nothing(
    arguments, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 2
    told = capsys.readouterr().err
    assert told.startswith("pullback: ")
    assert told.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_the_same_seed_gives_the_same_table(tmp_path):
    grid = {"learning_rate": [1e-2]}
    first, second = (tune(QUICK, grid, k=2, runs=tmp_path, say=lambda _: None) for _ in range(2))
    assert (first.folder / "tune.csv").read_bytes() == (second.folder / "tune.csv").read_bytes()
    assert pb.train.tune is tune


def test_settings_are_drawn_and_a_best_one_at_the_edge_is_remarked(tmp_path):
    lines = []
    grid = {"learning_rate": LogUniform(1e-3, 3e-2), "activation": ["relu", "tanh"]}
    found = tune(QUICK, grid, k=2, random=4, runs=tmp_path, say=lines.append)
    assert lines[0].startswith("iris: 4 combinations of settings, drawn, 2 folds")
    assert len({t.settings for t in found.trials}) == 4
    again = tune(QUICK, grid, k=2, random=4, runs=tmp_path, say=lambda _: None)
    first, second = ((f.folder / "tune.csv").read_bytes() for f in (found, again))
    assert first == second
    lines.clear()
    found = tune(QUICK, {"hidden": [(2,), (8,)]}, k=2, random=9, runs=tmp_path, say=lines.append)
    # with the range of rates about the default there are others enough
    assert len(found.trials) == 9
    lines.clear()
    grid = {"learning_rate": [1e-3, 3e-2]}
    found = tune(QUICK, grid, k=2, random=9, runs=tmp_path, say=lines.append)
    assert "2 combinations of settings, of 9 to draw: there are no more" in lines[0]
    assert found.remarks == ("learning_rate 0.03 is the largest value given: try 0.09, 0.3",)
    assert lines[-2] == found.remarks[0]


@pytest.mark.parametrize("resource", ["epochs", "rows"])
def test_halving_spares_what_is_worse(resource, tmp_path):
    lines, counts = [], []
    found = tune(
        replace(QUICK, epochs=9), {"learning_rate": [1e-5, 1e-2, 3e-2, 1e30]}, k=2,
        halving=True, resource=resource, runs=tmp_path, say=lines.append,
        progress=lambda done, total: counts.append(done / total),
    )  # fmt: skip
    assert len(found.rungs) == 2
    assert [len(t.rungs) for t in found.trials] == [2, 2, 1, 1]
    assert found.best == found.trials[0]
    assert found.best.settings.learning_rate == 3e-2
    assert found.trials[-1].settings.learning_rate == 1e30
    assert counts == sorted(counts)
    assert counts[-1] == 1
    assert len(counts) == 2 * (4 + 2)
    told = "3 epochs" if resource == "epochs" else "rows"
    assert lines[1].startswith("rung 1 of 2: 4 combinations")
    assert lines[2].startswith("rung 2 of 2: the best 2 combinations")
    assert told in lines[1]
    assert max(map(len, lines[1:-1])) <= 80
    with open(found.folder / "tune.csv") as file:
        rows = list(csv.DictReader(file))
    columns = [
        column for column in rows[0] if column.startswith("loss_") and column[5:] not in "12"
    ]
    assert columns == [f"loss_{rung.replace(' ', '_')}" for rung in found.rungs]
    assert [row[columns[1]] != "" for row in rows] == [True, True, False, False]
    # the settings to train with have all epochs
    assert tomllib.loads((found.folder / "best.toml").read_text())["epochs"] == 9


def test_the_command_draws_and_halves(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = "tune iris --random 3 --halving --learning-rate 1e-3:1e-1 --folds 2 --epochs 3"
    assert main(command.split()) == 0
    told = capsys.readouterr()
    assert "iris: 3 combinations of settings, drawn" in told.out
    assert "rung 2 of 2: the best combination, 3 epochs each" in told.out
    assert told.err == ""
    assert main([*command.split(), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


# On Dask ----------------------------------------------------------------------------------------

GRID = {"learning_rate": [1e-3, 3e-2]}


@pytest.fixture(scope="module")
def client():
    """Two processes."""
    distributed = pytest.importorskip("distributed", reason="the extra `dask`")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def table(base, folder, say=print, grid=GRID, **settings):
    found = tune(base, grid, k=3, runs=folder, say=say, **settings)
    return (found.folder / "tune.csv").read_bytes()


@WITHOUT_STANDIN
def test_on_workers_it_is_the_same_table_and_the_same_lines(client, tmp_path):
    lines, counts = {"here": [], "there": []}, []
    here = table(QUICK, tmp_path / "a", say=lines["here"].append)
    there = table(
        QUICK, tmp_path / "b", say=lines["there"].append,
        client=client, progress=lambda done, total: counts.append((done, total)),
    )  # fmt: skip
    assert there == here
    assert lines["there"][:-1] == lines["here"][:-1]
    assert counts == [(i, 6) for i in range(1, 7)]


@WITHOUT_STANDIN
def test_on_workers_draws_and_halving_are_the_same(client, tmp_path):
    lines, folder = {"here": [], "there": []}, tmp_path
    grid = {"learning_rate": LogUniform(1e-3, 1e-1)}
    here, there = (
        table(
            QUICK, folder / where, lines[where].append, grid,
            random=4, halving=True, client=client if where == "there" else None,
        )
        for where in lines
    )  # fmt: skip
    assert there == here
    assert lines["there"][:-1] == lines["here"][:-1]


@WITHOUT_STANDIN
def test_the_command_takes_an_address(client, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = [
        "tune",
        "iris",
        "--learning-rate",
        "1e-3,3e-2",
        "--folds",
        "3",
        "--epochs",
        "3",
        "--hidden",
        "4",
    ]
    told = []
    for more in ([], ["--dask", client.cluster.scheduler_address]):
        assert main([*arguments, "--name", f"run{len(told)}", *more]) == 0
        told.append(capsys.readouterr())
    assert told[0].out.replace("run0", "run1") == told[1].out
    assert told[1].err == ""
    first, second = (tmp_path / "runs" / f"run{i}" / "tune.csv" for i in range(2))
    assert first.read_bytes() == second.read_bytes()


@WITHOUT_STANDIN
def test_a_worker_that_is_killed_changes_nothing(client, tmp_path):
    """Once more by `python tests/train/run/tuning/_kill_workers.py`: 20 times, at random, on the command."""
    base, killed = Settings(data="iris", epochs=30, hidden=(4,)), []

    def say(line):
        # the header, then the first row: others are being computed
        if len(killed) == 2:
            pids = client.run(os.getpid)
            os.kill(next(iter(pids.values())), signal.SIGKILL)
        killed.append(line)

    there = table(base, tmp_path / "a", say=say, client=client)
    assert len(killed) > 3
    assert there == table(base, tmp_path / "b")


@WITHOUT_STANDIN
def test_broken_off_it_cancels_the_tasks_and_leaves_what_is_finished(client, tmp_path):
    base, lines = Settings(data="iris", epochs=40, hidden=(4,)), []

    def say(line):
        lines.append(line)
        if len(lines) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(base, GRID, k=3, runs=tmp_path, say=say, client=client)
    end = time.monotonic() + 60
    while any(client.processing().values()) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(client.processing().values())
    assert len((tmp_path / "tune-iris" / "tune.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize("kind", ["mlp", "cnn", "lstm", "gcn"])
def test_what_is_sent_gives_the_same_after_its_way(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quick = {"epochs": 1, "hidden": (4,)}
    if kind == "mlp":
        base = Settings(data="diabetes", **quick)
    elif kind == "cnn":
        base = Settings(data=_networks_data.images(), model=kind, **quick)
    elif kind == "lstm":
        base = Settings(data=_networks_data.text(), model=kind, length=8, **quick)
    else:
        nodes, _, edges = _networks_data.graph()
        base = Settings(data=nodes, edges=edges, model=kind, **quick)
    source = load_source(base)
    work = Folds(source, tuple(source.folds(2, 0)), (base,), "numpy")
    assert pickle.loads(pickle.dumps(work))(0, 1) == work(0, 1)


def test_the_command_without_distributed_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["tune", "iris", "--dask", "local"]) == 2
    assert capsys.readouterr().err == (
        "pullback: Dask needs distributed: pip install 'pullback[dask]'\n"
    )
    assert not (tmp_path / "runs").exists()
