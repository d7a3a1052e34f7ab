"""Operators and methods of the stand-in's arrays that are functions of CuPy's namespace."""

from __future__ import annotations

from typing import Any

import numpy as np

from .memory import _ndarray_base


def _should_use_rop(x: Any, y: Any) -> bool:
    """CuPy's own rule for leaving an operator to the right operand."""
    missing = object()
    ufunc = getattr(y, "__array_ufunc__", missing)
    if ufunc is not missing:
        return ufunc is None
    return getattr(x, "__array_priority__", 0) < getattr(y, "__array_priority__", 0)


def binary(name: str) -> tuple[Any, Any, Any]:
    """An operator, its reflection and its form in place, of a ufunc's name."""
    on_host = getattr(np, name)

    def left(x: Any, y: Any) -> Any:
        if isinstance(y, _ndarray_base):
            return ufunc(name)(x, y)
        return NotImplemented if _should_use_rop(x, y) else on_host(x, y)

    def right(y: Any, x: Any) -> Any:
        return ufunc(name)(x, y)

    def in_place(x: Any, y: Any) -> Any:
        return ufunc(name)(x, y, x)

    return left, right, in_place


def comparison(name: str) -> Any:
    on_host = getattr(np, name)

    def compare(x: Any, y: Any) -> Any:
        if isinstance(y, _ndarray_base):
            return ufunc(name)(x, y)
        if _should_use_rop(x, y):
            return NotImplemented
        if name in ("equal", "not_equal") and (y is None or type(y).__eq__ is object.__eq__):
            return ufunc("full")(x.shape, name == "not_equal")
        return on_host(x, y)

    return compare


def ufunc(name: str) -> Any:
    from .functions import cupy

    return getattr(cupy, name)


def method_of(name: str) -> Any:
    """A method that is the function of that name in CuPy's namespace."""

    def method(self: Any, *args: Any, **settings: Any) -> Any:
        return ufunc(name)(self, *args, **settings)

    method.__name__ = name
    return method
