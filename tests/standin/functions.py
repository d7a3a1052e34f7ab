"""The stand-in's namespaces: CuPy's names, with CuPy's signatures, over NumPy's functions.

What NumPy takes and CuPy does not is a TypeError here as there: functions bind their arguments to the signatures that
`surface.py` read from CuPy.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from . import array as arrays
from . import memory
from ._surface import FUNCTIONS, NUMPYS, REAL, SPECIAL, UFUNCS
from .array import NUMBERS, call, ndarray, quiet, unwrap, wrap
from .memory import _ndarray_base, host

cupy: Any = types.ModuleType("cupy")
linalg: Any = types.ModuleType("cupy.linalg")
fft: Any = types.ModuleType("cupy.fft")
special: Any = types.ModuleType("cupyx.scipy.special")


def as_strided(x: Any, shape: Any = None, strides: Any = None) -> Any:
    """A view with these strides, as CuPy's: nothing is checked there, and here that it stays in the memory of `x`."""
    values = unwrap(x)
    shape = values.shape if shape is None else tuple(shape)
    strides = values.strides if strides is None else tuple(strides)
    if 0 not in shape:
        steps = [(n - 1) * step for n, step in zip(shape, strides, strict=True)]
        first = values.__array_interface__["data"][0]
        low = first + sum(step for step in steps if step < 0)
        high = first + sum(step for step in steps if step > 0) + values.itemsize
        bounds = np.lib.array_utils.byte_bounds(_memory_of(values))
        assert bounds[0] <= low <= high <= bounds[1], (
            "as_strided reaches memory that is not the array's"
        )
    return wrap(np.lib.stride_tricks.as_strided(values, shape, strides))


def _memory_of(values: np.ndarray) -> np.ndarray:
    """The array that owns the memory."""
    while isinstance(values.base, np.ndarray):
        values = values.base
    return values


cupy.lib = types.ModuleType("cupy.lib")
cupy.lib.stride_tricks = types.ModuleType("cupy.lib.stride_tricks")
cupy.lib.stride_tricks.as_strided = as_strided


# ── ufuncs ────────────────────────────────────────────────────────────────────────────────────


def _operand(x: Any) -> Any:
    """An argument of a kernel: an array of CuPy's, or a number."""
    if isinstance(x, _ndarray_base):
        return arrays.operand(x)
    if isinstance(x, NUMBERS):
        return x
    raise TypeError(f"Unsupported type {type(x)}")


def _refuse_complex(name: str, given: list[Any]) -> None:
    """CuPy's error where a ufunc has no loop for complex numbers, which NumPy's or SciPy's may have."""
    if any(np.asarray(x).dtype.kind == "c" for x in given):
        raise TypeError(
            f"Wrong type ({[np.asarray(x).dtype for x in given]}) of arguments for {name}"
        )


_SCATTER = {
    "add": "add", "subtract": "sub", "maximum": "max", "minimum": "min", "bitwise_and": "and", "bitwise_or": "or",
    "bitwise_xor": "xor",
}  # fmt: skip


