"""The modules in tools/, which lie outside of the package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def load(name: str) -> ModuleType:
    """A module of tools/, which finds its neighbours there as it does when it is run."""
    before = list(sys.path)
    sys.path.insert(0, str(TOOLS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(TOOLS))
        # folders of the checkout have names of packages: with it there, Dask would find our `distributed`
        assert sys.path == before, f"{name} changes the path where it is imported"
