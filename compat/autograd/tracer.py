"""What traces programs: `primitive`, `isbox`, `getval`, `Box`.

On this engine traced arrays are of one class, `pullback.Array`, and containers are what they are (pytrees). `Box` is a
class to ask by: ``isinstance(x, Box)``.
"""

from __future__ import annotations

from typing import Any

from ...autograd.core.array import Array
from .primitives import notrace_primitive, notrace_primitives, primitive, register_notrace
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
]


class BoxMeta(type):
    """The class of `Box`, which traced arrays count as instances of."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isbox(instance)


class Box(metaclass=BoxMeta):
    """What traced arrays are instances of."""

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
    """A node of a graph; see `trace`."""

    __slots__: tuple[str, ...] = ()
