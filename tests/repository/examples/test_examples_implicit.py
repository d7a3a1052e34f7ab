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


def test_gaussian_process(picture):
    module = example("gaussian_process")
    found = module.main(picture, n=80)
    assert found.success
    assert np.linalg.norm(found.jac) < 1e-2
    np.testing.assert_allclose(np.exp(found.x), list(module.TRUTH.values()), rtol=0.5)


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
