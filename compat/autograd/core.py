"""The functions that HIPS autograd's `core` has: pullbacks, rules, vector spaces."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from . import primitives
from .primitives import (
    VJP_NODE as VJPNode,
)
from .primitives import (
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    primitive_jvps,
    primitive_vjps,
    sum_outgrads,
    translate_jvp,
    translate_vjp,
)
from .reverse import make_jvp, make_vjp
from .vector_spaces import SparseObject, VSpace, vspace

__all__ = [
    "JVPNode",
    "SparseObject",
    "VJPNode",
    "VSpace",
    "add_outgrads",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "make_jvp",
    "make_vjp",
    "primitive",
    "primitive_jvps",
    "primitive_vjps",
    "primitive_with_deprecation_warnings",
    "sum_outgrads",
    "translate_jvp",
    "translate_vjp",
    "vspace",
]


class JVPNode:
    """A node of forward mode, which is made of two pullbacks here."""


def add_outgrads(prev_g_flagged: Any, g: Any) -> tuple[Any, bool]:
    """The sum of a cotangent and one more, as the pair (sum, False); the first may be None."""
    return sum_outgrads([*([prev_g_flagged[0]] if prev_g_flagged else []), g]), False


def primitive_with_deprecation_warnings(f_raw: Callable[..., Any]) -> Any:
    """`primitive`, with the methods `defvjp`, `defvjp_is_zero` and `defgrad` that rules were once given by."""
    f = primitives.primitive(f_raw)
    rules: dict[int, Any] = {}

    def put(argnum: int, maker: Any) -> None:
        warnings.warn("deprecated: use extend.defvjp(f, …)", DeprecationWarning, stacklevel=3)
        rules[argnum] = maker
        defvjp(f, *[rules[i] for i in sorted(rules)], argnums=sorted(rules))

    def old_defvjp(vjpmaker: Callable[..., Any], argnum: int = 0) -> None:
        def maker(ans: Any, *args: Any, **kwargs: Any) -> Any:
            return lambda g: vjpmaker(g, ans, vspace(args[argnum]), vspace(g), *args, **kwargs)

        put(argnum, maker)

    def old_defvjp_is_zero(argnums: Any = (0,)) -> None:
        for argnum in argnums:
            put(argnum, None)

    def old_defgrad(gradfun: Callable[..., Any], argnum: int = 0) -> None:
        put(argnum, gradfun)

    f.defvjp, f.defvjp_is_zero, f.defgrad = old_defvjp, old_defvjp_is_zero, old_defgrad
    return f


primitive = primitive_with_deprecation_warnings
