"""The short form of tools/kill_ranks.py, which stops a rank at twenty moments."""

from __future__ import annotations

import pytest

from ..repository._tools import load
from ._ranks import mpirun


@pytest.mark.parametrize(("way", "rank"), [("KILL", 1), ("STOP", 0)])
def test_a_run_ends_when_a_rank_does_not_go_on(way, rank):
    mpirun()  # or skip
    tool = load("kill_ranks")
    outcome = tool.run(ranks=2, steps=10**6, way=way, moment=1.2, rank=rank, timeout=1.5)
    assert outcome.sent
    assert outcome.code != 0
    assert tool.wrong(outcome, "", ranks=2) == ""


def test_what_would_be_wrong_is_said():
    tool = load("kill_ranks")
    outcome = tool.Outcome(code=0, seconds=1.0, results={0: "a", 1: "a"}, err="")
    assert tool.wrong(outcome, "a", 2) == ""
    assert tool.wrong(outcome, "a", 3) == "code 0, and only 2 of 3 ranks have finished"
    assert tool.wrong(outcome, "b", 2) == "rank 0 has wrong numbers"
    assert "did not end" in tool.wrong(tool.Outcome(None, 30.0, {}, ""), "a", 2)
    assert "no error is told" in tool.wrong(tool.Outcome(1, 3.0, {}, ""), "a", 2)
