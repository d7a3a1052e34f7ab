"""Array libraries and devices: which one is active, and what the standard lacks.

It holds kernels for derivatives, and knows no rules.
"""

from .common.base import Backend, BackendError, Namespace
from .common.errors import NotPositiveDefiniteError, SingularMatrixError
from .generic.finite import columns as finite_columns
from .generic.namespace import extend
from .generic.sparse import Pattern
from .select import (
    NAMES,
    backend_of,
    current,
    is_array,
    register,
    register_stand_in,
    resolve,
    to_numpy,
    use,
)

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
    "register_stand_in",
    "resolve",
    "to_numpy",
    "use",
]


def __dir__() -> list[str]:
    return sorted(__all__)
