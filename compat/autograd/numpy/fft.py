"""`numpy.fft` for traced and plain arrays."""

from __future__ import annotations

from typing import Any

import numpy.fft as _np

from ....autograd import numpy as _ours
from ....autograd.functions import namespace as _xp
from .wrap import wrap_namespace


def _find(name: str) -> Any:
    return getattr(_ours.fft, name, None) or getattr(getattr(_xp, "fft", None), name)


__all__ = wrap_namespace(_np, globals(), _find)
