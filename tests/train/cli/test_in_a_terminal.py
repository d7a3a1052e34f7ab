"""Every command in a terminal of 80 columns and of 200, without colours, on a dumb terminal, and into files.

One process runs them all, on a terminal that it makes narrower and wider: `python THIS_FILE` is that process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

if __name__ != "__main__":
    from . import _cli, _screen

    folder, pullback = _cli.folder, _cli.pullback  # fixtures

MARK = "@@@"
TERMINALS = {
    "80": (80, {}),
    "200": (200, {}),
    "no colour": (80, {"NO_COLOR": "1"}),
    "dumb": (80, {"TERM": "dumb"}),
}
TRAIN = "train t.csv --epochs 3 --hidden 4 --name"
SETTINGS = (
    "--batch-size 16,32 --hidden 4;8 --optimizer adamw,sgd --activation relu,tanh --l2 0,1e-4"
)
HALVING = f"tune t.csv --epochs 3 --folds 2 --random 3 --halving {SETTINGS} --name halving"
NAMES = ("train", "tune", "predict", "evaluate", "sample", "runs", "compare", "info")
# a command, the exit code, and how its last line begins
COMMANDS = [
    (f"{TRAIN} one", 0, ""),
    (HALVING, 0, ""),
    ("info", 0, ""),
    ("train nothing-of-this-name-is-here-nor-anywhere-else-that-anybody-knows.csv", 2, "pullback: "),
    # these for two widths alone
    ("train --resume runs/one --epochs 5", 0, ""),
    (f"{TRAIN} two --optimizer sgd --learning-rate 1e30", 1, "pullback: "),
    ("tune t.csv --epochs 2 --folds 2 --learning-rate 1e-3,1e-2 --name grid", 0, ""),
    ("predict runs/one t.csv --output p.csv", 0, ""),
    ("evaluate runs/one t.csv", 0, ""),
    ("runs", 0, ""),
    ("compare runs/one runs/two", 0, ""),
    ("train --no-such-option", 2, "pullback: "),
    ("sample runs/one", 2, "pullback: "),
    ("--help", 0, ""),
    ("--version", 0, "pullback "),
    *((f"{name} --help", 0, "") for name in NAMES),
]  # fmt: skip
# of these everywhere
_EVERYWHERE = 4
CASES = [
    (kind, number)
    for kind in TERMINALS
    for number in range(len(COMMANDS) if kind.isdigit() else _EVERYWHERE)
]


def work():
    """Run every command in each kind of terminal, in this process."""
    from pullback.train.cli import main
    from pullback.train.run import run, tables
    from pullback.train.run.tuning import tune

    sys.path.insert(0, str(Path(__file__).parent))
    from _screen import resize

    # they take most of the time, and nobody looks at them here
    run.curves_png = tables.weights_png = tune.tuning_png = lambda *_, **__: b"a picture"
    for kind, (width, more) in TERMINALS.items():
        resize(sys.stdout, width)
        before = dict(os.environ)
        os.environ.update(more)
        # each kind has its own runs
        os.makedirs(kind)
        os.chdir(kind)
        os.link("../t.csv", "t.csv")
        for number in [number for of, number in CASES if of == kind]:
            print(f"{MARK}{kind}/{number}", flush=True)
            code = main(COMMANDS[number][0].split())
            print(f"{MARK}{code}", flush=True)
        os.chdir("..")
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module")
def screens(tmp_path_factory):
    """What each command left on each terminal: (text, exit code) by kind and number."""
    pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
    folder = tmp_path_factory.mktemp("terminals")
    _cli.table(folder / "t.csv", n=30)
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "LINES")}
    environment["TERM"] = "xterm-256color"
    said, code = _screen.run([sys.executable, "-P", __file__], folder, environment)
    assert code == 0, said
    found = {}
    pieces = said.replace("\r\n", "\n").split(MARK)
    for name, end in zip(pieces[1::2], pieces[2::2], strict=True):
        head, text = name.split("\n", 1)
        found[head] = text.replace("\n", "\r\n"), int(end.split("\n", 1)[0])
    return found


@pytest.mark.parametrize(("kind", "number"), CASES)
def test_a_command_on_a_terminal(kind, number, screens):
    command, code, last = COMMANDS[number]
    width, more = TERMINALS[kind]
    text, found = screens[f"{kind}/{number}"]
    assert found == code, text
    screen = _screen.Screen(text)
    assert screen.widest <= width, [line for line in screen.lines if len(line) > width]
    assert screen.coloured <= (not more)
    left = [line for line in screen.lines if line]
    # the bar is gone
    assert not any("━" in line for line in left), left
    if "\x1b" in text:
        assert text.count("\x1b[?25h") == text.count("\x1b[?25l")
        assert kind != "dumb"
    if last:
        first = next(i for i, line in enumerate(left) if line.startswith(last))
        # what follows belongs to it
        assert all(line.startswith("  ") for line in left[first + 1 :])
    if command.split()[0] in ("train", "tune") and code == 0 and "--help" not in command:
        assert ("━" in text) == (kind != "dumb")
        assert any(line.startswith("files in runs/") for line in left)


@pytest.mark.parametrize("command", ["--help", "tune --help", "info", HALVING])
def test_files_get_no_codes_and_no_bar(command, pullback):
    _cli.table("t.csv", n=30)
    told = pullback(*command.split())[1:]
    assert not any("\x1b" in line or "━" in line for lines in told for line in lines)


@pytest.mark.parametrize("command", ["--help", "train --help", "info", TRAIN + " one"])
def test_a_reader_that_has_enough_is_no_error(command, monkeypatch, capfd):
    """As `pullback train digits | head -1`: nothing on stderr, and a training does what it is there for."""
    _cli.table("t.csv", n=30)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        assert _cli.cli.main(command.split()) == 0
        monkeypatch.undo()
    assert capfd.readouterr().err == ""


if __name__ == "__main__":
    work()
