"""The functions of the extension `fft` that make arrays: `fftfreq` and `rfftfreq`."""

from __future__ import annotations

from typing import Any

from ..core.array import Array
from .on_device import as_number, create, is_foreign


def fftfreq(n: int, /, *, d: Any = 1.0, dtype: Any = None, device: Any = None) -> Array:
    """The frequencies of an `fft` of length `n` with sample spacing `d`, as in the standard."""
    return _frequencies("fftfreq", n, d, dtype, device)


def rfftfreq(n: int, /, *, d: Any = 1.0, dtype: Any = None, device: Any = None) -> Array:
    """The frequencies of an `rfft` of length `n` with sample spacing `d`, as in the standard."""
    return _frequencies("rfftfreq", n, d, dtype, device)


def _frequencies(name: str, n: int, d: Any, dtype: Any, device: Any) -> Array:
    if is_foreign(d):
        kind = d.dtype if dtype is None else dtype
        return create(f"fft.{name}", n, d=1.0, dtype=kind, device=device, like=d) / d
    return create(f"fft.{name}", n, d=as_number(d), dtype=dtype, device=device)
