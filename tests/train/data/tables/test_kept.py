"""Tests of `train/data/tables/kept.py`: numbers of a text become the features in the memory that they are in."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.train.data.tables.reading import read_sheet

pytest.importorskip("pandas", reason="tables are read by pandas, of the extra `train`")


def test_the_numbers_of_a_sheet_become_the_features_in_place(file):
    rng = np.random.default_rng(0)
    floats, ints = rng.normal(size=(500, 3)), rng.integers(-9, 9, (500, 2))
    pairs = zip(floats.tolist(), ints.tolist(), strict=True)
    lines = [f"{a!r},{i},{b!r},w{i % 3},{j},{c!r}" for (a, b, c), (i, j) in pairs]
    path = file("a,i,b,w,j,c\n" + "\n".join(lines) + "\n")
    sheet = read_sheet(path)
    memory = sheet.kept.numbers
    assert sheet.frame["i"].dtype == sheet.frame["j"].dtype == np.int64
    assert np.shares_memory(sheet.frame["j"].to_numpy(), memory)
    assert sheet.finite(["a", "i", "c"])
    x = sheet.take(["i", "b", "j", "c"])
    assert np.shares_memory(x, memory)
    assert x.flags.c_contiguous
    expected = [ints[:, 0], floats[:, 1], ints[:, 1], floats[:, 2]]
    np.testing.assert_array_equal(x, np.stack(expected, axis=1))
    np.testing.assert_array_equal(read_sheet(path).take(["a", "b"]), floats[:, :2])


def test_a_file_that_is_longer_than_it_seemed(file, monkeypatch):
    monkeypatch.setattr("pullback.train.data.tables.survey._CELLS", 2000)
    text = "".join(f"{i}.{'0' * 90},{i}\n" for i in range(3000)) + "".join(
        f"{i},{i}\n" for i in range(9000)
    )
    x = read_sheet(file(text)).take(["0", "1"])
    assert x.shape == (12000, 2)
    assert (x[:, 0] == x[:, 1]).all()
    assert x[-1].tolist() == [8999.0, 8999.0]
