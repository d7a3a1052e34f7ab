"""Data sets in tables: what simple ones become, and what is refused with its place. See tables/ for people's files."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

InputError = pb.train.InputError


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
    "empty target": ("a,k\n1,x\n2,\n", None, ["row 3", "column 'k'", "target is empty"]),
    "infinity": ("a,b,k\n1,2,x\n-inf,1,y\n", None, ["row 3", "column 'a'", "-inf"]),
    "overflow": ("a,k\n1,x\n1e999,y\n", None, ["row 3", "column 'a'", "inf", "not finite"]),
    "words and no end of numbers": (
        "a,b,k\n1,u,x\n1e999,v,y\n",
        None,
        ["row 3", "column 'a'", "inf"],
    ),
    "blank lines count": ("a,k\n\n1,x\n\n-inf,y\n", None, ["row 5", "-inf"]),
    "NaN target": (
        "a,k\n1,2.5\n3,nan\n",
        None,
        ["row 3", "column 'k'", "target is empty", "--missing drop"],
    ),
    "mostly numbers": ("a,k\n1,2.5\n3,1.5\n4,x\n", None, ["row 4", "column 'k'", "'x'"]),
    "open quote": ('a,k\n1,"x\n2,y\n', None, ["row", "malformed CSV"]),
    "stray quote": ('a,k\n1,"x"y\n', None, ["row 2", "malformed CSV"]),
    "no such column": ("a,b,k\n1,2,x\n", "c", ["no column 'c'", "it has a, b, k"]),
    "a column mistyped": ("width,kind\n1,x\n", "widht", ["did you mean 'width'"]),
    "no such place": ("1,2,x\n", "3", ["no header", "3 columns", "0 to 2"]),
    "a target twice": (
        "a,k,k\n1,2,x\n3,4,y\n",
        "k",
        ["two columns are called 'k'", "1 or 2 (counted from 0)"],
    ),
    "neither encoding": (b"a,k\n1,\x81\xff\n", None, ["row 2", "neither UTF-8"]),
    "a NUL": (b"a,k\n1,\x00\n2,y\n", None, ["row 2", "NUL"]),
    "two decimal signs": ("a;b;k\n1,5;2.5;x\n", None, ["1,5", "2.5", "--decimal"]),
    "no telling": ("a;k\n1.234;x\n2.345;y\n", None, ["1.234", "--decimal"]),
    "a workbook": (b"PK\x03\x04....", None, ["zip", "save it as CSV"]),
    "target only": ("k\nx\ny\n", None, ["only a target"]),
    "one class": ("a,k\n1,x\n2,x\n", None, ["one class only", "'x'"]),
    "constant number": ("a,k\n1,0.5\n2,0.5\n", None, ["never varies"]),
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
