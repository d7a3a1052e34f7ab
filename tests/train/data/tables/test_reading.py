"""Tests of `train/data/tables/reading.py`: tables as people have them, and the sheets that they become."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from pullback.train.data.tables.reading import read_chunks, read_sheet, read_texts

pandas = pytest.importorskip("pandas", reason="tables are read by pandas, of the extra `train`")
NAN = np.nan

# what the file holds, then: columns, rows, and words of what was found
READ = {
    "plain": ("a,b,k\n1,2,cat\n3,4,dog\n", "abk", [[1, 2, "cat"], [3, 4, "dog"]], "commas; header in line 1"),
    "no header": ("1,2\n3,4\n", "01", [[1, 2], [3, 4]], "no header"),
    "missing": ("a,k\n1,cat\n,?\nNULL,N/A\nnan,dog\n2,-\n", "ak", [[1, "cat"], [NAN, "dog"], [2, NAN]], ""),
    "-999 is a number": ("a,b\n1,2\n-999,-\n", "ab", [[1, 2], [-999, NAN]], ""),
    "decimal comma": ("a;b\n1,5;1.234,50\n2;-7\n", "ab",
        [[1.5, 1234.5], [2, -7]], "semicolons; header in line 1; decimal comma"),
    "thousands": ('a;b\n"1,234";2.5\n12,345,678;2\n', "ab", [[1234, 2.5], [12345678, 2]], ""),
    "quoted thousands": ('a,b\n"1,234",2\n"5,678",3\n', "ab", [[1234, 2], [5678, 3]], ""),
    "spaces as thousands": ("a;b\n1 234,5;x\n12\u202f345;y\n", "ab", [[1234.5, "x"], [12345, "y"]], "decimal comma"),
    "title": ("Sales\n\nk;x\nA;1\nB;3\n", "kx", [["A", 1], ["B", 3]], "1 line of title above it: 'Sales'"),
    "padded title": ("Sales;;\nk;x;y\nA;1;2\n", "kxy", [["A", 1, 2]], "header in line 2"),
    "total": ("k;x\nA;1\nB;3\nTotal;4\n", "kx", [["A", 1], ["B", 3]], "1 line below the rows left out: 'Total 4'"),
    "source": ("k,x\nA,1\nB,3\n\nSource: us\n", "kx", [["A", 1], ["B", 3]], "'Source: us'"),
    "two lines of header": ("a;b;k\n[m];[s];\n1.5;2;x\n2;3;y\n", ("a [m]", "b [s]", "k"),
        [[1.5, 2, "x"], [2, 3, "y"]], "second line of header"),
    "digits of other scripts": ("a,k\n١٢,x\n３,y\n", ("a", "k"), [[12, "x"], [3, "y"]], "groups"),
    "groups above names": ("size;;\na;b;k\n1;2;x\n2;3;y\n", ("a", "b", "k"), [[1, 2, "x"], [2, 3, "y"]], "title"),
    "index of pandas": (",a,k\n0,1,x\n1,2,y\n", "ak", [[1, "x"], [2, "y"]], "the first column numbers the rows"),
    "index of R": ('"a" "k"\n"1" 5 2\n"2" 6 3\n', "ak", [[5, 2], [6, 3]], "spaces"),
    "trailing delimiter": ("a,b,\n1,2,\n3,4,\n", "ab", [[1, 2], [3, 4]], "neither a name nor cells"),
    "trailing below the header": ("a,b\n1,2,\n3,4,\n", "ab", [[1, 2], [3, 4]], "neither a name nor cells"),
    "rows of nothing": ("a;b\n1;2\n;\n;\n", "ab", [[1, 2]], ""),
    "same names": ("a,a,k\n1,2,3\n", ("a", "a.1", "k"), [[1, 2, 3]], "'a' again: called 'a.1'"),
    "sep=": ("sep=;\na;b\n1;2\n", "ab", [[1, 2]], "header in line 2"),
    "comments": ("# of 2020\n#a\tb\n1\t2\n# more\n3\t4\n", "ab", [[1, 2], [3, 4]], "# are comments"),
    "colours": ("colour,k\n#fff,1\n#000,2\n", ("colour", "k"), [["#fff", 1], ["#000", 2]], "header in line 1"),
    "colours alone": ("#fff,1\n#000,2\n#f00,3\n", "01", [["#fff", 1], ["#000", 2], ["#f00", 3]], "no header"),
    "spaces": ("  1.0   2.0 3\n 1.5   3.0 4\n", "012", [[1, 2, 3], [1.5, 3, 4]], "separated by spaces"),
    "pipes": ("a|b\n1|x, y\n2|z\n", "ab", [[1, "x, y"], [2, "z"]], "pipes"),
    "breaks in cells": ('a,b\n"x\ny",1\n\n"z ""q""",2\n', "ab", [["x\ny", 1], ['z "q"', 2]], ""),
    "quotes within": ('a,b\n5" pipe,2\n6" pipe,3\n', "ab", [['5" pipe', 2], ['6" pipe', 3]], ""),
    "markers behind spaces": ("a, k\n1, x\n NA , NULL\n 2.5, y\n ?, y\n", "ak", [[1, "x"], [2.5, "y"], [NAN, "y"]], ""),
    "quotes behind spaces": ('a, k\n1, "x, y"\n2, "z"\n', "ak", [[1, "x, y"], [2, "z"]], ""),
    "blank lines": ("a,k\r\n\r\n1,x\r\n  \r\n2,y\r\n", "ak", [[1, "x"], [2, "y"]], ""),
    "old Mac": ("a,b\r1,2\r3,4\r", "ab", [[1, 2], [3, 4]], ""),
    "leading zeros": ("id,k\n007,1.0\n10,1\n", ("id", "k"), [["007", 1], ["10", 1]], ""),
    "integers of any size": ("a,b\n9007199254740993,1\n,18446744073709551617\n", "ab",
        [["9007199254740993", "1"], [NAN, "18446744073709551617"]], ""),
    "beyond int64": ("a,b\n9223372036854775999,1\n5,2\n", "ab", [["9223372036854775999", 1], ["5", 2]], ""),
    "truths": ("a,b\nTrue,False\nFalse,True\n", "ab", [[True, False], [False, True]], ""),
    "truths and gaps": ("a,b\nTrue,1\n,2\n", "ab", [["True", 1], [NAN, 2]], ""),
    "Namibia": ("c,x,y\nDE,1,1\nNA,,2\nFR,3,3\nNA,,\n", "cxy", [["DE", 1, 1], ["NA", NAN, 2], ["FR", 3, 3]], ""),
    "NA among words": ("c,x\nyes,1\nNA,2\nno,3\n", "cx", [["yes", 1], [NAN, 2], ["no", 3]], ""),
    "years as names": ("c,2019,2020,2021\nDE,1,2,3\nFR,2,3,4\n", ("c", "2019", "2020", "2021"),
        [["DE", 1, 2, 3], ["FR", 2, 3, 4]], "header in line 1"),
    "words without header": ("x,u\ny,v\nx,v\ny,u\n", "01",
        [["x", "u"], ["y", "v"], ["x", "v"], ["y", "u"]], "no header"),
    "versions and dates": ("a;b;c\n1.2.3;31.12.2020;1,5\n1.2.4;1.1.2021;2,5\n", "abc",
        [["1.2.3", "31.12.2020", 1.5], ["1.2.4", "1.1.2021", 2.5]], ""),
    "UTF-16": ("a\tb\nä\t1\nö\t2\n".encode("utf-16"), "ab", [["ä", 1], ["ö", 2]], "UTF-16"),
    "UTF-16 without a mark": ("a\tb\nä\t1\n".encode("utf-16-le"), "ab", [["ä", 1]], "UTF-16"),
    "Windows-1252": ("a;b\nä €;1\nö;2\n".encode("cp1252"), "ab", [["ä €", 1], ["ö", 2]], "Windows-1252"),
    "gzipped": (gzip.compress(b"a,b\n1,2\n"), "ab", [[1, 2]], "gzipped"),
}  # fmt: skip


