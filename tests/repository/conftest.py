"""The backends that examples run on, and the benchmarks as modules."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pullback

from ._tools import load as load_tool

ON_CUDA = os.environ.get("PULLBACK_BACKEND", "").strip().lower() == "cupy"


@pytest.fixture(params=["cupy"] if ON_CUDA else ["numpy", "cupy_standin"])
def active(request, tmp_path, monkeypatch) -> Iterator[str]:
    """What ``auto`` chooses: NumPy; CuPy, or its stand-in where there is no device."""
    monkeypatch.chdir(tmp_path)
    undo = None
    if request.param == "numpy":
        monkeypatch.setenv("PULLBACK_BACKEND", "numpy")
    elif request.param == "cupy_standin":
        from .. import standin

        monkeypatch.delenv("PULLBACK_BACKEND", raising=False)
        undo = standin.activate("auto", "cupy")
    with pullback.backend.use("numpy" if request.param == "numpy" else "auto"):
        yield request.param
    if undo is not None:
        undo()


@pytest.fixture(scope="session")
def imports() -> list[Any]:
    """Every import of the package, for which all of it is parsed: two thirds of that would be garbage collections."""
    gc.disable()
    try:
        return load_tool("imports").imports_of(Path(__file__).resolve().parents[2])
    finally:
        gc.enable()


@pytest.fixture(scope="module")
def load() -> Iterator[Callable[[str], ModuleType]]:
    """Import a file of the benchmarks by its name, as they import each other; afterwards none is left."""
    folder = Path(__file__).resolve().parents[2] / "benchmarks"
    names = {file.stem for file in folder.glob("*.py")} - {"__main__"}
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(folder))
    yield importlib.import_module
    sys.path.remove(str(folder))
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(before)
