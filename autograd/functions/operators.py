"""The operators of `Array`: the functions of the namespace under their symbols.

Each is put in place when it is first used, so that importing the package generates no code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from ...backend import backend_of, is_array
from ...backend.common.base import LAZY
from ..core.array import Array, backend_array, unwrap_closed
from ..core.defvjp import function_of
from ..core.dispatch import SCALARS, apply, apply_constant
from ..core.dtypes import as_numpy, is_complex
from ..core.index_keys import clean_key, copied_key, is_basic
from ..core.levels.batched import Batched
from ..core.namespaces import namespace_of
from ..core.registry import Primitive, find
from ..core.views import is_number
from ..pytree import tree
from . import namespace
from .aliases import link_of
from .writes import check_writable, write

BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "pow", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}  # fmt: skip
COMPARISONS = {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
}  # fmt: skip
UNARY = {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}


SEQUENCES = frozenset((list, tuple))  # which NumPy's operators take for arrays

# The operator of the other class that Python asks next, by the name of the function.
REFLECTED = {name: f"__r{symbol}__" for symbol, name in BINARY.items()} | {
    "less": "__gt__", "less_equal": "__ge__", "greater": "__lt__", "greater_equal": "__le__", "equal": "__eq__",
    "not_equal": "__ne__",
}  # fmt: skip


def _lazy(symbol: str, name: str, *, reflected: bool = False) -> Callable[..., Any]:
    """An operator that replaces itself by the generated function on its first call."""

    def operator(*args: Any) -> Any:
        function = getattr(namespace, name)
        if reflected:

            def method(x2: Any, x1: Any, /) -> Any:
                try:
                    return function(x1, x2)
                except TypeError:
                    if type(x1) not in SEQUENCES:
                        raise
                return function(_as_array_like(x2, x1), x2)

            method.__name__ = symbol
        else:
            method = _yielding(function) if name in REFLECTED else function
        setattr(Array, symbol, method)
        return method(*args)

    operator.__name__ = symbol
    return operator


# ── operands of other classes ─────────────────────────────────────────────────────────────────


def _yielding(function: Any) -> FunctionType:
    """A public function as an operator, which leaves operands that it does not know to their own class.

    The same code in the same scope, so that the branches for common calls cost what they cost in the function; only
    where it falls back on the dispatcher, it falls back on one that may answer NotImplemented.
    """
    scope = function.__globals__
    scope.update(apply_or_yield=_apply_or_yield, apply_constant_or_yield=_apply_constant_or_yield)
    method = FunctionType(_falling_back(function.__code__), scope, function.__name__)
    method.__doc__ = function.__doc__

    def renew(code: CodeType) -> None:
        method.__code__ = _falling_back(code)

    vars(function).setdefault("twins", []).append(renew)  # for `codegen_forward.refresh_function`
    return method


def _falling_back(code: CodeType) -> CodeType:
    other = {"apply": "apply_or_yield", "apply_constant": "apply_constant_or_yield"}
    return code.replace(co_names=tuple(other.get(name, name) for name in code.co_names))


def _apply_or_yield(primitive: Primitive, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    try:
        return apply(primitive, args, settings)
    except TypeError:
        return _left_to_other(primitive, args)


def _apply_constant_or_yield(
    primitive: Primitive, args: tuple[Any, ...], settings: dict[str, Any]
) -> Any:
    try:
        return apply_constant(primitive, args, settings)
    except TypeError:
        return _left_to_other(primitive, args)


def _left_to_other(primitive: Primitive, args: tuple[Any, ...]) -> Any:
    """NotImplemented if the second operand can be asked, else the error that is being handled.

    Arrays of other libraries and Python's own classes are not asked: they would answer with an error that says less,
    or, as lists do, with something else. Lists and tuples are arrays here, as to NumPy's operators.
    """
    operand_type = type(args[-1])
    if operand_type is Batched:
        return NotImplemented  # of a sweep with many cotangents
    if operand_type in SEQUENCES and type(args[0]) is Array:
        return getattr(namespace, primitive.name)(args[0], _as_array_like(args[0], args[-1]))
    reflected = REFLECTED[primitive.name]
    if (
        operand_type is Array
        or operand_type.__module__ == "builtins"
        or issubclass(operand_type, np.ndarray | np.generic)
        or is_array(args[-1])
        or hasattr(operand_type, "__dlpack__")
        or getattr(operand_type, reflected, None) is getattr(object, reflected, None)
    ):
        raise  # what is being handled where this is called
    return NotImplemented


def _in_place(name: str) -> Callable[[Array, Any], Array]:
    function = None

    def operator(self: Array, other: Any, /) -> Array:
        nonlocal function
        if function is None:
            function = _yielding(getattr(namespace, name))
        out = function(self, other)
        if out is NotImplemented:
            return out
        if self.shape == ():
            link_of(self)  # which finds that a view of a number is a number
        if is_number(self):
            return out  # as in NumPy: the name has another number, and who else has the old one keeps it
        if out.shape != self.shape:
            raise ValueError(
                f"{name} in place: the result has shape {out.shape}, but x has shape {self.shape}, which an in-place "
                "operation keeps"
            )
        if out.dtype != self.dtype:
            if not np.can_cast(out.dtype, self.dtype, "same_kind"):
                raise TypeError(
                    f"{name} in place: a result of dtype {out.dtype} does not go into {self.dtype}"
                )
            out = namespace.astype(out, self.dtype)
        check_writable(self)
        return write(self, out)

    return operator


def _getitem(self: Array, key: Any, /) -> Array:
    if getattr(self.tape, "copies", False):
        key = copied_key(clean_key(key))
    return _getitem_function(self, key)


def _getitem_function(x: Any, key: Any) -> Any:
    global _getitem_function
    _getitem_function = function_of(find("getitem"))
    return _getitem_function(x, key)


def _setitem(self: Array, key: Any, value: Any, /) -> None:
    check_writable(self)
    key = copied_key(clean_key(key))
    if type(value) is Array and is_basic(key) and _is_part(value, self, key):
        return  # ``x[key] += v``: the view x[key] was written to already
    if type(value) not in SCALARS and type(unwrap_closed(value)) is not Array:
        value = _as_array_like(self, value)
    if is_complex(getattr(value, "dtype", type(value))) and not is_complex(self.dtype):
        raise TypeError(
            f"x[key] = v: a complex v does not go into x of dtype {self.dtype}; use pb.xp.real(v)"
        )
    write(self, function_of(find("setitem"))(_kept(self, key, value), value, key), key)


def _is_part(value: Array, x: Array, key: Any) -> bool:
    """Whether `value` is the view ``x[key]``."""
    link = link_of(value)
    if link is None or link.base is not x or link.step is None:
        return False
    return link.step.name == "getitem" and is_basic(link.step.args[0]) and link.step.args == (key,)


def _kept(x: Array, key: Any, value: Any) -> Array:
    """`x`, as a constant where a mask writes all of it over.

    Then no cotangent goes into what it was made of, which may be NaN, as in ``x[count == 0] = …``, written because x is
    0/0 there: rules would make NaN of the cotangent 0. Reading the mask costs a device no more than the array of values
    does, whose number it has to wait for.
    """
    mask = backend_array(key)
    if getattr(mask, "shape", None) != x.shape or not getattr(value, "shape", ()) or not x.size:
        return x
    if as_numpy(mask.dtype).kind != "b" or backend_of(mask).recording or type(mask) in LAZY:
        return x
    return namespace.stop_gradient(x) if bool(namespace_of(mask).all(mask)) else x


def _as_array_like(x: Array, value: Any) -> Array:
    """A list or number, NumPy's too, as an array of the library of `x`; arrays as they are."""
    home = backend_of(backend_array(x))
    if isinstance(value, np.generic) and not home.recording:
        return Array(home.asarray(value))
    if is_array(value) or home.recording or any(is_array(v) for v in tree.leaves(value)):
        return namespace.asarray(value)
    return Array(home.asarray(value))


