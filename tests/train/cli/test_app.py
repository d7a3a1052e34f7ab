"""The help of the command line, its version, and what the shell completes."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from . import _cli

folder, pullback = _cli.folder, _cli.pullback  # fixtures

HEADINGS = ["Data", "Network", "Training", "Regularisation", "Numerics", "Run", "Help"]


@pytest.mark.parametrize("columns", [80, 200])
def test_help_stands_in_groups_and_fits_the_terminal(pullback, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = pullback("train", "--help")
    assert (code, err) == (0, [])
    assert [line[:-1] for line in out if re.fullmatch(r"\w+:", line)] == HEADINGS
    assert max(map(len, out)) <= min(columns, 120)
    assert max(map(len, out)) > min(columns, 120) - 20
    assert not [line for line in out if "\u00a0" in line]
    # options begin in one column, and so do their texts
    # the text of a name that is too wide stands below it
    found = [re.match(r"  --.*?  +(?=\S)", line) for line in out if line[:4] == "  --"]
    assert len({match.end() for match in found if match}) == 1
    assert found.count(None) < 2
    # a short default stands on one line
    assert [line for line in out if line.endswith("[default: adamw]")]


def test_the_version_is_told(pullback):
    code, out, err = pullback("--version")
    assert (code, err) == (0, [])
    assert re.fullmatch(r"pullback \d+\.\d+\S*", out[0])


def shell(*arguments, **environment):
    # in a process: typer ends it
    return subprocess.run(
        [sys.executable, "-P", "-m", "pullback", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_bash_completes_options_and_their_values():
    found = {}
    for words in ("pullback tr", "pullback train --optimizer ada", "pullback train --lea"):
        told = shell(_PULLBACK_COMPLETE="complete_bash", COMP_WORDS=words,
                     COMP_CWORD=str(len(words.split()) - 1))  # fmt: skip
        assert (told.returncode, told.stderr) == (0, "")
        found[words.split()[-1]] = told.stdout.split()
    assert found["tr"] == ["train"]
    assert {"adam", "adamw"} <= set(found["ada"])
    assert found["--lea"] == ["--learning-rate"]


@pytest.mark.parametrize(("words", "code"), [("pullback --no", 1), ("pullback tr", 0)])
def test_fish_is_told_by_the_exit_code_whether_there_is_anything(
    pullback, monkeypatch, words, code
):
    monkeypatch.setenv("_PULLBACK_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "is-args")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
    assert pullback() == (code, [], [])


def test_help_imports_nothing_large():
    code = (
        "import sys\nfrom pullback.train.cli import main\n"
        "assert main(['train', '--help']) == 0\n"
        "print([m for m in ('sklearn', 'pandas', 'rich', 'matplotlib', 'numba') if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "[]"


def test_names_that_are_given_twice_are_a_list(pullback, folder):
    (folder / "a.csv").write_text("a,b,c,y\n" + "1,2,3,0\n2,1,3,1\n" * 6)
    code, out, _ = pullback(
        "train", "a.csv", "--categorical", "a", "--categorical", "b,c", "--epochs", "1"
    )
    assert code == 0
    assert [line.split()[:2] for line in out[2:5]] == [[name, "category"] for name in "abc"]
    given = ("--hidden", "4", "--hidden", "2,2", "--learning-rate", "0.1", "--learning-rate", "0.2")
    assert pullback("tune", "a.csv", *given, "--folds", "2", "--epochs", "1")[0] == 0
    rows = (folder / "runs/tune-a/tune.csv").read_text()
    assert len(rows.splitlines()) == 5
    assert '"2,2"' in rows
