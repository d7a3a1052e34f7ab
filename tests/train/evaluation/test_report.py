"""The table fits 80 columns, and JSON is strict."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pullback.train.evaluation.metrics import (
    TextMetrics,
    classification_metrics,
    regression_metrics,
)
from pullback.train.evaluation.report import as_json, as_table

pytest.importorskip("sklearn", reason="needs scikit-learn")


def judged(classes, name="class {}", n=None):
    random = np.random.default_rng(0)
    n = n or 3 * classes
    y = random.integers(0, classes - (classes > 2), n)
    p = random.dirichlet(np.ones(classes), n)
    return classification_metrics(y, p, [name.format(i) for i in range(classes)])


@pytest.mark.parametrize("classes", [2, 3, 20, 21, 100])
@pytest.mark.parametrize(
    "name", ["{}", "class {} of a very long name, which no column is wide enough for"]
)
def test_the_table_fits(classes, name):
    found = judged(classes, name)
    lines = as_table(found).splitlines()
    assert max(map(len, lines)) <= 80
    start = next(i for i, line in enumerate(lines) if line.startswith("class "))
    table = lines[start : lines.index("", start)]
    rows = [line for line in table[1:] if not line.startswith("…")]
    assert len({len(line) for line in [table[0], *rows]}) == 1
    assert len(rows) == min(classes, 20) + 2
    more = [line for line in table if line.startswith("…")]
    assert bool(more) == (classes > 20)
    if more:
        assert more[0].startswith(f"… and {classes - 20} more classes")
        f1 = [line.split()[-3] for line in rows[:20]]
        shown = [-1.0 if v == "–" else float(v) for v in f1]
        assert max(shown) <= sorted(row.f1 or 0.0 for row in found.per_class)[20] + 1e-4


def test_figures_stand_where_they_belong():
    y = np.asarray([0, 0, 0, 1])
    p = np.asarray([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])
    lines = as_table(classification_metrics(y, p, ["no", "yes"])).splitlines()
    assert lines[0].split() == ["accuracy", "75.00", "%", "log", "loss", "0.4095"]
    assert lines[2].startswith("ROC AUC")
    assert lines[5].split() == ["no", "1.0000", "0.6667", "0.8000", "1.0000", "3"]
    assert lines[6].split() == ["yes", "0.5000", "1.0000", "0.6667", "1.0000", "1"]
    assert lines[-1] == "no taken for yes: 1 row"


def test_several_targets_have_a_mean():
    y = np.asarray([[1.0, 2e9], [3.0, 4e9]])
    lines = as_table(regression_metrics(y, y * 1.1, ["a" * 90, "b\n$"])).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[2:]] == ["b", "mean"]
    assert lines[2].split()[-2:] == ["3e+08", "3.162e+08"]


def no_constant(text):
    raise AssertionError(text)


@pytest.mark.parametrize(
    "found",
    [
        judged(3),
        judged(2, n=1),
        regression_metrics(np.ones((1, 1)), np.zeros((1, 1)), ["a"]),
        TextMetrics(3, 0.5, 900.0, float("inf"), 1298.0),
    ],
)
def test_json_is_strict(found):
    told = json.loads(as_json(found, {"data": "ß"}), parse_constant=no_constant)
    assert told["data"] == "ß"
    assert (told["task"], told["rows"]) == (found.task, found.rows)
    if found.task == "classification":
        assert told["per_class"][0]["recall"] == found.per_class[0].recall
        assert np.shape(told["confusion_matrix"]) == (len(found.classes),) * 2
