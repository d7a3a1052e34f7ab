"""NumPy's own names and signatures on this engine: `pullback.numpy`, the methods of `Array`, ``np.f(traced)``.

All of it is loaded when it is first used: the namespace by its first name, the rest by the first method or protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...backend.common.later import loaded_later
from . import placeholders as placeholders

if TYPE_CHECKING:
    from . import fft, linalg, namespace, random

__all__ = ["fft", "linalg", "namespace", "random"]

globals().update({name: loaded_later(f"{__name__}.{name}") for name in __all__})
