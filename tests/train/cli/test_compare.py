"""`pullback compare`."""

from __future__ import annotations

from pathlib import Path

from ..records._runs import make
from . import _cli

folder, pullback = _cli.folder, _cli.pullback  # fixtures


def test_two_runs_side_by_side(pullback, tmp_path):
    for name, rate in (("t", 0.1), ("t-2", 0.01)):
        make(tmp_path / "runs" / name, learning_rate=rate)
    code, out, err = pullback("compare", "runs/t", "runs/t-2", "--metric", "loss")
    assert (code, err) == (0, [])
    assert out[0] == "equal: data iris, network mlp 2-4-3"
    assert ["learning", "rate", "0.1", "0.01"] in [line.split() for line in out]
    assert out[-1] == "curves in compare.png"
    assert Path("compare.png").read_bytes()[:4] == b"\x89PNG"
    for arguments in (
        ["runs/t"],
        ["runs/t", "t-2"],
        ["runs/t", "runs/t-2", "--metric", "f1"],
        ["runs/t", "runs/t-2", "--output", "no/c.png"],
    ):
        code, out, err = pullback("compare", *arguments)
        assert (code, len(err)) == (2, 1), arguments
    assert pullback("compare")[0] == 2
