"""`pullback.xp` for type checkers: the module `pullback.autograd.functions.namespace`."""

from .autograd.functions.namespace import *
from .autograd.functions.namespace import (
    __array_api_version__ as __array_api_version__,
)
from .autograd.functions.namespace import (
    __array_namespace_info__ as __array_namespace_info__,
)
