"""How the tests of the examples load and run them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]


def example(name: str) -> ModuleType:
    """The example `name`, loaded afresh; its `main` is not run."""
    (path,) = (ROOT / "examples").rglob(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(path: Path) -> bool:
    """Whether a picture is there, and not an empty one."""
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000
