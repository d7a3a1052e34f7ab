"""Guards: the conditions on arguments under which a program is right."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from ...core.array import backend_array
from ...pytree import tree
from ...pytree.static_values import static_key
from ..ir.program import Value

GUARD_FAILED = object()


def in_order(arguments: Any) -> bool:
    """Whether the elements of all arrays lie in memory in the order of their indices, without gaps."""
    flags = (getattr(backend_array(x), "flags", None) for x in tree.leaves(arguments))
    return all(f is None or f.c_contiguous for f in flags)


class ArraySpec:
    """An array without its elements: its class, shape, dtype and device."""

    __slots__ = ("array_type", "device", "dtype", "shape")

    def __init__(self, x: Any) -> None:
        self.array_type, self.shape, self.dtype = type(x), tuple(x.shape), x.dtype
        self.device = getattr(x, "device", None)


@dataclass
class ArgumentGuard:
    """The conditions on one leaf of the arguments.

    Attributes
    ----------
    argument_type : {"array", "number", "static"}
    wrapped : bool
        Whether it is a `pb.Array` around the library's array.
    like
        The example: a `ArraySpec` of an array.
    path : str
        Where it stands, for messages.
    value : Value or None
    key
        `static_key` of what is no array, at the time of recording: a list may be changed where it is.
    """

    argument_type: str
    wrapped: bool
    like: Any
    path: str
    value: Value | None = None
    key: Hashable = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.argument_type != "array":
            self.key = static_key(self.like)

    def describe(self) -> str:
        """The text of it in messages."""
        if self.argument_type == "array":
            return f"{self.like.dtype}[{', '.join(map(str, self.like.shape))}]"
        return repr(self.like) if self.argument_type == "static" else type(self.like).__name__
