"""Tests of `train/data/binary.py`."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

import pullback as pb

from ..cli import _cli

InputError = pb.train.InputError


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


X, LABELS = np.arange(12.0).reshape(6, 2), np.asarray([0, 1, 0, 1, 2, 2])


NPZ = {
    "integers": ({"X": X, "y": LABELS}, None, ("0", "1", "2"), (6, 2)),
    "texts": ({"x": X, "y": LABELS.astype(str)}, None, ("0", "1", "2"), (6, 2)),
    "booleans": ({"data": X, "target": LABELS == 1}, None, ("False", "True"), (6, 2)),
    "a column of labels": ({"X": X, "y": LABELS[:, None]}, None, ("0", "1", "2"), (6, 2)),
    "images": ({"x": np.zeros((6, 3, 4), np.uint8), "y": LABELS}, None, ("0", "1", "2"), (6, 12)),
    "one feature": ({"X": X[:, 0], "y": LABELS}, None, ("0", "1", "2"), (6, 1)),
    "named target": ({"X": X, "other": LABELS}, "other", ("0", "1", "2"), (6, 2)),
    "several numbers": ({"X": X, "y": X / 3}, None, (), (6, 2)),
}


@pytest.mark.parametrize("case", NPZ)
def test_an_npz_file_is_read(tmp_path, case):
    arrays, target, classes, shape = NPZ[case]
    data = pb.train.load_dataset(npz(tmp_path / "a.npz", **arrays), target)
    assert data.classes == classes
    assert data.x.shape == shape
    assert data.image_shape == ((3, 4) if case == "images" else None)
    assert data.y.shape == ((6,) if classes else (6, 2))


NPZ_REFUSED = {
    "NaN": ({"X": np.where(X == 5, np.nan, X), "y": LABELS}, None, "row 2, column 1"),
    "infinite target": ({"X": X, "y": np.asarray([1, 2, 3, 4, 5, np.inf])}, None, r"y\[5\] is inf"),
    "lengths": ({"X": X, "y": LABELS[:5]}, None, "6 rows of features, 5 targets"),
    "no features": ({"y": LABELS}, None, "no array called X or x"),
    "no target": ({"X": X}, None, "no array called y"),
    "no such target": ({"X": X, "y": LABELS}, "z", "no array 'z'; it has X, y"),
    "complex": ({"X": X + 1j, "y": LABELS}, None, "complex128"),
    "texts": ({"X": X.astype(str), "y": LABELS}, None, "not real numbers"),
    "labels in a matrix": ({"X": X, "y": np.eye(6, dtype=int)}, None, r"shape \(6, 6\)"),
    "one class": ({"X": X, "y": LABELS * 0}, None, "one class only"),
    "nothing": ({"X": X[:0], "y": LABELS[:0]}, None, "there are none"),
    "objects": ({"X": X, "y": np.asarray([None, 1] * 3)}, None, "Python objects"),
}


@pytest.mark.parametrize("case", NPZ_REFUSED)
def test_a_wrong_npz_file_is_refused(tmp_path, case):
    arrays, target, message = NPZ_REFUSED[case]
    with pytest.raises(InputError, match=message):
        pb.train.load_dataset(npz(tmp_path / "a.npz", **arrays), target)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "npy"])
def test_a_damaged_npz_file_is_refused(tmp_path, damage):
    path = npz(tmp_path / "a.npz", X=X, y=LABELS)
    if damage == "npy":
        with open(path, "wb") as f:
            np.save(f, X)
    else:
        whole = path.read_bytes()
        path.write_bytes({"truncated": whole[:-80], "text": b"hello", "empty": b""}[damage])
    with pytest.raises(InputError, match=r"a\.npz"):
        pb.train.load_dataset(path)


def idx(array, code=0x08):
    """The bytes of an IDX file."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return head + array.tobytes()


IMAGES = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3)


DIGITS = np.asarray([3, 1, 3, 1, 7, 7], dtype=np.uint8)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("names", [("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
                                   ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte")])  # fmt: skip
def test_mnist_files_are_read(file, names, ending):
    pack = gzip.compress if ending else bytes
    path = file(pack(idx(IMAGES)), names[0] + ending)
    file(pack(idx(DIGITS)), names[1] + ending)
    data = pb.train.load_dataset(path)
    np.testing.assert_array_equal(data.x, IMAGES.reshape(6, 6))
    assert data.image_shape == (2, 3)
    assert data.classes == ("1", "3", "7")
    assert data.y.tolist() == [1, 0, 1, 0, 2, 2]
    assert data.name == names[0]


def test_idx_files_of_other_names_and_numbers_are_read(file):
    """The labels are named by the target; numbers lie with the most significant byte first."""
    values = np.asarray([[1.5, -2.0], [3.0, 1e6]])
    path = file(idx(values.astype(">f4"), 0x0D), "values.bin")
    labels = file(idx(np.asarray([300, -5], ">i2"), 0x0B), "labels.bin")
    data = pb.train.load_dataset(path, str(labels))
    np.testing.assert_array_equal(data.x, values)
    assert data.classes == ("-5", "300")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(IMAGES)[:-1], "damaged"),
        (idx(IMAGES) + b"x", "damaged"),
        (idx(IMAGES)[:9], "damaged"),
        (b"", "not an IDX file"),
        (b"\0\0\x42\1", "not an IDX file"),
        (gzip.compress(idx(IMAGES))[:-12], "cannot be unpacked"),
        (gzip.compress(b"hello"), "not an IDX file"),
        (idx(IMAGES), "no label file"),
    ],
    # named, since gzip writes the time into the bytes, and workers have to agree on the names
    ids=["cut", "longer", "header", "empty", "kind", "gzip, cut", "gzip of text", "no labels"],
)
def test_a_damaged_idx_file_is_refused(file, content, message):
    path = file(content, "train-images-idx3-ubyte")
    if "label" not in message:
        file(idx(DIGITS), "train-labels-idx1-ubyte")
    with pytest.raises(InputError, match=message):
        pb.train.load_dataset(path)


folder = _cli.folder


pullback = _cli.pullback


def test_arrays_of_any_order_and_byte_order_are_read(tmp_path):
    """What NumPy itself writes is read as NumPy reads it."""
    arrays = {
        "X": np.asfortranarray(np.random.default_rng(0).normal(size=(6, 3, 2))).astype(">f4"),
        "y": np.asarray([300, -5] * 3, ">i2"),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)
        data = pb.train.load_dataset(tmp_path / "a.npz")
        np.testing.assert_array_equal(data.x, arrays["X"].reshape(6, 6))
        assert data.classes == ("-5", "300")
