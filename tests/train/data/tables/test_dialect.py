"""Tests of `train/data/tables/dialect.py`: how a table is written. What becomes of it is in test_reading.py."""

from __future__ import annotations

import pytest

from pullback.train import InputError
from pullback.train.data.tables.dialect import find_dialect, split_spaces

# what the file holds, then: delimiter, lines above the rows, columns
FOUND = {
    "commas": ("a,b\n1,2\n", ",", 1, ("a", "b")),
    "semicolons with commas": ("a;b\n1,5;2,5\n3,5;4,5\n", ";", 1, ("a", "b")),
    "tabs with commas": ("a\tb\nx, y\tz, u\n", "\t", 1, ("a", "b")),
    "a header with a break": ('"a\nb",c\n1,2\n', ",", 2, ("a b", "c")),
    "no header": ("1,2\n3,4\n", ",", 0, ()),
    "blank lines above": ("\n\na,b\n1,2\n", ",", 3, ("a", "b")),
    "no header below comments": ("# x\n1,2\n3,4\n", ",", 1, ()),
    "a number among the names": ("7,b,c\n1,2.5,x\n1,3,y\n", ",", 1, ("7", "b", "c")),
    "numbers and a word of their own": ("7,unknown,3\n1,2.5,x\n1,3,y\n", ",", 0, ()),
    "one column": ("a\n1\n2\n", ",", 1, ("a",)),
    "words between spaces are no table": ("to be or\nnot to be\nthat is the\n", ",", 1, ("to be or",)),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_delimiter_and_header_are_found(file, case):
    text, delimiter, skip, columns = FOUND[case]
    found = find_dialect(file(text))
    assert (found.delimiter, found.skip, found.columns) == (delimiter, skip, columns)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("ä,b\n1,2\n".encode(), "utf-8"),
        ("ä,b\n1,2\n".encode("utf-8-sig"), "utf-8-sig"),
        ("ä,b\n1,2\n".encode("utf-16"), "utf-16"),
        ("ä,b\n1,2\n".encode("utf-16-be"), "utf-16-be"),
        ("ä,b\n1,2\n".encode("utf-32"), "utf-32"),
        ("ä,b\n1,2\n".encode("cp1252"), "cp1252"),
    ],
)
def test_encodings_are_found(file, content, encoding):
    found = find_dialect(file(content))
    assert found.encoding == encoding
    assert found.columns == ("ä", "b")


def test_a_row_with_names_that_are_expected_is_a_header(file):
    path = file("7;a\nyes;no\nno;yes\n")
    assert find_dialect(path).columns == ()
    assert find_dialect(path, names=("a",)).columns == ("7", "a")
    assert find_dialect(file("7;8\n1;2\n3;4\n"), names=("8", "7")).columns == ("7", "8")
    # a cell is no name
    assert find_dialect(file("7;a\n7;a\n8;b\n"), names=("a",)).columns == ()
    assert find_dialect(path, names=("a", "b", "c")).columns == ()


def test_between_commas_a_number_without_quotes_has_no_decimal_comma(file):
    path = file('a,b\n1.234,"x, y"\n5.678,z\n')
    assert find_dialect(path, usual=",").numbers.decimal == "."
    assert find_dialect(file('a,b\n"1,234",x\n'), usual=",").numbers.decimal == ","


def test_the_decimal_sign_that_is_given_wins_and_the_usual_one_helps(file):
    path = file("a;b\n1.234;2\n")
    with pytest.raises(InputError, match="--decimal"):
        find_dialect(path)
    assert find_dialect(path, decimal=",").numbers.decimal == ","
    assert find_dialect(path, usual=".").numbers.decimal == "."
    path = file("a;b\n1,5;2\n")
    assert find_dialect(path, usual=".").numbers.decimal == ","


@pytest.mark.parametrize("magic", [b"PK\x03\x04", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"])
def test_what_is_packed_otherwise_is_refused(file, magic):
    with pytest.raises(InputError, match=r"unpack it|save it as CSV"):
        find_dialect(file(magic + b"xxxxxxxx"))


def test_a_first_line_may_not_declare_anything(file):
    with pytest.raises(InputError, match="sep='x'"):
        find_dialect(file("sep=x\naxb\n1x2\n"))


def test_words_between_spaces():
    assert split_spaces('  1 "two words"  3 ') == ["1", "two words", "3"]
