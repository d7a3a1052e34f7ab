"""Tables as numbers: what is learned, from which rows, and that it is the same after a way through text."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pullback.train import InputError
from pullback.train.data.tables.columns import Wishes, decide
from pullback.train.data.tables.encoder import MOST_CATEGORIES, Encoder

pd = pytest.importorskip("pandas")
compose = pytest.importorskip("sklearn.compose")
impute = pytest.importorskip("sklearn.impute")
preprocessing = pytest.importorskip("sklearn.preprocessing")

BIG = 2**60


def people(n=80, seed=0):
    random = np.random.default_rng(seed)
    gone = random.random(n) < 0.25
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "age": np.where(gone, np.nan, random.normal(40, 9, n).round(1)),
            "smoker": random.choice(["yes", "no"], n),
            "ok": np.where(gone, None, random.choice(np.asarray([True, False], object), n)),
            "colour": random.choice(np.asarray(["red", "blue", None], object), n),
            "town": ["only here" if i == 5 else "Bonn" if i % 3 else "Ulm" for i in range(n)],
            "code": random.choice([BIG, BIG + 1], n),
            "when": [None if i % 7 == 3 else f"{i % 28 + 1}.{i % 12 + 1}.2021" for i in range(n)],
            "at": [f"2021-05-{i % 28 + 1:02} {i % 24:02}:30" for i in range(n)],
            "size": random.integers(0, 5, n),
        }
    )


CODES = Wishes(categorical=("code",))


def test_the_inputs_are_named_and_are_what_they_say():
    table = people()
    encoder = Encoder.fit(decide(table, CODES), table)
    day = ["year", "month", "day of week", "day of year, sine", "day of year, cosine"]
    assert list(encoder.names) == [
        "age", "age is missing", "smoker", "ok", "ok is missing",
        "colour=blue", "colour=red", "colour=(missing)", "town=Bonn", "town=Ulm", "town=(rare)",
        f"code={BIG}", f"code={BIG + 1}", *(f"when ({part})" for part in day), "when is missing",
        *(f"at ({part})" for part in [*day, "hour"]), "size",
    ]  # fmt: skip
    assert encoder.columns == tuple(table.columns[1:])
    x = dict(zip(encoder.names, encoder.transform(table).T, strict=True))
    age = table["age"]
    np.testing.assert_array_equal(x["age"], age.fillna(age.median()))
    np.testing.assert_array_equal(x["age is missing"], age.isna())
    np.testing.assert_array_equal(x["smoker"], table["smoker"] == "yes")
    np.testing.assert_array_equal(x["colour=(missing)"], table["colour"].isna())
    np.testing.assert_array_equal(x["town=(rare)"], table["town"] == "only here")
    np.testing.assert_array_equal(x[f"code={BIG + 1}"], table["code"] == BIG + 1)
    np.testing.assert_array_equal(x["at (hour)"], np.arange(80) % 24 + 0.5)
    np.testing.assert_array_equal(x["when is missing"], table["when"].isna())
    standardised = [
        name for name, number in zip(encoder.names, encoder.is_number, strict=True) if number
    ]
    assert all(
        set(np.unique(x[name])) <= {0.0, 1.0} for name in set(encoder.names) - set(standardised)
    )
    assert standardised == [
        "age",
        *(f"when ({part})" for part in day),
        *(f"at ({part})" for part in [*day, "hour"]),
        "size",
    ]


def test_it_is_what_scikit_learns_own_transformer_gives():
    table = people().drop(columns=["when", "at"])
    training = table.iloc[:60]
    encoder = Encoder.fit(decide(table, CODES), training)
    texts = pd.DataFrame({name: table[name].astype(object) for name in ("colour", "town")}).replace(
        {np.nan: None}
    )
    one_hot = preprocessing.OneHotEncoder(
        min_frequency=2, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    own = compose.ColumnTransformer(
        [
            ("n", impute.SimpleImputer(strategy="median", add_indicator=True), ["age"]),
            ("c", one_hot, ["colour", "town"]),
        ]
    )
    both = pd.concat([table[["age"]], texts], axis=1)
    names = [
        "age",
        "age is missing",
        "colour=blue",
        "colour=red",
        "colour=(missing)",
        "town=Bonn",
        "town=Ulm",
        "town=(rare)",
    ]
    columns = [encoder.names.index(name) for name in names]
    np.testing.assert_array_equal(
        encoder.transform(table)[:, columns], own.fit(both.iloc[:60]).transform(both)
    )


def test_the_way_through_text_changes_no_bit():
    table = people()
    encoder = Encoder.fit(decide(table, CODES), table.iloc[:50])
    text = json.dumps(encoder.to_dict(), allow_nan=False)
    again = Encoder.from_dict(json.loads(text))
    assert again == encoder
    assert str(BIG + 1) in text
    x = encoder.transform(table)
    assert again.transform(table).tobytes() == x.tobytes()
    # rows and columns in any order, and others between them
    mixed = table.iloc[::-1, ::-1].assign(more="x")
    assert again.transform(mixed).tobytes() == x[::-1].tobytes()
    assert again.transform(table.iloc[7:8]).tobytes() == x[7:8].tobytes()


def test_only_the_training_rows_are_learned_from():
    table = people()
    columns = decide(table, CODES)
    training = table.iloc[:50]
    changed = table.copy()
    changed.loc[50:, "age"] = 1e6
    changed.loc[50:, "colour"] = "violet"
    changed.loc[50:, "smoker"] = None
    one, other = Encoder.fit(columns, training), Encoder.fit(columns, changed.iloc[:50])
    assert one == other
    assert one != Encoder.fit(columns, changed)


def test_what_training_has_not_seen():
    table = people()
    encoder = Encoder.fit(decide(table, CODES), table)
    new = table.iloc[:2].assign(
        colour="violet", town="Trier", smoker=[None, "yes"], size=[None, 1.0], code=[7, BIG]
    )
    x = dict(zip(encoder.names, encoder.transform(new).T, strict=True))
    # no category was rare: an unseen one is none of them
    assert not any(x[name].any() for name in ("colour=blue", "colour=red", "colour=(missing)"))
    assert x["town=(rare)"].tolist() == [1, 1]
    usual = table["smoker"].mode()[0] == "yes"
    assert x["smoker"].tolist() == [usual, 1]
    assert x["size"].tolist() == [table["size"].median(), 1]
    assert (x[f"code={BIG}"] + x[f"code={BIG + 1}"]).tolist() == [0, 1]
    assert encoder.imputed(new) == {"smoker": 1, "size": 1}
    # a category that is missing where none was is the most frequent one
    gone = encoder.transform(table.iloc[:1].assign(town=None))[0]
    assert gone[encoder.names.index("town=Bonn")] == 1


def test_one_category_is_one_whatever_type_another_file_has():
    table = pd.DataFrame(
        {
            "a": ["TRUE", "FALSE", "maybe"] * 4,
            "b": ["1.50", "007", "x"] * 4,
            "c": ["7", "x", "007"] * 4,
        }
    )
    encoder = Encoder.fit(decide(table), table)
    other = pd.DataFrame({"a": [True, False], "b": [1.5, 7.0], "c": [7, 7]})
    x = dict(zip(encoder.names, encoder.transform(other).T.tolist(), strict=True))
    assert (x["a=TRUE"], x["a=FALSE"], x["b=1.50"], x["b=007"]) == ([1, 0], [0, 1], [1, 0], [0, 1])
    assert (x["c=7"], x["c=007"]) == ([1, 1], [0, 0])
    # but no two integers that float64 cannot tell apart
    big = pd.DataFrame({"a": [str(BIG), "x"] * 4, "n": np.arange(8) / 2})
    encoder = Encoder.fit(decide(big), big)
    assert encoder.transform(pd.DataFrame({"a": [BIG + 1], "n": [0.0]}))[0, :2].tolist() == [0, 0]
    assert encoder.transform(pd.DataFrame({"a": [BIG], "n": [0.0]}))[0, :2].sum() == 1


def test_many_categories_share_an_input():
    words = [f"w{i:03}" for i in range(300) for _ in range(2 + (i < 40))]
    table = pd.DataFrame({"word": words, "n": np.arange(len(words)) / 3})
    encoder = Encoder.fit(decide(table), table)
    assert len(encoder.names) == MOST_CATEGORIES + 2
    x = encoder.transform(table)
    np.testing.assert_array_equal(x[:, :-1].sum(axis=1), 1)
    assert json.loads(json.dumps(encoder.to_dict()))["columns"][0]["rare"] is True


def test_columns_that_say_nothing_give_no_inputs():
    table = pd.DataFrame({"a": ["u", "v", "w", "u", "v", "w"], "n": [1.0, 2, 3, 4, 5, 6]})
    columns = decide(table)
    encoder = Encoder.fit(columns, table.iloc[:3])
    assert encoder.names == ("n",)
    assert (
        Encoder.from_dict(encoder.to_dict()).transform(table).tolist()
        == table[["n"]].to_numpy().tolist()
    )
    with pytest.raises(InputError, match="nothing to learn from: every category of a"):
        Encoder.fit(decide(table, Wishes(drop=("n",))), table.iloc[:3])


def test_a_part_without_any_cell_and_extreme_numbers():
    table = pd.DataFrame({"a": [None, None, 1.0, 2.0], "b": [1.7e308, 1.7e308, 1, 2]})
    encoder = Encoder.fit(decide(table), table.iloc[:2])
    x = encoder.transform(table)
    assert np.isfinite(x).all()
    assert x[:, 0].tolist() == [0, 0, 1, 2]
    json.dumps(encoder.to_dict(), allow_nan=False)


def test_errors_name_row_and_column_in_every_chunk(monkeypatch):
    from pullback.train.data.tables import encoder as module

    table = pd.DataFrame({"a": [1.0, None, 3], "k": ["u", "v", "u"]})
    encoder = Encoder.fit(decide(table), table)
    monkeypatch.setattr(module, "_CHUNK", 2)
    np.testing.assert_array_equal(encoder.transform(table)[:, 0], [1, 2, 3])
    with pytest.raises(InputError, match="row 3, column 'a': 'x' is not a number"):
        encoder.transform(table.assign(a=["1", "2", "x"]))
    with pytest.raises(InputError, match="no column 'k'"):
        encoder.transform(table[["a"]])


GOOD = {"name": "a", "kind": "number", "centre": [1.0]}
HOSTILE = {
    "no list": {"columns": 3}, "none": {"columns": []}, "nothing": {},
    "unknown key": {"columns": [{**GOOD, "more": 1}]}, "twice": {"columns": [GOOD, GOOD]},
    "kind": {"columns": [{**GOOD, "kind": "dropped"}]}, "name": {"columns": [{**GOOD, "name": 3}]},
    "NaN": {"columns": [{**GOOD, "centre": [float("nan")]}]}, "text": {"columns": [{**GOOD, "centre": ["1"]}]},
    "too many": {"columns": [{**GOOD, "centre": [1.0, 2.0]}]}, "flag": {"columns": [{**GOOD, "indicator": 1}]},
    "values": {"columns": [{**GOOD, "values": ["a"]}]},
    "same": {"columns": [{"name": "a", "kind": "category", "values": ["u", "u"]}]},
    "usual": {"columns": [{"name": "a", "kind": "category", "values": ["u"], "usual": "v"}]},
    "no inputs": {"columns": [{"name": "a", "kind": "category"}]},
    "form": {"columns": [{"name": "a", "kind": "date", "centre": [0] * 5, "form": "%Q"}]},
    # pandas would work on it for hours
    "long form": {"columns": [{"name": "a", "kind": "date", "centre": [0] * 5, "form": "%Y" * 200_000}]},
    # of which rows are made for every column
    "many": {"columns": [{"name": "a", "kind": "category", "values": [*map(str, range(1000))]}]},
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_encoder_is_refused(case):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Encoder.from_dict(HOSTILE[case])


def test_categories_that_training_has_not_seen_are_told():
    frame = pd.DataFrame({"sex": ["m", "f"] * 4, "code": [1, 2] * 4, "town": [*"aabbccd", None]})
    columns = decide(frame, Wishes(categorical=("code",)))
    encoder = Encoder.fit(columns, frame)
    assert encoder.unseen(frame) == {}
    other = pd.DataFrame(
        {"sex": ["m", "M", None], "code": [1.0, 2.0, 3.0], "town": ["z", "d", "a"]}
    )
    # the one town that was rare shares its input with those that were not there
    assert encoder.unseen(other) == {"sex": ["M"], "code": ["3"]}
