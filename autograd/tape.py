"""What was done, in order: a flat list, so that neither sweep nor teardown recurses.

``entries[slot]`` tells how to pull a cotangent back through the operation that made `slot`:

* None, for a watched input or for all but the last output of an operation with several;
* else a tuple ``(pull, …)``: the generated function of `codegen.py`, the slots of the traced inputs and
  what the rules keep.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..backend import current
from .array import Array, peel
from .backward import SPACES
from .dtypes import is_inexact

_order = itertools.count()


class Record:
    """An open tape records operations on the arrays it watches; a closed one makes them constants."""

    __slots__ = ("__weakref__", "copies", "entries", "open", "order")

    def __init__(self, *, copies: bool = False) -> None:
        self.entries: list[Any] = []
        self.open = True
        self.order = next(
            _order
        )  # newer tapes are inner ones; itertools.count is safe under threads
        self.copies = (
            copies  # keep copies of constants that the caller could change before the pull
        )

    def watch(self, value: Any) -> Array:
        """An `Array` over `value` whose later uses are recorded here."""
        return self.watch_all([value])[0]

    def watch_all(self, values: list[Any]) -> list[Array]:
        """An `Array` over each of `values`, in consecutive slots."""
        entries = self.entries
        first = len(entries)
        for kind in {type(value) for value in values}:
            if kind not in SPACES:  # generated code looks the library up by class alone
                SPACES.of(next(value for value in values if type(value) is kind))
        entries.extend([None] * len(values))
        return [Array(value, self, slot) for slot, value in enumerate(values, first)]

    def close(self) -> None:
        """Stop recording."""
        self.open = False


def check_differentiable(x: Any, where: str) -> Any:
    """The value one level down of an array that a derivative is asked for.

    Raises
    ------
    TypeError
        If `x` is not an array or a float, or if its dtype is an integer or boolean one.
    """
    value = peel(x)
    if type(value) is not Array:
        if type(value) in (bool, int):
            raise TypeError(
                f"{where} is {value!r}, of type {type(value).__name__}: derivatives are for real and "
                "complex floating-point numbers; pass a float"
            )
        if type(value) in (float, complex):
            return current().asarray(value)
        if isinstance(value, np.generic):
            value = np.asarray(value)
    if not is_inexact(value.dtype):
        raise TypeError(
            f"{where} has dtype {value.dtype}: derivatives are for real and complex floating-point arrays; "
            "convert it by pb.xp.astype(x, pb.xp.float64), or leave it out of the differentiated arguments"
        )
    return value
