"""The VJP rules, in files named after the sections of the standard; importing them registers them.

`linear_algebra` holds the products of the section linear algebra. The extension `linalg` fills three files: `linalg`,
`linalg_norms` and `linalg_spectral`. Beyond the standard, `products` holds `einsum` and `expm`, `fused` the functions
of networks and losses, `collectives` those of many processes, `networks` whole layers, the files that begin with
`special` SciPy's special functions.

Notation: `ct` is the cotangent of the output, `out` the output, `x_bar` the cotangent of `x`.
"""

from . import (
    collectives,
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
    products,
    searching,
    special,
    special_incomplete,
    statistical,
)
from .networks import attention, convolution, pooling, recurrence, segments
from .special_functions import bessel, integrals

__all__ = [
    "attention", "bessel", "collectives", "convolution", "creation", "data_type", "elementwise", "fft", "fused",
    "indexing", "integrals", "linalg", "linalg_norms", "linalg_spectral", "linear_algebra", "manipulation", "pooling",
    "products", "recurrence", "searching", "segments", "special", "special_incomplete", "statistical",
]  # fmt: skip
