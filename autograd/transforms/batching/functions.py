"""The functions that rules call, on `Batched` arrays: the table of what runs on all rows at once.

Every function that is not in the table is called for each row, and the results are stacked: right for all, and slow
only for those. Calls without a batched argument go to the namespace of the values, unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ....backend import extend
from ...core import signatures
from ...core.array import Array, backend_array
from ...core.index_keys import clean_key, is_basic
from ...core.namespaces import NAMESPACES, namespace_of
from ...core.registry import REGISTRY
from .array import Batched, aligned, batch_size, matmul, row_key, spread_rows, values_of

# ── by sorts of names ─────────────────────────────────────────────────────────────────────────

# Elementwise: shapes broadcast behind the leading axis.
ELEMENTWISE = (
    signatures.UNARY
    | signatures.HIDDEN_ELEMENTWISE
    | frozenset(
        """abs add angle atan2 bitwise_and bitwise_invert bitwise_or bitwise_xor clip conj copysign divide equal
    floor_divide greater greater_equal hypot imag isfinite isinf isnan less less_equal logaddexp logical_and
    logical_not logical_or logical_xor maximum minimum multiply nextafter not_equal pow real
    remainder signbit sinc sinc_derivative subtract where""".split()  # noqa: SIM905 - a table
    )
)
# Over any number of axes, all of them by default.
REDUCTIONS = frozenset(
    """all any count_nonzero flip linalg.vector_norm logsumexp max mean min prod std sum var""".split()  # noqa: SIM905 - a table
)
# Along one axis or several, which are named or counted from the end.
ALONG = frozenset(
    """argmax argmin cumulative_prod cumulative_sum expand_dims fft.fft fft.hfft fft.ifft fft.ihfft fft.irfft fft.rfft
    log_softmax softmax squeeze""".split()  # noqa: SIM905 - a table
)
# Along axes named in `axes`.
ALONG_AXES = frozenset(("fft.fftn", "fft.fftshift", "fft.ifftn", "fft.ifftshift"))
# Of one array, or on the last axes of one array, whatever stands before them.
DIRECT = frozenset(
    """astype copy expm linalg.cholesky linalg.det linalg.diagonal linalg.eig linalg.eigh linalg.eigvals
    linalg.eigvalsh linalg.inv linalg.matrix_norm linalg.matrix_power linalg.matrix_transpose linalg.pinv linalg.qr
    linalg.slogdet linalg.svd linalg.svdvals linalg.trace matrix_transpose ones_like polar stop_gradient to_device tril
    triu zeros_like""".split()  # noqa: SIM905 - a table
)
# Of an array that only says which library and device the result is of: it is the same for all rows.
ON_DEVICE_OF = frozenset(("arange_like", "zeros_on_device_of"))


def _shifted(axis: Any) -> Any:
    """Axes of each as axes of all: those counted from the end stay."""
    if isinstance(axis, tuple | list):
        return tuple(a + 1 if a >= 0 else a for a in axis)
    return axis + 1 if axis >= 0 else axis


def _wrapped(out: Any) -> Any:
    if isinstance(out, tuple | list):
        parts = [Batched(o) for o in out]
        return out._make(parts) if hasattr(out, "_make") else type(out)(parts)
    return Batched(out)


def _elementwise(name: str) -> Callable[..., Any]:
    def call(*args: Any, **settings: Any) -> Any:
        values = aligned([*args, *settings.values()])
        chosen = dict(zip(settings, values[len(args) :], strict=True))
        return Batched(_plain(name, values)(*values[: len(args)], **chosen))

    return call


def _reduction(name: str) -> Callable[..., Any]:
    def call(x: Batched, *, axis: Any = None, **settings: Any) -> Any:
        axis = tuple(range(1, x.ndim + 1)) if axis is None else _shifted(axis)
        return Batched(_plain(name, [x.value])(x.value, axis=axis, **settings))

    return call


def _along(name: str) -> Callable[..., Any]:
    def call(x: Batched, axis: Any = ..., **settings: Any) -> Any:
        if axis is ...:
            return _row_by_row(name)(x, **settings)
        if axis is None:
            return _row_by_row(name)(x, axis=None, **settings)
        return Batched(_plain(name, [x.value])(x.value, axis=_shifted(axis), **settings))

    return call


def _along_axes(name: str) -> Callable[..., Any]:
    def call(x: Batched, *, axes: Any = None, **settings: Any) -> Any:
        axes = tuple(range(1, x.ndim + 1)) if axes is None else _shifted(axes)
        if settings.get("s") is not None:
            return _row_by_row(name)(x, axes=axes, **settings)
        return Batched(_plain(name, [x.value])(x.value, axes=axes, **settings))

    return call


def _direct(name: str) -> Callable[..., Any]:
    def call(x: Any, *args: Any, **settings: Any) -> Any:
        if batch_size((args, settings.values())) is not None:
            return _row_by_row(name)(x, *args, **settings)
        return _wrapped(_plain(name, [x.value])(x.value, *args, **settings))

    return call


def _on_device_of(name: str) -> Callable[..., Any]:
    def call(what: Any, x: Batched) -> Any:
        return _plain(name, [x.value])(what, x.value)

    return call


def _row_by_row(name: str) -> Callable[..., Any]:
    """The version that is right for every function: a call for each row."""

    def call(*args: Any, **settings: Any) -> Any:
        k = batch_size((args, settings.values())) or 0
        rows = []
        for i in range(k):
            values = _row(args, i)
            chosen = {key: _row(value, i) for key, value in settings.items()}
            rows.append(_plain(name, [*values, *chosen.values()])(*values, **chosen))
        return _stacked(rows)

    return call


def _row(x: Any, i: int) -> Any:
    if type(x) is Batched:
        return namespace_of(x.value).getitem(x.value, (i, ...))
    if type(x) in (list, tuple):
        return type(x)(_row(part, i) for part in x)
    return x


def _stacked(rows: list[Any]) -> Any:
    first = rows[0]
    if isinstance(first, tuple | list):
        parts = [_stacked(list(part)) for part in zip(*rows, strict=True)]
        return first._make(parts) if hasattr(first, "_make") else type(first)(parts)
    return Batched(namespace_of(first).stack(rows, axis=0))


# ── by name ───────────────────────────────────────────────────────────────────────────────────


def _reshape(x: Batched, shape: tuple[int, ...], *, copy: Any = None) -> Batched:
    shape = shape if isinstance(shape, tuple) else (shape,)
    return Batched(namespace_of(x.value).reshape(x.value, (x.value.shape[0], *shape)))


def _broadcast_to(x: Batched, shape: tuple[int, ...]) -> Batched:
    (value,) = aligned((x,), len(shape))
    return Batched(namespace_of(value).broadcast_to(value, (value.shape[0], *shape)))


def _permute_dims(x: Batched, axes: tuple[int, ...]) -> Batched:
    axes = tuple(a % x.ndim + 1 for a in axes)
    return Batched(namespace_of(x.value).permute_dims(x.value, (0, *axes)))


def _moveaxis(x: Batched, source: Any, destination: Any) -> Batched:
    value = namespace_of(x.value).moveaxis(x.value, _shifted(source), _shifted(destination))
    return Batched(value)


def _roll(x: Batched, shift: Any, *, axis: Any = None) -> Batched:
    if axis is None:
        return _reshape(_roll(_reshape(x, (x.size,)), shift, axis=0), x.shape)
    return Batched(namespace_of(x.value).roll(x.value, shift, axis=_shifted(axis)))


def _concat(arrays: list[Any], *, axis: int | None = 0) -> Batched:
    k = batch_size(arrays) or 0
    values = values_of([Batched(spread_rows(x, k)) for x in arrays])
    xp = namespace_of(values[0])
    if axis is None:
        return Batched(xp.concat([xp.reshape(v, (k, -1)) for v in values], axis=1))
    return Batched(xp.concat(values, axis=_shifted(axis)))


def _stack(arrays: list[Any], *, axis: int = 0) -> Batched:
    k = batch_size(arrays) or 0
    values = values_of([Batched(spread_rows(x, k)) for x in arrays])
    return Batched(namespace_of(values[0]).stack(values, axis=_shifted(axis)))


def _getitem(x: Batched, key: Any) -> Batched:
    xp = namespace_of(x.value)
    if is_basic(key):
        return Batched(xp.getitem(x.value, row_key(key)))
    positions = _positions(x.shape, key, x.value)
    flat = xp.reshape(x.value, (x.value.shape[0], x.size))
    picked = xp.take(flat, _flat(positions), axis=1)
    return Batched(xp.reshape(picked, (x.value.shape[0], *positions.shape)))


def _setitem(x: Batched, value: Any, key: Any) -> Batched:
    if hasattr(value, "shape"):
        return _row_by_row("setitem")(x, value, key)
    below = backend_array(x.value)
    raw_xp = namespace_of(below)
    count = raw_xp.arange_like(math.prod(x.shape), below)
    written = raw_xp.setitem(raw_xp.reshape(count * 0, x.shape), 1, clean_key(key)) == 1
    xp = namespace_of(x.value)
    return Batched(xp.where(written, xp.full_like(x.value, value), x.value))


def _scatter_add(shape: tuple[int, ...], key: Any, values: Any) -> Batched:
    value = values.value
    xp = namespace_of(value)
    k = value.shape[0]
    if is_basic(key):
        return Batched(xp.scatter_add((k, *shape), row_key(key), value))
    below = backend_array(value)
    raw_xp, size = namespace_of(below), math.prod(shape)
    positions = _flat(_positions(shape, key, value))
    starts = raw_xp.reshape(raw_xp.arange_like(k, below) * size, (k, 1))
    every = raw_xp.reshape(starts + positions, (-1,))
    flat = xp.scatter_add((k * size,), (every,), xp.reshape(value, (-1,)))
    return Batched(xp.reshape(flat, (k, *shape)))


def _positions(shape: tuple[int, ...], key: Any, value: Any) -> Any:
    """The positions in the flattened array of the elements that a key selects, in the selection's shape."""
    below = backend_array(value)
    xp = namespace_of(below)
    every = xp.reshape(xp.arange_like(math.prod(shape), below), shape)
    return xp.getitem(every, clean_key(key))


