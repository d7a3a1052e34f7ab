"""Mermaid's flowcharts in Graphviz's language."""

from __future__ import annotations

import pytest

from ._extensions import ROOT, load

pytest.importorskip("sphinx", reason="a directive of Sphinx, of the extra docs")
diagrams = load("diagrams")


def test_nodes_and_arrows():
    dot = diagrams.to_dot('flowchart LR\n  a["f(x)"] -->|ct| b\n  c\n  b --> d(sum)\n')
    assert "rankdir=LR" in dot
    for line in (
        '"a" [label="f(x)"]',
        '"a" -> "b" [label="ct"]',
        '"c"',
        '"b" -> "d"',
        '"d" [label="sum"]',
    ):
        assert line in dot.splitlines()


@pytest.mark.parametrize("text", ["sequenceDiagram\n a->>b: hi", "flowchart TB\n a ==> b ==> c"])
def test_what_is_not_understood_raises(text):
    with pytest.raises(ValueError, match="flowchart"):
        diagrams.to_dot(text)


def test_those_of_the_architecture_are_understood():
    import re

    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        assert diagrams.to_dot(block).count("->") == block.count("-->")
