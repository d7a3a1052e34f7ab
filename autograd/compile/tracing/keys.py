"""Keys: what the arguments of a call are, by which its program is found before anything of one is made.

Of two calls with equal keys, both fit the guards of a program or neither does, but for the values of numbers that
it has read.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from ....backend import is_array
from ...core.array import Array, backend_array, is_traced, unwrap_closed
from ...core.levels.batched import Batched, all_rows
from ...pytree import tree
from ...pytree.codegen import orders
from ...pytree.static_values import PLAIN, static_key
from .tracer import Tracer

NUMBERS = frozenset((int, float, complex))


class Key:
    """The key of a call.

    Attributes
    ----------
    known : tuple
        The structure of each argument, and of each leaf its type, shape, dtype and device, or its value where that is
        part of a program whatever the function does.
    leaves : list
        The leaves, in the order of a program's guards.
    """

    __slots__ = ("known", "leaves")

    def __init__(self, known: tuple[Hashable, ...], leaves: list[Any]) -> None:
        self.known, self.leaves = known, leaves

    def values(self, places: tuple[int, ...]) -> tuple[Hashable, ...]:
        """The values of the numbers at some places."""
        return tuple([static_key(self.leaves[i]) for i in places])


def key_of(args: tuple[Any, ...], kwargs: dict[str, Any], static: frozenset[int]) -> Key | None:
    """The key of a call; None where something is traced, or stands for the rows of `vmap`."""
    if static:
        static = frozenset(i % len(args) for i in static if -len(args) <= i < len(args))
    known: list[Any] = [len(args)]
    leaves: list[Any] = []
    for i, x in enumerate(args):
        if i in static:
            if any(_is_traced(leaf) for leaf in tree.leaves(x)):
                return None
            known.append(static_key(x))
            leaves.append(x)
        elif not _add(x, known, leaves):
            return None
    if kwargs and not _add(kwargs, known, leaves):
        return None
    return Key(tuple(known), leaves)


def _add(x: Any, known: list[Any], leaves: list[Any]) -> bool:
    """Add an argument; False where something of it is traced."""
    if type(x) is np.ndarray:
        known += x.shape, x.dtype
        leaves.append(x)
        return True
    found, structure = tree.flatten(x)
    known += structure, *orders(x)
    leaves += found
    for leaf in found:
        cls = type(leaf)
        if cls is np.ndarray:
            known += leaf.shape, leaf.dtype
            continue
        if cls is Array and not leaf.tape.open and type(leaf.value) is np.ndarray:
            known += Array, leaf.value.shape, leaf.value.dtype
        elif cls in NUMBERS:
            known.append(cls)
        elif cls in PLAIN:
            known.append(static_key(leaf))
        elif _is_traced(leaf):
            return False
        else:
            known.append(_unusual(leaf))
    return True


def _unusual(x: Any) -> Hashable:
    """The key of a leaf that is neither NumPy's array nor a number."""
    wrapped = 0
    while type(x) is Array:
        wrapped, x = wrapped + 1, x.value
    if type(x) in NUMBERS or not is_array(x):
        return wrapped, static_key(x)
    device = None if isinstance(x, np.ndarray | np.generic) else getattr(x, "device", None)
    return wrapped, type(x), tuple(x.shape), x.dtype, static_key(device)


def _is_traced(x: Any) -> bool:
    return (
        isinstance(all_rows(backend_array(x)), Tracer)
        or is_traced(x)
        or type(unwrap_closed(x)) is Batched
    )
