"""The example of graphs finds what it is to find, and the same twice."""

from __future__ import annotations

import pytest

from ._examples import drawn, example

pytest.importorskip("matplotlib", reason="the examples draw pictures")


def test_graph_classes(tmp_path):
    runs = [
        example("graph_classes").main(tmp_path / "picture.png", size=40, steps=25) for _ in range(2)
    ]
    assert drawn(tmp_path / "picture.png")
    assert runs[0] == runs[1]
    without, along = (right[-1] for right in runs[0].values())
    assert along > 0.85
    assert along > without + 0.2
