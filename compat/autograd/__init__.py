"""HIPS autograd's API and conventions on this engine, on NumPy and on CuPy.

A program written for it runs after ``autograd`` becomes ``pullback.compat.autograd`` in its imports::

    import pullback.compat.autograd.numpy as np
    from pullback.compat.autograd import grad

`docs/from_autograd.md` says what differs.
"""

from __future__ import annotations

from . import builtins, core, extend, misc, numpy, scipy, test_util, tracer, util, wrap_util
from .builtins import dict, isinstance, list, tuple, type
from .core import primitive_with_deprecation_warnings as primitive
from .differential_operators import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)

__all__ = [
    "builtins",
    "checkpoint",
    "core",
    "deriv",
    "dict",
    "elementwise_grad",
    "extend",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "isinstance",
    "jacobian",
    "list",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "misc",
    "multigrad_dict",
    "numpy",
    "primitive",
    "scipy",
    "tensor_jacobian_product",
    "test_util",
    "tracer",
    "tuple",
    "type",
    "util",
    "value_and_grad",
    "vector_jacobian_product",
    "wrap_util",
]


def __dir__() -> list:  # type: ignore[valid-type]  # Python's list, made by the one above
    return sorted(__all__)
