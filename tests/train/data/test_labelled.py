"""Targets in other files, in the classes of a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pullback.train import InputError
from pullback.train.data.labelled import (
    Wanted,
    load_labelled,
    target_of_array,
    target_of_texts,
)
from pullback.train.data.tables.features import Layout


def wanted(classes=(), targets=(1,), header=True):
    names = ("a", "b", "y") if header else ("0", "1", "2")
    layout = Layout(names, header, names[2:], names[:2])
    return Wanted(layout, np.zeros(2), names[2], classes, () if classes else targets)


def test_classes_are_matched_by_what_they_are():
    numbers = wanted(("1", "2.5", "10"))
    assert target_of_texts(["10.0", "2.5", "1"], numbers, ["", "", ""]).tolist() == [2, 1, 0]
    assert target_of_array(np.asarray([10.0, 1.0]), numbers, "y").tolist() == [2, 0]
    assert target_of_array(np.asarray([10, 1], object), numbers, "y").tolist() == [2, 0]
    words = wanted(("07", "a"))
    assert target_of_texts(["a", "07"], words, ["", ""]).tolist() == [1, 0]
    big = wanted(("9007199254740992", "9007199254740993"))
    assert target_of_texts(["9007199254740993"], big, [""]).tolist() == [1]
    assert target_of_array(np.asarray([True, False]), wanted(("False", "True")), "y").tolist() == [
        1,
        0,
    ]


def test_a_class_that_is_not_known_is_named_with_its_row():
    with pytest.raises(
        InputError, match=r"row 3: class 'x' \(2 rows\) is none that the model knows, a, b"
    ):
        target_of_texts(["a", "x", "x"], wanted(("a", "b")), ["row 2", "row 3", "row 4"])


@pytest.mark.parametrize("header", [True, False])
def test_a_table(tmp_path, header):
    path = tmp_path / "t.csv"
    path.write_text(("a,b,y\n" if header else "") + "1,2,u\n3,4,v\n")
    x, y = load_labelled(path, wanted(("u", "v"), header=header))
    assert (x.tolist(), y.tolist()) == ([[1, 2], [3, 4]], [0, 1])
    path.write_text(("a,b\n" if header else "") + "1,2\n3,4\n")
    with pytest.raises(InputError, match="the true target to judge by; --target names it"):
        load_labelled(path, wanted(("u", "v"), header=header))


def test_arrays(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, X=np.ones((3, 2)), y=np.ones(3), z=np.ones((3, 2)), w=np.ones(2))
    arrays = Wanted(None, np.zeros(2), "y", (), (1,))
    assert load_labelled(path, arrays)[1].shape == (3, 1)
    with pytest.raises(InputError, match="2 targets a row, the model predicts 1"):
        load_labelled(path, arrays, target="z")
    with pytest.raises(InputError, match="3 rows of features, and 2 targets in w"):
        load_labelled(path, arrays, target="w")
    with pytest.raises(InputError, match=r"no array 'q'.*`pullback predict` needs no target"):
        load_labelled(path, arrays, target="q")
    Path(tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="trained on arrays without columns"):
        load_labelled(tmp_path / "t.csv", arrays)
