"""Tests of `train/data/tables/feed.py`: the bytes of rows, and the rows one by one."""

from __future__ import annotations

import gzip

import pytest

from pullback.train import InputError
from pullback.train.data.tables import feed as module
from pullback.train.data.tables.dialect import find_dialect
from pullback.train.data.tables.feed import Feed, Records, check_rows

ROWS = "".join(f"{i},{i % 7}.5,word\n" for i in range(2000))
TEXT = f"# a comment\na,b,c\n{ROWS}# another\n3,4,x\nTotal,9,y\n\nSource: us\n"


@pytest.mark.parametrize("size", [7, 100, 1 << 18])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_blocks_of_any_size_are_the_same_rows(file, monkeypatch, size, pack):
    monkeypatch.setattr(module, "_BLOCK", size)
    path = file(pack(TEXT.encode()))
    feed = Feed(path, find_dialect(path))
    blocks = []
    while block := feed.read():
        blocks.append(block)
    feed.close()
    assert b"".join(blocks).decode() == ROWS + "\n3,4,x\n"
    assert feed.delimiters == 2 * 2001
    assert feed.notes == ["2 lines below the rows left out: 'Total 9 y', 'Source: us'"]


def test_rows_have_the_lines_of_the_file(file):
    path = file('t\n\na,b,c\n1,"x\ny",2\n\n,,\n# no comment,2,3\n4,5,6\n')
    found = list(Records(path, find_dialect(path)))
    assert [line for line, _ in found] == [5, 8, 9]
    assert found[0][1] == ["1", "x\ny", "2"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a,b\n1,2\n3\n", "row 3: 1 column, where row 1 has 2"),
        ("a,b\n1,2\n3,4,5\n", "row 3: 3 columns"),
        ('a,b\n1,2\n3,"4\n', "malformed CSV"),
        ("a,b\n1,2\n" * 1 + "3,4\n" * 5000 + "5\n", "row 5003: 1 column"),
    ],
)
def test_what_is_malformed_is_refused_with_its_line(file, text, part):
    path = file(text)
    with pytest.raises(InputError, match=part):
        check_rows(path, find_dialect(path))


def test_a_total_is_a_row_where_it_comes_again(file):
    path = file("k,x\nsum,1\nmean,2\nsum,3\n")
    assert check_rows(path, find_dialect(path)) == 3


def test_bytes_far_down_are_found_with_their_line(file, monkeypatch):
    monkeypatch.setattr("pullback.train.data.tables.dialect._SAMPLE", 1000)
    start = b"a,b\n" + b"1,2\n" * 80_000
    path = file(start + b"3,\x004\n")
    with pytest.raises(InputError, match="row 80002: a NUL"):
        check_rows(path, find_dialect(path))
    path = file(start + b"\x81,4\n")
    dialect = find_dialect(path)
    with pytest.raises(module.OtherEncoding):
        check_rows(path, dialect)
    with pytest.raises(InputError, match="row 80002: byte 0x81"):
        check_rows(path, find_dialect(path, encoding="cp1252"))


def test_a_bomb_is_not_unpacked(file, monkeypatch):
    monkeypatch.setattr("pullback.train.files.UNPACKED", 1 << 16)
    path = file(gzip.compress(b"a,b\n" + b"1,2\n" * 500_000, 9))
    with pytest.raises(InputError, match="unpacks to"):
        check_rows(path, find_dialect(path))


def test_a_file_that_is_cut_off_is_refused(file):
    random = "".join(f"{i * 7919 % 10007},{i * 104729 % 1299709}\n" for i in range(40_000))
    path = file(gzip.compress(random.encode())[:-2000])
    with pytest.raises(InputError, match=r"cannot be (unpacked|read to its end)"):
        check_rows(path, find_dialect(path))
