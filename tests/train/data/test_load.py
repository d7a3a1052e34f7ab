"""Data for training: what is read, how it is split and standardised, and what is refused."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

import pullback as pb

InputError = pb.train.InputError


@pytest.fixture
def file(tmp_path):
    """Write a file and give its path."""

    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows(*lines, times=4):
    """A CSV of these lines, the first once and the rest several times."""
    return "\n".join([lines[0], *lines[1:] * times]) + "\n"


# what the file holds, the target, then: features, columns, classes, class numbers of the first rows
READABLE = {
    "header, names": ("a,b,kind\n1,2,cat\n3,4,dog\n", None, [[1, 2], [3, 4]], "ab", ("cat", "dog"), [0, 1]),
    "no header": ("1,2,cat\n3,4,dog\n", None, [[1, 2], [3, 4]], "", ("cat", "dog"), [0, 1]),
    "numbers only": ("1,2,7\n3,4,5\n", None, [[1, 2], [3, 4]], "", ("5", "7"), [1, 0]),
    "target by name": ("k,a,b\n9,1,2\n8,3,4\n", "k", [[1, 2], [3, 4]], "ab", ("8", "9"), [1, 0]),
    "target by place": ("9,1,2\n8,3,4\n", "0", [[1, 2], [3, 4]], "", ("8", "9"), [1, 0]),
    "target from the end": ("1,9,2\n3,8,4\n", "-2", [[1, 2], [3, 4]], "", ("8", "9"), [1, 0]),
    "name before place": ("0,1,k\n5,6,x\n7,8,y\n", "1", None, None, None, None),
    "order of numbers": ("a,k\n1,10\n2,9\n3,-1\n", None, [[1], [2], [3]], "a", ("-1", "9", "10"), [2, 1, 0]),
    "whole floats": ("a,k\n1,1.0\n2,0.0\n", None, [[1], [2]], "a", ("0", "1"), [1, 0]),
    "semicolons": ("a;b;k\n1,5\n", None, None, None, None, None),
    "tabs": ("a\tb\tk\n1\t2\tx\n3\t4\ty\n", None, [[1, 2], [3, 4]], "ab", ("x", "y"), [0, 1]),
    "byte order mark": ("\ufeffa,k\n1,x\n2,y\n", None, [[1], [2]], "a", ("x", "y"), [0, 1]),
    "Windows lines": ("a,k\r\n1,x\r\n2,y\r\n", None, [[1], [2]], "a", ("x", "y"), [0, 1]),
    "blank lines": ("a,k\n\n1,x\n\n2,y\n\n", None, [[1], [2]], "a", ("x", "y"), [0, 1]),
    "quotes": ('"a, b","k"\n"1","x ""y"""\n2,z\n', None, [[1], [2]], ("a, b",), ('x "y"', "z"), [0, 1]),
    "spaces": ("a, k\n1, x\n 2 , y\n", None, [[1], [2]], "a", ("x", "y"), [0, 1]),
    "pandas counts": ("0,1,k\n5.5,6,2\n7,8,3\n", None, [[5.5, 6], [7, 8]], "01", ("2", "3"), [0, 1]),
    "exponents": ("a,k\n1e-3,x\n-2E5,y\n", None, [[1e-3], [-2e5]], "a", ("x", "y"), [0, 1]),
    "umlauts": ("größe,k\n1,ä\n2,b\n", None, [[1], [2]], ("größe",), ("b", "ä"), [1, 0]),
}  # fmt: skip
READABLE = {name: row for name, row in READABLE.items() if row[2] is not None}


@pytest.mark.parametrize("case", READABLE)
def test_a_csv_file_is_read(file, case):
    text, target, x, columns, classes, y = READABLE[case]
    data = pb.train.load_dataset(file(text), target)
    np.testing.assert_array_equal(data.x, np.asarray(x, float))
    assert data.columns == tuple(columns)
    assert data.classes == classes
    assert data.task == "classification"
    assert data.y.tolist() == y
    assert data.y.dtype == np.int64


