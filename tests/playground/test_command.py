"""Tests of `playground/command.py` and of how the root puts the commands together."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("typer", reason="the command line needs typer, of the extra `train`")

from pullback.__main__ import main
from pullback.playground import command
from pullback.train.cli import main as train_alone


def test_the_help_of_the_module_lists_it_and_imports_no_bokeh(tmp_path):
    run = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", "-m", "pullback", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0
    assert "playground  Open a page" in run.stdout
    imported = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "pullback" in imported
    assert not {"bokeh", "tornado"} & imported


def test_train_alone_knows_nothing_of_it(capsys):
    assert train_alone(["--help"]) == 0
    assert "playground" not in capsys.readouterr().out
    assert main(["--help"]) == 0
    assert "playground" in capsys.readouterr().out


def test_options_reach_the_server(monkeypatch):
    given = {}
    monkeypatch.setattr(command, "serve", lambda **options: given.update(options))
    arguments = ["--port", "6000", "--address", "::1", "--no-browser", "--data", "a.csv"]
    assert main(["playground", *arguments]) == 0
    assert given == {"port": 6000, "address": "::1", "browser": False, "data": "a.csv"}
    assert main(["playground"]) == 0
    assert given == {"port": None, "address": "127.0.0.1", "browser": True, "data": None}


def test_without_bokeh_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "bokeh", None)
    assert main(["playground", "--no-browser"]) == 2
    told = capsys.readouterr().err
    assert told == "pullback: the playground needs bokeh: pip install 'pullback[playground]'\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "port: 70000 is not between 0 and 65535"),
        (["--address", "192.0.2.1"], "cannot listen on 192.0.2.1"),
        (["--data", "nothing.csv"], "cannot read nothing.csv: No such file"),
        (["--data", "bad.csv"], "bad.csv, row 1: 1 column,"),
    ],
    ids=["port", "address", "no data", "bad data"],
)
def test_what_cannot_be_used_is_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    pytest.importorskip("bokeh", reason="Bokeh is not installed (extra `playground`)")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_text("1\n2\n")
    assert main(["playground", "--no-browser", *arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_its_help_lists_the_options(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["playground", "--help"]) == 0
    told = capsys.readouterr().out
    for option in ("--port", "--address", "--no-browser", "--data"):
        assert option in told
