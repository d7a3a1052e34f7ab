"""`scipy.stats` for traced and plain arrays: a module for each distribution, as in HIPS autograd.

Both ``from pullback.compat.autograd.scipy.stats import norm`` and ``import
pullback.compat.autograd.scipy.stats.norm`` find them.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import scipy.stats as _sp

from ....autograd import scipy as _ours
from ..numpy.wrap import wrap_namespace


def _module(name: str) -> types.ModuleType:
    """The functions of one distribution."""
    found = types.ModuleType(
        f"{__name__}.{name}", f"`scipy.stats.{name}` for traced and plain arrays."
    )

    def find(method: str) -> Any:
        return getattr(getattr(_ours.stats, name), method)

    distribution = getattr(_sp, name)
    found.__dict__["__all__"] = wrap_namespace(distribution, found.__dict__, find)
    sys.modules[found.__name__] = found
    return found


__all__ = sorted(
    name for name in dir(_ours.stats) if hasattr(getattr(_sp, name, None), "rvs") and not isinstance(getattr(_sp,
    name), type)
)  # fmt: skip
globals().update({name: _module(name) for name in __all__})


def __dir__() -> list[str]:
    return list(__all__)
