"""The functions that run on all rows at once: in groups by name, and those that rearrange.

Shapes and axes are those of one row; each function here shifts them behind the leading axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import signatures
from ...core.levels.batched import Batched
from ...core.namespaces import namespace_of
from ...core.registry import find
from .array import aligned, batch_size, spread_rows, values_of
from .rows import plain, row_by_row

# ── groups by name ────────────────────────────────────────────────────────────────────────────

# Elementwise: shapes broadcast behind the leading axis.
ELEMENTWISE = (
    signatures.UNARY
    | signatures.HIDDEN_ELEMENTWISE
    | frozenset(
        """abs add angle atan2 bitwise_and bitwise_invert bitwise_or bitwise_xor clip conj copysign divide equal
    floor_divide greater greater_equal hypot imag isfinite isinf isnan less less_equal logaddexp logical_and
    logical_not logical_or logical_xor maximum minimum multiply nextafter not_equal pow real
    bitwise_left_shift bitwise_right_shift divide_where_separated remainder signbit sinc sinc_derivative subtract
    where""".split()  # noqa: SIM905 - a table
    )
)
# Over any number of axes, all of them by default.
REDUCTIONS = frozenset(
    """all any count_nonzero flip linalg.vector_norm logsumexp max mean min prod std sum var""".split()  # noqa: SIM905 - a table
)
# Along one axis or several, which are named or counted from the end.
ALONG = frozenset(
    """all_gather argmax argmin argsort cumulative_prod cumulative_sum expand_dims fft.fft fft.hfft fft.ifft fft.ihfft
    fft.irfft fft.rfft log_softmax reduce_scatter softmax sort squeeze""".split()  # noqa: SIM905 - a table
)
# Along axes named in `axes`.
ALONG_AXES = frozenset(
    ("fft.fftn", "fft.fftshift", "fft.ifftn", "fft.ifftshift", "fft.irfftn", "fft.rfftn")
)
# Functions of one array, or of its last axes, for any number of leading axes.
DIRECT = frozenset(
    """all_reduce asarray astype broadcast_from collect_cotangents copy expm linalg.cholesky linalg.det linalg.diagonal
    linalg.eig linalg.eigh linalg.eigvals linalg.eigvalsh linalg.inv linalg.matrix_norm
    linalg.matrix_power linalg.matrix_rank linalg.matrix_transpose linalg.pinv linalg.qr
    linalg.slogdet linalg.svd linalg.svdvals linalg.trace logm matrix_transpose ones_like polar reduce_to sqrtm
    stop_gradient to_device tril triu zeros_like""".split()  # noqa: SIM905 - a table
)
OF_MATRICES = frozenset(
    name
    for name in DIRECT
    if name.startswith("linalg.") or name in ("expm", "matrix_transpose", "polar", "tril", "triu")
)
# Of an array that only says which library and device the result is of: it is the same for all rows.
ON_DEVICE_OF = frozenset(("arange_like", "zeros_on_device_of"))


def shifted(axis: Any, ndim: int) -> Any:
    """Axes of each, which has `ndim`, as axes of all: those counted from the end stay.

    One that a row does not have is an error, as without vmap; -ndim - 1 would be the axis of the rows.
    """
    if isinstance(axis, tuple | list):
        return tuple(shifted(a, ndim) for a in axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis + 1 if axis >= 0 else axis


def wrapped(out: Any) -> Any:
    """The results of a function as `Batched`."""
    if isinstance(out, tuple | list):
        parts = [Batched(o) for o in out]
        return out._make(parts) if hasattr(out, "_make") else type(out)(parts)
    return Batched(out)


def _elementwise(name: str) -> Callable[..., Any]:
    def call(*args: Any, **settings: Any) -> Any:
        values = aligned([*args, *settings.values()])
        chosen = dict(zip(settings, values[len(args) :], strict=True))
        return wrapped(plain(name, values)(*values[: len(args)], **chosen))

    return call


def _reduction(name: str) -> Callable[..., Any]:
    def call(x: Batched, *, axis: Any = None, **settings: Any) -> Any:
        if axis is None:
            axis = tuple(range(1, x.ndim + 1))
        elif not x.ndim:  # libraries let numbers have an axis, 0 or -1
            return row_by_row(name)(x, axis=axis, **settings)
        else:
            axis = shifted(axis, x.ndim)
        return Batched(plain(name, [x.value])(x.value, axis=axis, **settings))

    return call


def _along(name: str) -> Callable[..., Any]:
    default = (
        find(name).signature.parameters["axis"].default if name in signatures.DIFFERENTIABLE else -1
    )

    def call(x: Batched, axis: Any = default, **settings: Any) -> Any:
        # without an axis: along all elements, in the order of their indices
        if axis is None:
            flat = _reshape(x, (x.size,))
            out = call(flat, 0, **settings)
            if name in ("log_softmax", "softmax"):
                return _reshape(out, x.shape)
            return _reshape(out, (1,) * x.ndim) if settings.get("keepdims") else out
        if not x.ndim and name != "expand_dims":
            return row_by_row(name)(x, axis=axis, **settings)
        new = (len(axis) if isinstance(axis, tuple | list) else 1) if name == "expand_dims" else 0
        axis = shifted(axis, x.ndim + new)
        return Batched(plain(name, [x.value])(x.value, axis=axis, **settings))

    return call


def _along_axes(name: str) -> Callable[..., Any]:
    def call(x: Batched, *, axes: Any = None, **settings: Any) -> Any:
        lengths = settings.get("s")
        if axes is None:
            count = x.ndim if lengths is None else len(lengths)
            axes = tuple(range(x.ndim - count, x.ndim))
        return Batched(plain(name, [x.value])(x.value, axes=shifted(axes, x.ndim), **settings))

    return call


def _direct(name: str) -> Callable[..., Any]:
    def call(x: Any, *args: Any, **settings: Any) -> Any:
        if batch_size((args, settings.values())) is not None:
            return row_by_row(name)(x, *args, **settings)
        if name in OF_MATRICES and x.ndim < 2:  # rows would stand for those of a matrix
            return row_by_row(name)(x, *args, **settings)
        return wrapped(plain(name, [x.value])(x.value, *args, **settings))

    return call


def _on_device_of(name: str) -> Callable[..., Any]:
    def call(what: Any, x: Batched) -> Any:
        return plain(name, [x.value])(what, x.value)

    return call


# ── functions that rearrange ──────────────────────────────────────────────────────────────────


def _reshape(x: Batched, shape: tuple[int, ...], *, copy: Any = None) -> Batched:
    shape = shape if isinstance(shape, tuple) else (shape,)
    # NumPy cannot find the length of −1 where there are no rows
    if -1 in shape:
        known = math.prod(n for n in shape if n != -1)
        shape = tuple((x.size // known if known else 0) if n == -1 else n for n in shape)
    return Batched(namespace_of(x.value).reshape(x.value, (x.value.shape[0], *shape)))


def _broadcast_to(x: Batched, shape: tuple[int, ...]) -> Batched:
    (value,) = aligned((x,), len(shape))
    return Batched(namespace_of(value).broadcast_to(value, (value.shape[0], *shape)))


def _permute_dims(x: Batched, axes: tuple[int, ...]) -> Batched:
    axes = tuple(a % (x.ndim + 1) for a in shifted(axes, x.ndim))
    return Batched(namespace_of(x.value).permute_dims(x.value, (0, *axes)))


def _moveaxis(x: Batched, source: Any, destination: Any) -> Batched:
    value = namespace_of(x.value).moveaxis(
        x.value, shifted(source, x.ndim), shifted(destination, x.ndim)
    )
    return Batched(value)


def _roll(x: Any, shift: Any, *, axis: Any = None) -> Batched:
    if batch_size(shift if isinstance(shift, tuple | list) else (shift,)) is not None:
        return row_by_row("roll")(x, shift, axis=axis)
    if axis is None:
        return _reshape(_roll(_reshape(x, (x.size,)), shift, axis=0), x.shape)
    return Batched(namespace_of(x.value).roll(x.value, shift, axis=shifted(axis, x.ndim)))


def _concat(arrays: list[Any], *, axis: int | None = 0) -> Batched:
    k = batch_size(arrays) or 0
    values = values_of([Batched(spread_rows(x, k)) for x in arrays])
    xp = namespace_of(values[0])
    if axis is None:
        return Batched(xp.concat([xp.reshape(v, (k, -1)) for v in values], axis=1))
    return Batched(xp.concat(values, axis=shifted(axis, len(values[0].shape) - 1)))


def _stack(arrays: list[Any], *, axis: int = 0) -> Batched:
    k = batch_size(arrays) or 0
    values = values_of([Batched(spread_rows(x, k)) for x in arrays])
    return Batched(namespace_of(values[0]).stack(values, axis=shifted(axis, len(values[0].shape))))


def _unchanged(name: str) -> Callable[..., Any]:
    """`kink` and `separate`: the first argument, with a statement about its derivative by the second."""

    def call(x1: Any, x2: Any) -> Any:
        if type(x1) is not Batched:
            x1 = Batched(spread_rows(x1, batch_size((x2,)) or 0))
        values = aligned((x1, x2))
        return Batched(plain(name, values)(*values))

    return call


def _over_axis(name: str) -> Callable[..., Any]:
    """`vecdot` and `linalg.cross`: the axis is one of the shapes after broadcasting."""

    def call(x1: Any, x2: Any, *, axis: int = -1) -> Batched:
        ndims = [len(x.shape) for x in (x1, x2)]
        if not min(ndims):
            return row_by_row(name)(x1, x2, axis=axis)
        values = aligned((x1, x2))
        return Batched(plain(name, values)(*values, axis=shifted(axis, max(ndims))))

    return call


def _varied(x1: Any, x2: Any, *, axis: Any = None) -> Batched:
    """The first argument, with a statement about its derivative by the second along an axis."""
    k, ndim = batch_size((x1, x2)) or 0, x2.ndim
    axis = tuple(range(1, ndim + 1)) if axis is None else shifted(axis, ndim)
    rows = values_of([Batched(spread_rows(x, k)) for x in (x1, x2)])
    return Batched(plain("varied", rows)(*rows, axis=axis))


def _repeat(x: Any, repeats: Any, *, axis: int | None = None) -> Batched:
    if batch_size((repeats,)) is not None:
        raise TypeError(
            "repeat under vmap: counts that differ from row to row would give rows of different lengths; pass the "
            "counts with in_axes=None"
        )
    if axis is None:
        return _repeat(_reshape(x, (x.size,)), repeats, axis=0)
    return Batched(plain("repeat", [x.value])(x.value, repeats, axis=shifted(axis, x.ndim)))


def _tile(x: Batched, repetitions: Any) -> Batched:
    counts = tuple(repetitions) if isinstance(repetitions, tuple | list) else (repetitions,)
    (value,) = aligned((x,), len(counts))
    counts = (1,) * (len(value.shape) - len(counts)) + counts
    return Batched(plain("tile", [value])(value, counts))


def _searchsorted(x1: Any, x2: Any, *, side: str = "left", sorter: Any = None) -> Batched:
    if batch_size((x1, sorter)) is not None:
        return row_by_row("searchsorted")(x1, x2, side=side, sorter=sorter)
    x1, value = values_of((x1, x2))
    xp = namespace_of(value)
    found = xp.searchsorted(x1, xp.reshape(value, (-1,)), side=side, sorter=sorter)
    return Batched(xp.reshape(found, value.shape))


def _isin(x1: Any, x2: Any, *, invert: bool = False) -> Batched:
    if batch_size((x2,)) is not None:
        return row_by_row("isin")(x1, x2, invert=invert)
    values = values_of((x1, x2))
    return Batched(plain("isin", values)(*values, invert=invert))


def _shapes_differ(name: str) -> Callable[..., Any]:
    """A function whose result has a shape that depends on values."""

    def call(*_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{name} under vmap: the shape of its result depends on values, which differ from row to row; use "
            "pb.xp.where(condition, …), or pb.xp.sort, which keep the shape"
        )

    return call


DIFFERENT_SHAPES = frozenset(
    ("nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values")
)
REARRANGEMENTS: dict[str, Callable[..., Any]] = {
    "broadcast_to": _broadcast_to, "concat": _concat, "isin": _isin, "kink": _unchanged("kink"),
    "linalg.cross": _over_axis("linalg.cross"), "moveaxis": _moveaxis, "permute_dims": _permute_dims,
    "repeat": _repeat, "reshape": _reshape, "roll": _roll, "searchsorted": _searchsorted,
    "separate": _unchanged("separate"), "stack": _stack, "tile": _tile, "varied": _varied,
    "vecdot": _over_axis("vecdot"), **{name: _shapes_differ(name) for name in DIFFERENT_SHAPES},
}  # fmt: skip
GROUPS = (
    (ELEMENTWISE, _elementwise), (REDUCTIONS, _reduction), (ALONG, _along), (ALONG_AXES, _along_axes),
    (DIRECT, _direct), (ON_DEVICE_OF, _on_device_of),
)  # fmt: skip


def elementwise(name: str) -> Callable[..., Any]:
    """The version of a function whose arguments broadcast."""
    return _elementwise(name)
