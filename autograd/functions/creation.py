"""Functions that make arrays: on the active backend, or beside their arguments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...backend import Backend, backend_of, current, is_array, resolve
from ..core.array import Array, backend_array, unwrap_closed
from ..core.defvjp import function_of
from ..core.dtypes import as_numpy
from ..core.registry import find
from .data_type import result_type


def _make(
    name: str, *args: Any, dtype: Any, device: Any, beside: Any = None, **settings: Any
) -> Array:
    """A creation function of the library of the array `beside`, or of the active backend."""
    backend = current() if beside is None else backend_of(backend_array(beside))
    backend, device = _placed(backend, device)
    home = backend.device if device is None else device
    place = {} if home is None else {"device": home}
    wanted = None if dtype is None else backend.dtype(as_numpy(dtype))
    function: Any = backend.xp
    for part in name.split("."):
        function = getattr(function, part)
    return Array(backend.normalise(function(*args, dtype=wanted, **place, **settings)))


def _placed(backend: Backend, device: Any) -> tuple[Backend, Any]:
    """The backend for a device: ``"cpu"`` is NumPy's where the active one has no such name for a place."""
    if isinstance(device, str) and device == "cpu" and backend.name == "cupy":
        return resolve("numpy"), None
    return backend, device


def _is_array(x: Any) -> bool:
    """Whether `x` is an array of some library; NumPy's scalars are numbers, at home everywhere."""
    return is_array(x) and not isinstance(x, np.generic)


def _number(x: Any) -> Any:
    """A Python number from one of NumPy's or a 0-d array."""
    x = backend_array(x)
    return backend_of(x).to_numpy(x).item() if hasattr(x, "dtype") else x


def _call(name: str, *args: Any, **settings: Any) -> Array:
    return function_of(find(name))(*args, **settings)


def asarray(
    obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None
) -> Array:
    """An array from a number, nested sequence or array.

    An array of any backend stays where it is (unless `device` says otherwise), a traced one stays traced;
    anything else goes to the active backend. Without ``copy=True``, an `Array` that is as asked for is returned
    itself, and the memory of a NumPy or CuPy array is shared: if the caller changes that, it changes here.

    Parameters
    ----------
    obj
        Array, Python number, or (nested) sequence of numbers.
    dtype, device, copy
        As in the standard.

    Returns
    -------
    Array

    Raises
    ------
    ValueError
        If ``copy=False`` cannot be done.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1, 2, 3], dtype=pb.xp.float32)
    Array([1., 2., 3.], dtype=float32, device='cpu')
    """
    if type(obj) is Array and not copy and _is_as_asked(obj, dtype, device):
        return obj
    value = unwrap_closed(obj)
    if type(value) is Array:
        if _is_as_asked(value, dtype, device):
            copied = _call("positive", value)  # which stays on the tape
            copied.link = False
            return copied
        if copy is False:
            raise ValueError(
                f"asarray(copy=False): from {value.dtype} on {value.device} to dtype={dtype}, device={device} "
                "cannot be done without a copy"
            )
        return _call("astype", value, value.dtype if dtype is None else dtype, device=device)
    if _is_array(value):
        backend = backend_of(value)
        if backend.name == "cupy" and isinstance(device, str) and device == "cpu":
            if copy is False:
                raise ValueError(
                    'asarray(copy=False): from a CUDA device to device="cpu" cannot be done without a copy'
                )
            return _make("asarray", backend.to_numpy(value), dtype=dtype, device=device)
        options = {} if device is None else {"device": device}
        wanted = None if dtype is None else backend.dtype(as_numpy(dtype))
        out = backend.xp.asarray(value, dtype=wanted, copy=copy, **options)
        return Array(backend.normalise(out))
    if isinstance(value, list | tuple):
        leaves = list(_leaves(value))
        arrays = [v for v in leaves if type(v) is Array or (_is_array(v) and not _on_host(v))]
        if arrays:
            return _stack_nested(
                value, dtype or result_type(*leaves), backend_of(backend_array(arrays[0]))
            )
    return _make("asarray", value, dtype=dtype, device=device, copy=copy)


