"""The tutorial's program prints what it says: on ranks that are threads, and on two of MPI."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
from pathlib import Path

import pytest

import pullback as pb

from ...distributed._ranks import command, environment

PAGE = Path(__file__).resolve().parents[3] / "docs" / "tutorials" / "two_ranks.md"
TEXT = PAGE.read_text(encoding="utf-8")
PROGRAM = "\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
# what the page says that it prints
(FIRST,) = re.findall(r"^    2 ranks, (loss \d\.\d{4})$", TEXT, re.MULTILINE)
(SECOND,) = re.findall(
    r"^prints `(best after epoch \d+, validation loss \d\.\d{6})`", TEXT, re.MULTILINE
)


@pytest.mark.parametrize("size", [1, 3])
def test_the_program_on_threads(size):
    printed = io.StringIO()
    with pb.backend.use("numpy"), contextlib.redirect_stdout(printed):
        pb.distributed.simulate(
            lambda: exec(compile(PROGRAM, str(PAGE), "exec"), {}), size, timeout=60
        )
    assert printed.getvalue().splitlines() == [f"{size} ranks, {FIRST}", SECOND]


def test_the_program_on_two_ranks_of_mpi(tmp_path):
    file = tmp_path / "two_ranks.py"
    file.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        command(2, str(file)),
        env=environment(PULLBACK_BACKEND="numpy"),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"2 ranks, {FIRST}", SECOND]
