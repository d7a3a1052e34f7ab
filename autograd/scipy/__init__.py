"""`pullback.scipy`: SciPy's functions under SciPy's names and signatures, differentiable.

They take lists, arrays of NumPy and CuPy and traced arrays, and compute where their arguments are, else on the active
backend. Each module is loaded when the first of its names is asked for.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import integrate, linalg, optimize, signal, special, stats

__all__ = ["integrate", "linalg", "optimize", "signal", "special", "stats"]


def _loaded_later(name: str) -> ModuleType:
    """A module of this package, which its first attribute that is asked for loads."""
    full = f"{__name__}.{name}"
    if full in sys.modules:
        return sys.modules[full]
    spec = importlib.util.find_spec(full)
    if spec is None or spec.loader is None:
        raise ImportError(f"{full} is not there", name=full)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[full] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


globals().update({name: _loaded_later(name) for name in __all__})


def __dir__() -> list[str]:
    return sorted(__all__)
