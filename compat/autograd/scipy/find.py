"""Where our functions with SciPy's names are."""

from __future__ import annotations

from typing import Any, Callable
import importlib


def finder(module: str) -> Callable[[str], Any]:
    def find(name: str) -> Any:
        try:
            return getattr(importlib.import_module("pullback.scipy." + module), name)
        except ImportError:
            import pullback as pb
            for place in (getattr(pb, module, None), getattr(pb.xp, module, None)):
                if hasattr(place, name): return getattr(place, name)
            raise
    return find
