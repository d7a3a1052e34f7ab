"""The stand-in's arrays: exactly `cupy.ndarray`'s attributes, over NumPy arrays that nobody outside can reach.

What NumPy's arrays have and CuPy's lack is missing here (``__array_namespace__``, ``__index__``, ``__contains__``,
``to_device``); ``__array__`` refuses; devices cannot be hashed; a NumPy array beside one is a TypeError; ufuncs and
reductions return arrays of no dimension, never scalars; index arrays wrap around; and of two writes to one place the
*first* wins, where NumPy's last does: CuPy promises nothing, so that whoever relies on an order is found out.
"""

from __future__ import annotations

import functools
import types
import warnings
import weakref
from typing import Any

import numpy as np

from ._surface import ATTRIBUTES
from .indices import key_of, write_at
from .memory import (
    DEVICES,
    HOST,
    ORDINAL,
    OWNER,
    SYNCHRONISATIONS,
    Device,
    Flags,
    MemoryPointer,
    _ndarray_base,
    host,
    ordinal,
)
from .operators import binary, comparison, method_of, ufunc

NUMBERS = (bool, int, float, complex, np.generic)
OWNERS: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
"""The stand-in's array of each NumPy array that owns its memory, by its `id`: a view keeps it, as CuPy's do."""


def wrap(values: Any) -> Any:
    """What NumPy returned, as the stand-in's arrays: scalars too, and what is in tuples and lists."""
    if isinstance(values, np.ndarray | np.generic):
        out = object.__new__(ndarray)
        values = np.asarray(values)
        if not values.flags.writeable:
            values = _writeable(values)
        HOST.__set__(out, values)
        ORDINAL.__set__(out, DEVICES["current"])
        if values.base is None:
            OWNERS.setdefault(id(values), out)
        OWNER.__set__(out, _owner(values.base))
        return out
    if isinstance(values, tuple):
        made = [wrap(v) for v in values]
        return type(values)(*made) if hasattr(values, "_fields") else tuple(made)
    if isinstance(values, list):
        return [wrap(v) for v in values]
    return values


def _owner(base: Any) -> Any:
    """What a view says is its base: always the same array, as CuPy's views do."""
    if base is None:
        return None
    if not isinstance(base, np.ndarray):
        return wrap(np.empty(0, np.uint8))  # memory of another library
    known = OWNERS.get(id(base))
    return wrap(base) if known is None else known


def _writeable(values: np.ndarray) -> np.ndarray:
    """The same view, open to writes: CuPy's arrays cannot be locked."""
    try:
        values.flags.writeable = True
    except ValueError:
        values = values.copy()
    return values


def operand(x: Any) -> np.ndarray:
    """The NumPy array of an array that a kernel reads.

    Raises
    ------
    ValueError
        If it lies on another device than the current one, as where devices cannot read each other's memory.
    """
    if ordinal(x) != DEVICES["current"]:
        raise ValueError(
            "Array device must be same as the current device: "
            f"array device = {ordinal(x)} while current = {DEVICES['current']}"
        )
    return host(x)


def unwrap(x: Any) -> Any:
    """An argument as NumPy takes it.

    Raises
    ------
    TypeError
        If it is a NumPy array, or an array of anything else: nothing is moved silently.
    """
    if isinstance(x, _ndarray_base):
        return operand(x)
    if isinstance(x, tuple | list):
        return type(x)(unwrap(v) for v in x)
    if isinstance(x, np.ndarray) or (hasattr(x, "dtype") and not isinstance(x, np.generic | type)):
        raise TypeError(f"Unsupported type {type(x)}")
    return x


def quiet(function: Any, *args: Any, **settings: Any) -> Any:
    """NumPy's function without its warnings of divisions by zero and overflows, which no GPU has."""
    with np.errstate(all="ignore"):
        return function(*args, **settings)


def call(function: Any, *args: Any, out: Any = None, **settings: Any) -> Any:
    """A NumPy function of the stand-in's arrays; `out` is written and returned."""
    given = [unwrap(a) for a in args]
    named = {k: unwrap(v) for k, v in settings.items()}
    if out is None:
        return wrap(quiet(function, *given, **named))
    if isinstance(out, tuple):
        (out,) = out
    quiet(function, *given, out=unwrap(out), **named)
    return out


def _read(self: Any) -> np.ndarray:
    SYNCHRONISATIONS[0] += 1
    return host(self)


