"""Every example runs and prints what it says, on NumPy and where CuPy is active: docstrings, README, the guide."""

from __future__ import annotations

import doctest
import importlib.util
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

from ._doctests import run

PARTS = ["backend", "autograd", "compat", "distributed", "models", "optim", "train"]
if importlib.util.find_spec("bokeh"):
    PARTS.append("playground")
ROOT = Path(__file__).resolve().parents[2]


def _modules() -> list[str]:
    names = ["pullback"]
    for part in PARTS:
        package = importlib.import_module(f"pullback.{part}")
        names.append(package.__name__)
        names += [m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return sorted(set(names) - {"pullback.backend.cuda.backend", "pullback.train.__main__"})


@pytest.mark.parametrize("name", _modules())
def test_examples(name, active):
    module = importlib.import_module(name)
    tests = doctest.DocTestFinder().find(module, name)
    results = [run(test) for test in tests if test.examples]
    failed = sum(r.failed for r in results)
    assert failed == 0, f"{failed} of {sum(r.attempted for r in results)} examples of {name}"


@pytest.mark.parametrize(
    ("page", "least"), [("solve.md", 16), ("sparse.md", 14), ("distributed.md", 14)]
)
def test_the_pages_of_examples(page, least, active):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    result = run(doctest.DocTestParser().get_doctest(text, {}, page, page, 0))
    assert result.attempted >= least
    assert result.failed == 0


def _blocks(page: str) -> dict:
    """The Python blocks of a page, run from top to bottom in one namespace."""
    names: dict = {"__name__": page}
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        if not block.startswith(">>>"):
            exec(compile(block, page, "exec"), names)
    return names


def test_the_readme_s_code_runs(active, capsys):
    names = _blocks("README.md")
    loss = float(capsys.readouterr().out.split()[-1])
    assert loss < 0.1
    np.testing.assert_allclose(names["g"], [-np.exp(-0.25), -2 * np.exp(-1)], rtol=1e-12)
    x = np.array([0.5, 1.0])
    np.testing.assert_allclose(names["h"], (4 * x**2 - 2) * np.exp(-(x**2)), rtol=1e-12)


@pytest.mark.parametrize("page", ["docs/implicit.md"])
def test_the_pages_of_programs(page, active, capsys):
    """The guide is run apart (`test_docs.py`): SciPy reads a variable when it is imported."""
    _blocks(page)
    assert capsys.readouterr().out.splitlines() == [
        "0.0884 (51,)",
        "True",
        "1.0",
        "-0.3745",
        "(2, 2)",
        "True",
    ]