def _flat(positions: Any) -> Any:
    return namespace_of(positions).reshape(positions, (-1,))


def _take(x: Any, indices: Any, *, axis: int | None = None) -> Batched:
    if type(indices) is Batched:
        return _row_by_row("take")(x, indices, axis=axis)
    axis = 1 if axis is None else _shifted(axis)  # without an axis, of vectors
    return Batched(namespace_of(x.value).take(x.value, indices, axis=axis))


def _take_along_axis(x: Any, indices: Any, *, axis: int = -1) -> Batched:
    k = batch_size((x, indices)) or 0
    value, row_indices = values_of((Batched(spread_rows(x, k)), Batched(spread_rows(indices, k))))
    return Batched(
        namespace_of(value).take_along_axis(value, backend_array(row_indices), axis=_shifted(axis))
    )


def _unchanged(name: str) -> Callable[..., Any]:
    """`kink` and `separate`: the first argument, about whose derivative by the second something is said."""

    def call(x1: Any, x2: Any) -> Any:
        if type(x1) is not Batched:
            return _row_by_row(name)(x1, x2)
        values = aligned((x1, x2))
        return Batched(_plain(name, values)(*values))

    return call


def _over_axis(name: str) -> Callable[..., Any]:
    """`vecdot` and `linalg.cross`: the axis is one of the shapes after broadcasting."""

    def call(x1: Any, x2: Any, *, axis: int = -1) -> Batched:
        values = aligned((x1, x2))
        return Batched(_plain(name, values)(*values, axis=_shifted(axis)))

    return call


