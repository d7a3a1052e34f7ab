"""The extensions of docs/_ext, which lie outside of the package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]


def load(name: str) -> ModuleType:
    """A module of docs/_ext, as docs/conf.py finds it."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        return importlib.import_module(f"_ext.{name}")
    finally:
        sys.path.remove(str(ROOT / "docs"))
