"""Guards: the conditions on arguments under which a program is right."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...core.array import backend_array
from ...pytree import tree
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


# ── values that belong to a program ───────────────────────────────────────────────────────────

# Types whose values are hashed, and equal to no other value of their type.
PLAIN = frozenset((bool, int, str, bytes, type(None)))
CONTAINERS = (tuple, list, dict, set, frozenset, deque, bytearray)


def static_key(x: Any) -> Hashable:
    """A key that is equal for two values only if a program of one is right for the other.

    Types count, so that 1, 1.0 and True are three values, within containers too, and 0.0 is not -0.0; NaN is NaN. Of
    lists, dicts, sets and dataclasses it holds what is in them now, so that one that is changed where it is has another
    key; so it does of NumPy's arrays, and of the attributes of objects without a hash. Objects that cannot be compared
    are themselves alone.
    """
    cls = type(x)
    if cls in PLAIN:
        return cls, x
    if isinstance(x, float):
        return (cls, float(x), math.copysign(1.0, x)) if x == x else (cls, "nan")
    if cls is complex:
        return cls, repr(x)
    if isinstance(x, np.ndarray | np.generic) and not x.dtype.hasobject:
        return cls, x.dtype, x.shape, x.tobytes()
    if isinstance(x, CONTAINERS):
        return cls, _contents(x), _fields(x)
    if dataclasses.is_dataclass(cls):
        changeable = is_changeable(x)
        made_by: Any = cls  # typeshed does not know of `__dataclass_params__`
        if changeable or made_by.__dataclass_params__.eq:
            names = [f.name for f in dataclasses.fields(cls) if changeable or f.compare]
            return cls, *(static_key(getattr(x, name)) for name in names)
    return cls, _fields(x) if is_changeable(x) else (), _Compared(x)


def _contents(x: Any) -> Hashable:
    if isinstance(x, dict):
        return tuple([(static_key(k), static_key(v)) for k, v in x.items()])
    parts = [static_key(part) for part in x]
    return frozenset(parts) if isinstance(x, set | frozenset) else tuple(parts)


def _fields(x: Any) -> Hashable:
    """What an object holds besides its contents: attributes, and what a dict makes of missing keys."""
    factory = static_key(x.default_factory) if isinstance(x, defaultdict) else None
    return factory, *(
        (name, static_key(value)) for name, value in getattr(x, "__dict__", {}).items()
    )


def is_changeable(x: Any) -> bool:
    """Whether a value may be another one later, as a list may."""
    try:
        hash(x)
    except TypeError:
        return True
    return False


class _Compared:
    """A value as its own `!=` compares it, which may be an array's, or raise."""

    __slots__ = ("hash", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.hash = hash(type(value) if is_changeable(value) else value)

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        if type(other) is not _Compared or type(self.value) is not type(other.value):
            return False
        try:
            return self.value is other.value or not self.value != other.value
        except (TypeError, ValueError):
            return False
