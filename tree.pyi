"""`pullback.tree` for type checkers: the module `pullback.autograd.pytree.tree`."""

from .autograd.pytree.tree import *
