"""The table of trials: whole at 80 columns however many settings vary, and as CSV."""

from __future__ import annotations

import csv
import io
import math

import pytest

from pullback.train import Settings, Trial
from pullback.train.run.tuning.table import TrialTable, table_text
from pullback.train.run.tuning.values import TUNABLE, combinations

FEW = {"learning_rate": [1e-3, 0.123456]}
MANY = {
    "learning_rate": [1e-3, 0.000123],
    "l2": [0.0, 0.00123],
    "batch_size": [16, 32],
    "hidden": [(512, 512), ()],
    "activation": ["relu", "softplus"],
    "optimizer": ["adamw", "nesterov"],
}
RUNGS = ("33 epochs", "99 epochs", "297 epochs")


def trial(settings, *rungs):
    return Trial(settings, (0.25, 0.75), (0.5, 1.0), (3, 4), rungs)


def lines(grid, width=80, rungs=(), reached=()):
    settings = tuple(combinations(Settings(), grid))
    table = TrialTable(settings, "accuracy", rungs, width)
    rows = [table.row(trial(s, *reached)) for s in settings]
    return table.header(), rows


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("rungs", [(), RUNGS])
@pytest.mark.parametrize("count", range(1, len(MANY) + 1))
def test_no_line_is_wider_and_no_setting_is_lost(count, width, rungs):
    grid = dict(list(MANY.items())[:count])
    header, rows = lines(grid, width, rungs, (0.5,) * len(rungs))
    every = [*header, *(line for row in rows for line in row)]
    assert max(map(len, every)) <= width
    assert "loss" in " ".join(header)
    for row, settings in zip(rows, combinations(Settings(), grid), strict=True):
        said = " ".join(row).replace(",", " ").split()
        assert f"{settings.learning_rate:g}" in said
        assert "0.5000" in said
        if count == len(MANY):
            assert {settings.activation, settings.optimizer, str(settings.batch_size)} <= set(said)


def test_columns_stand_under_their_names():
    header, rows = lines(FEW)
    assert header == ["learning_rate  validation loss   ± error  accuracy  epochs"]
    assert rows[0] == ["        0.001           0.5000    0.2500    0.7500       4"]
    assert rows[1][0].split()[0] == "0.123456"
    header, rows = lines(FEW, rungs=RUNGS, reached=(0.9, 0.5))
    assert [len(row) for row in rows] == [1, 1]
    assert rows[0][0].split()[1:3] == ["0.9000", "0.5000"]
    assert header[0].split() == ["33", "99", "297"]
    # the numbers end under their names
    assert rows[0][0][: len(header[0])].endswith("  ")
    assert rows[0][0].index("0.5000") + 6 == header[0].index("99") + 2


def test_a_run_that_diverged_says_so():
    table = TrialTable((Settings(),), "R2")
    row = table.row(Trial(Settings(), (1.0, math.inf), (0.1, math.nan), (1, 0)))
    assert row[0].split() == ["0.002", "diverged", "-", "-", "0"]
    large = table.row(Trial(Settings(), (123456.0, 123457.0), (-1e9, -1e9), (1, 1)))
    assert large[0].split()[1:4] == ["1.235e+05", "0.5000", "-1e+09"]


def test_the_file_has_a_column_for_each_setting_rung_and_fold():
    first, second = combinations(Settings(), FEW)
    trials = [trial(first, 0.9, 0.5), trial(second, 0.8)]
    rows = list(csv.DictReader(io.StringIO(table_text(trials, "accuracy", RUNGS[:2]))))
    assert list(rows[0]) == [
        *TUNABLE, "loss", "standard_error", "accuracy", "epochs",
        "loss_33_epochs", "loss_99_epochs", "loss_1", "loss_2",
    ]  # fmt: skip
    assert [row["loss_99_epochs"] for row in rows] == ["0.5", ""]
    assert [row["loss_33_epochs"] for row in rows] == ["0.9", "0.8"]
    assert float(rows[1]["loss_2"]) == 0.75
    assert "loss_33_epochs" not in table_text(trials, "accuracy")
