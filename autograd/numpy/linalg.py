"""`pullback.numpy.linalg`: the functions of `numpy.linalg`."""

from __future__ import annotations

__all__: list[str] = []


def __dir__() -> list[str]:
    return sorted(__all__)
