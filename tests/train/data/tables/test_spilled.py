"""Tests of `train/data/tables/spilled.py`: sheets on disk are those in memory."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

import numpy as np
import pytest

from pullback.train import WriteError
from pullback.train.data import mapped
from pullback.train.data.tables import spilled
from pullback.train.data.tables.reading import read_sheet

pandas = pytest.importorskip("pandas", reason="tables are read by pandas, of the extra 'train'")

TEXT = "id,age,big,yes,colour,note\n" + "".join(
    f"{i},{'' if i % 7 == 0 else i / 4},{2**53 + i},{i % 2 == 0},{('red', 'blue', '')[i % 3]},text {i}\n"
    for i in range(50)
)


def written(path, text=TEXT):
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".parquet":
        table = path.with_suffix(".csv")
        table.write_text(text)
        read_sheet(table).frame.to_parquet(path)
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
@pytest.mark.parametrize("rows", [7, 1000])
def test_a_sheet_on_disk_is_that_in_memory(tmp_path, name, rows):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="Parquet is read by pyarrow, of the extra 'train'")
    path = written(tmp_path / name)
    expected, found = read_sheet(path), spilled.sheet_on_disk(path, tmp_path, rows=rows)
    # texts are categoricals, whose cells are the same
    whole = found.frame.astype({c: t for c, t in expected.frame.dtypes.items() if t.kind == "O"})
    pandas.testing.assert_frame_equal(whole, expected.frame)
    assert (found.header, found.found, found.positions) == (
        expected.header, expected.found, expected.positions,
    )  # fmt: skip
    assert found.at(3, "age") == expected.at(3, "age")
    assert mapped.mapping(found.frame["age"]) is not None


def test_matrices_and_some_rows_of_a_frame_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(spilled, "_ROWS", 8)
    frame = spilled.sheet_on_disk(written(tmp_path / "t.csv"), tmp_path).frame
    numbers = frame[["id", "age"]]
    found = spilled.matrix_on_disk(numbers, lambda part: part.to_numpy(float), 2, tmp_path)
    np.testing.assert_array_equal(found, numbers.to_numpy(float))
    kept = frame["age"].notna().to_numpy()
    some = spilled.rows_on_disk(frame, kept, tmp_path)
    same = [
        some[name].astype(object).equals(frame[kept][name].astype(object).reset_index(drop=True))
        for name in frame
    ]
    assert all(same)
    assert mapped.mapping(some["age"]) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_file_that_changes_between_its_readings_is_told(tmp_path, monkeypatch):
    path = written(tmp_path / "t.csv")
    survey = spilled.survey

    def then_shorter(*args, **settings):
        found = survey(*args, **settings)
        path.write_text("\n".join(TEXT.splitlines()[:-3]) + "\n")
        return found

    monkeypatch.setattr(spilled, "survey", then_shorter)
    with pytest.raises(ValueError, match="47 rows came, and 50 were counted"):
        spilled.sheet_on_disk(path, tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full to write to")
def test_a_full_disk_is_told(tmp_path, monkeypatch):
    path = written(tmp_path / "t.csv")
    full = functools.partial(open, "/dev/full", "r+b", buffering=0)
    monkeypatch.setattr(mapped.tempfile, "TemporaryFile", lambda dir: full())
    with pytest.raises(WriteError, match="No space left on device; make room"):
        spilled.sheet_on_disk(path, tmp_path)
