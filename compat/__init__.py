"""Interfaces of other libraries on this engine: programs written for them run after a change of their imports.

`pullback.compat.autograd` is HIPS autograd's.
"""

from __future__ import annotations

from . import autograd

__all__ = ["autograd"]


def __dir__() -> list[str]:
    return sorted(__all__)
