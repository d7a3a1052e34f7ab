"""`pullback.sparse` for type checkers: the module `pullback.autograd.solve.sparse.api`."""

from .autograd.solve.sparse.api import *