def _tensordot(x1: Any, x2: Any, *, axes: Any = 2) -> Batched:
    both = type(x1) is Batched and type(x2) is Batched
    if both or isinstance(axes, int):
        return _row_by_row("tensordot")(x1, x2, axes=axes)
    first, second = (a if isinstance(a, tuple | list) else (a,) for a in axes)
    values = values_of((x1, x2))
    xp = namespace_of(values[0])
    if type(x1) is Batched:
        first = [a % x1.ndim + 1 for a in first]
        return Batched(xp.tensordot(*values, axes=(tuple(first), tuple(second))))
    second = [a % x2.ndim + 1 for a in second]
    out = xp.tensordot(*values, axes=(tuple(first), tuple(second)))
    return Batched(xp.moveaxis(out, x1.ndim - len(first), 0))


def _einsum(arrays: list[Any], *, subscripts: str, optimize: Any = None) -> Batched:
    inputs, _, output = subscripts.partition("->")
    label = next(c for c in _LETTERS if c not in subscripts)
    terms = [
        label + term if type(x) is Batched else term
        for x, term in zip(arrays, inputs.split(","), strict=True)
    ]
    values = values_of(arrays)
    text = f"{','.join(terms)}->{label}{output}"
    return Batched(namespace_of(values[0]).einsum(values, subscripts=text, optimize=optimize))


_LETTERS = "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba"


