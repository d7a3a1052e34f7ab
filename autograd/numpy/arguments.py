"""Helpers for the arguments of functions with NumPy's signatures."""

from __future__ import annotations

from typing import Any

from ..core.array import Array
from ..functions.creation import asarray


def as_array(x: Any) -> Array:
    """`x` as an `Array`: arrays stay where they are and traced, numbers and nested sequences become arrays."""
    return x if type(x) is Array else asarray(x)


def refuse_out(name: str, out: Any) -> None:
    """Refuse NumPy's ``out=``: no function here writes into the caller's buffers.

    Raises
    ------
    TypeError
        If `out` is given.
    """
    if out is not None:
        raise TypeError(
            f"{name}(out=): results are not written into existing arrays; "
            f"use y = {name}(…), or y[...] = {name}(…) where y is a pullback array such as pb.xp.zeros makes"
        )
