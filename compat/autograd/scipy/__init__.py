"""SciPy's functions for traced and plain arrays, as HIPS autograd's `scipy` has them.

Its parts are loaded when they are asked for: `special`, `stats`, `linalg`, `signal`, `integrate`.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["integrate", "linalg", "signal", "special", "stats"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
