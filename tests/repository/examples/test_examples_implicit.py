"""The examples of solvers and implicit functions run in a small setting."""

import numpy as np
import pytest

from ._examples import drawn, example

pytest.importorskip("matplotlib", reason="the examples draw pictures (extra `plot`)")


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    yield path
    assert drawn(path)


def test_deep_equilibrium(picture):
    pytest.importorskip("sklearn", reason="the digits ship with scikit-learn")
    losses, accuracy = example("deep_equilibrium").main(picture, epochs=3, hidden=24, rows=512)
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])
    assert accuracy > 0.7


def test_forward_or_reverse(picture):
    """Counted in one process and at sizes where caches matter, the orders differ by about N all the same."""
    times, slopes = example("forward_or_reverse").main(picture, sizes=(64, 256, 512), repeats=5)
    assert np.all(np.isfinite(slopes))
    assert times[1][-1] > 5 * times[0][-1]  # N = 512: 386 times the multiplications
