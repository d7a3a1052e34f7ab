"""Functions that make arrays or speak of dtypes: the active backend's, or their arguments'."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import backend_of, current
from ..backend import to_numpy as raw_to_numpy
from .array import ADVICE, Array, peel, raw
from .primitive import SCALARS, find, front_of


def _place(device: Any) -> dict[str, Any]:
    home = current().device if device is None else device
    return {} if home is None else {"device": home}


def _native(dtype: Any) -> Any:
    return None if dtype is None else current().dtype(dtype)


def asarray(
    obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None
) -> Array:
    """An array from a number, nested sequence or array.

    An array of any backend stays where it is (unless `device` says otherwise), a traced one stays traced;
    anything else goes to the active backend. ``copy=None`` shares memory where it can: an array that the
    caller changes afterwards changes with it.

    Parameters
    ----------
    obj
        Array, Python number, or (nested) sequence of numbers.
    dtype, device, copy
        As in the standard.

    Returns
    -------
    Array

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1, 2, 3], dtype=pb.xp.float32)
    Array([1., 2., 3.], dtype=float32, device='cpu')
    """
    value = peel(obj)
    if type(value) is Array:
        if copy is False and dtype is not None and np.dtype(dtype) != value.dtype:
            raise ValueError(
                f"asarray(copy=False): a change of dtype from {value.dtype} to {dtype} copies"
            )
        if (dtype is None or np.dtype(dtype) == value.dtype) and device is None:
            return front_of(find("positive"))(value) if copy else value
        return front_of(find("astype"))(
            value, value.dtype if dtype is None else dtype, device=device
        )
    if _is_array(value):
        backend = backend_of(value)
        options = {} if device is None else {"device": device}
        wanted = None if dtype is None else backend.dtype(dtype)
        out = backend.xp.asarray(value, dtype=wanted, copy=copy, **options)
        return Array(backend.normalise(out))
    if _holds_traced(value):
        return _stack_nested(value, dtype)
    if isinstance(value, list | tuple):
        value = _without_arrays(value)
    backend = current()
    return Array(
        backend.normalise(
            backend.xp.asarray(value, dtype=_native(dtype), copy=copy, **_place(device))
        )
    )


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic) or hasattr(x, "__array_namespace__")


def _holds_traced(x: Any) -> bool:
    return isinstance(x, list | tuple) and any(
        type(peel(v)) is Array or _holds_traced(v) for v in x
    )


def _without_arrays(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return [_without_arrays(v) for v in x]
    return raw(x)


def _stack_nested(x: Any, dtype: Any) -> Array:
    """A nested sequence with traced numbers in it, by `stack`, so that they stay traced."""
    stack = front_of(find("stack"))
    items = [
        _stack_nested(v, dtype) if isinstance(v, list | tuple) else asarray(v, dtype=dtype)
        for v in x
    ]
    return stack(items)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Array:
    """An array of any library that speaks DLPack, on the active backend, sharing memory if it can."""
    options = {k: v for k, v in (("device", device), ("copy", copy)) if v is not None}
    return Array(current().xp.from_dlpack(raw(x), **options))


def to_numpy(x: Any) -> np.ndarray:
    """The values of an array of any backend, on the host.

    Parameters
    ----------
    x
        A `pullback` array that is not traced, an array of NumPy, CuPy or another library, or a number.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    TypeError
        If `x` is traced: a gradient would be cut.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.to_numpy(pb.xp.asarray([1.0, 2.0]))
    array([1., 2.])
    """
    x = peel(x)
    if type(x) is Array:
        raise TypeError(f"to_numpy of a traced array of shape {x.shape}: {ADVICE}")
    return raw_to_numpy(x)


def _maker(name: str) -> Any:
    def make(*args: Any, dtype: Any = None, device: Any = None, **settings: Any) -> Array:
        args = tuple(raw(a) for a in args)
        backend = current()
        out = getattr(backend.xp, name)(*args, dtype=_native(dtype), **_place(device), **settings)
        return Array(backend.normalise(out))

    return make


_arange, _empty, _eye, _full, _linspace, _ones, _zeros = map(
    _maker, ("arange", "empty", "eye", "full", "linspace", "ones", "zeros")
)


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None
) -> Array:
    """Evenly spaced numbers in a half-open interval, as in the standard."""
    if stop is None:
        start, stop = 0, start
    return _arange(start, stop, step, dtype=dtype, device=device)


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """An array of unset values, as in the standard."""
    return _empty(shape, dtype=dtype, device=device)


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """An array of zeros, as in the standard."""
    return _zeros(shape, dtype=dtype, device=device)


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """An array of ones, as in the standard."""
    return _ones(shape, dtype=dtype, device=device)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None
) -> Array:
    """Ones on the k-th diagonal, as in the standard."""
    return _eye(n_rows, n_cols, k=k, dtype=dtype, device=device)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """An array of one value, which may be a traced 0-d array."""
    if type(peel(fill_value)) is Array:
        return _spread(fill_value, shape, dtype)
    value = raw(fill_value)
    value = value if type(value) in SCALARS else backend_of(value).to_numpy(value).item()
    return _full(shape, value, dtype=dtype, device=device)


def _spread(value: Any, shape: Any, dtype: Any) -> Array:
    value = value if dtype is None else front_of(find("astype"))(value, dtype)
    return front_of(find("broadcast_to"))(
        value, (shape,) if isinstance(shape, int) else tuple(shape)
    )


def linspace(
    start: Any,
    stop: Any,
    /,
    num: int,
    *,
    dtype: Any = None,
    device: Any = None,
    endpoint: bool = True,
) -> Array:
    """`num` evenly spaced numbers, as in the standard; traced ends keep their derivative."""
    if type(peel(start)) is Array or type(peel(stop)) is Array:
        t = _linspace(0.0, 1.0, num, device=device, endpoint=endpoint)
        kind = next(v.dtype for v in (peel(start), peel(stop)) if type(v) is Array)
        t = Array(backend_of(t.value).xp.astype(t.value, kind))
        out = (1 - t) * start + t * stop
        return out if dtype is None else front_of(find("astype"))(out, dtype)
    return _linspace(start, stop, num, dtype=dtype, device=device, endpoint=endpoint)


def _like(name: str) -> Any:
    def make(x: Any, *args: Any, dtype: Any = None, device: Any = None) -> Array:
        value = raw(x)
        backend = backend_of(value)
        options = {} if device is None else {"device": device}
        wanted = None if dtype is None else backend.dtype(dtype)
        return Array(
            backend.normalise(getattr(backend.xp, name)(value, *args, dtype=wanted, **options))
        )

    return make


_empty_like, _zeros_like, _ones_like, _full_like = map(
    _like, ("empty_like", "zeros_like", "ones_like", "full_like")
)


def empty_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Array:
    """Unset values in the shape of `x`, as in the standard."""
    return _empty_like(x, dtype=dtype, device=device)


def zeros_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Array:
    """Zeros in the shape of `x`, as in the standard."""
    return _zeros_like(x, dtype=dtype, device=device)


def ones_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Array:
    """Ones in the shape of `x`, as in the standard."""
    return _ones_like(x, dtype=dtype, device=device)


def full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """One value in the shape of `x`; a traced 0-d value keeps its derivative."""
    if type(peel(fill_value)) is Array:
        return _spread(fill_value, raw(x).shape, raw(x).dtype if dtype is None else dtype)
    value = raw(fill_value)
    value = value if type(value) in SCALARS else backend_of(value).to_numpy(value).item()
    return _full_like(x, value, dtype=dtype, device=device)


# ── dtypes ────────────────────────────────────────────────────────────────────────────────────


def _dtype(x: Any) -> Any:
    return x.dtype if hasattr(x, "dtype") and not isinstance(x, type | np.dtype) else np.dtype(x)


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether the standard's promotion rules allow the cast."""
    return bool(np.can_cast(_dtype(from_), np.dtype(to)))


def result_type(*arrays_and_dtypes: Any) -> np.dtype:
    """The dtype that mixing the arguments gives, as ``numpy.dtype``."""
    given = [
        x if isinstance(x, bool | int | float | complex) else _dtype(x) for x in arrays_and_dtypes
    ]
    if all(isinstance(x, bool | int | float | complex) for x in given):
        raise ValueError("result_type: at least one argument has to be an array or a dtype")
    return np.result_type(*given)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is of a kind: "bool", "integral", "real floating", "numeric", …, a dtype, or a tuple of those."""
    return bool(np.isdtype(np.dtype(dtype), kind))


def finfo(type: Any, /) -> Any:
    """Limits of a floating-point dtype."""
    return np.finfo(_dtype(type))


def iinfo(type: Any, /) -> Any:
    """Limits of an integer dtype."""
    return np.iinfo(_dtype(type))


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of these shapes broadcast to."""
    return np.broadcast_shapes(*shapes)


def broadcast_arrays(*arrays: Any) -> list[Array]:
    """The arrays, broadcast against one another."""
    shape = np.broadcast_shapes(*(tuple(raw(x).shape) for x in arrays))
    broadcast_to = front_of(find("broadcast_to"))
    return [broadcast_to(x, shape) for x in arrays]
