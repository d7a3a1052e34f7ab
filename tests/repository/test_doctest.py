"""Every example of a docstring runs and prints what it says, on NumPy and where CuPy is active."""

from __future__ import annotations

import doctest
import importlib.util
import pkgutil

import pytest

from ._doctests import run

PARTS = ["backend", "autograd", "compat", "distributed", "models", "optim", "train"]
if importlib.util.find_spec("bokeh"):
    PARTS.append("playground")


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
