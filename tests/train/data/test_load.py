"""Data for training: what is read, how it is split and standardised, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._load import rows

InputError = pb.train.InputError


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("nothing.csv", "no such file"),
        ("nothing.npz", "no such file"),
        ("nothing-idx3-ubyte.gz", "no such file"),
        ("nothing.xyz", "no such file"),
        ("nothing", "built in are digits"),
    ],
)
def test_a_missing_file_is_named(tmp_path, name, part):
    with pytest.raises(InputError, match=part) as caught:
        pb.train.load_dataset(tmp_path / name)
    assert name in str(caught.value)


def test_a_folder_and_an_unknown_kind_are_refused(tmp_path, file):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        pb.train.load_dataset(tmp_path / "folder.csv")
    with pytest.raises(InputError, match="unknown kind of file"):
        pb.train.load_dataset(file("hello", "data.doc"))


def test_numbers_are_classes_or_to_be_predicted(file):
    """Words and few whole numbers are classes; the rest is regression; asking for it decides."""
    fractions = file(rows("a,k", "1,0.5", "2,1.5"))
    many = file("a,k\n" + "".join(f"1,{i}\n" for i in range(101)), "many.csv")
    few = file(rows("a,k", "1,3", "2,4"), "few.csv")
    assert pb.train.load_dataset(fractions).task == "regression"
    assert pb.train.load_dataset(many).task == "regression"
    assert pb.train.load_dataset(few).task == "classification"
    data = pb.train.load_dataset(few, task="regression")
    assert data.y.shape == (8, 1)
    assert data.y[:2, 0].tolist() == [3.0, 4.0]
    assert pb.train.load_dataset(fractions, task="classification").classes == ("0.5", "1.5")
    with pytest.raises(InputError, match=r"row 2.*'x' is not a number"):
        pb.train.load_dataset(file("a,k\n1,x\n2,y\n", "words.csv"), task="regression")


BUILT_IN = {
    "digits": ((1797, 64), 10, (8, 8)),
    "breast_cancer": ((569, 30), 2, None),
    "wine": ((178, 13), 3, None),
    "iris": ((150, 4), 3, None),
    "diabetes": ((442, 10), 0, None),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_data(name):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    data = pb.train.load_dataset(name)
    shape, classes, image = BUILT_IN[name]
    assert (data.x.shape, len(data.classes), data.image_shape) == (shape, classes, image)
    assert len(data.columns) == shape[1]
    parts = pb.train.split(data, seed=3)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    np.testing.assert_array_equal(np.sort(together), np.arange(shape[0]))
    held = -(-shape[0] // 5)
    assert (len(parts.validation), len(parts.test)) == (held, held)
    with pytest.raises(InputError, match="built in"):
        pb.train.load_dataset(name, "column")
