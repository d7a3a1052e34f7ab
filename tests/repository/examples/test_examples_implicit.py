"""The examples of solvers and implicit functions run in a small setting, and the page about them tells the truth."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from ._examples import ROOT, drawn, example

pytest.importorskip("matplotlib", reason="the examples draw pictures (extra `plot`)")


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    yield path
    assert drawn(path)


def test_deep_equilibrium(picture):
    pytest.importorskip("sklearn", reason="the digits ship with scikit-learn")
    losses, accuracy = example("deep_equilibrium").main(picture, epochs=3, hidden=24, rows=512)
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])
    assert accuracy > 0.7


def test_forward_or_reverse(picture):
    """Counted in one process and at sizes where caches matter, the orders differ by about N all the same."""
    times, slopes = example("forward_or_reverse").main(picture, sizes=(64, 256, 512), repeats=5)
    assert np.all(np.isfinite(slopes))
    assert times[1][-1] > 5 * times[0][-1]  # N = 512: 386 times the multiplications


def test_the_page_s_code_runs():
    text = (ROOT / "docs" / "implicit.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PULLBACK_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    # each print says in a comment what comes out
    wanted = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert len(wanted) == 6
    assert result.stdout.splitlines() == wanted
