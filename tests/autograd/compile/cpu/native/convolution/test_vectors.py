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


@pytest.mark.parametrize(
    ("features", "avx", "shape"),
    [
        ("+avx,+avx2,+fma", 1, (6, 32)),
        ("+avx2,+avx512f,-avx512vl", 1, (14, 64)),
        ("+neon", 1, (8, 16)),
        ("", 1, (6, 16)),
        (None, 0, (6, 16)),
    ],
)
def test_blocks_are_of_the_processor_that_numba_compiles_for(monkeypatch, features, avx, shape):
    from numba.core import config

    monkeypatch.setattr(config, "CPU_FEATURES", features)
    monkeypatch.setattr(config, "ENABLE_AVX", avx)
    if features is None and vectors._features().get("neon"):
        shape = (8, 16)
    assert vectors.block_shape.__wrapped__() == shape
