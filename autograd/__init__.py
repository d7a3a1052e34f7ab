"""Reverse-mode differentiation: the traced array, the tape, the rules, the transforms.

Knows nothing of models.
"""

from . import namespace, operators, random, special, tree
from .array import Array
from .backward import RuleError
from .check import check_grads
from .custom import checkpoint, custom_vjp
from .debug import debug_nans
from .forward import hessian, hvp, jacobian, jvp, linearize
from .graph import draw
from .namespace import stop_gradient
from .primitive import MissingRuleError, defvjp
from .pull import Tape, vjp
from .solve import implicit, linalg, sparse
from .transfer import asarray, to_numpy
from .transforms import grad, value_and_grad

__all__ = [
    "Array",
    "MissingRuleError",
    "RuleError",
    "Tape",
    "asarray",
    "check_grads",
    "checkpoint",
    "custom_vjp",
    "debug_nans",
    "defvjp",
    "draw",
    "grad",
    "hessian",
    "hvp",
    "implicit",
    "jacobian",
    "jvp",
    "linalg",
    "linearize",
    "namespace",
    "operators",
    "random",
    "sparse",
    "special",
    "stop_gradient",
    "to_numpy",
    "tree",
    "value_and_grad",
    "vjp",
]
