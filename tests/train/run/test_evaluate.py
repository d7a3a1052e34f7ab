"""`pullback evaluate`, `train --test`, and the report of the test part at the end of each run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.train.evaluation.metrics import classification_metrics

from ..cli import _cli
from ..cli._cli import QUICK, files, records, table
from ._networks_data import graph, images, text

folder, pullback = _cli.folder, _cli.pullback


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """What these tests do not look at is not drawn."""
    monkeypatch.setattr("pullback.train.run.run.curves_png", lambda *_, **__: b"")
    monkeypatch.setattr("pullback.train.run.tables.weights_png", lambda *_, **__: b"")


def refused(told):
    code, out, err = told
    assert (code, out, len(err)) == (2, [], 1), told
    return err[0].removeprefix("pullback: ")


def rewritten(source, target, change):
    """A table with each row changed: `change` takes and gives {column: cell}."""
    head, *rows = records(Path(source).read_text())
    changed = [change(dict(zip(head, row, strict=True))) for row in rows]
    lines = [",".join(changed[0]), *(",".join(row.values()) for row in changed)]
    Path(target).write_text("\n".join(lines) + "\n")
    return target


def test_the_test_part_of_every_run_is_judged(pullback):
    pullback("train", table("t.csv"), *QUICK)
    told = json.loads(Path("runs/t/evaluation.json").read_text())
    metadata = pb.train.load("runs/t").metadata
    assert told["accuracy"] == pytest.approx(metadata["test_accuracy"])
    assert told["log_loss"] == pytest.approx(metadata["test_loss"], rel=1e-5)
    assert (told["data"], told["part"], told["rows"]) == ("t", "test", 12)
    pullback("train", table("n.csv", "numbers"), *QUICK)
    told = json.loads(Path("runs/n/evaluation.json").read_text())
    assert told["r2"] == pytest.approx(pb.train.load("runs/n").metadata["test_r2"], rel=1e-5)
    assert [row["name"] for row in told["per_target"]] == ["kind"]


def test_a_run_is_judged_by_a_file(pullback):
    pullback("train", table("t.csv"), "--epochs", 20)
    # other columns, in another order
    rewritten(
        "t.csv",
        "o.csv",
        lambda r: {"kind": r["kind"], "x": "1", "right": r["right"], "left": r["left"]},
    )
    code, out, err = pullback(
        "evaluate", "runs/t", "o.csv", "--output", "figures", "--json", "f.json"
    )
    assert (code, err) == (0, [])
    assert max(map(len, out)) <= 80
    assert out[0] == "runs/t on o.csv: 60 rows"
    told = json.loads(Path("f.json").read_text())
    assert files("figures") == ["calibration.png", "confusion.png", "evaluation.json", "roc.png"]
    assert json.loads(Path("figures/evaluation.json").read_text()) == told
    assert any("does not know column 'x'" in note for note in told["notes"])
    # the figures are those of the predictions
    pullback("predict", "runs/t", "o.csv", "--output", "p.csv")
    head, *rows = records(Path("p.csv").read_text())
    names = [name[2:-1] for name in head[1:]]
    # the column of the target is the first one
    y = [names.index(row[0]) for row in records(Path("o.csv").read_text())[1:]]
    found = classification_metrics(np.asarray(y), np.asarray([r[1:] for r in rows], float), names)
    assert told["log_loss"] == pytest.approx(found.log_loss)
    assert told["confusion_matrix"] == [list(row) for row in found.confusion_matrix]
    code, out, _ = pullback("evaluate", "runs/t", "o.csv", "--json", "-")
    assert json.loads("\n".join(out)) == told
    assert any(
        "the figures flatter it" in line for line in pullback("evaluate", "runs/t", "t.csv")[1]
    )


def test_a_target_of_another_name_and_rows_without_one(pullback):
    pullback("train", table("n.csv", "numbers"), *QUICK)
    whole = json.loads("\n".join(pullback("evaluate", "runs/n", "n.csv", "--json", "-")[1]))
    lost = iter(range(100))
    rewritten(
        "n.csv",
        "o.csv",
        lambda r: {
            "truth": r["kind"] if next(lost) else "",
            "left": r["left"],
            "right": r["right"],
        },
    )
    code, out, err = pullback("evaluate", "runs/n", "o.csv", "--target", "truth")
    assert (code, err) == (0, [])
    assert out[0] == "runs/n on o.csv: 59 rows"
    assert "note: o.csv: 1 row without a target left out" in out
    assert whole["rows"] == 60
    assert [name for name in files(".") if name.endswith(".png")] == []


def test_what_cannot_be_judged_is_refused_in_a_line(pullback):
    pullback("train", table("t.csv"), *QUICK)
    for name, change, message in (
        ("no", lambda r: {"left": r["left"], "right": r["right"]}, "the true target to judge by"),
        (
            "new",
            lambda r: {**r, "kind": "strange"},
            "class 'strange' (60 rows) is none that the model",
        ),
        ("less", lambda r: {"left": r["left"], "kind": r["kind"]}, "has no column 'right'"),
        ("empty", lambda r: {**r, "kind": ""}, "no row has a target"),
    ):
        rewritten("t.csv", f"{name}.csv", change)
        told = refused(pullback("evaluate", "runs/t", f"{name}.csv"))
        assert message in told
        if name == "no":
            assert "`pullback predict` needs no target" in told
    assert "no such run" in refused(pullback("evaluate", "runs/none", "t.csv"))
    assert "other columns or classes" in refused(pullback("evaluate", "runs/t", "iris"))
    pb.train.save("hand.safetensors", pb.models.MLP([2, 3]))
    assert "not from `pullback train`" in refused(pullback("evaluate", "hand.safetensors", "t.csv"))


def test_one_row_and_one_class(pullback):
    pullback("train", table("t.csv"), *QUICK)
    lines = Path("t.csv").read_text().splitlines()
    Path("one.csv").write_text("\n".join(lines[:2]) + "\n")
    code, out, err = pullback("evaluate", "runs/t", "one.csv", "--output", "one")
    assert (code, err) == (0, [])
    assert "note: all rows are low: ROC AUC is not defined" in out
    assert json.loads(Path("one/evaluation.json").read_text())["roc_auc"] is None
    pullback("train", table("n.csv", "numbers"), *QUICK)
    Path("one.csv").write_text("\n".join(Path("n.csv").read_text().splitlines()[:2]) + "\n")
    code, out, err = pullback("evaluate", "runs/n", "one.csv")
    assert (code, err) == (0, [])
    assert out[-1] == "note: no R2 of kind: there is one row"


def test_a_test_file_is_the_test_part(pullback):
    table("all.csv", n=90)
    lines = Path("all.csv").read_text().splitlines()
    Path("t.csv").write_text("\n".join(lines[:61]) + "\n")
    rewritten("all.csv", "all2.csv", lambda r: dict(reversed(r.items())))
    mixed = Path("all2.csv").read_text().splitlines()
    Path("held.csv").write_text("\n".join([mixed[0], *mixed[61:]]) + "\n")
    code, out, err = pullback("train", "t.csv", "--test", "held.csv", *QUICK)
    assert (code, err) == (0, [])
    assert out[0].endswith("48 to train on, 12 to validate, 30 of held.csv to test")
    told = json.loads(Path("runs/t/evaluation.json").read_text())
    code, out, _ = pullback("evaluate", "runs/t", "held.csv", "--json", "-")
    judged = json.loads("\n".join(out))
    assert told["rows"] == judged["rows"] == 30
    assert told["log_loss"] == pytest.approx(judged["log_loss"], rel=1e-5)
    assert told["confusion_matrix"] == judged["confusion_matrix"]
    # the settings repeat it, and it goes on
    assert pullback("train", "--config", "runs/t/run.toml")[0] == 0
    first, second = (Path(f"runs/{run}/evaluation.json").read_text() for run in ("t", "t-2"))
    assert first == second
    code, out, err = pullback("train", "--resume", "runs/t", "--epochs", 4)
    assert (code, err) == (0, [])
    assert json.loads(Path("runs/t/evaluation.json").read_text())["rows"] == 30


def test_test_files_that_do_not_fit_are_refused(pullback):
    table("t.csv")
    rewritten("t.csv", "new.csv", lambda r: {**r, "kind": "strange"})
    told = refused(pullback("train", "t.csv", "--test", "new.csv", *QUICK))
    assert told.startswith("test: new.csv, row 2, column 'kind': class 'strange'")
    assert not Path("runs").exists()
    assert "no such file: none.csv" in refused(pullback("train", "t.csv", "--test", "none.csv"))
    told = refused(pullback("train", text(), "--model", "lstm", "--test", "t.csv"))
    assert told.startswith("test: lstm has its test part in its own data")


def test_images_are_judged(pullback):
    name = images()
    pullback("train", name, "--model", "cnn", "--epochs", 1, "--hidden", 4)
    code, out, err = pullback("evaluate", f"runs/{Path(name).stem}", name)
    assert (code, err) == (0, [])
    assert out[2].startswith("accuracy")
    code, out, err = pullback(
        "train", name, "--model", "cnn", "--epochs", 1, "--hidden", 4, "--test", name
    )
    assert (code, err) == (0, [])


def test_a_text_has_perplexity(pullback):
    pullback("train", text(), "--model", "lstm", *QUICK)
    code, out, err = pullback("evaluate", "runs/notes", text(), "--json", "-")
    assert (code, err) == (0, [])
    told = json.loads("\n".join(out))
    assert told["perplexity"] == pytest.approx(2 ** told["bits_per_character"])
    assert told["rows"] % pb.train.load("runs/notes").metadata["length"] == 0
    assert "perplexity" in "\n".join(pullback("evaluate", "runs/notes", text())[1])
    own = json.loads(Path("runs/notes/evaluation.json").read_text())
    assert own["rows"] == 64
    Path("short.txt").write_text("the")
    assert "give a text of at least" in refused(pullback("evaluate", "runs/notes", "short.txt"))


def test_nodes_of_a_graph_are_judged(pullback):
    nodes, _, edges = graph()
    pullback("train", nodes, "--edges", edges, "--epochs", 3)
    run = f"runs/{Path(nodes).stem}"
    assert "by --edges" in refused(pullback("evaluate", run, nodes))
    code, out, err = pullback("evaluate", run, nodes, "--edges", edges)
    assert (code, err) == (0, [])
    assert out[2].startswith("accuracy")
    assert json.loads(Path(run, "evaluation.json").read_text())["task"] == "classification"


def test_a_model_without_finite_outputs_has_no_figures(pullback):
    from pullback.train.run.evaluate import Evaluated

    told = json.loads(Evaluated(None, about={"data": "t"}).json())
    assert told["task"] is None
    assert "no finite prediction" in told["notes"][0]
