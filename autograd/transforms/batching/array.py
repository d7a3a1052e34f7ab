"""Many cotangents in one sweep: an array with a leading axis that rules do not see.

A rule is written for one cotangent. `Batched` holds k of them, (k, …), and shows the shape of one; its operators, and
the functions of its namespace (`functions.py`), compute on all k at once. So the rules as they stand pull k
cotangents back in one call (as `vmap` does in JAX; here it is only for the sweep). `sweep.py` runs it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...core.array import Array
from ...core.cotangents import as_constant
from ...core.namespaces import NAMESPACES, namespace_of
from ...core.tracer_like import TRACERS


class Batched:
    """k arrays of one shape, shown as one of them; what it is combined with is the same for all.

    Attributes
    ----------
    value
        Of shape (k, *shape): the backend's array, or an `Array` under nested differentiation.
    """

    __slots__ = ("value",)
    __array_ufunc__ = None  # an operator of NumPy's and CuPy's arrays leaves the work to this class
    __hash__ = None  # type: ignore[assignment]  # == is elementwise

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of each."""
        return tuple(self.value.shape)[1:]

    @property
    def ndim(self) -> int:
        """The number of axes of each."""
        return len(self.value.shape) - 1

    @property
    def size(self) -> int:
        """The number of elements of each."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        """The dtype of all."""
        return self.value.dtype

    @property
    def device(self) -> Any:
        """The device of all of them."""
        return getattr(self.value, "device", "cpu")

    @property
    def mT(self) -> Batched:
        """The last two axes swapped."""
        return Batched(namespace_of(self.value).matrix_transpose(self.value))

    def __repr__(self) -> str:
        return f"<Batched, {self.value.shape[0]} of shape {self.shape}>"

    def __bool__(self) -> bool:
        raise TypeError("a rule asks for the truth of a value, which differs from row to row")

    def __getitem__(self, key: Any) -> Batched:
        return NAMESPACES[Batched].getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write in place, at a basic key: the sweep adds to buffers of its own."""
        self.value[row_key(key)] = value.value if type(value) is Batched else value

    def __iadd__(self, other: Any) -> Batched:
        """Add in place where that is possible: the sweep adds to buffers of its own."""
        value = other.value if type(other) is Batched else None
        if (
            Array in (type(self.value), type(value))
            or value is None
            or value.shape != self.value.shape
        ):
            return self + other
        self.value += value
        return self

    def __matmul__(self, other: Any) -> Batched:
        return matmul(self, other)

    def __rmatmul__(self, other: Any) -> Batched:
        return matmul(other, self)


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
    if any(type(v) is Array for v in values):
        return [as_constant(v) for v in values]
    recorded = next((v for v in values if type(v) in TRACERS), None)
    # a plain constant next to a tracer would choose the namespace that records nothing
    if recorded is not None:
        return [recorded.as_tracer(v) if hasattr(v, "shape") else v for v in values]
    return values


def aligned(args: Iterable[Any], ndim: int = 0) -> list[Any]:
    """The values, with axes of length 1 behind the leading one where shapes of fewer axes broadcast."""
    args = list(args)
    ndim = max(ndim, max((x.ndim for x in args if hasattr(x, "ndim")), default=0))
    values = values_of(args)
    for i, x in enumerate(args):
        if type(x) is Batched and x.ndim < ndim:
            v = values[i]
            shape = (v.shape[0], *(1,) * (ndim - x.ndim), *v.shape[1:])
            values[i] = namespace_of(v).reshape(v, shape)
    return values


def spread_rows(x: Any, k: int) -> Any:
    """(k, *shape) of `x`, repeated if it is the same for all."""
    if type(x) is Batched:
        return x.value
    return namespace_of(x).broadcast_to(x, (k, *x.shape))


def _operators() -> Iterator[tuple[str, Callable[..., Any]]]:
    def binary(f: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda a, b: Batched(f(*aligned((a, b))))

    def reflected(f: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda b, a: Batched(f(*aligned((a, b))))

    def unary(f: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda a: Batched(f(a.value))

    for name in ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv", "and", "or", "xor"):
        f = getattr(operator, f"__{name}__")
        yield f"__{name}__", binary(f)
        yield f"__r{name}__", reflected(f)
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        yield f"__{name}__", binary(getattr(operator, f"__{name}__"))
    for name in ("neg", "pos", "abs", "invert"):
        yield f"__{name}__", unary(getattr(operator, f"__{name}__"))


for _name, _operator in _operators():
    setattr(Batched, _name, _operator)

# ── matrix products ───────────────────────────────────────────────────────────────────────────

# Multiplications in each of k products below which one large product is faster than k of them. Measured.
SMALL = 1 << 12


def matmul(a: Any, b: Any) -> Any:
    """``a @ b`` of each; where one factor is the same for all, one product of larger matrices."""
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
