"""Every example in a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import pullback

PARTS = ("backend", "autograd", "models", "optim", "train")


def _modules() -> list[str]:
    names = ["pullback"]
    for part in PARTS:
        package = importlib.import_module(f"pullback.{part}")
        names.append(package.__name__)
        names += [m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return sorted(set(names) - {"pullback.backend._cupy", "pullback.train.__main__"})


@pytest.mark.skipif(
    os.environ.get("PULLBACK_BACKEND", "") == "cupy", reason="the examples print NumPy arrays"
)
@pytest.mark.parametrize("name", _modules())
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PULLBACK_BACKEND", "numpy")
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    with np.printoptions(legacy=False), pullback.backend.use("numpy"):
        result = doctest.testmod(module, optionflags=flags, verbose=False)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples of {name}"


def test_the_readme_s_code_runs(tmp_path, monkeypatch, capsys):
    """The Python blocks, top to bottom, in one namespace."""
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).resolve().parents[1] / "README.md").read_text()
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "README.md", "exec"), names)
    loss = float(capsys.readouterr().out.split()[-1])
    assert loss < 0.1
    np.testing.assert_allclose(names["g"], [-np.exp(-0.25), -2 * np.exp(-1)], rtol=1e-12)
    x = np.array([0.5, 1.0])
    np.testing.assert_allclose(names["h"], (4 * x**2 - 2) * np.exp(-(x**2)), rtol=1e-12)
