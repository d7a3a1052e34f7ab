"""The bar of folds: on a terminal alone, and lines clear of it."""

from __future__ import annotations

import io

import pytest

from pullback.train.run.fold_bar import fold_bar

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
