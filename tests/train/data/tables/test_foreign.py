"""Tests of `train/data/tables/foreign.py`: several targets, and targets in files of their own."""

from __future__ import annotations

import csv
import struct

import numpy as np
import pytest

import pullback as pb
from pullback.train.data.tables.columns import Wishes
from pullback.train.data.tables.foreign import joined_names, split_names

from ...cli import _cli

folder, pullback = _cli.folder, _cli.pullback  # fixtures

InputError = pb.train.InputError
pytest.importorskip("pandas", reason="tables are read by pandas, of the extra `train`")
TABLE = 'x,"a, b",c,d\n' + "".join(f"{i},{i}.5,{i + 1}.25,{2 * i}\n" for i in range(12))


@pytest.mark.parametrize(
    ("target", "names", "row"),
    [
        ("a, b", ("a, b",), [0.5]),
        ('c,"a, b"', ("c", "a, b"), [1.25, 0.5]),
        ("c, d", ("c", "d"), [1.25, 0.0]),
        ("2,3", ("c", "d"), [1.25, 0.0]),
        ("c,-1", ("c", "d"), [1.25, 0.0]),
    ],
)
def test_several_targets_by_name_or_place(file, target, names, row):
    data = pb.train.load_dataset(file(TABLE), target, task="regression")
    assert data.task == "regression"
    assert data.y[0].tolist() == row
    assert data.target == joined_names(names)
    assert not {*data.columns} & {*names}
    assert data.x.shape == (12, 4 - len(names))


@pytest.mark.parametrize(
    ("target", "task", "part"),
    [
        ("c,c", "auto", "twice"),
        ("c,2", "auto", "twice"),
        ("c,e", "auto", "no column 'e'"),
        ("c,d", "classification", "several targets are numbers"),
    ],
)
def test_several_targets_that_cannot_be(file, target, task, part):
    with pytest.raises(InputError, match=part):
        pb.train.load_dataset(file(TABLE), target, task=task)


def test_a_word_among_several_targets(file):
    with pytest.raises(InputError, match=r"row 3, column 'b': 'u' is not a number"):
        pb.train.load_dataset(file("x,a,b\n1,2,3\n2,3,u\n4,5,6\n"), "a,b")


def test_names_go_there_and_back():
    for names in (["a"], ["a", "b, c"], ['say "x"', "y"]):
        assert len(names) == 1 or split_names(joined_names(names)) == names


def test_targets_in_files_of_their_own(file, tmp_path):
    table = file("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(10)))
    words = ["u", "v"] * 5
    np.save(tmp_path / "y.npy", np.arange(10) % 2)
    np.save(tmp_path / "words.npy", np.asarray(words))
    np.save(tmp_path / "two.npy", np.random.default_rng(0).normal(size=(10, 2)))
    (tmp_path / "y.csv").write_text("kind\n" + "\n".join(words) + "\n")
    (tmp_path / "more.csv").write_text("n,kind\n" + "\n".join(f"1,{w}" for w in words) + "\n")
    (tmp_path / "plain.txt").write_text("\n".join("01" * 5) + "\n")
    head = struct.pack(">II", 0x801, 10)
    (tmp_path / "y-idx1-ubyte").write_bytes(head + bytes(range(2)) * 5)
    load = lambda name, target=None, data=table: pb.train.load_dataset(
        data, target, target_file=tmp_path / name
    )
    for name, target, classes in [
        ("y.npy", None, ("0", "1")),
        ("words.npy", None, ("u", "v")),
        ("y.csv", None, ("u", "v")),
        ("more.csv", "kind", ("u", "v")),
        ("plain.txt", None, ("0", "1")),
        ("y-idx1-ubyte", None, ("0", "1")),
    ]:
        data = load(name, target)
        assert data.classes == classes
        assert data.y.tolist() == [0, 1] * 5
        assert data.columns == ("a", "b")
        assert data.x[3].tolist() == [3, 9]
    assert load("two.npy").y.shape == (10, 2)
    images = np.random.default_rng(0).integers(0, 256, (10, 3, 3)).astype(np.uint8)
    np.save(tmp_path / "images.npy", images)
    np.savez(tmp_path / "images.npz", X=images)
    for name in ("images.npy", "images.npz"):
        data = load("y.npy", data=tmp_path / name)
        assert data.image_shape == (3, 3)
        np.testing.assert_array_equal(data.x, images.reshape(10, 9))
    with pytest.raises(InputError, match="name the target by --target, of n, kind"):
        load("more.csv")
    (tmp_path / "short.csv").write_text("kind\nu\nv\n")
    with pytest.raises(InputError, match=r"has 2 targets, .* has 10 rows"):
        load("short.csv")
    (tmp_path / "gap.csv").write_text("k,kind\n" + "".join(f"1,{w}\n" for w in words[:9]) + "1,\n")
    with pytest.raises(InputError, match=r"gap\.csv, row 10: the target is empty"):
        load("gap.csv", "kind")
    with pytest.raises(InputError, match=r"target_file: .*give"):
        load("images.npz")


def test_two_targets_train_and_predict_under_their_names(pullback, file):
    path = file(TABLE * 1)
    code, out, err = pullback(
        "train", path, "--target", 'c,"a, b"', "--epochs", 1, "--hidden", 2, "--name", "r"
    )
    assert (code, err) == (0, [])
    code, out, err = pullback("predict", "runs/r", path)
    assert code == 0
    rows = list(csv.reader(out))
    assert rows[0] == ["predicted c", "predicted a, b"]
    assert len(rows) == 13


def test_targets_whose_rows_are_not_known_are_refused(file, tmp_path):
    (tmp_path / "y.csv").write_text("kind\nu\nNA\nv\n")
    with pytest.raises(InputError, match="has 1 row without any cell, so that nobody knows"):
        pb.train.load_dataset(file("a,b\n1,2\n3,4\n"), target_file=tmp_path / "y.csv")
    (tmp_path / "y.csv").write_text("b\n" + "1\n0\n" * 5)
    table = file("a,b\n" + "1,1\n0,0\n" * 5)
    with pytest.raises(InputError, match=r"has a column 'b', too, .*--drop b"):
        pb.train.load_dataset(table, target_file=tmp_path / "y.csv")
    drop = Wishes(drop=("b",))
    data = pb.train.load_dataset(table, target_file=tmp_path / "y.csv", wishes=drop)
    assert data.columns == ("a",)
    np.save(tmp_path / "t.npy", np.ones((4, 3)))
    with pytest.raises(InputError, match="names a column twice"):
        pb.train.load_dataset(tmp_path / "t.npy", "0,-3")
    np.save(tmp_path / "t.npy", np.ones(4))
    with pytest.raises(InputError, match="a table has rows and columns"):
        pb.train.load_dataset(tmp_path / "t.npy")
