"""`pullback.linalg` for type checkers: the module `pullback.autograd.linalg`."""

from .autograd.linalg import *
