"""NumPy's main namespace for traced and plain arrays, as HIPS autograd's `numpy` is.

Where nothing is traced, its functions are NumPy's and return plain arrays of the active backend; where something is,
they are those of `pullback.numpy`.
"""

from __future__ import annotations

from typing import Any

import numpy as _np

from ....autograd.numpy import namespace as _ours
from . import fft as fft
from . import linalg as linalg
from . import random as random
from .custom import replacements
from .wrap import wrap_namespace


def _find(name: str) -> Any:
    return getattr(_ours, name)


_names = wrap_namespace(_np, globals(), _find)
_new = replacements(globals())
globals().update(_new)
__all__ = sorted(
    {*_names, *(name for name in _new if not name.startswith("_")), "fft", "linalg", "random"}
)
__version__ = numpy_version = _np.__version__


def __getattr__(name: str) -> Any:  # the names are those of `wrap_namespace`
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
