"""Runs on graphs: nodes of a table, edges of another; predictions for them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from ..cli import _cli
from ..cli._cli import FILES, files, records, table
from ._networks_data import graph

folder, pullback = _cli.folder, _cli.pullback


def test_edges_tell_what_features_do_not(pullback):
    code, out, err = pullback("train", *graph(), "--epochs", 120, "--dropout", 0)
    assert (code, err) == (0, [])
    assert out[0].startswith("nodes: 60 nodes, ")
    assert out[0].endswith(" 2 columns, 2 classes; 36 to train on, 12 to validate, 12 to test")
    assert out[1].startswith("gcn 2-32-1, relu, 129 parameters")
    assert float(out[3].split("accuracy ")[1].split()[0]) > 90
    assert files("runs/nodes") == FILES
    code, out, err = pullback("predict", "runs/nodes", "nodes.csv", "--edges", "edges.csv")
    assert (code, err) == (0, [])
    told = records("\n".join(out))
    assert told[0] == ["class", "p(even)", "p(odd)"]
    p = np.asarray([row[1:] for row in told[1:]], float)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert np.mean([row[0] == ("even", "odd")[i % 2] for i, row in enumerate(told[1:])]) > 0.9


def test_the_settings_file_repeats_the_run(pullback):
    assert pullback("train", *graph(), "--epochs", 3)[0] == 0
    written = tomllib.loads(Path("runs/nodes/run.toml").read_text())
    assert (written["model"], written["edges"], written["target"]) == ("gcn", "edges.csv", "kind")
    assert "batch_size" not in written
    assert pullback("train", "--config", "runs/nodes/run.toml")[0] == 0
    for name in ("metrics.csv", "model.safetensors"):
        assert Path("runs/nodes", name).read_bytes() == Path("runs/nodes-2", name).read_bytes()


def test_settings_are_tuned_by_cross_validation(pullback):
    code, out, err = pullback(
        "tune",
        *graph(),
        "--hidden",
        "4;none",
        "--learning-rate",
        "1e-2",
        "--folds",
        2,
        "--epochs",
        2,
    )
    assert (code, err) == (0, [])
    assert out[0].startswith("nodes: 2 combinations of settings, 2 folds of 24 to train on")


def test_what_is_no_graph_of_the_model_is_refused(pullback):
    pullback("train", *graph(), "--epochs", 1)
    said = pullback("predict", "runs/nodes", "nodes.csv")[2][0]
    assert "`pullback predict` takes it with --edges" in said
    Path("other.csv").write_text("id,size,kind\nn0,1,even\n")
    said = pullback("predict", "runs/nodes", "other.csv", "--edges", "edges.csv")[2][0]
    assert "other.csv has no column 'noise'; the model takes size, noise" in said
    Path("few.csv").write_text("from,to\nn0,n999\n")
    said = pullback("predict", "runs/nodes", "nodes.csv", "--edges", "few.csv")[2][0]
    assert "few.csv, row 2: there is no node 'n999'" in said
    pullback("train", table("t.csv"), "--epochs", 1)
    said = pullback("predict", "runs/t", "t.csv", "--edges", "edges.csv")[2][0]
    assert (
        said
        == "pullback: edges: runs/t/model.safetensors is no model of a graph; leave out --edges"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "gcn"], "model: gcn needs the edges of the graph: --edges edges.csv"),
        (["--edges", "none.csv"], "no such file: none.csv"),
        (["--edges", "edges.csv", "--model", "cnn"], "edges: a graph is for --model gcn, not cnn"),
        (["--edges", "edges.csv", "--task", "regression"], "task: gcn tells classes of nodes"),
        (["--edges", "edges.csv", "--target", "color"], "nodes.csv has no column 'color'"),
        (["--edges", "nodes.csv"], "nodes.csv has 4 columns: a list of edges has two"),
        (["--edges", "edges.csv", "--batch-size", 4], "batch_size: --model gcn has no such setting"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(pullback, options, said):
    graph()
    code, out, err = pullback("train", "nodes.csv", *options)
    assert (code, out, len(err)) == (2, [], 1)
    assert said in err[0]
    assert not Path("runs").exists()
