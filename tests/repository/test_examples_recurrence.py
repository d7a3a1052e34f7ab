"""The example of recurrent networks runs in a small setting."""

import pytest

from ._examples import drawn, example

pytest.importorskip("matplotlib", reason="the examples draw pictures (extra `plot`)")


def test_recurrent_memory(tmp_path):
    """The RNN stays at the variance, 1/3; the LSTM learns."""
    path = tmp_path / "picture.png"
    found = example("recurrent_memory").main(path, steps=120, times=20, hidden=16, batch=64)
    assert found["LSTM"] < 0.1
    assert found["RNN"] > 0.25
    assert drawn(path)