def _iter(self: Array) -> Iterator[Array]:
    if not self.shape:
        raise TypeError("iteration over a 0-d array")
    if (
        self.ndim > 1 and type(backend_array(self)) is not np.ndarray
    ):  # the standard wants every axis named
        return (self[i, ...] for i in range(self.shape[0]))
    return (self[i] for i in range(self.shape[0]))


def _to_device(self: Array, device: Any, /, *, stream: Any = None) -> Array:
    """A copy on another device; recorded."""
    if device == self.device:
        return self
    return namespace.astype(self, self.dtype, device=device)


def install() -> None:
    """Put every operator on `Array`."""
    for symbol, name in BINARY.items():
        setattr(Array, f"__{symbol}__", _lazy(f"__{symbol}__", name))
        setattr(Array, f"__r{symbol}__", _lazy(f"__r{symbol}__", name, reflected=True))
        setattr(Array, f"__i{symbol}__", _in_place(name))
    for symbol, name in (COMPARISONS | UNARY).items():
        setattr(Array, f"__{symbol}__", _lazy(f"__{symbol}__", name))
    members: dict[str, Any] = {
        "__getitem__": _getitem,
        "__iter__": _iter,
        "__setitem__": _setitem,
        "__array_namespace__": _array_namespace,
        "to_device": _to_device,
    }
    for name, member in members.items():
        setattr(Array, name, member)


def _array_namespace(self: Array, /, *, api_version: str | None = None) -> Any:
    if api_version not in (None, *namespace.API_VERSIONS):
        raise ValueError(
            f"array API version {api_version!r}: pb.xp follows {', '.join(namespace.API_VERSIONS)}"
        )
    return namespace


install()
