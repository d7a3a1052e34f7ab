"""Tests of `autograd/compile/cpu/native/convolution/vectors.py`; those of `products.py` and its kin run the pieces."""

from __future__ import annotations

import pytest

from pullback.autograd.compile.cpu.native.convolution import products, vectors, windows

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")


def test_a_piece_is_no_function_of_python():
    with pytest.raises(TypeError, match="wide is called by compiled kernels alone"):
        products.wide(1)


def test_the_source_of_a_piece_is_in_its_text(monkeypatch):
    """A kernel is kept on disk under its text: another source of a piece has to be another text."""
    before = products.wide.text(), windows.largest.text()
    assert "import product\n" in before[0]
    assert f"product(2, False, {', '.join(map(str, vectors.block_shape()))})" in before[0]
    source = vectors.inspect.getsource
    vectors._checksum.cache_clear()
    monkeypatch.setattr(
        vectors.inspect,
        "getsource",
        lambda module: source(module) + "#" * (module is products),
    )
    assert products.wide.text() != before[0]
    assert windows.largest.text() == before[1]
    vectors._checksum.cache_clear()
