"""Features of sheets, missing cells, and the same columns in other files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pullback.train import InputError, load_dataset
from pullback.train.data.load import load_features
from pullback.train.data.tables.columns import Wishes
from pullback.train.data.tables.encoder import Encoder
from pullback.train.data.tables.features import Layout, features_of, find_target
from pullback.train.data.tables.reading import Sheet, read_sheet

pd = pytest.importorskip("pandas")


def sheet(frame, header=True):
    n, d = frame.shape
    return Sheet("t.csv", frame, header, "", range(2, n + 2), tuple(range(d)))


PEOPLE = {
    "age": [30.0, None, 50, 20],
    "colour": ["red", "blue", None, "red"],
    "k": ["u", "v", "u", "v"],
}


def test_numbers_stay_an_array_and_all_else_is_a_frame():
    numbers = features_of(
        sheet(pd.DataFrame({"a": [1, 2], "b": [0.5, 1], "k": ["u", "v"]})), ("k",)
    )
    assert numbers.kinds is None
    assert numbers.x.dtype == np.float64
    assert numbers.x.flags.c_contiguous
    np.testing.assert_array_equal(numbers.x, [[1, 0.5], [2, 1]])
    texts = features_of(
        sheet(pd.DataFrame({"a": ["1", "2"], "b": [0.5, 1], "k": ["u", "v"]})), ("k",)
    )
    np.testing.assert_array_equal(texts.x, [[1, 0.5], [2, 1]])
    people = features_of(sheet(pd.DataFrame(PEOPLE)), ("k",))
    assert list(people.x.columns) == ["age", "colour"]
    assert [column.kind for column in people.kinds] == ["number", "category"]
    with pytest.raises(InputError, match=r"t\.csv, row 3, column 'a': inf is not finite"):
        features_of(sheet(pd.DataFrame({"a": [1, np.inf], "k": [1, 2]})), ("k",))


def test_missing_cells_are_kept_left_out_or_refused():
    table = sheet(pd.DataFrame(PEOPLE))
    kept = features_of(table, ("k",))
    assert kept.rows.tolist() == [0, 1, 2, 3]
    left = features_of(table, ("k",), missing="drop")
    assert left.rows.tolist() == [0, 3]
    assert left.notes == ("2 rows with missing cells left out",)
    with pytest.raises(InputError, match=r"t\.csv, row 3, column 'age': the cell is empty.*impute"):
        features_of(table, ("k",), missing="error")
    # what is left out anyway may be missing
    alone = features_of(table, ("k",), Wishes(drop=("colour",)), missing="drop")
    assert alone.rows.tolist() == [0, 2, 3]
    empty = pd.DataFrame({"a": [None, 1.0, 2], "b": [1.0, None, None], "k": [1, 2, 3]})
    with pytest.raises(InputError, match=r"leaves no row.*2 of them in 'b'; --drop the column"):
        features_of(sheet(empty), ("k",), missing="drop")


def test_rows_without_a_target_are_refused_or_left_out():
    table = sheet(pd.DataFrame(PEOPLE | {"k": ["u", None, " ", "v"]}))
    with pytest.raises(
        InputError,
        match=r"row 3, column 'k': the target is empty, as in 1 other row; --missing drop",
    ):
        features_of(table, ("k",))
    left = features_of(table, ("k",), missing="drop")
    assert left.rows.tolist() == [0, 3]
    assert left.notes == ("2 rows without a target left out",)


def test_a_target_is_found_by_name_and_by_its_place_in_the_file():
    table = Sheet("t.csv", pd.DataFrame({"a": [1], "b": [2]}), True, "", range(2, 3), (1, 2))
    assert [find_target(table, target) for target in (None, "a", "1", -1, 2)] == [
        "b",
        "a",
        "a",
        "b",
        "b",
    ]
    for wrong in ("0", "3", "c"):
        with pytest.raises(InputError, match=f"no column '{wrong}'"):
            find_target(table, wrong)


LAYOUT = Layout(("id", "a", "b", "k"), True, ("k",), ("a", "b"))


def told(layout, frame, header=True, means=(7.0, 8.0)):
    notes = []
    arranged = layout.arranged(sheet(pd.DataFrame(frame), header), notes.append)
    return layout.matrix(arranged, np.asarray(means), notes.append).tolist(), notes


def test_columns_are_found_by_name_in_any_order_and_others_are_named():
    assert told(LAYOUT, {"b": [2], "k": ["u"], "a": [1], "id": [5]}) == ([[1, 2]], [])
    x, notes = told(LAYOUT, {"b": [2], "new": [3], "a": [1]})
    assert (x, notes) == ([[1, 2]], ["t.csv: the model does not know column 'new': not used"])
    with pytest.raises(
        InputError, match=r"has no column 'b' \(did you mean 'B'\?\); the model takes a, b"
    ):
        told(LAYOUT, {"a": [1], "B": [2]})
    with pytest.raises(InputError, match="has no column 'a', 'b'; it has c; the model takes"):
        told(LAYOUT, {"c": [1]})


def test_columns_without_names_are_found_by_their_place():
    for cells in ([5, 1, 2, "u"], [5, 1, 2], [1, 2]):
        assert told(LAYOUT, {str(i): [cell] for i, cell in enumerate(cells)}, header=False)[0] == [
            [1, 2]
        ]
    with pytest.raises(InputError, match="has 1 column, the model takes 2: a, b"):
        told(LAYOUT, {"0": [1]}, header=False)
    # and names where training had none say nothing
    bare = Layout(("0", "1", "2"), False, ("2",), ("0", "1"))
    assert told(bare, {"x": [1], "y": [2]}) == ([[1, 2]], [])


def test_cells_that_are_missing_where_none_was_are_filled_in_and_said():
    x, notes = told(LAYOUT, {"a": [1, None, None], "b": [2, 3, 4]})
    assert x == [[1, 2], [7, 3], [7, 4]]
    assert len(notes) == 1
    assert "missing cells where the training rows had none (2 in 'a'): the mean" in notes[0]
    frame = pd.DataFrame(PEOPLE)
    features = features_of(sheet(frame), ("k",), missing="drop")
    encoder = Encoder.fit(features.kinds, features.x)
    layout = Layout(("age", "colour", "k"), True, ("k",), encoder.columns, "drop", encoder)
    x, notes = told(layout, frame)
    assert np.shape(x) == (4, len(layout.inputs))
    assert "1 in 'age', 1 in 'colour'): the median, or the most frequent value" in notes[0]
    strict = Layout(("a", "b", "k"), True, ("k",), ("a", "b"), "error")
    with pytest.raises(
        InputError, match=r"t\.csv, row 3, column 'a': the cell is empty, and the model"
    ):
        told(strict, {"a": [1, None], "b": [1, 2]})
    with pytest.raises(InputError, match=r"t\.csv, row 3, column 'b': 'x' is not a number"):
        told(LAYOUT, {"a": [1, 2], "b": ["1", "x"]})


def test_a_layout_goes_through_text_and_hostile_ones_are_refused():
    features = features_of(sheet(pd.DataFrame(PEOPLE)), ("k",))
    encoder = Encoder.fit(features.kinds, features.x)
    layout = Layout(("age", "colour", "k"), True, ("k",), encoder.columns, "impute", encoder)
    found = json.loads(json.dumps(layout.to_dict(), allow_nan=False))
    assert Layout.from_dict(found) == layout
    wrong = {
        "names": 3,
        "header": 1,
        "targets": ["x"],
        "used": ["colour", "age"],
        "missing": "no",
        "encoder": {},
    }
    for key, value in wrong.items():
        with pytest.raises((KeyError, TypeError, ValueError)):
            Layout.from_dict({**found, key: value})


def test_labels_are_the_texts_of_the_file(file):
    text = "a,k\n" + "1,007\n2,10\n3,9007199254740993\n4,007\n" * 3
    assert load_dataset(file(text)).classes == ("007", "10", "9007199254740993")
    numbers = load_dataset(file(text.replace(",007", ",7")))
    assert numbers.classes == ("7", "10", "9007199254740993")
    data = load_dataset(file("a,k\n" + "1,007\n2,10\n" * 6), task="regression")
    assert data.y[:2, 0].tolist() == [7, 10]


def test_a_file_of_people_tells_what_was_decided(file):
    path = file("id;age;colour;k\n1;30,5;red;u\n2;;blue;v\n3;20,5;red;u\n")
    data = load_dataset(path)
    assert [column.kind for column in data.kinds] == ["dropped", "number", "category"]
    assert data.columns == ("age", "colour")
    assert "decimal comma" in data.told[0]
    assert data.told[1].split() == ["column", "kind", "becomes", "missing", "example"]
    assert load_dataset(file("a,k\n1,u\n2,v\n")).told == ()
    assert read_sheet(path).at(1, "age") == f"{path}, row 3, column 'age'"
    with pytest.raises(InputError, match="drop: for the columns of tables, and iris is built in"):
        load_dataset("iris", wishes=Wishes(drop=("a",)))
    assert Path(path).name in data.told[0]


def test_rows_that_are_left_out_are_told(file):
    path, notes = file("a,b\n1,2\n,NA\n3,4\n"), []
    layout = Layout(("a", "b", "k"), True, ("k",), ("a", "b"))
    sheet = layout.read(path, notes.append)
    assert (
        layout.matrix(layout.arranged(sheet, notes.append), np.zeros(2), notes.append).shape[0] == 2
    )
    assert notes == [f"{path}: 1 row without any cell left out"]
    assert notes[0].partition(": ")[2] in sheet.found
    layout = Layout(("0", "1"), False, ("1",), ("0",))
    layout.read(file("red,big\nblue,small\nblue,small\n"), notes.append)
    assert (
        "the first row is taken for a header (red, big), and the file that was trained" in notes[1]
    )
    layout = Layout(("2019", "2020", "k"), True, ("k",), ("2019", "2020"))
    # names that are numbers are known from the model
    assert layout.read(file("2020,2019\n1,2\n"), notes.append).header
    layout.read(file("3,4\n1,2\n"), notes.append)
    assert "no header is found, and the file that was trained on had one" in notes[2]


def test_whole_numbers_that_float64_merges_are_refused(file, tmp_path):
    for base in (10**17, 10**20):
        path = file("n,k\n" + "".join(f"{base + i},{i % 2}\n" for i in range(40)))
        with pytest.raises(InputError, match=r"column 'n'.* tells \d+ of 40 apart.*--drop n"):
            load_dataset(path)
        asked = load_dataset(path, wishes=Wishes(numeric=("n",)))
        assert asked.x[0, 0] == float(base)
    rows = np.c_[np.int64(10**17) + 4096 * np.arange(4), [0, 1, 0, 1]]
    np.save(tmp_path / "n.npy", rows)
    assert load_dataset(tmp_path / "n.npy").x.tolist() == rows[:, :1].tolist()
    np.save(tmp_path / "n.npy", rows - rows[:, :1] + [[2**53]] + np.c_[np.arange(4), np.arange(4)])
    with pytest.raises(InputError, match="column '0'"):
        load_dataset(tmp_path / "n.npy")


def test_columns_of_a_file_to_predict_from_are_found_by_name_where_names_look_like_cells(file):
    text = "7,b,k\n" + "x,y,1\nx,z,2\ny,x,1\nz,y,2\n" * 3
    data = load_dataset(file(text), "k", wishes=Wishes(categorical=("b",)))
    encoder = Encoder.fit(data.kinds, data.x)
    layout = Layout(("7", "b", "k"), True, ("k",), encoder.columns, encoder=encoder)
    found = load_features(file("b,7\ny,x\nz,x\n"), layout, np.zeros(len(encoder.names)))
    assert np.array_equal(found, encoder.transform(data.x)[:2])


def test_rows_without_any_cell_have_no_prediction_which_is_said(file):
    notes = []
    layout = Layout(("a", "b", "y"), True, ("y",), ("a", "b"))
    x = load_features(file("a,b\n1,2\n,\n\n3,4\n"), layout, np.zeros(2), note=notes.append)
    assert x.tolist() == [[1, 2], [3, 4]]
    assert len(notes) == 1
    assert "1 row without any cell left out" in notes[0]
