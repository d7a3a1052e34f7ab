"""`pullback runs`."""

from __future__ import annotations

import json

from . import _cli
from ._cli import QUICK, table

folder, pullback = _cli.folder, _cli.pullback  # fixtures


def test_runs_are_listed_as_they_ended(pullback):
    code, out, err = pullback("runs")
    assert (code, out) == (2, [])
    assert err == [
        "pullback: runs: runs is no folder: give the folder in which runs are; `pullback train` writes to runs/"
    ]
    table("t.csv")
    pullback("train", "t.csv", *QUICK)
    pullback("train", "t.csv", *QUICK, "--learning-rate", "1e30", "--optimizer", "sgd")
    code, out, err = pullback("runs", "--sort", "name")
    assert (code, err) == (0, [])
    assert out[0] == "2 runs in runs, data t.csv, network mlp 2-4-3, target kind"
    assert out[2].split()[:3] == ["run", "state", "learning"]
    assert out[3].split()[:2] == ["t", "finished"]
    assert out[4].split()[:2] == ["t-2", "diverged"]
    assert out[-1].startswith("t-2: the loss became")
    code, out, _ = pullback("runs", "runs", "--json")
    assert [run["state"] for run in json.loads("\n".join(out))] == ["finished", "diverged"]
    assert pullback("runs", "--sort", "age")[0] == 2
