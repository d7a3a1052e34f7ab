"""`pullback.random` for type checkers: the module `pullback.autograd.functions.random`."""

from .autograd.functions.random import *
