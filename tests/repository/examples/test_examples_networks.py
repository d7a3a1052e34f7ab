"""The examples of networks run in a small setting."""

import numpy as np
import pytest

from ._examples import drawn, example

pytest.importorskip("matplotlib", reason="the examples draw pictures (extra `plot`)")


def test_copy_by_attention(tmp_path):
    path = tmp_path / "picture.png"
    losses, right = example("copy_by_attention").main(path, steps=60, n=4, batch=32)
    assert np.mean(losses[-5:]) < 0.2 * losses[0]
    assert right > 0.9
    assert drawn(path)


def test_recurrent_memory(tmp_path):
    """The RNN stays at the variance, 1/3; the LSTM learns."""
    path = tmp_path / "picture.png"
    found = example("recurrent_memory").main(path, steps=120, times=20, hidden=16, batch=64)
    assert found["LSTM"] < 0.1
    assert found["RNN"] > 0.25
    assert drawn(path)


def test_graph_classes(tmp_path):
    """It finds what it is to find, and the same twice."""
    runs = [
        example("graph_classes").main(tmp_path / "picture.png", size=40, steps=25) for _ in range(2)
    ]
    assert drawn(tmp_path / "picture.png")
    assert runs[0] == runs[1]
    without, along = (right[-1] for right in runs[0].values())
    assert along > 0.85
    assert along > without + 0.2


def test_digits_cnn(tmp_path):
    pytest.importorskip("sklearn", reason="the digits ship with scikit-learn")
    path = tmp_path / "picture.png"
    accuracy = example("digits_cnn").main(path, epochs=(16, 1), copies=(1, 1, 1))
    assert accuracy[8] >= 0.99
    assert accuracy[28] > 0.3
    assert drawn(path)


def test_characters(tmp_path):
    path = tmp_path / "picture.png"
    bits, text = example("characters").main(path, epochs=3, width=32, length=60)
    assert bits[-1][1] < 0.75 * bits[0][1]
    assert len(text) == 60
    assert drawn(path)
