"""NumPy's ufuncs: `sin`, `add`, `heaviside`, with `where=`, `dtype=`, `reduce`, `accumulate` and `outer`."""

from __future__ import annotations

__all__: list[str] = []
