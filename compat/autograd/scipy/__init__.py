"""SciPy for traced and plain arrays, as HIPS autograd's `scipy` is."""

from __future__ import annotations

from . import integrate, linalg, signal, special, stats

__all__ = ["integrate", "linalg", "signal", "special", "stats"]
