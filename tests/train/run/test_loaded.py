"""`pb.train.load(run)`: predictions as scikit-learn's users expect them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.train import InputError
from pullback.train.run.loaded import labels_of

from ..cli import _cli
from ..cli._cli import QUICK, records, table
from ._networks_data import graph, text
from .test_evaluate import without_pictures  # noqa: F401 - a fixture for the whole file

folder, pullback = _cli.folder, _cli.pullback
pandas = pytest.importorskip("pandas")


def columns(path):
    head, *rows = records(Path(path).read_text())
    return dict(zip(head, zip(*rows, strict=True), strict=True))


def test_it_unpacks_and_predicts_what_the_command_does(pullback):
    pullback("train", table("t.csv"), "--epochs", 10)
    loaded = pb.train.load("runs/t")
    model, metadata = loaded
    assert (model, metadata) == (loaded[0], loaded[1]) == (loaded.model, loaded.metadata)
    assert len(loaded) == 2
    pullback("predict", "runs/t", "t.csv", "--output", "p.csv")
    told = columns("p.csv")
    found = columns("t.csv")
    X = np.stack([np.asarray(found[c], float) for c in loaded.columns], axis=1)
    frame = pandas.DataFrame({"right": X[:, 1], "left": X[:, 0]})
    for given in (X, X.tolist(), frame, "t.csv", pb.backend.current().asarray(X)):
        assert loaded.predict(given).tolist() == list(told["class"])
        p = loaded.predict_proba(given)
        for i, name in enumerate(loaded.classes):
            np.testing.assert_allclose(p[:, i], np.asarray(told[f"p({name})"], float), rtol=1e-6)
    with_target = frame.assign(kind=found["kind"])
    figures = [
        loaded.evaluate(X, list(found["kind"])),
        loaded.evaluate(frame, pandas.Series(found["kind"])),
        loaded.evaluate(with_target),
        loaded.evaluate("t.csv"),
    ]
    assert len({round(f.log_loss, 9) for f in figures}) == 1
    with pytest.warns(UserWarning, match="does not know column 'other'"):
        loaded.predict(frame.assign(other=1))


def test_numbers_stay_numbers(pullback):
    pullback("train", table("two.csv", "two"), *QUICK)
    loaded = pb.train.load("runs/two")
    assert loaded.classes.dtype.kind == "i"
    assert loaded.predict([[0.0, 0.0]]).dtype.kind == "i"
    assert loaded.evaluate([[0.0, 0.0], [3.0, -3.0]], [0, 1]).rows == 2
    pullback("train", table("n.csv", "numbers"), *QUICK)
    loaded = pb.train.load("runs/n")
    assert loaded.predict([[0.0, 0.0], [1.0, 1.0]]).shape == (2,)
    assert loaded.classes.tolist() == []
    with pytest.raises(InputError, match="is a regression on 'kind', which has no classes"):
        loaded.predict_proba([[0.0, 0.0]])


@pytest.mark.parametrize(
    ("names", "kind", "labels"),
    [
        (("0", "1", "10"), "i", [0, 1, 10]),
        (("0.5", "1"), "f", [0.5, 1.0]),
        (("False", "True"), "b", [False, True]),
        (("007", "8"), "U", ["007", "8"]),
        (("1", "a"), "U", ["1", "a"]),
        (("1e400", "2"), "U", ["1e400", "2"]),
        (("9007199254740993", "3"), "i", [9007199254740993, 3]),
        (("18446744073709551617",), "O", [18446744073709551617]),
        ((), "f", []),
    ],
)
def test_labels_have_their_own_type(names, kind, labels):
    found = labels_of(names)
    assert found.dtype.kind == kind
    assert found.tolist() == labels


def test_raw_columns_are_encoded(pullback):
    rows = [
        f"{'red' if i % 2 else 'blue'},{'' if i % 5 == 0 else i % 7},{'a' if i % 2 else 'b'}"
        for i in range(60)
    ]
    Path("c.csv").write_text("\n".join(["colour,size,kind", *rows]) + "\n")
    pullback("train", "c.csv", "--epochs", 30)
    loaded = pb.train.load("runs/c")
    frame = pandas.read_csv("c.csv")
    wanted = loaded.predict("c.csv").tolist()
    assert wanted == frame["kind"].tolist()
    raw = frame[["colour", "size"]].to_numpy(object)
    for given in (frame, frame[["size", "colour"]], raw, frame.astype({"colour": "category"})):
        assert loaded.predict(given).tolist() == wanted
    arrow = pytest.importorskip("pyarrow").Table.from_pandas(frame, preserve_index=False)
    assert loaded.predict(arrow).tolist() == wanted
    with pytest.raises(InputError, match="X has several columns called 'size'"):
        loaded.predict(pandas.concat([frame, frame[["size"]]], axis=1))
    with pytest.raises(InputError, match="X is a dict"):
        loaded.predict({"colour": ["red"], "size": [1]})
    assert loaded.evaluate(frame).accuracy == 1.0
    assert loaded.columns == ("colour", "size")
    drawn = pb.train.plots.weights(loaded).get_yticklabels()
    assert tuple(label.get_text() for label in drawn) == loaded.inputs
    assert len(loaded.inputs) > 2


def test_what_cannot_be_predicted_is_refused(pullback):
    pullback("train", table("t.csv"), *QUICK)
    loaded = pb.train.load("runs/t/model.safetensors")
    for given, message in (
        ([1.0, 2.0], r"X has shape \(2,\); give rows of 2 columns, as X.reshape\(1, -1\)"),
        (np.ones((2, 3)), r"X has shape \(2, 3\), the model takes 2 columns"),
        ([[1.0, np.nan]], "X has nan in row 0, column 'right'"),
        ([["a", "b"]], "X holds what is no number"),
        (pandas.DataFrame({"left": [1.0]}), "X has no column 'right'"),
        (
            pandas.DataFrame([[1.0, 2.0, 3.0]], columns=["left", "right", "left"]),
            "several columns called 'left'",
        ),
        ({"left": [1.0], "right": [2.0]}, "X is a dict"),
    ):
        with pytest.raises(InputError, match=message):
            loaded.predict(given)
    for X, y, message in (
        (np.ones((1, 2)), None, "there is no y, and X has no column 'kind'"),
        (np.ones((1, 2)), ["what"], r"y\[0\]: class 'what' \(1 row\) is none that the model knows"),
        (np.ones((2, 2)), ["low"], "2 rows in X, 1 in y"),
    ):
        with pytest.raises(InputError, match=message):
            loaded.evaluate(X, y)


def test_other_models_say_what_to_use(pullback):
    pb.train.save("hand.safetensors", pb.models.MLP([2, 3]))
    with pytest.raises(InputError, match="not from `pullback train`"):
        pb.train.load("hand.safetensors").predict([[1.0, 2.0]])
    pullback("train", text(), "--model", "lstm", *QUICK)
    with pytest.raises(InputError, match="`pullback sample` draws text from it"):
        pb.train.load("runs/notes").predict([[1]])
    nodes, _, edges = graph()
    pullback("train", nodes, "--edges", edges, "--epochs", 1)
    with pytest.raises(InputError, match="takes it with --edges"):
        pb.train.load(f"runs/{Path(nodes).stem}").predict([[1]])


def test_several_targets_and_tables_of_arrow(pullback):
    arrow = pytest.importorskip("pyarrow", reason="tables of Arrow")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rng.normal(size=(30, 3)), columns=list("abc"))
    frame.to_csv("t.csv", index=False)
    pullback("train", "t.csv", "--target", "b,c", *QUICK)
    loaded = pb.train.load("runs/t")
    found = loaded.evaluate(frame)
    assert [target.name for target in found.per_target] == ["b", "c"]
    assert found.r2 == pytest.approx(loaded.evaluate(frame, frame[["b", "c"]]).r2)
    table = arrow.Table.from_pandas(frame)
    assert loaded.predict(table).tolist() == loaded.predict(frame).tolist()
    assert loaded.evaluate(table) == found
    with pytest.raises(InputError, match="no y, and X has no column 'c'"):
        loaded.evaluate(frame[["a", "b"]])


def test_a_file_is_judged_by_the_model_in_memory(pullback):
    pullback("train", table("n.csv", "numbers"), *QUICK)
    loaded = pb.train.load("runs/n")
    other = replace(loaded, model=pb.models.MLP([2, 4, 1], seed=5, dtype="float32"))
    frame = pandas.read_csv("n.csv")
    assert other.evaluate("n.csv").r2 == pytest.approx(other.evaluate(frame).r2)
    assert other.evaluate("n.csv").r2 != loaded.evaluate("n.csv").r2


def test_several_targets_are_found_by_name(pullback, folder):
    random = np.random.default_rng(0)
    frame = pandas.DataFrame(random.normal(size=(60, 2)), columns=["a", "b"])
    frame = frame.assign(warm=frame["a"] * 3, cold=frame["b"] - 7)
    frame.to_csv("two.csv", index=False)
    # an option that is given twice is a list
    assert pullback("train", "two.csv", "--target", "warm", "--target", "cold", *QUICK)[0] == 0
    loaded = pb.train.load("runs/two")
    found = loaded.evaluate(frame)
    assert found.per_target == loaded.evaluate("two.csv").per_target
    assert found == loaded.evaluate(frame, frame[["cold", "warm"]])
    assert found == loaded.evaluate(frame, frame[["warm", "cold"]].to_numpy())
    with pytest.raises(InputError, match="X has no column 'warm', 'cold'"):
        loaded.evaluate(frame[["a", "b"]])


def test_a_model_of_one_class_is_none(tmp_path):
    """It would have one output, as two classes have, whose second probability has no name."""
    path = tmp_path / "model.safetensors"
    metadata = {
        "task": "classification", "classes": ["a"], "columns": ["u"], "target": "y",
        "standardize": {"mean": [0.0], "scale": [1.0]}, "standardize_target": None,
    }  # fmt: skip
    pb.train.save(path, pb.models.MLP([1, 1]), metadata)
    with pytest.raises(InputError, match="another architecture than its metadata describe"):
        pb.train.load(path).predict([[1.0]])
    pb.train.save(path, pb.models.MLP([1, 1]), {**metadata, "classes": ["a", "b"]})
    assert pb.train.load(path).predict([[1.0]]).shape == (1,)