def _solve(a: Any, b: Any) -> Any:
    """A⁻¹ B; where A is one matrix, with the columns of all B side by side: one factorisation."""
    xp = NAMESPACES[Batched]
    if b.ndim == 1:
        return xp.squeeze(_solve(a, xp.expand_dims(b, axis=1)), axis=-1)
    if type(b) is Batched and type(a) is not Batched and a.ndim == b.ndim == 2:
        A, B = values_of((a, b))
        raw_xp = namespace_of(B)
        k, n, m = B.shape
        columns = raw_xp.reshape(raw_xp.permute_dims(B, (1, 0, 2)), (n, k * m))
        X = raw_xp.reshape(raw_xp.linalg.solve(A, columns), (n, k, m))
        return Batched(raw_xp.permute_dims(X, (1, 0, 2)))
    values = aligned((a, b))
    return Batched(namespace_of(values[0]).linalg.solve(*values))


def _solve_by(A: Any, b: Any, **settings: Any) -> Any:
    """One factor for all rows: the columns of all of them side by side."""
    xp = NAMESPACES[Batched]
    if b.ndim == 1:
        return xp.squeeze(_solve_by(A, xp.expand_dims(b, axis=1), **settings), axis=-1)
    A, B = values_of((A, b))
    raw_xp = namespace_of(B)
    k, m = B.shape[0], B.shape[-1]
    columns = raw_xp.reshape(raw_xp.moveaxis(B, 0, -2), (*B.shape[1:-1], k * m))
    X = _plain("solve_by", (A, columns))(A, columns, **settings)
    return Batched(raw_xp.moveaxis(raw_xp.reshape(X, (*X.shape[:-1], k, m)), -2, 0))


# ── the namespace ─────────────────────────────────────────────────────────────────────────────

BY_NAME: dict[str, Callable[..., Any]] = {
    "broadcast_to": _broadcast_to, "concat": _concat, "einsum": _einsum, "getitem": _getitem,
    "kink": _unchanged("kink"), "separate": _unchanged("separate"),
    "linalg.cross": _over_axis("linalg.cross"), "linalg.solve": _solve, "matmul": matmul, "moveaxis": _moveaxis,
    "permute_dims": _permute_dims, "reshape": _reshape, "roll": _roll, "scatter_add": _scatter_add,
    "setitem": _setitem, "solve_by": _solve_by, "stack": _stack, "take": _take, "take_along_axis": _take_along_axis,
    "tensordot": _tensordot, "vecdot": _over_axis("vecdot"),
}  # fmt: skip
RULES_OF_NAMES = (
    (ELEMENTWISE, _elementwise), (REDUCTIONS, _reduction), (ALONG, _along), (ALONG_AXES, _along_axes),
    (DIRECT, _direct), (ON_DEVICE_OF, _on_device_of),
)  # fmt: skip


def _batched(name: str) -> Callable[..., Any]:
    if name in BY_NAME:
        return BY_NAME[name]
    if name.startswith("special."):
        return _elementwise(name)
    return next((make for names, make in RULES_OF_NAMES if name in names), _row_by_row)(name)


def _plain(name: str, args: Any) -> Any:
    """The function of this name in the namespace of the first array among the arguments."""
    found = NAMESPACES[Array]
    for x in args:
        if isinstance(x, list | tuple) and x:
            x = x[0]
        if hasattr(x, "dtype"):
            found = namespace_of(x)
            if type(x) is Array:
                break
    if name in REGISTRY and REGISTRY[name].kernel is not None:
        return REGISTRY[name].kernel_in(found)
    for part in name.split("."):
        found = getattr(found, part)
    return found


class _Functions:
    """The namespace, or with a prefix one of its extensions."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        full = self._prefix + name
        if name.startswith("__"):
            raise AttributeError(name)
        if not self._prefix and name in ("linalg", "fft", "special"):
            found: Any = _Functions(name + ".")
        elif not callable(_plain(full, ())):
            found = _plain(full, ())  # a constant
        else:
            found = _dispatching(full)
        self.__dict__[name] = found
        return found


def _dispatching(name: str) -> Callable[..., Any]:
    batched = _batched(name)

    def call(*args: Any, **settings: Any) -> Any:
        if batch_size((args, settings.values())) is None:
            return _plain(name, args)(*args, **settings)
        return batched(*args, **settings)

    return call


def _batched_namespace() -> Any:
    """The table's functions; of what the engine has beyond the standard, the rest by its formulas in the standard.

    Libraries' own faster versions of these may rely on the shapes that they have in a rule.
    """
    functions: Any = _Functions()
    xp = extend(functions, special=lambda _: functions.special)
    tables = {*BY_NAME, *(name for names, _ in RULES_OF_NAMES for name in names)}
    for name in tables & xp.__dict__.keys():
        setattr(xp, name, getattr(functions, name))
    return xp


NAMESPACES[Batched] = _batched_namespace()
