"""`pullback.scipy`: SciPy's functions under SciPy's names and signatures, differentiable.

They take lists, arrays of NumPy and CuPy and traced arrays, and compute where their arguments are, else on the active
backend. Each module is loaded when the first of its names is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...backend.common.later import loaded_later

if TYPE_CHECKING:
    from . import integrate, linalg, optimize, signal, special, stats

__all__ = ["integrate", "linalg", "optimize", "signal", "special", "stats"]

globals().update({name: loaded_later(f"{__name__}.{name}") for name in __all__})


def __dir__() -> list[str]:
    return sorted(__all__)
