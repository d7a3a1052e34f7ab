"""Array libraries and devices: which one is active, and what the standard lacks.

Knows nothing of derivatives.
"""

from ._base import Backend, BackendError, Namespace
from ._generic import extend
from ._select import NAMES, backend_of, current, resolve, to_numpy, use

__all__ = [
    "NAMES",
    "Backend",
    "BackendError",
    "Namespace",
    "backend_of",
    "current",
    "extend",
    "resolve",
    "to_numpy",
    "use",
]
