"""Reading and writing by index: `take`, `select`, `choose`, `compress`, `ix_`, `put_along_axis` and their kin."""

from __future__ import annotations

__all__: list[str] = []
