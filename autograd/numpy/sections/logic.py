"""Questions about values, shapes and dtypes, whose answers carry no derivative."""

from __future__ import annotations

__all__: list[str] = []
