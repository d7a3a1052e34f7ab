"""Tracing of programs: `primitive`, `isbox`, `getval`, `Box`, and `trace` with nodes of the user's own.

On this engine traced arrays are of one class, `pullback.Array`, and containers are what they are (pytrees). `Box` is a
class to ask by: ``isinstance(x, Box)``.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ...autograd.core.array import Array
from .nodes import trace
from .primitives import CONSTANTS, notrace_primitive, primitive
from .util import subvals, toposort
from .values import getval, isbox

__all__ = [
    "Box",
    "Node",
    "box_types",
    "getval",
    "isbox",
    "notrace_primitive",
    "notrace_primitives",
    "primitive",
    "register_notrace",
    "subvals",
    "toposort",
    "trace",
]


class _BoxMeta(type):
    """The class of `Box`, which traced arrays count as instances of."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isbox(instance)


class Box(metaclass=_BoxMeta):
    """The class that traced arrays are instances of."""

    def __init__(self, *args: Any) -> None:
        raise TypeError(
            "Box: traced values are pullback Arrays, which grad and its kin make; there are no others"
        )

    @classmethod
    def register(cls, value_type: type) -> None:
        """Refused: arguments of other classes are pytrees here.

        Raises
        ------
        TypeError
            Always; the message says what to do.
        """
        raise TypeError(
            f"Box.register({value_type.__name__}): here, values of a class are differentiated as pytrees; make "
            f"{value_type.__name__} a dataclass, whose fields hold arrays, and grad returns a {value_type.__name__} of "
            "gradients"
        )


box_types = {Array}


class Node:
    """The base of classes of nodes for `trace`."""

    __slots__: tuple[str, ...] = ()

    def __init__(
        self, value: Any, fun: Any, args: Any, kwargs: Any, parent_argnums: Any, parents: Any
    ) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no __init__")

    def initialize_root(self, *args: Any, **kwargs: Any) -> None:
        """Set what the node of the argument has."""
        raise NotImplementedError(f"{type(self).__name__} has no initialize_root")

    @classmethod
    def new_root(cls, *args: Any, **kwargs: Any) -> Any:
        """The node of an argument."""
        root = cls.__new__(cls)
        root.initialize_root(*args, **kwargs)
        return root


# The primitives that are constants to a type of trace.
notrace_primitives: defaultdict[Any, set[Any]] = defaultdict(set)


def register_notrace(trace_type: Any, primitive_fun: Any) -> None:
    """Make a primitive a constant to derivatives: `trace_type` is `core.VJPNode` or `core.JVPNode`."""
    notrace_primitives[trace_type].add(primitive_fun)
    CONSTANTS.add(primitive_fun)


def __dir__() -> list[str]:
    return sorted(__all__)