def _is_as_asked(x: Array, dtype: Any, device: Any) -> bool:
    return (dtype is None or as_numpy(dtype) == x.dtype) and (device is None or device == x.device)


def _leaves(x: Any) -> Iterator[Any]:
    for v in x:
        if isinstance(v, list | tuple):
            yield from _leaves(v)
        else:
            yield v


def _on_host(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def _stack_nested(x: Any, dtype: Any, backend: Backend) -> Array:
    """A nested sequence with arrays in it, by `stack`, so that they stay traced and where they are."""
    items = []
    for v in x:
        if isinstance(v, list | tuple):
            items.append(_stack_nested(v, dtype, backend))
        else:
            items.append(asarray(v if _is_array(v) else Array(backend.asarray(v)), dtype=dtype))
    return _call("stack", items)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Array:
    """An array of any library that speaks DLPack (torch, JAX, …), sharing memory if it can.

    Parameters
    ----------
    x
        An object with ``__dlpack__`` and ``__dlpack_device__``. A `pullback` array stays traced.
    device
        Where to; by default where `x` is: host memory becomes NumPy's, a CUDA device's CuPy's.
    copy
        True copies, False never does.

    Returns
    -------
    Array

    Raises
    ------
    BufferError, ValueError
        If the library of `x` cannot export it so.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.xp.from_dlpack(np.asarray([1.0, 2.0]))
    Array([1., 2.], dtype=float64, device='cpu')
    """
    if type(x) is Array:
        return asarray(x, device=device, copy=copy)
    options = {k: v for k, v in (("device", device), ("copy", copy)) if v is not None}
    return Array(_importer(x, device).xp.from_dlpack(x, **options))


CPU, CUDA, CUDA_MANAGED = 1, 2, 13  # DLPack's numbers for kinds of devices


def _importer(x: Any, device: Any) -> Any:
    """The backend that takes over a DLPack export: the active one if it can reach that memory."""
    active = current()
    kind = x.__dlpack_device__()[0] if device is None else CPU if device == "cpu" else None
    if kind == CPU and active.name == "cupy":
        return resolve("numpy")
    if kind in (CUDA, CUDA_MANAGED) and active.name != "cupy":
        return resolve("cupy")
    return active


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None
) -> Array:
    """Evenly spaced numbers in a half-open interval; `start` and `step` may be 0-d arrays, traced ones too."""
    if stop is None:
        start, stop = 0, start
    first, last, by = _number(start), _number(stop), _number(step)
    arrays = [x for x in (start, stop, step) if _is_array(x)]
    if not arrays:
        return _make("arange", first, last, by, dtype=dtype, device=device)
    count = max(math.ceil((last - first) / by), 0)
    kind = result_type(start, stop, step)
    steps = _make("arange", 0, count, 1, dtype=kind, device=None, beside=arrays[0])
    return asarray(start + step * steps, dtype=dtype, device=device)


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """An array of unset values, as in the standard."""
    return _make("empty", shape, dtype=dtype, device=device)


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """An array of zeros, as in the standard."""
    return _make("zeros", shape, dtype=dtype, device=device)


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """An array of ones, as in the standard."""
    return _make("ones", shape, dtype=dtype, device=device)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None
) -> Array:
    """Ones on the k-th diagonal, as in the standard."""
    return _make("eye", n_rows, n_cols, k=k, dtype=dtype, device=device)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """An array of one value; a 0-d array may be traced, and is where the result is."""
    if _is_array(fill_value):
        return _spread(fill_value, shape, dtype, device)
    dtype = getattr(fill_value, "dtype", None) if dtype is None else dtype
    return _make("full", shape, _number(fill_value), dtype=dtype, device=device)


