"""Tests of `train/data/tables/columnar.py`: Parquet and .npy files."""

from __future__ import annotations

import contextlib
import datetime
import decimal

import numpy as np
import pytest

import pullback as pb
from pullback.train.data.tables.columnar import read_npy
from pullback.train.data.tables.reading import read_chunks, read_sheet

InputError = pb.train.InputError
pandas = pytest.importorskip("pandas", reason="tables are read by pandas, of the extra `train`")
arrow = pytest.importorskip("pyarrow", reason="Parquet is read by pyarrow, of the extra `train`")
parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet is read by pyarrow")

DAY, TIME = datetime.date(2020, 2, 3), datetime.datetime(2020, 2, 3, 4, 5, 6)
# the column of a file, and what it becomes
COLUMNS = {
    "integers": (arrow.array([1, -2, 3]), [1, -2, 3], np.int64),
    "bytes": (arrow.array([1, 2, 3], arrow.uint8()), [1, 2, 3], np.int64),
    "integers with gaps": (arrow.array([1, None, 3]), [1.0, None, 3.0], np.float64),
    "large with gaps": (arrow.array([2**53 + 1, None, 3]), [str(2**53 + 1), None, "3"], object),
    "large": (arrow.array([2**63 - 1, 2, 3]), [2**63 - 1, 2, 3], np.int64),
    "beyond int64": (arrow.array([2**64 - 1, 2, 3], arrow.uint64()), [str(2**64 - 1), "2", "3"], object),
    "floats": (arrow.array([1.5, None, float("nan")]), [1.5, None, None], np.float64),
    "half floats": (arrow.array(np.asarray([1.5, 2, 3], np.float16)), [1.5, 2.0, 3.0], np.float64),
    "decimals": (arrow.array([decimal.Decimal("1.50"), None, decimal.Decimal(2)]), [1.5, None, 2.0], np.float64),
    "truths": (arrow.array([True, False, True]), [True, False, True], np.bool_),
    "truths with gaps": (arrow.array([True, None, False]), ["True", None, "False"], object),
    "texts": (arrow.array(["NA", "", None]), ["NA", None, None], object),
    "a dictionary": (arrow.array(["u", "v", None]).dictionary_encode(), ["u", "v", None], object),
    "numbers in a dictionary": (arrow.array([7, 8, 7]).dictionary_encode(), [7, 8, 7], np.int64),
    "dates": (arrow.array([DAY, None, DAY]), ["2020-02-03", None, "2020-02-03"], object),
    "times": (arrow.array([TIME, None, TIME]), ["2020-02-03 04:05:06", None, "2020-02-03 04:05:06"], object),
    "nothing": (arrow.nulls(3), [None, None, None], np.float64),
}  # fmt: skip


@pytest.mark.parametrize("case", COLUMNS)
def test_columns_of_parquet(tmp_path, case):
    column, cells, dtype = COLUMNS[case]
    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.table({"v": column, "n": [1, 2, 3]}), path, row_group_size=2)
    frame = read_sheet(path).frame
    assert frame["v"].dtype == dtype
    assert [None if v != v else v for v in frame["v"].tolist()] == cells
    chunks = pandas.concat(list(read_chunks(path, rows=1)), ignore_index=True)
    pandas.testing.assert_frame_equal(chunks, frame)


