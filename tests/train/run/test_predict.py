"""Tests of `train/run/predict.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pullback.train.run.predict import predictions_text

from ..cli import _cli
from ..cli._cli import QUICK, records, table

folder = _cli.folder


pullback = _cli.pullback


def test_predictions_are_classes_and_probabilities(pullback):
    table("t.csv")
    assert pullback("train", "t.csv", "--epochs", 40)[0] == 0
    code, out, err = pullback("predict", "runs/t", "t.csv")
    assert (code, err) == (0, [])
    told = records("\n".join(out))
    assert told[0] == ["class", "p(high)", "p(low)", "p(mid)"]
    p = np.asarray([row[1:] for row in told[1:]], dtype=float)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    truth = [line.split(",")[2] for line in Path("t.csv").read_text().splitlines()[1:]]
    predicted = [row[0] for row in told[1:]]
    assert predicted == [("high", "low", "mid")[i] for i in p.argmax(axis=1)]
    assert np.mean([a == b for a, b in zip(predicted, truth, strict=True)]) > 0.9


def test_predictions_find_columns_by_name_or_place_and_go_to_a_file(pullback):
    table("t.csv")
    pullback("train", "t.csv", *QUICK)
    lines = [line.split(",") for line in Path("t.csv").read_text().splitlines()]
    Path("swapped.csv").write_text("\n".join(f"{c},{b},{a}" for a, b, c in lines) + "\n")
    Path("bare.csv").write_text("\n".join(f"{a},{b}" for a, b, _ in lines[1:]) + "\n")
    Path("features.csv").write_text("\n".join(f"{a},{b}" for a, b, _ in lines) + "\n")
    _, expected, _ = pullback("predict", "runs/t", "features.csv")
    for name in ("t.csv", "swapped.csv", "bare.csv"):
        code, out, err = pullback("predict", "runs/t", name, "--output", "p.csv")
        assert (code, out) == (0, []), name
        # columns without names go by their order, and that is said
        assert ["no header is found" in line for line in err] == [True] * (name == "bare.csv")
        assert Path("p.csv").read_text().splitlines() == expected
    assert pullback("predict", "runs/t/model.safetensors", "bare.csv")[1] == expected


def test_regression_predicts_in_the_targets_own_units(pullback):
    table("n.csv", "numbers", 200)
    pullback("train", "n.csv", "--activation", "identity", "--epochs", 100)
    code, out, _ = pullback("predict", "runs/n", "n.csv")
    assert code == 0
    assert out[0] == "predicted kind"
    truth = [float(line.split(",")[2]) for line in Path("n.csv").read_text().splitlines()[1:]]
    np.testing.assert_allclose(np.asarray(out[1:], float), truth, atol=0.3)


def test_a_target_that_varies_little_about_a_large_number_has_its_digits():
    text = predictions_text(np.asarray([[1e9 + 0.25, 0.5]]), "regression", (), "a,b", [17, 9])
    assert text.splitlines() == ["predicted a,predicted b", "1000000000.25,0.5"]