class ndarray(_ndarray_base):
    """See the top of this file."""

    __slots__ = ()
    __module__ = "cupy"
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]  # that is how CuPy's is

    def __new__(
        cls,
        shape: Any,
        dtype: Any = float,
        memptr: Any = None,
        strides: Any = None,
        order: str = "C",
    ) -> Any:
        return wrap(np.empty(shape, dtype, order=order))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        return None

    def __array_finalize__(self, obj: Any) -> None:
        return None

    def __array__(self, dtype: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from .functions import cupy, special

        inout = inputs
        if "out" in kwargs:
            out = kwargs["out"]
            if len(out) != 1:
                raise ValueError("The 'out' parameter must have exactly one array value")
            inout += out
            kwargs["out"] = out[0]
        name = ufunc.__name__
        function = getattr(cupy, name, None) or getattr(special, name, None)
        if function is not None and method != "__call__":
            function = getattr(function, method, None)
        if function is None:
            return NotImplemented
        for x in inout:
            if not isinstance(x, (*NUMBERS, _ndarray_base, np.ndarray)):
                return NotImplemented
        return function(*inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from .functions import cupy

        try:
            module = functools.reduce(getattr, func.__module__.split(".")[1:], cupy)
            own = getattr(module, func.__name__)
        except AttributeError:
            return NotImplemented
        if own is func or not all(issubclass(t, ndarray | np.ndarray) for t in types):
            return NotImplemented
        return own(*args, **kwargs)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        raise AttributeError("the stand-in has no memory on a device")

    # ── conversions ──

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> Any:  # fmt: skip
        values = _read(self)
        if out is not None:
            out[...] = values
            return out
        return np.array(values, order=order)

    def set(self, arr: Any, stream: Any = None) -> None:
        host(self)[...] = arr

    def item(self, *args: Any) -> Any:
        return _read(self).item(*args)

    def tolist(self) -> Any:
        return _read(self).tolist()

    def tobytes(self, order: str = "C") -> bytes:
        return _read(self).tobytes(order)

    def __bool__(self) -> bool:
        if self.size == 0:
            warnings.warn("The truth value of an empty array is ambiguous.", DeprecationWarning, 2)
            return False
        if self.size > 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
            )
        return bool(_read(self))

    def __int__(self) -> int:
        return int(_read(self))

    def __float__(self) -> float:
        return float(_read(self))

    def __complex__(self) -> complex:
        return complex(_read(self))

    def __bytes__(self) -> bytes:
        return bytes(_read(self))

    def __repr__(self) -> str:
        return repr(_read(self))

    def __str__(self) -> str:
        return str(_read(self))

    def __format__(self, spec: str) -> str:
        return format(_read(self), spec)

    def __reduce__(self) -> Any:
        from .functions import cupy

        return cupy.array, (self.get(order="A"),)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)

    def __dlpack__(self, **settings: Any) -> Any:
        if settings.get("dl_device") not in ((1, 0), None):
            raise BufferError("the stand-in exports to the host alone")
        if settings.get("dl_device") is None:
            raise BufferError("the stand-in has no memory on a device")
        SYNCHRONISATIONS[0] += 1
        return host(self).__dlpack__()

    # ── attributes ──

    dtype = property(lambda self: host(self).dtype)
    shape = property(
        lambda self: host(self).shape,
        lambda self, shape: HOST.__set__(self, host(self).reshape(shape, copy=False)),
    )
    _shape = property(lambda self: host(self).shape)
    strides = property(lambda self: host(self).strides)
    _strides = property(lambda self: host(self).strides)
    ndim = property(lambda self: host(self).ndim)
    size = property(lambda self: host(self).size)
    itemsize = property(lambda self: host(self).itemsize)
    nbytes = property(lambda self: host(self).nbytes)
    flags = property(lambda self: Flags(host(self)))
    data = property(lambda self: MemoryPointer(host(self)))
    device = property(lambda self: Device(ordinal(self)))
    _c_contiguous = property(lambda self: host(self).flags.c_contiguous)
    _f_contiguous = property(lambda self: host(self).flags.f_contiguous)
    T = property(lambda self: wrap(host(self).T))
    mT = property(lambda self: wrap(host(self).mT))
    flat = property(lambda self: (wrap(v) for v in host(self).flat))

    @property
    def base(self) -> Any:
        return OWNER.__get__(self)

    @property
    def real(self) -> Any:
        values = host(self)
        return wrap(values.real) if values.dtype.kind == "c" else self

    @real.setter
    def real(self, value: Any) -> None:
        host(self).real = unwrap(value)

    @property
    def imag(self) -> Any:
        values = host(self)
        return wrap(values.imag if values.dtype.kind == "c" else np.zeros_like(values))

    @imag.setter
    def imag(self, value: Any) -> None:
        host(self).imag = unwrap(value)

    # ── as a container ──

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, key: Any) -> Any:
        values = host(self)
        places, arrays = key_of(values.shape, key)
        out = (
            values[places]
            if arrays or ... in [p for p in places if p is ...]
            else values[(*places, ...)]
        )
        return wrap(out)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.ndim:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        given = host(value) if isinstance(value, _ndarray_base) else value
        quiet(write_at, host(self), key, given)

    # ── methods ──

    def astype(
        self,
        dtype: Any,
        order: str = "K",
        casting: Any = None,
        subok: Any = None,
        copy: bool = True,
    ) -> Any:
        values = host(self)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            out = quiet(values.astype, dtype, order=order, copy=copy)
        return self if out is values else wrap(out)

    def copy(self, order: str = "C") -> Any:
        return wrap(host(self).copy(order))

    def view(self, dtype: Any = None) -> Any:
        values = host(self)
        return wrap(values.view() if dtype is None else values.view(dtype))

    def fill(self, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.ndim:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        quiet(host(self).fill, host(value).item() if isinstance(value, _ndarray_base) else value)

    def reshape(self, *shape: Any, order: str = "C", copy: Any = None) -> Any:
        return wrap(host(self).reshape(*shape, order=order, copy=copy))

    def transpose(self, *axes: Any) -> Any:
        return wrap(host(self).transpose(*axes))

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        return wrap(host(self).swapaxes(axis1, axis2))

    def squeeze(self, axis: Any = None) -> Any:
        return wrap(host(self).squeeze(axis))

    def flatten(self, order: str = "C") -> Any:
        return wrap(host(self).flatten(order))

    def ravel(self, order: str = "C") -> Any:
        return wrap(host(self).ravel(order))

    def sort(self, axis: int = -1, *, kind: Any = None) -> None:
        host(self).sort(axis, kind="stable")

    def argsort(self, axis: int = -1) -> Any:
        return wrap(host(self).argsort(axis, kind="stable"))

    def nonzero(self) -> Any:
        SYNCHRONISATIONS[0] += 1
        if not self.ndim:
            raise ValueError("Calling nonzero on 0d arrays is not allowed.")
        return wrap(host(self).nonzero())

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> Any:
        return call(np.searchsorted, self, v, side=side, sorter=sorter)

    def conj(self) -> Any:
        return wrap(host(self).conj()) if self.dtype.kind == "c" else self

    conjugate = conj

    def _scatter_op(self, slices: Any, value: Any, op: str) -> None:
        names = {"add": "add", "sub": "subtract", "max": "maximum", "min": "minimum", "and": "bitwise_and",
                 "or": "bitwise_or", "xor": "bitwise_xor"}  # fmt: skip
        if self.dtype.kind == "c":
            raise TypeError(
                f"scatter_{op} only supports int32, float16, float32, float64, uint32, uint64 as data type"
            )
        places, _ = key_of(self.shape, slices)
        quiet(getattr(np, names[op]).at, host(self), places, unwrap(value))

    def __pos__(self) -> Any:
        return self.copy()

    def __neg__(self) -> Any:
        return ufunc("negative")(self)

    def __abs__(self) -> Any:
        return ufunc("absolute")(self)

    def __invert__(self) -> Any:
        return ufunc("invert")(self)

    def __divmod__(self, other: Any) -> Any:
        return ufunc("divmod")(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return ufunc("divmod")(other, self)


_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "lshift": "left_shift", "rshift": "right_shift", "and": "bitwise_and",
    "or": "bitwise_or", "xor": "bitwise_xor", "matmul": "matmul",
}  # fmt: skip
for _name, _of in _OPERATORS.items():
    for _prefix, _function in zip(("", "r", "i"), binary(_of), strict=True):
        if _prefix + _name != "imatmul":
            setattr(ndarray, f"__{_prefix}{_name}__", _function)
for _name, _of in {
    "lt": "less", "le": "less_equal", "eq": "equal", "ne": "not_equal", "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    setattr(ndarray, f"__{_name}__", comparison(_of))
_METHODS = (
    "all any argmax argmin argpartition choose clip compress cumprod cumsum diagonal dot max "
    "mean min partition prod ptp put repeat round std sum take trace var"
)
for _name in _METHODS.split():
    setattr(ndarray, _name, method_of(_name))
setattr(  # noqa: B010 - the class has no such attribute for mypy, as CuPy's has for Python
    ndarray, "__class_getitem__", classmethod(lambda cls, item: types.GenericAlias(ndarray, item))
)


def _lacking(name: str) -> Any:
    def lacking(self: Any, *args: Any, **settings: Any) -> Any:
        raise NotImplementedError(
            f"the stand-in for CuPy has no ndarray.{name}: write it in tests/standin"
        )

    return lacking


def _match(kind: type, expected: list[str]) -> None:
    """Attributes that CuPy's class has and the stand-in does not write out are errors when they are called."""
    for name in set(expected) - set(dir(kind)):
        setattr(kind, name, _lacking(name))
    for name in set(dir(kind)) - set(expected):  # what later Pythons put into classes
        for owner in kind.__mro__[:-1]:
            if name in vars(owner) and name in (
                "__firstlineno__",
                "__static_attributes__",
                "__annotations__",
            ):
                delattr(owner, name)


_match(ndarray, ATTRIBUTES["cupy.ndarray"])
_match(Device, ATTRIBUTES["cupy.cuda.Device"])
