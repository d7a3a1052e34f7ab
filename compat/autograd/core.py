"""The functions that HIPS autograd's `core` has: pullbacks, rules, vector spaces."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from . import primitives
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
from .tracer import Node
from .util import toposort
from .vector_spaces import SparseObject, VSpace, vspace
from .wrap_util import subvals

__all__ = [
    "JVPNode",
    "SparseObject",
    "VJPNode",
    "VSpace",
    "add_outgrads",
    "backward_pass",
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


class VJPNode(Node):
    """A node of reverse mode, for `tracer.trace` and `backward_pass`; `grad` has its own tape, which is faster."""

    __slots__ = ("parents", "vjp")

    def __init__(
        self, value: Any, fun: Any, args: Any, kwargs: Any, parent_argnums: Any, parents: Any
    ) -> None:
        self.parents = parents

        def of_parents(given: Any) -> Any:
            return fun(*subvals(args, zip(parent_argnums, given, strict=True)), **kwargs)

        self.vjp = make_vjp(of_parents, tuple([args[i] for i in parent_argnums]))[0]

    def initialize_root(self, *args: Any, **kwargs: Any) -> None:
        """The argument depends on nothing."""
        self.parents = []
        self.vjp = lambda g: ()


class JVPNode(Node):
    """A node of forward mode, for `tracer.trace`; `g` is its tangent."""

    __slots__ = ("g",)

    def __init__(
        self, value: Any, fun: Any, args: Any, kwargs: Any, parent_argnums: Any, parents: Any
    ) -> None:
        def of_parents(given: Any) -> Any:
            return fun(*subvals(args, zip(parent_argnums, given, strict=True)), **kwargs)

        tangents = tuple([parent.g for parent in parents])
        self.g = make_jvp(of_parents, tuple([args[i] for i in parent_argnums]))(tangents)[1]

    def initialize_root(self, g: Any) -> None:
        """The tangent of the argument."""
        self.g = g


def backward_pass(g: Any, end_node: Any) -> Any:
    """The cotangent of the argument of a trace of `VJPNode`s, for the cotangent `g` of its value."""
    outgrads = {end_node: g}
    outgrad = g
    for node in toposort(end_node):
        outgrad = outgrads.pop(node)
        for parent, ingrad in zip(node.parents, node.vjp(outgrad), strict=False):
            before = outgrads.get(parent)
            outgrads[parent] = ingrad if before is None else sum_outgrads((before, ingrad))
    return outgrad


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


def __dir__() -> list[str]:
    return sorted(__all__)
