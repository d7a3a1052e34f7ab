"""First-layer weights: what `test_pictures.py` does not ask of their figures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pullback as pb

pytest.importorskip("matplotlib")
weights = pb.train.plots.weights


def test_a_loaded_run_brings_its_columns(tmp_path):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    settings = pb.train.Settings(data="iris", epochs=1, hidden=(), compile=False)
    folder = pb.train.train(settings, runs=tmp_path, say=lambda _: None).folder
    ax = weights(pb.train.load(folder))
    assert [t.get_text() for t in ax.get_yticklabels()] == list(
        pb.train.load_dataset("iris").columns
    )


def test_many_columns_are_named_in_part_and_do_not_overlap():
    names = [f"column {i} $" for i in range(100)]
    ax = weights(np.ones((100, 3)), columns=names)
    ax.figure.draw_without_rendering()
    boxes = [t.get_window_extent().extents for t in ax.get_yticklabels()]
    spans = sorted((box[1], box[3]) for box in boxes)
    assert 15 < len(spans) <= 40
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


def test_a_selection_of_units_is_told():
    ax = weights(np.random.default_rng(0).normal(size=(16, 100)))
    assert len(ax.images) == 64
    assert ax.get_title() == "the 64 units with the largest weights, of 100"
