"""Creation: `array`, `zeros`, `linspace`, `diag`, `tri`, `vander` and their kin."""

from __future__ import annotations

__all__: list[str] = []
