"""What is read again of what runs write beside the weights, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.train import InputError, Standardizer
from pullback.train.run.metadata import check_finite, model_file, standardizer, texts
from pullback.train.run.prepared import numbers


def test_a_scale_comes_back_as_it_was():
    scale = Standardizer.fit(np.random.default_rng(0).normal(size=(9, 3)))
    back = standardizer(numbers(scale))
    np.testing.assert_array_equal(back.mean, scale.mean)
    np.testing.assert_array_equal(back.scale, scale.scale)


@pytest.mark.parametrize(
    "found",
    [
        {"mean": [0.0], "scale": [0.0]},
        {"mean": [float("nan")], "scale": [1.0]},
        {"mean": ["0"], "scale": [1.0]},
        {"mean": 0.0, "scale": [1.0]},
        {"mean": [True], "scale": [1.0]},
    ],
)
def test_what_is_no_scale_is_refused(found):
    with pytest.raises((TypeError, ValueError)):
        standardizer(found)


def test_texts_are_a_list_of_texts():
    assert texts(["a", "b"]) == ("a", "b")
    for found in ("ab", ["a", 1], None):
        with pytest.raises(TypeError):
            texts(found)


def test_a_run_is_a_folder_or_a_file(tmp_path):
    with pytest.raises(InputError, match=r"has no model\.safetensors: give the folder of a run"):
        model_file(tmp_path)
    with pytest.raises(InputError, match="no such run"):
        model_file(tmp_path / "none")
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"")
    assert model_file(tmp_path) == model_file(path) == path


def test_outputs_that_are_not_finite_are_refused():
    check_finite(np.ones((2, 2)), "row")
    with pytest.raises(InputError, match="node 2 gives no finite prediction"):
        check_finite(np.asarray([[1.0], [np.inf]]), "node")
