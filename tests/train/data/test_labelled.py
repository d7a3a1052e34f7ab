"""Targets in other files, in the classes of a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pullback.train import InputError, load_dataset
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
    for classes in (("False", "True"), ("FALSE", "TRUE")):
        for texts in (["True", "False"], ["TRUE", "FALSE"], ["true", "false"]):
            assert target_of_texts(texts, wanted(classes), ["", ""]).tolist() == [1, 0]
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


def test_an_array_with_its_targets_and_a_file_of_them(tmp_path):
    array = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "t.npy", array)
    np.save(tmp_path / "x.npy", array[:, :2])
    np.save(tmp_path / "y.npy", array[:, 2])
    known = wanted(header=False)
    for name, settings in (("t.npy", {}), ("x.npy", {"target_file": str(tmp_path / "y.npy")})):
        x, y = load_labelled(tmp_path / name, known, **settings)
        assert (x.tolist(), y.tolist()) == (array[:, :2].tolist(), array[:, 2:].tolist())
    # another column is the target: the others are the features, as in a table
    x, y = load_labelled(tmp_path / "t.npy", known, target="0")
    assert (x.tolist(), y.tolist()) == (array[:, 1:].tolist(), array[:, :1].tolist())
    with pytest.raises(InputError, match=r"no column '2', the true target.*--target-file its file"):
        load_labelled(tmp_path / "x.npy", known)
    np.save(tmp_path / "images.npy", np.zeros((4, 1, 2)))
    with pytest.raises(
        InputError, match=r"without the true targets.*--target-file names their file"
    ):
        load_labelled(tmp_path / "images.npy", Wanted(None, np.zeros(2), "y", (), (1,)))
    Path(tmp_path / "x.csv").write_text("b,a\n1,0\n4,3\n7,6\n10,9\n")
    x, y = load_labelled(tmp_path / "x.csv", wanted(), target_file=str(tmp_path / "y.npy"))
    assert (x.tolist(), y.tolist()) == (array[:, :2].tolist(), array[:, 2:].tolist())


def test_several_targets_of_an_array_are_numbers_also_where_they_are_whole(tmp_path):
    np.save(tmp_path / "t.npy", np.arange(12).reshape(4, 3))
    data = load_dataset(tmp_path / "t.npy", "0,1")
    known = Wanted(data.layout, np.zeros(1), data.target, (), (2,))
    x, y = load_labelled(tmp_path / "t.npy", known)
    assert (data.task, data.y[1].tolist()) == ("regression", [3.0, 4.0])
    assert (x[1].tolist(), y[1].tolist()) == ([5], [3.0, 4.0])


def test_several_targets_by_their_names(tmp_path):
    layout = Layout(("a", "y", "z"), True, ("y", "z"), ("a",))
    known = Wanted(layout, np.zeros(1), "y,z", (), (2,))
    path = tmp_path / "t.csv"
    path.write_text("z,a,y\n1,2,3\n4,5,\n")
    notes = []
    x, y = load_labelled(path, known, note=notes.append)
    assert (x.tolist(), y.tolist()) == ([[2]], [[3, 1]])
    assert notes == [f"{path}: 1 row without a target left out"]
    path.write_text("q,a,r\n1,2,3\n4,5,6\n")
    assert load_labelled(path, known, target="r,q")[1].tolist() == [[3, 1], [6, 4]]
