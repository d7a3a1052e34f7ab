"""`pullback.special` for type checkers: the module `pullback.autograd.functions.special`."""

from typing import Any

from .autograd.functions.special import *

# The elementwise functions are generated when they are first looked up.
def __getattr__(name: str) -> Any: ...
