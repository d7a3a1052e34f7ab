"""`pullback.numpy.fft`: the functions of `numpy.fft`."""

from __future__ import annotations

__all__: list[str] = []


def __dir__() -> list[str]:
    return sorted(__all__)