# what the file holds, the target, and parts of the message
REFUSED = {
    "empty": ("", None, ["data.csv is empty"]),
    "blank": ("\n\n", None, ["data.csv is empty"]),
    "header only": ("a,b\n", None, ["header", "no rows"]),
    "ragged, short": ("a,b,k\n1,2,x\n3,y\n", None, ["row 3", "2 columns", "row 1 has 3"]),
    "ragged, long": ("1,2,x\n3,4,5,y\n", None, ["row 2", "4 columns", "row 1 has 3"]),
    "word": ("a,b,k\n1,2,x\n3,oops,y\n", None, ["row 3", "column 'b'", "'oops'", "not a number"]),
    "word, no header": ("1,2,x\n3,oops,y\n", None, ["row 2", "column 1", "'oops'"]),
    "word after the target": ("k,a\nx,1\ny,oops\n", "k", ["row 3", "column 'a'", "'oops'"]),
    "empty cell": ("a,b,k\n1,,x\n", None, ["row 2", "column 'b'", "empty"]),
    "empty target": ("a,k\n1,x\n2,\n", None, ["row 3", "column 'k'", "target is empty"]),
    "NaN": ("a,b,k\n1,2,x\n3,nan,y\n", None, ["row 3", "column 'b'", "nan", "not finite"]),
    "infinity": ("a,b,k\n1,2,x\n-inf,1,y\n", None, ["row 3", "column 'a'", "-inf"]),
    "overflow": ("a,k\n1e999,x\n", None, ["row 2", "column 'a'", "not finite"]),
    "NaN target": ("a,k\n1,2.5\n3,nan\n", None, ["row 3", "column 'k'", "nan"]),
    "mostly numbers": ("a,k\n1,2.5\n3,1.5\n4,x\n", None, ["row 4", "column 'k'", "'x'"]),
    "open quote": ('a,k\n1,"x\n2,y\n', None, ["row", "malformed CSV"]),
    "stray quote": ('a,k\n1,"x"y\n', None, ["row 2", "malformed CSV"]),
    "blank lines count": ("a,k\n\n1,x\n\noops,y\n", None, ["row 5", "'oops'"]),
    "no such column": ("a,b,k\n1,2,x\n", "c", ["no column 'c'", "it has a, b, k"]),
    "a column mistyped": ("width,kind\n1,x\n", "widht", ["did you mean 'width'"]),
    "no such place": ("1,2,x\n", "3", ["no header", "3 columns", "0 to 2"]),
    "same names": ("a,a,k\n1,2,x\n", None, ["two columns", "'a'"]),
    "row numbers of pandas": (",a,k\n0,1,x\n1,2,y\n", None, ["column 0", "no name", "index=False"]),
    "target only": ("k\nx\ny\n", None, ["only a target"]),
    "one class": ("a,k\n1,x\n2,x\n", None, ["one class only", "'x'"]),
    "constant number": ("a,k\n1,0.5\n2,0.5\n", None, ["never varies"]),
    "not text": (b"a,k\n1,\xff\xfe\n", None, ["row 2", "not UTF-8"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_csv_file_is_refused_with_its_place(file, case):
    text, target, parts = REFUSED[case]
    with pytest.raises(InputError) as caught:
        pb.train.load_dataset(file(text), target)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


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
        pb.train.load_dataset(file("hello", "data.txt"))


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


BUILT_IN = {
    "digits": ((1797, 64), 10, (8, 8)),
    "breast_cancer": ((569, 30), 2, None),
    "wine": ((178, 13), 3, None),
    "iris": ((150, 4), 3, None),
    "diabetes": ((442, 10), 0, None),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_data(name):
    pytest.importorskip("sklearn")
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


def made(y, classes=()):
    """A data set with these targets."""
    y = np.asarray(y)
    task = "classification" if classes else "regression"
    return pb.train.Dataset("made", np.zeros((len(y), 1)), y, task, tuple(classes))


@pytest.mark.parametrize("sizes", [(3, 7, 40), (5, 5), (3, 3, 3, 3), (100, 4), (33, 66, 99)])
def test_every_class_is_in_every_part_in_proportion(sizes):
    y = np.repeat(np.arange(len(sizes)), sizes)
    np.random.default_rng(0).shuffle(y)
    parts = pb.train.split(made(y, map(str, range(len(sizes)))), seed=1)
    for part, fraction in ((parts.train, 0.6), (parts.validation, 0.2), (parts.test, 0.2)):
        counts = np.bincount(y[part], minlength=len(sizes))
        assert counts.min() >= 1
        assert np.abs(counts - fraction * np.asarray(sizes)).max() < 2
    together = np.concatenate([parts.train, parts.validation, parts.test])
    np.testing.assert_array_equal(np.sort(together), np.arange(len(y)))


def test_the_split_follows_its_seed():
    data = made(np.repeat([0, 1], 50), "ab")
    first, again, other = (pb.train.split(data, seed=s) for s in (5, 5, 6))
    np.testing.assert_array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


def test_a_split_of_too_little_is_refused():
    with pytest.raises(InputError, match=r"at least 3.*'rare' \(2\)"):
        pb.train.split(made([0] * 20 + [1] * 2, ("often", "rare")))
    with pytest.raises(InputError, match="9 rows"):
        pb.train.split(made(np.zeros((9, 1))))


def test_standardised_columns_have_mean_0_and_variance_1():
    random = np.random.default_rng(0)
    x = random.normal(size=(5000, 3)) * [1.0, 1e-9, 1e6] + [0.0, 5.0, -3e6]
    z = pb.train.Standardizer.fit(x).transform(x)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-6)
    assert pb.train.Standardizer.fit(x).transform(x, "float32").dtype == np.float32


@pytest.mark.parametrize("one_scale", [False, True])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e300, -7.0])
def test_columns_that_never_vary_become_zero(constant, one_scale):
    """0.1 summed up and divided is not 0.1: only an exact mean gives exact zeros."""
    x = np.column_stack([np.full(1001, constant), np.arange(1001.0)])
    with np.errstate(all="raise"):
        found = pb.train.Standardizer.fit(x, one_scale=one_scale)
        assert not found.transform(x)[:, 0].any()
        blank = pb.train.Standardizer.fit(x[:, :1], one_scale=one_scale)
        assert blank.transform(x[:, :1]).tolist() == [[0.0]] * 1001


def test_columns_of_extreme_sizes_do_not_overflow():
    x = np.asarray([[1e308, 1e-308], [-1e308, 2e-308], [1e307, 5e-308]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        z = pb.train.Standardizer.fit(x).transform(x)
    np.testing.assert_allclose(z.std(axis=0), 1)


def test_pixels_share_one_scale():
    random = np.random.default_rng(0)
    x = random.normal(size=(4000, 2)) * [1.0, 7.0]
    found = pb.train.Standardizer.fit(x, one_scale=True)
    np.testing.assert_allclose(found.scale, 5.0, rtol=0.05)
    np.testing.assert_allclose(found.transform(x).mean(axis=0), 0, atol=1e-12)


def test_standardising_bytes_needs_no_float_copy_and_has_an_inverse():
    x = np.random.default_rng(0).integers(0, 256, size=(9000, 4), dtype=np.uint8)
    found = pb.train.Standardizer.fit(x)
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.scale, x.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.inverse(found.transform(x)), x, atol=1e-10)
