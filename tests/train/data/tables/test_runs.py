"""Tables with columns of any kind in runs: settings, resume, tune, ranks, estimators, pictures, predictions."""

from __future__ import annotations

import csv
import pickle
import tomllib
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.train.data.tables.encoder import Encoder
from pullback.train.run.checkpoint import load_described
from pullback.train.run.run import load_source
from pullback.train.run.tuning.folds import Folds
from pullback.train.settings.config import Settings, merged, read_config

from ...cli import _cli

pytest.importorskip("pandas", reason="tables are read by pandas, of the extra `train`")

folder, pullback = _cli.folder, _cli.pullback
QUICK = ["--epochs", 2, "--hidden", 4]
SMALL = {"data": "people.csv", "epochs": 2, "hidden": (4,), "batch_size": 10}


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Pictures take most of the time of a short run, and have tests of their own."""
    monkeypatch.setattr("pullback.train.run.run.curves_png", lambda *a, **k: b"")
    monkeypatch.setattr("pullback.train.run.tables.weights_png", lambda *a, **k: b"")
    monkeypatch.setattr("pullback.train.run.evaluate.Evaluated.picture", lambda self: None)


@pytest.fixture(autouse=True)
def people(folder):
    """A table of numbers, categories, truth values and dates, with gaps."""
    random = np.random.default_rng(1)
    lines = ["id,age,code,smoker,colour,seen,state"]
    for i in range(60):
        age = "" if i % 9 == 4 else f"{random.normal(40, 9):.1f}"
        colour = random.choice(["red", "blue", "green", ""])
        smoker = random.choice(["yes", "no"])
        seen = f"{i % 12 + 1:02}/{i % 12 + 1:02}/2021"
        lines.append(
            f"{i},{age},{i % 3 + 1},{smoker},{colour},{seen},{'sick' if smoker == 'yes' else 'well'}"
        )
    Path("people.csv").write_text("\n".join(lines) + "\n")


def weights(run):
    return load_described(Path(run) / "model.safetensors")[0]


def same_weights(one, other):
    leaves = [pb.tree.leaves(weights(run)) for run in (one, other)]
    return all(np.array_equal(a, b) for a, b in zip(*leaves, strict=True))


def test_what_was_decided_is_in_the_settings_file_and_repeats_the_run(pullback):
    code, out, err = pullback("train", "people.csv", "--categorical", "code", *QUICK)
    assert (code, err) == (0, [])
    assert "code    category  an input for each value" in "\n".join(out)
    written = tomllib.loads(Path("runs/people/run.toml").read_text())
    assert written["columns"] == {
        "id": "dropped", "age": "number", "code": "category", "smoker": "boolean", "colour": "category",
        "seen": "date %d/%m/%Y",
    }  # fmt: skip
    assert (written["categorical"], written["missing"]) == (["code"], "impute")
    code, _, err = pullback("train", "--config", "runs/people/run.toml")
    assert (code, err) == (0, [])
    one, other = (
        Path("runs", run, "model.safetensors").read_bytes() for run in ("people", "people-2")
    )
    assert one == other
    assert b"pickle" not in one
    # what stands there is obeyed
    text = (
        Path("runs/people/run.toml")
        .read_text()
        .replace('"colour" = "category"', '"colour" = "dropped"')
    )
    Path("mine.toml").write_text(text)
    out = pullback("train", "--config", "mine.toml", "--name", "mine")[1]
    assert "colour  dropped   nothing: settings" in "\n".join(out)
    # the target of another table is none of its columns
    assert "columns" in read_config("mine.toml")
    assert merged(read_config("mine.toml"), {"target": "smoker"}).columns == ()


def test_a_run_goes_on_to_the_same_bits(pullback):
    assert pullback("train", "people.csv", "--epochs", 4, "--hidden", 4, "--name", "whole")[0] == 0
    assert pullback("train", "people.csv", "--epochs", 2, "--hidden", 4, "--name", "part")[0] == 0
    assert pullback("train", "--resume", "runs/part", "--epochs", 4)[0] == 0
    assert same_weights("runs/whole", "runs/part")
    text = Path("people.csv").read_text().replace("red", "violet")
    Path("people.csv").write_text(text.replace(",blue,", ",red,"))
    code, _, err = pullback("train", "--resume", "runs/part", "--epochs", 6)
    assert (code, len(err)) == (2, 1)


def test_each_fold_learns_from_its_own_rows_here_and_in_another_process():
    settings = Settings(**SMALL)
    source = load_source(settings)
    parts = source.folds(3, 0)
    encoders = []
    for part in parts:
        prepared = source.prepare(settings, part, pb.backend.current())
        found = Encoder.from_dict(prepared.metadata["layout"]["encoder"])
        assert found == Encoder.fit(source.data.kinds, source.data.x.iloc[part.train])
        encoders.append(found)
    assert len(set(encoders)) == 3
    work = Folds(source, tuple(parts), (settings,), pb.backend.current().name)
    assert pickle.loads(pickle.dumps(work))(0, 1) == work(0, 1)


def test_tune_says_what_was_decided_and_its_best_settings_train(pullback):
    code, out, err = pullback(
        "tune", "people.csv", "--drop", "seen", "--epochs", 1, "--hidden", "4", "--learning-rate", "1e-2", "--folds", 2,
    )  # fmt: skip
    assert (code, err) == (0, [])
    assert "seen    dropped   nothing: --drop" in "\n".join(out)
    code, out, err = pullback("train", "--config", "runs/tune-people/best.toml")
    assert (code, err) == (0, [])


def test_ranks_train_what_one_process_trains():
    def train():
        settings = Settings(**SMALL, name="ranks")
        return pb.train.train(settings, say=lambda line: None, distributed=pb.distributed.world())

    alone = pb.train.train(Settings(**SMALL, name="alone"), say=lambda line: None)
    first, second = pb.distributed.simulate(train, 2, timeout=60)
    assert first.test_loss == second.test_loss
    np.testing.assert_allclose(first.test_loss, alone.test_loss, rtol=1e-4)


def test_estimators_take_what_the_encoder_gives():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = pb.train.load_dataset("people.csv")
    x = Encoder.fit(data.kinds, data.x).transform(data.x)
    network = pb.train.MLPClassifier((8,), random_state=0, max_iter=60, solver="lbfgs")
    assert make_pipeline(StandardScaler(), network).fit(x, data.y).score(x, data.y) == 1


def test_pictures_have_the_names_of_the_inputs(monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        "pullback.train.run.tables.weights_png", lambda W, **k: drawn.update(k, W=W) or b""
    )
    result = pb.train.train(Settings(**SMALL), say=lambda line: None)
    assert len(drawn["columns"]) == drawn["W"].shape[0]
    assert {"age", "age is missing", "smoker", "colour=red", "seen (month)"} <= set(
        drawn["columns"]
    )
    assert result.folder.name == "people"


def test_predictions_are_by_name_for_every_row_in_its_order(pullback):
    pullback("train", "people.csv", *QUICK)
    rows = list(csv.DictReader(Path("people.csv").read_text().splitlines()))
    expected = pullback("predict", "runs/people", "people.csv")[1]
    names = ["colour", "more", "smoker", "seen", "code", "age", "note"]
    with Path("new.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, names, extrasaction="ignore", restval="7")
        writer.writeheader()
        writer.writerows(reversed(rows))
    code, out, err = pullback("predict", "runs/people", "new.csv")
    assert (code, out) == (0, [expected[0], *reversed(expected[1:])])
    assert err == ["pullback: new.csv: the model does not know columns 'more', 'note': not used"]
    kept = pullback("predict", "runs/people", "people.csv", "--keep", "id,colour")[1]
    assert kept[0] == "id,colour," + expected[0]
    assert kept[1:] == [
        f"{row['id']},{row['colour']},{line}" for row, line in zip(rows, expected[1:], strict=True)
    ]
    code, out, err = pullback("predict", "runs/people", "people.csv", "--keep", "idd")
    assert (code, out, err) == (
        2,
        [],
        ["pullback: keep: people.csv has no column 'idd' (did you mean 'id'?)"],
    )
    # without a header by place: with all columns, and without the target
    for width in (7, 6):
        Path("bare.csv").write_text(
            "\n".join(
                ",".join(line.split(",")[:width])
                for line in Path("people.csv").read_text().splitlines()[1:]
            )
            + "\n"
        )
        code, out, err = pullback("predict", "runs/people", "bare.csv")
        assert (code, out, len(err)) == (0, expected, 1)
        assert err[0].endswith("columns go by their order")
    Path("few.csv").write_text("age,colour\n1,red\n")
    code, out, err = pullback("predict", "runs/people", "few.csv")
    assert (code, out) == (2, [])
    assert (
        "few.csv has no column 'code', 'smoker', 'seen'; it has age, colour; the model takes"
        in err[0]
    )
    Path("wrong.csv").write_text(
        "age,code,smoker,colour,seen\n30,1,maybe,red,01/02/2021\n30,1,no,red,01/02/2021\n"
    )
    code, out, err = pullback("predict", "runs/people", "wrong.csv")
    assert (code, out) == (2, [])
    assert "wrong.csv, row 2, column 'smoker': 'maybe' is neither true nor false" in err[0]


def test_rows_with_gaps_are_predicted_though_training_left_them_out(pullback):
    code, out, _ = pullback("train", "people.csv", "--missing", "drop", *QUICK)
    assert code == 0
    assert "rows with missing cells left out" in out[1]
    code, out, err = pullback("predict", "runs/people", "people.csv")
    assert (code, len(out)) == (0, 61)
    assert "missing cells where the training rows had none" in err[0]
    # numbers alone
    Path("n.csv").write_text("a,b,k\n" + "1,2,u\n2,3,v\n3,1,u\n4,5,v\n" * 5)
    Path("gap.csv").write_text("a,b\n1,\n2,3\n")
    pullback("train", "n.csv", *QUICK)
    code, out, err = pullback("predict", "runs/n", "gap.csv")
    assert (code, len(out), len(err)) == (0, 3, 1)
    assert "(1 in 'b'): the mean" in err[0]


def test_options_of_columns_are_refused_where_there_are_none(pullback):
    for arguments, said in [
        (["iris", "--drop", "a"], "drop: for the columns of tables, and iris is built in"),
        (["iris", "--missing", "drop"], "missing: for the columns of tables"),
        (["people.csv", "--drop", "colour,,"], "is no list of columns; write age,colour"),
        (["people.csv", "--drop", "coluor"], "drop: people.csv has no column 'coluor' (did you mean 'colour'?)"),
        (["people.csv", "--numeric", "colour"], "column 'colour': 'blue' is not a number; correct it, or leave"),
        (["people.csv", "--missing", "ignore"], "missing: unknown value 'ignore'; choose one of impute, drop, error"),
        (["people.csv", "--missing", "error"], "the cell is empty, and --missing is error"),
    ]:  # fmt: skip
        code, out, err = pullback("train", *arguments)
        assert (code, out, len(err)) == (2, [], 1)
        assert said in err[0]
    Path("notes.txt").write_text("abc " * 500)
    assert (
        "drop: for the columns of tables, not for --model lstm"
        in pullback("train", "notes.txt", "--drop", "a")[2][0]
    )
    assert not Path("runs").exists()
