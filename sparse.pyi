"""`pullback.sparse` for type checkers: the module `pullback.autograd.solve.sparse.formats`."""

from .autograd.solve.sparse.formats import *
