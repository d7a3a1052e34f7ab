"""How far a command is: a bar at every width, lines in a file, and the time that is left."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from pullback.train.fitting.bars import (
    BAR,
    Clock,
    FoldProgress,
    Progress,
    TrainingProgress,
    fold_bar,
    line_of,
    training_bar,
)

pytest.importorskip("rich")


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Time:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self):
        return self.now


def run(epoch=2, loss=0.5, best=1):
    now = SimpleNamespace(epoch=epoch, loss=loss, validation_loss=loss / 2)
    lowest = SimpleNamespace(epoch=best, validation_loss=loss / 4)
    return SimpleNamespace(history=[now], best=lowest)


def settings(patience=50):
    return SimpleNamespace(patience=patience)


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_of_folds_is_for_terminals(terminal, monkeypatch, capsys):
    err = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    with fold_bar() as bar:
        bar.say("a row")
        bar.show(3, 15)
        bar.say("another row")
        bar.show(15, 15)
    assert capsys.readouterr().out == "a row\nanother row\n"
    assert ("fold 3/15" in err.getvalue()) == terminal
    assert ("fold 15/15" in err.getvalue()) == terminal
    assert (err.getvalue() == "") == (not terminal)


@pytest.mark.parametrize(
    ("terminal", "rank", "quiet"),
    [(True, 0, False), (True, 1, False), (False, 0, False), (True, 0, True)],
)
def test_the_bar_of_epochs_is_for_terminals_and_rank_0(terminal, rank, quiet, monkeypatch, capsys):
    err = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    with training_bar(8, rank, quiet=quiet) as bar:
        bar.say("a row")
        bar.show(run(), settings())
    assert capsys.readouterr().out == ("" if quiet else "a row\n")
    assert ("epoch 2/8" in err.getvalue()) == (terminal and rank == 0 and not quiet)


def test_a_dumb_terminal_gets_no_codes(monkeypatch):
    err = Terminal()
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "dumb")
    with training_bar(8) as bar:
        bar.show(run(), settings())
    assert err.getvalue() == ""


def shown(width, of=TrainingProgress, steps=((0,), (120,)), **more):
    """The line that rich draws at a width, and the last column of it that is used."""
    console = pytest.importorskip("rich.console")
    bars = pytest.importorskip("pullback.train.fitting.bars")
    time = Time()
    progress = Progress(now=time)
    bar = of(progress, **more)
    for step in steps:
        bar.show(*step)
        time.now += 30.0
    out = io.StringIO()
    screen = console.Console(width=width, file=out, force_terminal=True, no_color=True)
    screen.print(bars._View(progress.pieces))
    lines = out.getvalue().removesuffix("\n").split("\n")
    assert len(lines) == 1
    return lines[0]


EPOCHS = [(run(0, best=0), settings()), (run(120, 0.124, 110), settings())]


@pytest.mark.parametrize("width", [20, 30, 40, 50, 60, 70, 80, 100, 120, 200])
def test_the_line_is_whole_at_every_width(width):
    line = shown(width, epochs=300, steps=EPOCHS)
    assert len(line) <= width
    assert line.startswith("epoch 120/300")
    # each piece is whole or not there
    known = {
        "at",
        "most",
        "left",
        "loss",
        "validation",
        "best",
        "epoch",
        "(epoch",
        "110)",
        "120/300",
    }
    known |= {"0:00:45", "0:01:00", "0.1240", "0.0620", "0.0310", "0:00:15"}
    assert {word for word in line.split() if BAR not in word} <= known, line
    if width >= 80:
        assert BAR in line
        assert "at most 0:00:15 left" in line
        assert "validation 0.0620" in line
        assert "best 0.0310" in line
    if width >= 120:
        assert "loss 0.1240" in line
        assert "best 0.0310 (epoch 110)" in line


def test_at_80_columns_losses_and_epochs_may_be_large():
    steps = [(run(0), settings()), (run(9_999, 123456.789, 9_998), settings())]
    line = shown(80, epochs=10_000, steps=steps)
    assert len(line) <= 80
    assert "validation 6.173e+04" in line


def test_without_a_validation_part_the_line_tells_of_the_training_loss():
    last = run(3, 0.124, 2)
    last.history[-1].validation_loss = last.best.validation_loss = float("nan")
    last.best.loss = 0.1
    for width in (80, 120):
        line = shown(width, epochs=9, steps=[(last, settings())])
        assert "validation" not in line
        assert line.count("loss 0.1240") == 1
        assert "best 0.1000" in line


def test_a_run_without_patience_has_an_estimate_and_no_bound():
    steps = [(run(0), settings(0)), (run(100), settings(0))]
    assert " 0:00:30 left" in shown(80, epochs=300, steps=steps)
    assert "most" not in shown(80, epochs=300, steps=steps)


def test_the_line_of_folds():
    line = shown(80, FoldProgress, ((1, 4), (2, 4)))
    assert line.startswith("fold 2/4")
    assert "about 0:00:00 left" in line
    assert shown(80, FoldProgress, ((1, 4), (3, 4)), percent=True).startswith("75 %")


def test_forms_and_the_bar():
    forms = [["a", BAR, "b", "", "c"], ["a", "b"]]
    assert line_of(forms, 80, done=0.25) == ("a  ", 10, 30, "  b  c")
    before, full, blank, after = line_of(forms, 18, done=2.0)
    assert (before, full, blank, after) == ("a  ", 8, 0, "  b  c")
    assert line_of(forms, 16, done=0.5) == ("a  b", 0, 0, "")
    assert line_of(forms, 3, done=0.5) == ("a  ", 0, 0, "")


def test_the_time_left_is_by_the_pace_until_now():
    time = Time()
    clock = Clock(time)
    assert clock.left is None
    time.now += 7
    # a run that goes on after half of its epochs; what came before took no time of this one
    clock.note(0.5)
    assert clock.left is None
    time.now += 10
    clock.note(0.75)
    assert clock.left == 10
    time.now += 4
    assert clock.left == 6
    time.now += 40
    assert clock.left == 0
    assert clock.elapsed == 61
    folds = Clock(time)
    folds.begin()
    time.now += 10
    folds.note(0.25)
    assert folds.left == 30


def test_a_file_gets_a_line_now_and_then():
    """None in a run of seconds; at most one in a minute, for each fiftieth; and one in ten minutes."""
    time, lines = Time(), []
    bar = TrainingProgress(Progress(write=lines.append, now=time), 1000)
    for epoch in range(551):
        bar.show(run(epoch), settings())
        time.now += 0.1
    assert lines == []
    for epoch in range(551, 1001):
        bar.show(run(epoch), settings())
        time.now += 1.0
    # 450 epochs in 450 s
    assert 6 <= len(lines) <= 8
    assert lines[0].startswith("epoch 55")
    assert (
        "loss 0.5000, validation 0.2500, best 0.1250 (epoch 1); 0:01:00, at most 0:00:" in lines[0]
    )
    lines.clear()
    slow = TrainingProgress(Progress(write=lines.append, now=time), 1_000_000)
    for epoch in range(300):
        slow.show(run(epoch), settings())
        time.now += 12.0
    # an hour, in which nearly nothing of the work was done
    assert 4 <= len(lines) <= 6
    folds = FoldProgress(Progress(write=lines.append, now=time))
    time.now += 61
    folds.show(1, 10)
    assert lines[-1] == "fold 1/10: 0:01:01, about 0:09:09 left"
