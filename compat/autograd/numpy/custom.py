"""The functions of `numpy` that HIPS autograd has in a form of its own.

Sequences of arrays may be any iterable; `where` of Python's numbers alone returns such; ``r_[…]`` and ``c_[…]`` take
traced arrays; `make_diagonal` is the counterpart of `diagonal`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....autograd.core.array import Array
from ....autograd.core.dtypes import is_complex
from ....autograd.functions import namespace as xp
from ..values import getval, holds_array, plain

Function = Callable[..., Any]


def of_iterables(function: Function) -> Function:
    """A function of a sequence of arrays, for any iterable of them."""

    def call(arrays: Any, *args: Any, **kwargs: Any) -> Any:
        if type(arrays) not in (list, tuple) and not hasattr(arrays, "shape"):
            arrays = list(arrays)
        return function(arrays, *args, **kwargs)

    call.__dict__.update(vars(function))
    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call


def make_where(function: Function) -> Function:
    """`where`, which gives Python's own numbers and lists for arguments that are such."""

    def where(condition: Any, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            return function(condition)
        if len(args) + len(kwargs) != 2 or not kwargs.keys() <= {"x", "y"}:
            raise ValueError("where: either both or neither of x and y should be given")
        x = args[0] if args else kwargs["x"]
        y = args[1] if len(args) > 1 else kwargs["y"]
        out = function(condition, x, y)
        if isinstance(out, np.ndarray) and not any(map(_has_array, (condition, x, y))):
            return out.tolist()
        return out

    where.__dict__.update(vars(function))
    where.__doc__ = function.__doc__
    return where


def _has_array(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return any(map(_has_array, x))
    return hasattr(x, "dtype")


class Concatenator:
    """``r_[…]`` and ``c_[…]``: NumPy's own is given positions, and says where each element goes."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __len__(self) -> int:
        return 0

    def __getitem__(self, key: Any) -> Any:
        parts = key if type(key) is tuple else (key,)
        if not holds_array(parts):
            return self.original[key]
        # the parts, with positions instead of elements
        numbered: list[Any] = []
        pieces: list[Any] = []
        count = 0
        for part in parts:
            if isinstance(part, str):
                numbered.append(part)
                continue
            array = xp.asarray(np.r_[part] if isinstance(part, slice) else part)
            positions = np.arange(count, count + array.size).reshape(array.shape)
            count += array.size
            numbered.append(positions if array.shape else int(positions))
            pieces.append(xp.reshape(array, (-1,)))
        order = self.original[tuple(numbered)]
        out = xp.take(xp.concat(pieces), xp.asarray(order.reshape(-1)))
        return plain(xp.reshape(out, order.shape))


def make_extreme(function: Function, real: Function) -> Function:
    """`max` or `min` of complex arrays too, which NumPy orders by their real parts, then by their imaginary ones.

    Equal elements share the cotangent. `real` is NumPy's function.
    """

    def extreme(a: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        if type(a) is not Array or not is_complex(a.dtype) or args or kwargs.keys() - {"keepdims"}:
            return function(a, axis, *args, **kwargs)
        value = getval(a)
        if not isinstance(value, np.ndarray | np.generic):
            return function(a, axis, *args, **kwargs)
        where = xp.asarray(value == real(value, axis=axis, keepdims=True), dtype=value.dtype)
        keep = kwargs.get("keepdims", False)
        total = xp.sum(a * where, axis=axis, keepdims=keep)
        return plain(total / xp.sum(where, axis=axis, keepdims=keep))

    extreme.__dict__.update(vars(function))
    extreme.__name__, extreme.__doc__ = function.__name__, function.__doc__
    return extreme


class _IntegerMeta(type):
    """The class of `numpy`'s integer types here, whose instances are NumPy's."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.__bases__)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__bases__)


def integer_type(base: type) -> type:
    """An integer type of NumPy's that takes traced arrays as well, as constants: ``np.int64(x)``."""

    def make(cls: type, x: Any = 0, *args: Any) -> Any:
        return base(getval(x), *args)

    return _IntegerMeta(base.__name__, (base,), {"__new__": make, "__doc__": base.__doc__})


def make_diagonal(D: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Square matrices with the last axis of `D` on their diagonals.

    Raises
    ------
    NotImplementedError
        For anything but ``offset=0, axis1=-1, axis2=-2``, as in HIPS autograd.
    """
    if (offset, axis1, axis2) != (0, -1, -2):
        raise NotImplementedError("make_diagonal: only offset=0, axis1=-1, axis2=-2")
    array = xp.asarray(D)
    eye = xp.eye(array.shape[-1], dtype=array.dtype)
    return plain(array[..., None] * eye)


def metadata(A: Any) -> tuple[Any, ...]:
    """The shape, the number of axes, the dtype of `A`, and whether it is complex."""
    value = getval(A)
    return np.shape(value), np.ndim(value), np.result_type(value), np.iscomplexobj(value)


def concatenate_args(axis: int | None, *args: Any) -> Any:
    """The arrays one after the other along an axis."""
    function = xp.concat if any(type(x) is Array for x in args) else np.concatenate
    return plain(function(list(args), axis=axis))


def replacements(namespace: dict[str, Any]) -> dict[str, Any]:
    """The names to put into the wrapped namespace, made of what is there."""
    found: dict[str, Any] = {
        name: of_iterables(namespace[name])
        for name in ("concatenate", "vstack", "hstack", "dstack", "column_stack", "stack")
    }
    found["row_stack"] = found["vstack"]
    found["concat"] = found["concatenate"]
    found["where"] = make_where(namespace["where"])
    found["r_"], found["c_"] = Concatenator(np.r_), Concatenator(np.c_)
    found["make_diagonal"], found["metadata"] = make_diagonal, metadata
    found["concatenate_args"] = concatenate_args
    found["array_from_args"] = lambda args, kwargs, *parts: namespace["array"](
        parts, *args, **kwargs
    )
    found["_astype"] = namespace["astype"]
    for name, of_real in (("max", np.max), ("amax", np.max), ("min", np.min), ("amin", np.min)):
        found[name] = make_extreme(namespace[name], of_real)
    for base in (np.int8, np.int16, np.int32, np.int64):
        found[base.__name__] = integer_type(base)
    return found
