"""Bars: on a terminal alone, and lines clear of them."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from pullback.train.fitting.bars import fold_bar, training_bar

pytest.importorskip("rich")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_is_for_terminals(terminal, monkeypatch, capsys):
    err = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    with fold_bar() as (say, progress):
        say("a row")
        assert (progress is not None) == terminal
        if progress is not None:
            progress(3, 15)
            say("another row")
            progress(15, 15)
    assert capsys.readouterr().out.startswith("a row\n")
    assert ("fold 3/15" in err.getvalue()) == terminal
    assert ("fold 15/15" in err.getvalue()) == terminal


@pytest.mark.parametrize(("terminal", "rank"), [(True, 0), (True, 1), (False, 0)])
def test_the_bar_of_epochs_is_for_terminals_and_rank_0(terminal, rank, monkeypatch, capsys):
    err = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    now = SimpleNamespace(epoch=2, loss=0.5, validation_loss=0.25)
    with training_bar(8, rank) as bar:
        bar.say("a row")
        bar.show(SimpleNamespace(history=[now], best=now), None)
    assert capsys.readouterr().out == "a row\n"
    assert ("epoch 2/8" in err.getvalue()) == (terminal and rank == 0)
