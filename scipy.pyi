"""`pullback.scipy` for type checkers: the module `pullback.autograd.scipy`."""

from .autograd.scipy import *
