"""`pullback.numpy.random`: the functions of `numpy.random`, whose draws are constants."""

from __future__ import annotations

__all__: list[str] = []


def __dir__() -> list[str]:
    return sorted(__all__)
