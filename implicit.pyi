"""`pullback.implicit` for type checkers: the module `pullback.autograd.solve.implicit.api`."""

from .autograd.solve.implicit.api import *
