"""Array libraries and devices: which one is active, and what the standard lacks.

Knows nothing of derivatives.
"""

from ._base import Backend, BackendError, Namespace
from ._errors import NotPositiveDefiniteError, SingularMatrixError
from ._factors_finite import columns as finite_columns
from ._generic import extend
from ._select import NAMES, backend_of, current, is_array, register, resolve, to_numpy, use
from ._sparse import Pattern

__all__ = [
    "NAMES",
    "Backend",
    "BackendError",
    "Namespace",
    "NotPositiveDefiniteError",
    "Pattern",
    "SingularMatrixError",
    "backend_of",
    "current",
    "extend",
    "finite_columns",
    "is_array",
    "register",
    "resolve",
    "to_numpy",
    "use",
]
