"""Reverse-mode differentiation: the traced array, the tape, the rules, the transforms.

Knows nothing of models.
"""

from . import linalg, scipy
from .core.array import Array
from .core.cotangents import RuleError
from .core.defvjp import defvjp
from .core.registry import MissingRuleError
from .core.transfer import asarray, to_numpy
from .diagnostics.check_grads import check_grads
from .diagnostics.debug_nans import debug_nans
from .diagnostics.draw import draw
from .functions import namespace, operators, random, special
from .functions.namespace import stop_gradient
from .numpy import namespace as numpy
from .pytree import tree
from .solve.implicit import api as implicit
from .solve.sparse import formats as sparse
from .transforms.checkpoint import checkpoint
from .transforms.custom_vjp import custom_vjp
from .transforms.grad import grad, value_and_grad
from .transforms.gradient_tape import Tape
from .transforms.jacobian import hessian, jacobian
from .transforms.jvp import hvp, jvp, linearize
from .transforms.vjp import vjp

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
    "numpy",
    "operators",
    "random",
    "scipy",
    "sparse",
    "special",
    "stop_gradient",
    "to_numpy",
    "tree",
    "value_and_grad",
    "vjp",
]


def __dir__() -> list[str]:
    return sorted(__all__)