def plain(rows):
    """NaN equals nothing, None does."""
    return [[None if v != v else v for v in row] for row in rows]


@pytest.mark.parametrize("case", READ)
def test_a_table_is_read_and_what_was_found_is_told(file, case):
    content, columns, rows, found = READ[case]
    path = file(content)
    sheet = read_sheet(path)
    assert list(sheet.frame.columns) == list(columns)
    assert plain(sheet.frame.values.tolist()) == plain(rows)
    assert found in sheet.found
    assert len(sheet.lines) == len(sheet.frame)
    chunks = pandas.concat(list(read_chunks(path, rows=1)), ignore_index=True)
    pandas.testing.assert_frame_equal(chunks, sheet.frame)
    for column in sheet.frame:
        assert sheet.frame[column].dtype in (np.int64, np.float64, np.bool_, object)


def test_texts_are_those_of_the_file(file):
    path = file('id,n,t,k\n1E5,1.10, TRUE,+49\nNA,1.20,FALSE,\n,,,\n2E7,"1,234",TRUE,007\n')
    assert read_texts(path, ["k", "id", "t", "n"]) == [
        ["+49", "", "007"],
        ["1E5", "", "2E7"],
        ["TRUE", "FALSE", "TRUE"],
        ["1.10", "1.20", "1,234"],
    ]
