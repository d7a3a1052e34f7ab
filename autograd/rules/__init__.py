"""The VJP rules, in files named after the sections of the standard; importing them registers them.

Notation: `ct` is the cotangent of the output, `out` the output, `x_bar` the cotangent of `x`.
"""

from . import (
    creation,
    data_type,
    elementwise,
    fft,
    fused,
    indexing,
    linalg,
    linalg_norms,
    linalg_spectral,
    linear_algebra,
    manipulation,
    searching,
    special,
    statistical,
)
from . import products as extras
from . import special_incomplete as incomplete

__all__ = [
    "creation", "data_type", "elementwise", "extras", "fft", "fused", "incomplete", "indexing", "linalg",
    "linalg_norms", "linalg_spectral", "linear_algebra", "manipulation", "searching", "special", "statistical",
]  # fmt: skip
