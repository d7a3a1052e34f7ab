"""The metrics.csv of a run, whole or its last line."""

from __future__ import annotations

import math

import pytest

import pullback as pb
from pullback.train.records.history import last_epoch, read_history
from pullback.train.stopping import Epoch

from ._runs import metrics


def test_it_is_what_a_run_writes(tmp_path):
    path = tmp_path / "metrics.csv"
    rows = [Epoch(0, 0, 0.1 + 0.2, 0.5, 2.0, math.nan), Epoch(1, 7, math.inf, 0.5, 1.0, 0.25)]
    run = pb.train.Fit(None, rows[1], rows)
    path.write_text(pb.train.run.run.metrics_text(run, "R2"))
    told = read_history(path)
    assert (told.score_name, repr(told.epochs)) == ("r2", repr(tuple(rows)))
    assert last_epoch(path) == told.epochs[-1] == told.best


def test_the_last_line_of_a_long_one_and_of_one_without_epochs(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text(metrics([1 / (i + 1) for i in range(5000)]))
    assert last_epoch(path) == read_history(path).epochs[-1]
    assert last_epoch(path).epoch == 4999
    path.write_text(metrics([]))
    assert last_epoch(path) is None
    with pytest.raises(pb.train.InputError, match="has no epochs"):
        read_history(path)


@pytest.mark.parametrize(
    ("text", "whole", "last"),
    [
        ("", "its first line is \\[\\]", "the last line"),
        ("a,b\n1,2\n", "its first line is", "the last line"),
        (metrics([1.0]) + "1,2,3\n", "line 3: this is no epoch", "the last line"),
        (metrics([1.0]) + "1,x,0,0,0,0\n", "line 3", "the last line"),
        ("epoch\0", "first line", "the last line"),
    ],
)
def test_what_is_none_is_refused_in_a_line(tmp_path, text, whole, last):
    path = tmp_path / "metrics.csv"
    path.write_text(text)
    with pytest.raises(pb.train.InputError, match=whole):
        read_history(path)
    with pytest.raises(pb.train.InputError, match=last):
        last_epoch(path)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_bytes(b"\xff\xfe\n")
    for read in (read_history, last_epoch):
        with pytest.raises(pb.train.InputError, match="metrics"):
            read(path)
