"""Convolutions, windows, differences and integrals: `convolve`, `gradient`, `unwrap`, `hanning` and their kin."""

from __future__ import annotations

__all__: list[str] = []
