"""Tests of `train/data/tables/rows.py`: tables row by row, as graphs are read."""

from __future__ import annotations

import pytest

from pullback.train import InputError
from pullback.train.data.tables.rows import find_column, numbers_of, open_rows


def test_rows_with_their_lines(file):
    rows = open_rows(file("id;x\nä;1.5\n\nö;2.5\n".encode("cp1252")))
    assert (rows.columns, rows.width) == (("id", "x"), 2)
    assert list(rows.rows) == [(2, ["ä", "1.5"]), (4, ["ö", "2.5"])]
    assert find_column(rows, "x") == find_column(rows, None) == find_column(rows, -1) == 1


@pytest.mark.parametrize(
    ("text", "part"),
    [("a,a\n1,2\n", "two columns are called 'a'"), (",a\n1,2\n", "column 0 .*index=False")],
)
def test_names_have_to_be_names(file, text, part):
    with pytest.raises(InputError, match=part):
        open_rows(file(text))


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        ("", "the cell is empty"),
        ("oops", "'oops' is not a number"),
        ("1_0", "'1_0' is not a number"),
        ("1e999", "1e999 is not finite"),
    ],
)
def test_cells_have_to_be_numbers(file, cell, part):
    rows = open_rows(file(f"a,b\n1,2\n3,{cell}\n"))
    found = list(rows.rows)
    assert numbers_of(found[0][1], [1, 0], rows, 2) == [2.0, 1.0]
    with pytest.raises(InputError, match=f"row 3, column 'b': {part}"):
        numbers_of(found[1][1], [0, 1], rows, 3)
