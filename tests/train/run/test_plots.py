"""Tests of `train/run/plots.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.train import tune
from pullback.train.run import plots as _plots

from .._loop import run
from ._tune import QUICK

pytest.importorskip("typer")


pytest.importorskip("safetensors")


pytest.importorskip("matplotlib")


pytest.importorskip("sklearn", reason="needs scikit-learn")


def test_one_rate_makes_a_picture_without_a_warning(tmp_path, recwarn):
    found = tune(QUICK, {"learning_rate": [1e-2]}, k=2, runs=tmp_path, say=lambda _: None)
    assert (found.folder / "tune.png").read_bytes().startswith(b"\x89PNG")
    assert [str(w.message) for w in recwarn if issubclass(w.category, UserWarning)] == []


def size_of(png):
    image = pytest.importorskip("matplotlib.image")
    import io

    return image.imread(io.BytesIO(png)).shape[:2]


@pytest.mark.parametrize("epochs", [1, 30])
def test_the_curves_are_drawn(epochs):
    pytest.importorskip("matplotlib")
    fit = run(epochs=epochs, patience=0, score=pb.train.r_squared)
    height, width = size_of(_plots.curves_png(fit, title="a $ in the title", score_name="R2"))
    assert 800 < width < 1600
    assert 300 < height < 800


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((64, 100), {"image_shape": (8, 8)}),
        ((6, 1), {"image_shape": (2, 3)}),
        ((4, 3), {"columns": ("a", "$b", "a very long name of a column indeed", "d")}),
        ((200, 300), {}),
        ((1, 1), {"units": ("only",)}),
    ],
)
def test_the_weights_are_drawn(shape, settings):
    pytest.importorskip("matplotlib")
    for W in (np.random.default_rng(0).normal(size=shape), np.zeros(shape)):
        height, width = size_of(_plots.weights_png(W, title="weights", **settings))
        assert 200 < width < 2000
        assert 200 < height < 2000
