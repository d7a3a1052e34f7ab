"""Operators and products of `Batched`, arrays with a leading axis that functions of one row do not see.

`vmap.py` runs functions on them. `sweep.py` runs rules on them: a rule that is written for one cotangent pulls k of
them back in one call. The functions are in `namespace.py`; they compute with `Batched` without a level, whose operators
act on the values. An operator of a `Batched` with a level calls the function of its name, which removes the level.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

from ...core.array import Array
from ...core.cotangents import as_constant
from ...core.levels.batched import Batched
from ...core.namespaces import NAMESPACES, namespace_of
from ...core.tracer_like import TRACERS


def row_key(key: Any) -> tuple[Any, ...]:
    """A basic key of each as one of all."""
    return (slice(None), *(key if type(key) is tuple else (key,)))


# ── shapes that broadcast ─────────────────────────────────────────────────────────────────────


def batch_size(parts: Iterable[Any]) -> int | None:
    """k of the first that is batched, at any depth of lists; None if there is none."""
    for part in parts:
        if type(part) is Batched:
            return int(part.value.shape[0])
        if isinstance(part, list | tuple):
            size = batch_size(part)
            if size is not None:
                return size
    return None


def values_of(args: Iterable[Any]) -> list[Any]:
    """The values inside; as Arrays if one of them is, since libraries differ in ``raw * Array``."""
    values = [x.value if type(x) is Batched else x for x in args]
    types = {type(v) for v in values}
    if Array in types:
        return [as_constant(v) for v in values]
    recorded = next((v for v in values if type(v) in TRACERS), None) if types & TRACERS else None
    # a plain constant next to a tracer would choose the namespace that records nothing
    if recorded is not None:
        return [recorded.as_tracer(v) if hasattr(v, "shape") else v for v in values]
    return values


def aligned(args: Iterable[Any], ndim: int = 0) -> list[Any]:
    """The values, with axes of length 1 behind the leading one where shapes of fewer axes broadcast."""
    args = list(args)
    for x in args:
        if type(x) in _NUMBERS:
            continue
        count = len(x.value.shape) - 1 if type(x) is Batched else getattr(x, "ndim", 0)
        ndim = max(ndim, count)
    values = values_of(args)
    for i, x in enumerate(args):
        if type(x) is Batched and len(x.value.shape) <= ndim:
            v = values[i]
            shape = (v.shape[0], *(1,) * (ndim + 1 - len(v.shape)), *v.shape[1:])
            values[i] = namespace_of(v).reshape(v, shape)
    return values


_NUMBERS = frozenset((bool, int, float, complex, type(None)))


def spread_rows(x: Any, k: int) -> Any:
    """(k, *shape) of `x`, repeated if it is the same for all."""
    if type(x) is Batched:
        return x.value
    return namespace_of(x).broadcast_to(x, (k, *x.shape))


_NAMES = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "pow", "mod": "remainder",
    "floordiv": "floor_divide", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
    "neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert",
}  # fmt: skip
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
_UNARY = ("neg", "pos", "abs", "invert")


def _binary(symbol: str, *, reflected: bool = False) -> Callable[..., Any]:
    direct, name = getattr(operator, f"__{symbol}__"), _NAMES[symbol]

    def method(self: Batched, other: Any) -> Any:
        pair = (other, self) if reflected else (self, other)
        if self.level is None:
            return Batched(direct(*aligned(pair)))
        if type(other) is Array:
            # the operators of `Array` find out which is newer
            return NotImplemented
        return getattr(NAMESPACES[Batched], name)(*pair)

    return method


def _unary(symbol: str) -> Callable[..., Any]:
    direct, name = getattr(operator, f"__{symbol}__"), _NAMES[symbol]

    def method(self: Batched) -> Any:
        if self.level is None:
            return Batched(direct(self.value))
        return getattr(NAMESPACES[Batched], name)(self)

    return method


def _in_place_add(self: Batched, other: Any) -> Any:
    """Add in place where that is possible: the sweep adds to buffers of its own."""
    value = other.value if type(other) is Batched else None
    if (
        self.level is not None
        or Array in (type(self.value), type(value))
        or value is None
        or value.shape != self.value.shape
    ):
        return self + other
    self.value += value
    return self


def _matmul(self: Batched, other: Any) -> Any:
    if self.level is None:
        return matmul(self, other)
    return NotImplemented if type(other) is Array else NAMESPACES[Batched].matmul(self, other)


def _rmatmul(self: Batched, other: Any) -> Any:
    return matmul(other, self) if self.level is None else NAMESPACES[Batched].matmul(other, self)


def _install() -> None:
    for symbol in _NAMES:
        if symbol in _UNARY:
            setattr(Batched, f"__{symbol}__", _unary(symbol))
            continue
        setattr(Batched, f"__{symbol}__", _binary(symbol))
        if symbol not in _COMPARISONS:
            setattr(Batched, f"__r{symbol}__", _binary(symbol, reflected=True))
    members: dict[str, Any] = {
        "__iadd__": _in_place_add,
        "__matmul__": _matmul,
        "__rmatmul__": _rmatmul,
    }
    for name, member in members.items():
        setattr(Batched, name, member)


_install()

# ── matrix products ───────────────────────────────────────────────────────────────────────────

# The number of multiplications in each of k products below which one large product is faster. Measured.
SMALL = 1 << 12


def matmul(a: Any, b: Any) -> Any:
    """``a @ b`` of each; where one factor is the same for all, one product of larger matrices."""
    if not (a.ndim and b.ndim):
        raise ValueError(
            f"matmul: arrays of at least one axis are needed, not shapes {tuple(a.shape)} and {tuple(b.shape)}; "
            "multiply by a number with *"
        )
    if a.ndim == 1 or b.ndim == 1:
        return _with_vectors(a, b)
    if type(b) is not Batched and b.ndim == 2:
        return Batched(_rows_times(*values_of((a, b))))
    if type(a) is not Batched and a.ndim == b.ndim == 2:
        x, y = values_of((a, b))
        if a.shape[0] * a.shape[1] * b.shape[1] < SMALL:
            return Batched(_times_columns(x, y))
        return Batched(x @ y)
    x, y = aligned((a, b))
    return Batched(x @ y)


def _rows_times(a: Any, b: Any) -> Any:
    """(k, …, n, p) @ (p, m), the rows of all matrices as those of one."""
    xp = namespace_of(a)
    rows = xp.reshape(a, (math.prod(a.shape[:-1]), a.shape[-1]))
    return xp.reshape(rows @ b, (*a.shape[:-1], b.shape[-1]))


def _times_columns(a: Any, b: Any) -> Any:
    """(n, p) @ (k, p, m), the columns of all matrices as those of one."""
    xp = namespace_of(b)
    k, p, m = b.shape
    columns = xp.reshape(xp.permute_dims(b, (1, 0, 2)), (p, k * m))
    out = xp.reshape(a @ columns, (a.shape[0], k, m))
    return xp.permute_dims(out, (1, 0, 2))


def _with_vectors(a: Any, b: Any) -> Any:
    """Products with vectors, which stand for a row on the left and for a column on the right."""
    xp = NAMESPACES[Batched]
    row, column = a.ndim == 1, b.ndim == 1
    out = matmul(
        xp.expand_dims(a, axis=0) if row else a, xp.expand_dims(b, axis=1) if column else b
    )
    axes = (-2,) * row + (-1,) * column
    return xp.squeeze(out, axis=axes)
