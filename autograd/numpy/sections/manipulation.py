"""Shapes, axes, joining and splitting: `concatenate`, `block`, `append`, `rot90` and their kin."""

from __future__ import annotations

__all__: list[str] = []
