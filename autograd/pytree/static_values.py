"""Values that belong to the structure of a tree, or to a compiled program: which of them are the same."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections import defaultdict, deque
from collections.abc import Hashable
from typing import Any

import numpy as np

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


class StaticFields(tuple[Any, ...]):
    """The values of the static fields of a dataclass, which are the same as others if their `static_key`s are.

    A tuple would take 1, 1.0 and True for the same, and 0.0 for -0.0, with which functions of the tree may give other
    dtypes and other values.
    """

    __slots__ = ()

    def _keys(self) -> tuple[Hashable, ...]:
        return tuple([static_key(value) for value in self])

    def __eq__(self, other: object) -> bool:
        if type(other) is not StaticFields:
            return False
        # The same objects have the same keys; a tree of twenty dataclasses is compared in half the time so.
        same = len(self) == len(other) and all(map(operator.is_, self, other))
        return same or self._keys() == other._keys()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        super().__hash__()  # which refuses what may be changed where it is
        return hash(self._keys())
