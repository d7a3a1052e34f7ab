"""`numpy.random` for traced and plain arrays."""

from __future__ import annotations

from typing import Any

import numpy.random as _np

from ....autograd.numpy import namespace as _ours
from .wrap import wrap_namespace as _wrap_namespace


def _find(name: str) -> Any:
    return getattr(_ours.random, name)


__all__ = _wrap_namespace(_np, globals(), _find)


def __dir__() -> list[str]:
    return sorted(__all__)
