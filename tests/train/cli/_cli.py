"""For the tests of the command line: a folder of their own, a way to call it, small files."""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pullback.train import cli

for extra in ("typer", "rich", "safetensors", "matplotlib"):
    pytest.importorskip(extra, reason=f"the command line needs {extra}, of the extra 'train'")


FILES = [
    "checkpoint.safetensors",
    "curves.png",
    "evaluation.json",
    "evaluation.png",
    "metrics.csv",
    "model.safetensors",
    "run.toml",
    "weights.png",
]
QUICK = ["--epochs", "2", "--hidden", "4"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Each test in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pullback(capsys):
    """Run the command line in this process: exit code, lines on stdout, lines on stderr."""

    def run(*arguments):
        capsys.readouterr()
        code = cli.main([str(a) for a in arguments])
        told = capsys.readouterr()
        return code, told.out.splitlines(), told.err.splitlines()

    return run


def table(path, kind="classes", n=60):
    """A small CSV: two columns that tell the target."""
    random = np.random.default_rng(0)
    lines = ["left,right,kind"]
    for i in range(n):
        a, b = random.normal(size=2).round(4)
        label = {"classes": ("low", "mid", "high")[i % 3], "two": i % 2, "numbers": a + 2 * b}[kind]
        shift = {"classes": 3 * (i % 3), "two": 3 * (i % 2), "numbers": 0}[kind]
        lines.append(f"{a + shift},{b - shift},{label}")
    Path(path).write_text("\n".join(lines) + "\n")
    return path


def files(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def records(text):
    return list(csv.reader(io.StringIO(text)))


def child(*arguments, **options):
    """The command line in a process of its own."""

    def ready():
        # A shell that starts tests in the background ignores Ctrl-C, and so would its children.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pullback", *map(str, arguments)],
        **{"stdout": subprocess.PIPE, "preexec_fn": ready, **options},
        stderr=subprocess.PIPE,
        text=True,
    )
