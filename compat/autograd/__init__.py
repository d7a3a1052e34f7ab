"""HIPS autograd's API and conventions on this engine, on NumPy and on CuPy.

A program written for it runs after ``autograd`` becomes ``pullback.compat.autograd`` in its imports::

    import pullback.compat.autograd.numpy as np
    from pullback.compat.autograd import grad

`docs/from_autograd.md` says what differs.
"""

from __future__ import annotations

import importlib
from typing import Any

from . import builtins, core, extend, misc, numpy, test_util, tracer, util, wrap_util
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


def __getattr__(name: str) -> Any:
    if name == "scipy":  # SciPy's parts are slow to load: only when asked for
        return importlib.import_module(".scipy", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> Any:  # a list; the name is another thing here
    return sorted(__all__)
