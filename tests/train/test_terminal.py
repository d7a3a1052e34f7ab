"""Lines of a terminal: how wide it is, where they break, and what happens when nobody reads."""

from __future__ import annotations

import io
import os

import pytest

from pullback.train.terminal import drop_output, fitted, is_terminal, print_line, width_of

LINE = "files in runs/digits: model.safetensors, metrics.csv, curves.png, weights.png"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("width", [20, 40, 76, 77])
def test_lines_break_at_blanks_and_nothing_is_lost(width):
    lines = fitted(LINE, width).split("\n")
    assert max(map(len, lines)) <= width
    assert " ".join(line.strip() for line in lines) == LINE
    assert all(line.startswith("  ") for line in lines[1:])


def test_a_path_stays_in_one_piece_and_files_get_whole_lines():
    path = "/a/very/long/path/" * 5
    assert path in fitted(f"files in {path} and more", 40).split("\n  ")
    assert fitted(LINE, None) == LINE
    assert fitted("  a   table   row", 30) == "  a   table   row"


def test_the_width_is_the_terminal_s_or_what_columns_says(monkeypatch):
    assert width_of(io.StringIO()) is None
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width_of(Terminal()) == 80
    monkeypatch.setenv("COLUMNS", "123")
    assert width_of(Terminal()) == 123
    monkeypatch.setenv("COLUMNS", "3")
    assert width_of(Terminal()) == 20
    closed = io.StringIO()
    closed.close()
    assert not is_terminal(closed)
    assert not is_terminal(None)


def test_lines_fit_the_terminal_and_are_whole_in_a_pipe(monkeypatch, capsys):
    print_line(LINE)
    assert capsys.readouterr().out == LINE + "\n"
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("COLUMNS", "40")
    print_line(LINE)
    assert max(map(len, out.getvalue().splitlines())) <= 40


def test_where_nobody_reads_any_more_the_work_goes_on(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        print_line("a line")
        print_line("another one")
        drop_output()
        print_line("a third one")