@pytest.mark.parametrize(
    ("column", "part"),
    [([[1], [2, 3]], "list"), ([b"x", b"y"], "binary"), ([{"a": 1}, {"a": 2}], "struct")],
)
def test_cells_that_are_no_cells_are_refused(tmp_path, column, part):
    parquet.write_table(arrow.table({"odd": column, "n": [1, 2]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=f"column 'odd': cells of type {part}"):
        read_sheet(tmp_path / "a.parquet")


def test_a_damaged_parquet_file_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.table({"a": list(range(3000)), "b": ["x"] * 3000}), path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for cut in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError):
            read_sheet(path)
    for _ in range(60):
        wrong = np.frombuffer(whole, np.uint8).copy()
        wrong[rng.integers(0, len(wrong), 5)] = rng.integers(0, 256, 5)
        path.write_bytes(wrong.tobytes())
        # anything but a refusal goes on to the test
        with contextlib.suppress(InputError):
            read_sheet(path)
            continue
        refused += 1
    assert refused > 10


def test_npy_files_of_numbers_and_words(tmp_path):
    path = tmp_path / "a.npy"
    for array in (
        np.arange(6.0).reshape(3, 2),
        np.arange(6).reshape(3, 2).T,
        np.asarray([["a", "b"]]),
    ):
        np.save(path, array)
        for mapped in (False, True):
            np.testing.assert_array_equal(read_npy(path, mapped=mapped), array)
        assert read_sheet(path).frame.to_numpy().tolist() == array.tolist()
    assert isinstance(read_npy(path, mapped=True), np.memmap)


def test_wrong_npy_files_are_refused(file, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.asarray([[1, "x"]], object))
    with pytest.raises(InputError, match="Python objects"):
        read_npy(path)
    np.save(path, np.zeros(3, [("a", float)]))
    with pytest.raises(InputError, match="save an array of numbers"):
        read_npy(path)
    np.save(path, np.zeros((100, 3)))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="damaged"):
        read_npy(path, mapped=True)
    with pytest.raises(InputError, match=r"no \.npy file"):
        read_npy(file("1,2\n", "b.npy"))
    np.save(path, np.zeros(3))
    with pytest.raises(InputError, match="rows and columns"):
        read_sheet(path)


def test_the_last_column_of_an_array_is_the_target(tmp_path):
    path = tmp_path / "a.npy"
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    y = np.arange(20) % 2
    np.save(path, np.column_stack([x, y.astype(np.float32)]))
    data = pb.train.load_dataset(path)
    assert data.x.dtype == np.float32
    np.testing.assert_array_equal(data.x, x)
    assert (data.y == y).all()
    assert data.target == "3"
    first = pb.train.load_dataset(path, "0", task="regression")
    np.testing.assert_array_equal(first.y[:, 0], x[:, 0])
    np.testing.assert_array_equal(first.x[:, :2], x[:, 1:])
    with pytest.raises(InputError, match="0 to 3"):
        pb.train.load_dataset(path, "4")
    np.save(path, x.reshape(5, 4, 3))
    with pytest.raises(InputError, match="--target-file"):
        pb.train.load_dataset(path)


def test_an_index_of_pandas_is_not_the_last_column(tmp_path):
    path = tmp_path / "a.parquet"
    frame = pandas.DataFrame({"a": [1.5, 2.5], "y": [0, 1]}, index=pandas.Index([7, 8], name="key"))
    frame.to_parquet(path)
    sheet = read_sheet(path)
    assert list(sheet.frame.columns) == ["key", "a", "y"]
    assert sheet.frame["key"].tolist() == [7, 8]
    assert "index" in sheet.found
    (chunk,) = read_chunks(path, rows=8)
    pandas.testing.assert_frame_equal(chunk, sheet.frame)
    # without names, of several levels
    frame.index = pandas.MultiIndex.from_tuples([(1, 2), (3, 4)])
    frame.to_parquet(path)
    assert list(read_sheet(path).frame.columns) == ["a", "y"]


def test_a_few_bytes_that_stand_for_gigabytes_are_refused(tmp_path):
    """One text of 200 kB, which 1,000 rows have; and 100 million empty cells in two pages."""
    path = tmp_path / "bomb.parquet"
    texts = arrow.DictionaryArray.from_arrays(arrow.array([0] * 1000), ["x" * 200_000])
    for column in (texts, arrow.nulls(100_000_000)):
        parquet.write_table(arrow.table({"a": column}), path)
        with pytest.raises(
            InputError, match=r"bomb\.parquet unpacks to .* set PULLBACK_UNPACK_RATIO="
        ):
            read_sheet(path)
    parquet.write_table(arrow.table({"a": texts[:3]}), path)
    assert [len(text) for text in read_sheet(path).frame["a"]] == [200_000] * 3
