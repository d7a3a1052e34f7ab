"""`pullback.scipy`: SciPy's functions under SciPy's names and signatures, differentiable.

They take lists, arrays of NumPy and CuPy and traced arrays, and compute where their arguments are, else on the active
backend.
"""

from . import integrate, linalg, signal, special, stats

__all__ = ["integrate", "linalg", "signal", "special", "stats"]


def __dir__() -> list[str]:
    return sorted(__all__)
