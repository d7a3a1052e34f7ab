"""Containers and types as programs ask for them: ``isinstance(x, np.ndarray)`` of a traced array is True.

Containers are what they are on this engine, so `tuple`, `list` and `dict` make Python's own, with traced arrays in
them.
"""

from __future__ import annotations

import builtins
from typing import Any

from .values import getval
from .vector_spaces import (
    ContainerVSpace,
    DictVSpace,
    ListVSpace,
    NamedTupleVSpace,
    SequenceVSpace,
    TupleVSpace,
)

__all__ = [
    "ContainerVSpace",
    "DictVSpace",
    "ListVSpace",
    "NamedTupleVSpace",
    "SequenceVSpace",
    "TupleVSpace",
    "dict",
    "isinstance",
    "list",
    "make_sequence",
    "tuple",
    "type",
]


def isinstance(x: Any, classes: Any) -> bool:
    """Whether the value of `x`, traced or not, is of one of the classes."""
    return builtins.isinstance(getval(x), classes)


class _OfPython(builtins.type):
    """The class of `tuple`, `list` and `dict`, whose instances are Python's."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return builtins.isinstance(instance, cls.__bases__)


class tuple(builtins.tuple, metaclass=_OfPython):
    """Makes a tuple, whose parts may be traced."""

    def __new__(cls, xs: Any = ()) -> Any:
        """A tuple of these parts."""
        return builtins.tuple(xs)


class list(builtins.list, metaclass=_OfPython):
    """Makes a list, whose parts may be traced."""

    def __new__(cls, xs: Any = ()) -> Any:
        """A list of these parts."""
        return builtins.list(xs)


class dict(builtins.dict, metaclass=_OfPython):
    """Makes a dict, whose values may be traced."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """A dict of these items."""
        return builtins.dict(*args, **kwargs)


def make_sequence(seq_type: Any, *args: Any) -> Any:
    """A sequence of that type with these parts."""
    return seq_type(args)


def type(x: Any) -> Any:
    """The type of the value of `x`, traced or not."""
    return builtins.type(getval(x))


def __dir__() -> builtins.list[str]:
    return sorted(__all__)
