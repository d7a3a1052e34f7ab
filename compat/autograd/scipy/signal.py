"""`scipy.signal` for traced and plain arrays."""

from __future__ import annotations

from typing import Any

import scipy.signal as _sp

from ..numpy.wrap import wrap_namespace
from .find import finder

__all__ = wrap_namespace(_sp, globals(), finder("signal"))
