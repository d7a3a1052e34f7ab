"""Tests of `autograd/compile/printer.py`."""

from __future__ import annotations

import inspect

import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._compiled import arrays

xp = pb.xp


def test_the_listing(fast):
    compiled = pb.compile(pb.value_and_grad(lambda w, x: xp.sum(xp.tanh(x @ w) ** 2)), fast=fast)
    w, x = arrays((3, 2), (4, 3))
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        compiled.program()
    text = compiled.program(w, x)
    for part in ("f64[3, 2]", "matmul", "tanh", "bytes in one block", "return"):
        assert part in text
    compiled(w, x)
    assert compiled.program() == text
    compiled(w, x)
    source = compiled.source()
    assert "def run(args, kwargs):" in source
    assert ("def kernel(" in source) is fast
    run = compiled._executables[0].runner()
    assert "x0" in inspect.getsource(run)
    compiled.clear()
    assert compiled._executables == []


def test_it_is_drawn(fast):
    compiled = pb.compile(lambda w, x: xp.sum(xp.sin(x @ w) * 2), fast=fast)
    text = pb.draw(compiled, *arrays((3, 2), (4, 3)))
    assert "matmul<br/>(4, 2) float64" in text
    assert ("sin, multiply, sum" in text) is fast
    assert text.count("-->") >= 4 - fast
    compiled(*arrays((3, 2), (4, 3)))
    assert pb.draw(compiled) == text
    assert "digraph" in pb.draw(compiled, language="dot")
