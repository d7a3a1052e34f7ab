"""Tests of `train/data/tables/splitting.py`: lines become cells, or are refused with their number."""

from __future__ import annotations

import pytest

from pullback.train import InputError
from pullback.train.data.tables.splitting import split_rows, split_spaces


def test_rows_with_the_lines_at_which_they_end():
    text = 'a,b\n\n1,"two\nlines"\n3, "4"\n'
    rows = [(1, ["a", "b"]), (4, ["1", "two\nlines"]), (5, ["3", "4"])]
    assert split_rows(text, ",", "t.csv", True, 9) == rows
    assert split_rows(text, ",", "t.csv", True, 3) == rows[:2]
    assert split_rows(' 1  "a b"\n\n2 c\n', " ", "t.txt", True, 9) == [
        (1, ["1", "a b"]),
        (3, ["2", "c"]),
    ]
    assert split_spaces("1\t2 ") == ["1", "2"]


def test_a_quotation_without_an_end():
    text = 'a,b\n1,"2\n'
    assert split_rows(text, ",", "t.csv", False, 9) == [(1, ["a", "b"])]
    with pytest.raises(InputError, match=r"t\.csv, row 2: malformed CSV: .*unexpected end"):
        split_rows(text, ",", "t.csv", True, 9)
