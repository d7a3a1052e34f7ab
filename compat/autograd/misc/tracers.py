"""Graphs of programs: `const_graph` replays one, `full_graph` returns one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..tracer import Node, trace
from ..util import subvals, toposort
from ..wrap_util import wraps

__all__ = [
    "ConstGraphNode",
    "FullGraphNode",
    "const_graph",
    "const_graph_unary",
    "full_graph",
]


class ConstGraphNode(Node):
    """A call, as a function of the arguments that vary."""

    __slots__ = ("parents", "partial_fun")

    def __init__(
        self, value: Any, fun: Any, args: Any, kwargs: Any, parent_argnums: Any, parents: Any
    ) -> None:
        self.parents = parents
        args = subvals(args, [(i, None) for i in parent_argnums])
        self.partial_fun = lambda varying: fun(
            *subvals(args, zip(parent_argnums, varying, strict=True)), **kwargs
        )

    def initialize_root(self, *args: Any, **kwargs: Any) -> None:
        """The argument depends on nothing."""
        self.parents = []


def const_graph_unary(fun: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`const_graph` of a function of one argument."""
    graph: list[Any] = []
    waiting = [fun]  # let go after the first call: it may hold arguments

    def replay(x: Any) -> Any:
        if not graph:
            value, end = trace(ConstGraphNode.new_root(), waiting.pop(), x)
            if end is None:
                raise ValueError("const_graph: the output does not depend on the arguments")
            graph.extend(list(toposort(end))[::-1])
            return value
        values = {graph[0]: x}
        for node in graph[1:]:
            values[node] = node.partial_fun([values[p] for p in node.parents])
        return values[graph[-1]]

    return replay


def const_graph(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """A function that runs `fun` once, and from then on what depended on its arguments, without its Python.

    Branches on values are those of the first call. `pullback.compile` does the same, and makes kernels of it.

    Parameters
    ----------
    fun : callable
        The function.
    *args, **kwargs
        Arguments that are fixed: the first ones, and those of these names.

    Raises
    ------
    ValueError
        From the first call, if the value does not depend on the others.
    """
    partial_fun = functools.partial(fun, *args, **kwargs)
    unary = const_graph_unary(lambda given: partial_fun(*given))

    @wraps(fun)
    def of_graph(*given: Any) -> Any:
        return unary(given)

    return of_graph


class FullGraphNode(Node):
    """A call, with its value and all that it was called with."""

    __slots__ = ("recipe", "value")

    def __init__(
        self, value: Any, fun: Any, args: Any, kwargs: Any, parent_argnums: Any, parents: Any
    ) -> None:
        self.value = value
        self.recipe = (fun, args, kwargs, list(zip(parent_argnums, parents, strict=True)))

    def initialize_root(self, *args: Any, **kwargs: Any) -> None:
        """The arguments, which nothing made."""
        self.value = None
        self.recipe = (lambda x: x, (), {}, [])


def full_graph(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The node of the value of a call, from which the whole graph is reached; None if it depends on no argument."""
    return trace(FullGraphNode.new_root(), lambda given: fun(*given, **kwargs), args)[1]


def __dir__() -> list[str]:
    return sorted(__all__)
