"""The VJP rules, in files named after the sections of the standard; importing them registers them.

Notation: `ct` is the cotangent of the output, `out` the output, `x_bar` the cotangent of `x`.
"""

from . import (
    creation,
    data_type,
    elementwise,
    fused,
    indexing,
    linear_algebra,
    manipulation,
    searching,
    statistical,
)

__all__ = [
    "creation", "data_type", "elementwise", "fused", "indexing", "linear_algebra", "manipulation", "searching", "statistical",
]  # fmt: skip
