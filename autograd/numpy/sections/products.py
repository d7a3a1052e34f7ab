"""Products of vectors and matrices: `dot`, `cross`, `einsum`, `trace`, `outer` and their kin."""

from __future__ import annotations

__all__: list[str] = []
