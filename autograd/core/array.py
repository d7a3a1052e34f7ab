"""The one array type: a value one level down and, on a tape, its slot there.

The value is the backend's array or, under nested differentiation, another traced `Array` of an older
tape; it is never an untraced `Array`. The operators are set in `functions/operators.py`, from the same functions
that the namespace holds, NumPy's methods in `numpy/methods.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...backend import backend_of
from ...backend.common.base import LAZY
from ...backend.common.lengths import unknown
from .dtypes import as_numpy, is_inexact
from .levels.batched import Batched


class Untraced:
    """The tape of arrays that are not traced: always closed, and older than any other."""

    __slots__ = ()
    open = False
    order = -1
    capture = None

    def __repr__(self) -> str:
        return "UNTRACED"


UNTRACED = Untraced()

ADVICE = (
    "a gradient would be cut here: use pb.stop_gradient(x) if that is meant, "
    "or the function of pb.xp or pullback.scipy that does the same"
)

# NumPy asks for a number or an array, too, where values go into an array of its own, and SciPy where it computes.
INTO_NUMPY = (
    ". If this is a[i] = x or numpy.array([x, …]): a NumPy array cannot record what is written into it; make it by "
    "pb.xp.zeros or pullback.numpy.array([…]), or use pb.xp.at(a)[i].set(x), which gives a new array. If this is a "
    "function of SciPy: use the one of that name in pullback.scipy, where there is one"
)
OF_PYTHON = f"{INTO_NUMPY}. If this is a function of Python's math, such as math.sin(x): use NumPy's, numpy.sin(x)"
AS_ARRAY = (
    f"{INTO_NUMPY}. If this is numpy.asarray(x) as it stands: pullback.numpy.asarray(x) keeps the derivative. If this "
    "is numpy.full(shape, x), numpy.arange(x) or numpy.kaiser(M, x), which do not ask their arguments: use the "
    "function of that name in pullback.numpy"
)


LONGEST = 1000  # elements that `repr` writes out; of more it says the shape and the ends


class Array:
    """An array of the active backend that derivatives can be taken of.

    Made by the functions of `pb.xp` and by `grad`, `vjp` and `Tape`, not by calling this class.

    Attributes
    ----------
    value
        The array one level down: the backend's own, or a traced `Array` of an older tape.
    tape
        The tape that recorded it, or a closed placeholder.
    slot : int
        Its slot on that tape.

    Notes
    -----
    Slices, `reshape`, transposes and the like are views, as in NumPy: ``x[i] = v`` and ``x += v`` reach the array that
    `x` is a view of, and all views of that. What was computed before keeps its value, since no buffer is written to:
    a write gives these arrays new values, and is recorded. `copy.copy` and `copy.deepcopy` give arrays of their own.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([1.0, 2.0])
    >>> x * x
    Array([1., 4.], dtype=float64, device='cpu')
    >>> first = x[:1]
    >>> first += 10.0
    >>> x
    Array([11.,  2.], dtype=float64, device='cpu')
    """

    __slots__ = ("__weakref__", "link", "slot", "tape", "value")
    __hash__ = None  # type: ignore[assignment]  # == is elementwise, as in NumPy
    __array_priority__ = 1000

    value: Any
    tape: Any
    slot: int
    link: Any  # to its base and its views: `views.py`

    def __init__(self, value: Any, tape: Any = UNTRACED, slot: int = -1) -> None:
        self.value = value
        self.tape = tape
        self.slot = slot
        self.link = False

    if TYPE_CHECKING:  # `functions/operators.py` and `numpy/methods.py` set these
        T: Array
        mT: Array
        at: Any  # `functions/indexing.py` sets this
        flat: Any
        imag: Array
        itemsize: int
        nbytes: int
        real: Array

        def _method(self, *args: Any, **settings: Any) -> Array: ...
        def _procedure(self, *args: Any, **settings: Any) -> None: ...
        def _reading(self, *args: Any) -> Any: ...

        all = any = argmax = argmin = argpartition = argsort = astype = choose = clip = _method
        compress = conj = conjugate = copy = cumprod = cumsum = diagonal = dot = flatten = _method
        max = mean = min = prod = ravel = repeat = reshape = round = searchsorted = _method
        squeeze = std = sum = swapaxes = take = trace = transpose = var = _method
        fill = partition = put = sort = _procedure
        item = nonzero = tolist = _reading
        __divmod__ = __rdivmod__ = __round__ = _reading

        def __contains__(self, value: Any, /) -> bool: ...

        def _unary(self) -> Array: ...
        def _binary(self, other: Any, /) -> Array: ...

        __neg__ = __pos__ = __abs__ = __invert__ = _unary
        __add__ = __sub__ = __mul__ = __matmul__ = __truediv__ = __floordiv__ = __mod__ = _binary
        __radd__ = __rsub__ = __rmul__ = __rmatmul__ = __rtruediv__ = __rfloordiv__ = _binary
        __and__ = __or__ = __xor__ = __lshift__ = __rshift__ = __pow__ = __rpow__ = _binary
        __rand__ = __ror__ = __rxor__ = __rlshift__ = __rrshift__ = __rmod__ = _binary
        __lt__ = __le__ = __gt__ = __ge__ = _binary
        __eq__ = __ne__ = _binary  # type: ignore[assignment]  # elementwise

        def __getitem__(self, key: Any, /) -> Array: ...
        def __setitem__(self, key: Any, value: Any, /) -> None: ...
        def __iter__(self) -> Iterator[Array]: ...
        def __array_namespace__(self, /, *, api_version: str | None = None) -> Any: ...
        def to_device(self, device: Any, /, *, stream: Any = None) -> Array:
            """A copy on another device; recorded."""
            ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        size = self.value.size
        return size if type(size) is int else math.prod(self.value.shape)  # torch's is a method

    @property
    def dtype(self) -> np.dtype:
        """The dtype, as ``numpy.dtype`` on every backend."""
        return as_numpy(self.value.dtype)

    @property
    def device(self) -> Any:
        """The device that holds the data, in the backend's own terms; ``"cpu"`` for a library without devices."""
        return getattr(self.value, "device", "cpu")

    @property
    def traced(self) -> bool:
        """Whether an open tape records what is done to this array."""
        return is_traced(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        if unknown(self.shape[:1]):
            raise ValueError(
                "len() of a Dask array with an unknown number of rows: x.compute_chunk_sizes() finds it"
            )
        return self.shape[0]

    def __repr__(self) -> str:
        inner = backend_array(self)
        if backend_of(inner).recording:
            return f"Array({inner!r})"
        if type(inner) in LAZY:  # its values are not computed to be shown
            return f"Array({inner!r}{', traced' if self.traced else ''})"
        host = backend_of(inner).to_numpy(inner)
        body = np.array2string(host, separator=", ", prefix="Array(", threshold=LONGEST)
        seen = host.ndim == 1 if host.size == 0 else host.size <= LONGEST
        shape = "" if seen else f", shape={self.shape}"
        traced = ", traced" if self.traced else ""
        return f"Array({body}, dtype={self.dtype}{shape}, device={str(self.device)!r}{traced})"

    def __bool__(self) -> bool:
        return bool(backend_array(self))

    def __index__(self) -> int:
        inner = backend_array(self)
        if hasattr(inner, "__index__"):
            return inner.__index__()
        if inner.ndim or self.dtype.kind not in "iu":  # CuPy's arrays are no indices
            raise TypeError("only integer arrays of one element can be converted to an index")
        return int(inner)

    def __int__(self) -> int:
        return int(backend_array(self))

    def __float__(self) -> float:
        self.refuse_if_traced("float(x)", OF_PYTHON)
        return float(backend_array(self))

    def __complex__(self) -> complex:
        self.refuse_if_traced("complex(x)")
        return complex(backend_array(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self.refuse_if_traced("numpy.asarray(x)", AS_ARRAY)
        inner = backend_array(self)
        if backend_of(inner).recording:
            return np.asarray(inner)  # which says why it cannot
        if not isinstance(inner, np.ndarray):
            raise TypeError(
                f"numpy.asarray(x) of an array on device {str(self.device)!r}: nothing is copied to the host "
                "silently; use pb.to_numpy(x)"
            )
        return np.array(inner, dtype=dtype, copy=copy)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """The buffer as a DLPack capsule, for ``torch.from_dlpack(x)`` and its like; refused while traced."""
        self.refuse_if_traced("DLPack export of x")
        given = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        return backend_array(self).__dlpack__(**{k: v for k, v in given.items() if v is not None})

    def __dlpack_device__(self) -> tuple[Any, Any]:
        """DLPack's numbers for the kind of device and the device."""
        return backend_array(self).__dlpack_device__()

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        inner = backend_array(self)
        if inner.ndim:
            raise TypeError(f"format {spec!r} of an array of shape {self.shape}: index it first")
        return format(backend_of(inner).to_numpy(inner)[()], spec)

    def __copy__(self) -> Array:
        copy = result(self.value, self.tape, self.slot)
        if self.link is not None:
            copy.link = False
        return copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Array:
        return self.__copy__()  # buffers are never written to: sharing is safe

    def __reduce__(self) -> Any:
        self.refuse_if_traced("pickling x")
        return Array, (backend_array(self),)

    def refuse_if_traced(self, what: str, more: str = "") -> None:
        """Refuse to read the values of an array that a derivative is being taken through.

        Raises
        ------
        TypeError
            With what to do instead.
        """
        if self.traced and is_inexact(self.dtype):
            raise TypeError(
                f"{what} of a traced array of shape {self.shape}, dtype {self.dtype}: {ADVICE}; "
                f"float(pb.stop_gradient(x)) reads a value{more}"
            )


def result(value: Any, tape: Any = UNTRACED, slot: int = -1) -> Array:
    """The result of an operation: without axes it is a number, as NumPy's scalars are, to which nothing writes."""
    x = object.__new__(Array)
    x.value, x.tape, x.slot = value, tape, slot
    x.link = None
    return x


def unwrap_closed(x: Any) -> Any:
    """`x` without the layers whose tapes are closed: a raw value, or an `Array` on an open tape."""
    while type(x) is Array and not x.tape.open:
        x = x.value
    return x


def is_traced(x: Any) -> bool:
    """Whether an open tape records what is done to `x`, or to the rows of which `vmap` shows one."""
    x = unwrap_closed(x)
    while type(x) is Batched:
        x = unwrap_closed(x.value)
    return type(x) is Array


def backend_array(x: Any) -> Any:
    """The backend's array at the bottom of `x`; under `vmap`, the batch of those."""
    while type(x) is Array:
        x = x.value
    if type(x) is Batched and type(x.value) in (Array, Batched):
        return Batched(backend_array(x.value), x.level, x.mapped)  # its rows are constants too
    return x
