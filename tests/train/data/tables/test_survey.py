"""Tests of `train/data/tables/survey.py`: the types of columns across chunks of any size."""

from __future__ import annotations

import pytest

from pullback.train import InputError
from pullback.train.data.tables import survey as module
from pullback.train.data.tables.reading import read_chunks, read_sheet
from pullback.train.data.tables.survey import survey

pandas = pytest.importorskip("pandas", reason="tables are read by pandas, of the extra `train`")

# a column's cells, and its kind
KINDS = {
    "integers": (["1", "-2", "3"], "int"),
    "floats at the end": (["1", "2", "3.5"], "float"),
    "a gap at the end": (["1", "2", ""], "float"),
    "gaps at first": (["", "NA", "7"], "float"),
    "nothing": (["", "NA", "?"], "float"),
    "a word at the end": (["1", "2", "x"], "words"),
    "a truth at the end": (["1", "2", "True"], "words"),
    "truths": (["True", "False", "True"], "bool"),
    "truths and a gap": (["True", "False", ""], "words"),
    "a number among truths": (["True", "False", "1"], "words"),
    "large at the end": (["1", "2", "9007199254740993"], "int"),
    "large, and a gap": (["9007199254740993", "2", ""], "words"),
    "a fraction, then large": (["0.5", "2", "9007199254740993"], "float"),
    "beyond int64": (["1", "2", "9223372036854775808"], "words"),
    "large floats": (["1e300", "2.5", "-1e20"], "float"),
    "zeros at the end": (["10", "2", "007"], "words"),
    "zeros behind spaces": (["10", "2", " 007"], "words"),
    "zeros behind more, quoted": (["10", "2", '  "007"'], "words"),
    "zeros and fractions": (["10", "2.5", "007"], "float"),
    "thousands": (['"1,234"', '"5,678"', '"12,345,678.5"'], "formatted"),
    "thousands at the end": (["1", "2", '"12,345"'], "formatted"),
    "an id among thousands": (["1", '"12,345"', "12345678901234567"], "words"),
    "codes": (["DE", "NA", "FR"], "NA"),
    "codes without NA": (["DE", "", "FR"], "words"),
    "signs": (["+", "-", "+"], "-"),
    "dashes": (["a", "-", "+"], "words"),
}  # fmt: skip


@pytest.mark.parametrize("cells", [1, 2, 400])
@pytest.mark.parametrize("case", KINDS)
def test_kinds_do_not_depend_on_chunks(file, monkeypatch, case, cells):
    monkeypatch.setattr(module, "_CELLS", cells)
    column, kind = KINDS[case]
    path = file("n,v\n" + "".join(f"{i}.5,{cell}\n" for i, cell in enumerate(column)))
    assert survey(path).kinds == ("float", kind)
    sheet = read_sheet(path)
    for rows in (1, 2):
        chunks = pandas.concat(list(read_chunks(path, rows=rows)), ignore_index=True)
        pandas.testing.assert_frame_equal(chunks, sheet.frame)


def test_another_encoding_far_down(file, monkeypatch):
    monkeypatch.setattr("pullback.train.data.tables.dialect._SAMPLE", 1000)
    path = file(b"a,k\n" + b"1,word\n" * 3000 + "2,größer\n".encode("cp1252"))
    sheet = read_sheet(path)
    assert sheet.frame["k"].iloc[-1] == "größer"
    assert "Windows-1252" in sheet.found
    path = file(b"a,k\n" + b"1,word\n" * 3000 + b'2, "x, y"\n')
    assert read_sheet(path).frame["k"].iloc[-1] == "x, y"


@pytest.mark.parametrize("cells", [2, 400_000])
@pytest.mark.parametrize("row", ["1", "1,2,3", '"1,2', '1,"2"3'])
def test_a_ragged_row_is_found_wherever_chunks_end(file, monkeypatch, row, cells):
    monkeypatch.setattr(module, "_CELLS", cells)
    for before in (1, 2, 3):
        path = file("a,b\n" + "1,2\n" * before + row + "\n1,2\n")
        with pytest.raises(InputError, match=rf"row {before + 2}|row {before + 3}"):
            read_sheet(path)