class ufunc:
    """A ufunc with CuPy's keywords: `out`, `dtype`, `casting`."""

    def __init__(self, name: str, on_host: Callable[..., Any], nin: int, nout: int) -> None:
        self.name, self.nin, self.nout = f"cupy_{name}", nin, nout
        self.__name__ = name
        self._on_host = on_host

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        wrong = set(kwargs) - {"out", "_where", "dtype", "casting"}
        if wrong:
            raise TypeError(f"Wrong arguments {kwargs}")
        if not self.nin <= len(args) <= self.nin + self.nout:
            raise TypeError(f"Wrong number of arguments for {self.name!r}")
        out = kwargs.pop("out", None)
        out = args[self.nin] if len(args) > self.nin else out
        if isinstance(out, tuple):
            (out,) = out
        given = [_operand(a) for a in args[: self.nin]]
        if self.__name__ in REAL["cupy"]:
            _refuse_complex(self.name, given)
        if "_where" in kwargs:
            kwargs["where"] = unwrap(kwargs.pop("_where"))
        kwargs = {k: v for k, v in kwargs.items() if v is not None}
        if out is None:
            return wrap(quiet(self._on_host, *given, **kwargs))
        if not isinstance(out, _ndarray_base):
            raise TypeError(f"Unsupported type {type(out)}")
        quiet(self._on_host, *given, out=host(out), **kwargs)
        return out

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}'>"

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        if self.__name__ not in _SCATTER:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        a._scatter_op(indices, b, _SCATTER[self.__name__])

    def outer(self, A: Any, B: Any, **kwargs: Any) -> Any:
        return self(A.reshape(A.shape + (1,) * B.ndim), B, **kwargs)

    def reduce(
        self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        if self.__name__ not in ("add", "multiply"):
            raise NotImplementedError(f"`{self.name}.reduce` is not supported yet")
        return (array.sum if self.__name__ == "add" else array.prod)(axis, dtype, out, keepdims)

    def accumulate(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        if self.__name__ not in ("add", "multiply"):
            raise NotImplementedError(f"`{self.name}.accumulate` is not supported yet")
        return (array.cumsum if self.__name__ == "add" else array.cumprod)(axis, dtype, out)


def _on_host(name: str) -> Callable[..., Any]:
    known = getattr(np, name, None)
    if isinstance(known, np.ufunc):
        return known

    def function(*args: Any, out: Any = None, **settings: Any) -> Any:
        made = (known or getattr(scipy.special, name))(*args)
        if out is None:
            return made
        out[...] = made
        return out

    return function


# ── functions ─────────────────────────────────────────────────────────────────────────────────

_SCOPE = {
    "float": float,
    "int": int,
    "float64": np.float64,
    "inf": np.inf,
    "nan": np.nan,
    "bool": bool,
}


def signature(text: str) -> inspect.Signature:
    """A signature from its text."""
    scope: dict[str, Any] = dict(_SCOPE)
    exec(f"def function{text}: ...", scope)
    return inspect.signature(scope["function"])


def _function(name: str, text: str, on_host: Callable[..., Any]) -> Callable[..., Any]:
    """A function with CuPy's signature: what is not given is left to NumPy."""
    found = signature(text)
    required = [
        p.name for p in found.parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]  # fmt: skip
    several = next((p.name for p in found.parameters.values() if p.kind is p.VAR_POSITIONAL), None)
    rest = next((p.name for p in found.parameters.values() if p.kind is p.VAR_KEYWORD), None)

    def function(*args: Any, **settings: Any) -> Any:
        given = found.bind(*args, **settings).arguments
        first = [given.pop(n) for n in required]
        if several is not None:
            first += given.pop(several, ())
        more = given.pop(rest, {}) if rest is not None else {}
        named = {k: v for k, v in given.items() if v is not found.parameters[k].default} | more
        return call(on_host, *first, **named)

    function.__name__ = function.__qualname__ = name
    function.__module__ = "cupy"
    function.__signature__ = found  # type: ignore[attr-defined]  # `inspect` reads it
    return function


def _missing(name: str) -> Callable[..., Any]:
    def function(*args: Any, **settings: Any) -> Any:
        raise NotImplementedError(f"the stand-in for CuPy has no {name}: write it in tests/standin")

    return function


# ── written out, where CuPy does otherwise than NumPy ─────────────────────────────────────────


def _is_mixed(obj: Any) -> bool:
    return isinstance(obj, list | tuple) and any(isinstance(v, _ndarray_base) or _is_mixed(v) for v in obj)  # fmt: skip


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if isinstance(obj, _ndarray_base):
        values = host(obj)
        moved = memory.ordinal(obj) != memory.DEVICES["current"]
        made = np.array(values, dtype=dtype, copy=copy or moved or None, order=order, ndmin=ndmin)
        return obj if made is values else wrap(made)
    if hasattr(obj, "__cuda_array_interface__"):
        raise TypeError("the stand-in reads no memory of a device")
    made = np.array(unwrap(obj) if _is_mixed(obj) else obj, dtype=dtype, order=order, ndmin=ndmin)
    if made.dtype.kind not in "biufc":
        raise ValueError(f"Unsupported dtype {made.dtype}")
    return wrap(made)


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return array(a, dtype=dtype, copy=bool(copy), order=order or "K")


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get(order=order, out=out) if isinstance(a, _ndarray_base) else np.asarray(a)


def _with_shape(name: str) -> Callable[..., Any]:
    """`empty_like` and its kin: `subok` is None in CuPy."""
    on_host = getattr(np, name)

    def function(
        a: Any,
        *fill: Any,
        dtype: Any = None,
        order: str = "K",
        subok: Any = None,
        shape: Any = None,
    ) -> Any:
        return wrap(
            quiet(on_host, unwrap(a), *map(unwrap, fill), dtype=dtype, order=order, shape=shape)
        )

    return function


def empty(shape=(), dtype=float, order="C"):
    made = np.empty(shape, dtype, order=order)
    made.fill(np.nan if made.dtype.kind in "fc" else 99)  # memory that nobody wrote says so
    return wrap(made)


def arange(start, stop=None, step=1, dtype=None):
    if stop is None:
        start, stop = 0, start
    return wrap(np.arange(start, stop, step, dtype=dtype))


def broadcast_to(array, shape):
    values = unwrap(array)
    shown = np.broadcast_to(values, shape)
    return wrap(np.lib.stride_tricks.as_strided(values, shown.shape, shown.strides))


def broadcast_arrays(*args):
    shape = np.broadcast_shapes(*(a.shape for a in args))
    return [broadcast_to(a, shape) for a in args]


def diagonal(a, offset=0, axis1=0, axis2=1):
    return wrap(np.diagonal(unwrap(a), offset, axis1, axis2))


def take(a, indices, axis=None, out=None):
    return call(np.take, a, indices, axis=axis, out=out, mode="wrap")


def take_along_axis(a, indices, axis):
    values, places = unwrap(a), unwrap(indices)
    n = values.size if axis is None else values.shape[axis]
    return wrap(np.take_along_axis(values, places % max(n, 1), axis))


def put(a, ind, v, mode="wrap"):
    a.reshape(-1)[ind if isinstance(ind, ndarray) else array(ind)] = v


def put_along_axis(arr, indices, values, axis):
    key = list(np.indices(indices.shape, sparse=True))
    key[axis] = host(indices)
    arr[tuple(wrap(np.broadcast_to(k, indices.shape)) for k in key)] = values


def where(condition, x=None, y=None):
    if x is None:
        return condition.nonzero()
    return wrap(np.where(_operand(condition), _operand(x), _operand(y)))


def clip(a, a_min, a_max, out=None):
    return call(np.clip, a, a_min, a_max, out=out)


def _sorted(name: str) -> Callable[..., Any]:
    def function(a, axis=-1, kind=None):
        if kind not in (None, "stable"):
            raise ValueError(f"kind can only be None or 'stable', not {kind}")
        return call(getattr(np, name), a, axis=axis, kind="stable")

    return function


def count_nonzero(a, axis=None):
    return wrap(np.asarray(np.count_nonzero(unwrap(a), axis)))


def result_type(*arrays_and_dtypes):
    return np.result_type(*(unwrap(a) for a in arrays_and_dtypes))


def copyto(dst, src, casting="same_kind", where=None):
    np.copyto(
        host(dst), _operand(src), casting=casting, where=True if where is None else unwrap(where)
    )


def from_dlpack(x, /, *, device=None, copy=None):
    if isinstance(x, _ndarray_base):
        return x.copy() if copy else x
    if device is None and copy is None:
        raise BufferError(
            "CPU arrays cannot be directly imported to CuPy. Use `cupy.array(numpy.from_dlpack(input))`"
        )
    return wrap(np.array(np.from_dlpack(x)))


def _elementwise_constant(value: Any) -> Callable[..., Any]:
    return lambda *args, **settings: value


def _concatenate(name: str) -> Callable[..., Any]:
    def function(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
        if not all(isinstance(x, _ndarray_base) for x in tup):
            raise TypeError("Only cupy arrays can be concatenated")
        return call(getattr(np, name), tuple(tup), axis=axis, out=out, dtype=dtype, casting=casting)

    return function


def convolve(a, v, mode="full"):
    """By Fourier transforms, as CuPy's: one NaN is everywhere, and small sums lose their digits."""
    x, y = host(a), host(v)
    if x.dtype.kind not in "fc" or y.dtype.kind not in "fc" or mode != "full":
        return call(np.convolve, a, v, mode=mode)
    n, dtype = x.size + y.size - 1, np.result_type(x, y)
    out = quiet(lambda: np.fft.ifft(np.fft.fft(x, n) * np.fft.fft(y, n)))
    return wrap((out if dtype.kind == "c" else out.real).astype(dtype))


WRITTEN: dict[str, Any] = {
    "convolve": convolve,
    "array": array, "asarray": asarray, "asanyarray": asarray, "asnumpy": asnumpy, "empty": empty, "arange": arange,
    "broadcast_to": broadcast_to, "broadcast_arrays": broadcast_arrays, "diagonal": diagonal, "take": take,
    "take_along_axis": take_along_axis, "put": put, "put_along_axis": put_along_axis, "where": where, "clip": clip,
    "count_nonzero": count_nonzero, "result_type": result_type, "copyto": copyto, "from_dlpack": from_dlpack,
    "sort": _sorted("sort"), "argsort": _sorted("argsort"), "concatenate": _concatenate("concatenate"),
    "concat": _concatenate("concatenate"), "stack": _concatenate("stack"),
    "can_cast": lambda from_, to, casting="safe": np.can_cast(getattr(from_, "dtype", from_), to, casting),
    "size": lambda a, axis=None: a.size if axis is None else a.shape[axis],
    "shape": lambda a: a.shape, "ndim": lambda a: a.ndim,
    "iscomplexobj": lambda x: x.dtype.kind == "c", "isrealobj": lambda x: x.dtype.kind != "c",
    "ascontiguousarray": lambda a, dtype=None: _contiguous(a, dtype, "C"),
    "asfortranarray": lambda a, dtype=None: _contiguous(a, dtype, "F"),
    "may_share_memory": lambda a, b, max_work=None: np.may_share_memory(host(a), host(b)),
    "shares_memory": lambda a, b, max_work=None: np.shares_memory(host(a), host(b)),
    "get_default_memory_pool": lambda: types.SimpleNamespace(total_bytes=lambda: 1 << 20, used_bytes=lambda: 0),
    **{name: _with_shape(name) for name in ("empty_like", "zeros_like", "ones_like", "full_like")},
}  # fmt: skip


def _contiguous(a: Any, dtype: Any, order: str) -> Any:
    values = unwrap(a)
    made = (np.ascontiguousarray if order == "C" else np.asfortranarray)(values, dtype)
    return a if made is values else wrap(made)


def _fft(name: str, text: str) -> Callable[..., Any]:
    """CuPy's: in the precision of the input, and without data points an error."""
    function = _function(name, text, getattr(np.fft, name))

    def transform(a, *args, **settings):
        axes = settings.get("axes", args[1] if len(args) > 1 else None)
        several = (a.ndim if axes is None else len(axes)) > 1  # one axis goes another way
        if name in ("fftn", "ifftn") and several and a.size == 0:
            raise ValueError("Invalid number of FFT data points (0) specified.")
        return function(a, *args, **settings)

    transform.__name__, transform.__signature__ = name, function.__signature__  # type: ignore[attr-defined]  # as above
    return (
        transform
        if name.lstrip("ir").startswith("fft") and "shift" not in name and "freq" not in name
        else function
    )


def _fill() -> None:
    for name in NUMPYS:
        if hasattr(np, name):
            setattr(cupy, name, getattr(np, name))
    for name in ("pi", "e", "inf", "nan", "newaxis", "euler_gamma"):
        setattr(cupy, name, getattr(np, name))
    for name, (nin, nout) in UFUNCS.items():
        setattr(cupy, name, ufunc(name, _on_host(name), nin, nout))
    for name, text in FUNCTIONS["cupy"].items():
        on_host = getattr(np, name, None)
        if name in WRITTEN:
            made = WRITTEN[name]
        elif on_host is None or not text:
            made = _missing(name)
        else:
            made = _function(name, text, on_host)
        setattr(cupy, name, made)
    for name, text in FUNCTIONS["cupy.fft"].items():
        setattr(fft, name, _fft(name, text))
    for name in SPECIAL:
        if hasattr(scipy.special, name):
            setattr(special, name, _special(name))
    cupy.ndarray, cupy.ufunc = ndarray, ufunc
    cupy.linalg, cupy.fft = linalg, fft
    cupy.__version__ = "14.2.0"
    cupy.__all__ = [name for name in vars(cupy) if not name.startswith("_")]


def _special(name: str) -> Callable[..., Any]:
    function = getattr(scipy.special, name)

    def call_special(*args: Any, out: Any = None, **settings: Any) -> Any:
        given = [_operand(a) for a in args]
        if name in REAL["cupyx.scipy.special"]:
            _refuse_complex(name, given)
        made = quiet(function, *given, **settings)
        if out is None:
            return wrap(made)
        host(out)[...] = made
        return out

    call_special.__name__ = name
    return call_special


_ = arrays
_fill()
