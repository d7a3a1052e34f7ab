"""Rows for the functions that make arrays and keep the derivative of numbers and arrays they are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._table import K, P, R, X, Z
from .composed import composed


def _fftfreq(n: int, d: Any) -> Any:
    return np.asarray(np.fft.fftfreq(n) / d)


def _rfftfreq(n: int, d: Any) -> Any:
    return np.asarray(np.fft.rfftfreq(n) / d)


def _arange(start: Any, stop: Any = None, step: Any = 1) -> Any:
    """As many as the values say, but smooth in start and step: the last place does not move with them."""
    start, stop = (0, start) if stop is None else (start, stop)
    n = max(round(float(np.ceil((stop - start) / step))), 0)
    return np.asarray(start + step * np.arange(n))


def _full(shape: Any, fill_value: Any) -> Any:
    return np.full(shape, fill_value)


START, STEP = X(0.3), X(0.45)

CASES = [
    composed("linspace", "both ends", R(), R(), 5),
    composed("linspace", "start", R(), 3.0, 4),
    composed("linspace", "stop, half-open", 0.0, P(), 4, endpoint=False),
    composed("linspace", "one", R(), R(), 1),
    composed("linspace", "none", R(), R(), 0),
    composed("linspace", "complex", Z(), Z(), 3, _skip={"array_api_strict": "takes real numbers"}),
    composed("arange", "start", START, 2.0, _ref=_arange),
    composed("arange", "start and step", START, 2.0, STEP, _ref=_arange),
    composed("arange", "empty", START, -2.0, STEP, _ref=_arange),
    composed("full", "matrix", (2, 3), R(), _ref=_full),
    composed("full", "vector", 3, Z(), _ref=_full),
    composed("full", "empty", (0, 2), R(), _ref=_full),
    composed("full_like", "matrix", K(np.zeros((2, 3))), R(), _ref=np.full_like),
    composed("asarray", "array", R(3), _ref=np.array),
    composed("asarray", "copy", R(3), copy=True, _ref=np.array),
    composed("asarray", "numbers", [R(), 2.0, R()], _ref=np.array),
    composed("asarray", "nested", [[R(), R()], [1.0, 2]], _ref=np.array),
    composed("asarray", "vectors", [R(3), [1.0, 2.0, 3.0]], _ref=np.array),
    composed("fft.fftfreq", "spacing", 5, d=P(), _ref=_fftfreq),
    composed("fft.rfftfreq", "spacing", 4, d=P(), _ref=_rfftfreq),
]