def _spread(value: Any, shape: Any, dtype: Any, device: Any) -> Array:
    lengths = (shape,) if isinstance(shape, int) else tuple(shape)
    # an array of its own, not a view that nobody may write to
    return asarray(
        _call("broadcast_to", asarray(value, dtype=dtype, device=device), lengths), copy=True
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
    """`num` evenly spaced numbers; the ends may be 0-d arrays, traced ones too."""
    arrays = [x for x in (start, stop) if _is_array(x)]
    if not arrays:
        ends = _number(start), _number(stop)
        return _make("linspace", *ends, num, dtype=dtype, device=device, endpoint=endpoint)
    kind = result_type(start, stop, 1.0)
    settings = {"dtype": kind, "device": None, "beside": arrays[0], "endpoint": endpoint}
    t = _make("linspace", 0.0, 1.0, num, **settings)
    return asarray((1 - t) * start + t * stop, dtype=dtype, device=device)


def _like(name: str) -> Any:
    def make(x: Any, *args: Any, dtype: Any = None, device: Any = None) -> Array:
        value = backend_array(x)
        backend = backend_of(value)
        options = {} if device is None else {"device": device}
        wanted = None if dtype is None else backend.dtype(as_numpy(dtype))
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
    if _is_array(fill_value):
        return _spread(
            fill_value,
            backend_array(x).shape,
            backend_array(x).dtype if dtype is None else dtype,
            device,
        )
    return _full_like(x, _number(fill_value), dtype=dtype, device=device)


# ── from arrays ───────────────────────────────────────────────────────────────────────────────


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of these shapes broadcast to."""
    return np.broadcast_shapes(*shapes)


def broadcast_arrays(*arrays: Any) -> tuple[Array, ...]:
    """The arrays, broadcast against one another."""
    shape = np.broadcast_shapes(*(tuple(backend_array(x).shape) for x in arrays))
    return tuple([_call("broadcast_to", x, shape) for x in arrays])


def meshgrid(*arrays: Any, indexing: str = "xy") -> tuple[Array, ...]:
    """Coordinates of the points of a grid, from one vector per axis; differentiable.

    Parameters
    ----------
    *arrays
        Vectors of lengths n₁, n₂, …, of one dtype.
    indexing : {"xy", "ij"}
        Whether the first two axes of the grid are n₂ × n₁ ("xy") or n₁ × n₂ ("ij").

    Returns
    -------
    tuple of Array
        One of the grid's shape for each vector.

    Raises
    ------
    ValueError
        If `indexing` is anything else, or an array has more than one dimension.

    Examples
    --------
    >>> import pullback as pb
    >>> x, y = pb.xp.meshgrid(pb.xp.arange(2), pb.xp.arange(3))
    >>> x.shape, y[2, 1]
    ((3, 2), Array(2, dtype=int64, device='cpu'))
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing={indexing!r} has to be 'xy' or 'ij'")
    shapes = [tuple(backend_array(x).shape) for x in arrays]
    if any(len(shape) > 1 for shape in shapes):
        raise ValueError(f"meshgrid takes vectors, not shapes {', '.join(map(str, shapes))}")
    places = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        places[:2] = 1, 0
    columns = [
        _call("reshape", x, tuple(-1 if i == place else 1 for i in range(len(arrays))))
        for x, place in zip(arrays, places, strict=True)
    ]
    shape = [1] * len(arrays)
    for x, place in zip(arrays, places, strict=True):
        shape[place] = backend_array(x).size
    # by copies, as NumPy makes them: a grid may be written to
    return tuple(
        [
            _call("tile", x, tuple(1 if i == place else n for i, n in enumerate(shape)))
            for x, place in zip(columns, places, strict=True)
        ]
    )


# ── frequencies ───────────────────────────────────────────────────────────────────────────────


def fftfreq(n: int, /, *, d: Any = 1.0, dtype: Any = None, device: Any = None) -> Array:
    """The frequencies of an `fft` of length `n` with sample spacing `d`, as in the standard."""
    return _frequencies("fftfreq", n, d, dtype, device)


def rfftfreq(n: int, /, *, d: Any = 1.0, dtype: Any = None, device: Any = None) -> Array:
    """The frequencies of an `rfft` of length `n` with sample spacing `d`, as in the standard."""
    return _frequencies("rfftfreq", n, d, dtype, device)


def _frequencies(name: str, n: int, d: Any, dtype: Any, device: Any) -> Array:
    if _is_array(d):
        kind = d.dtype if dtype is None else dtype
        return _make(f"fft.{name}", n, d=1.0, dtype=kind, device=device, beside=d) / d
    return _make(f"fft.{name}", n, d=_number(d), dtype=dtype, device=device)
