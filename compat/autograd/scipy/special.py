"""`scipy.special` for traced and plain arrays."""

from __future__ import annotations

from typing import Any

import scipy.special as _sp

from ....autograd import scipy as _ours
from ..numpy.wrap import wrap_namespace as _wrap_namespace


def _find(name: str) -> Any:
    return getattr(_ours.special, name)


__all__ = _wrap_namespace(_sp, globals(), _find)


def __dir__() -> list[str]:
    return sorted(__all__)
