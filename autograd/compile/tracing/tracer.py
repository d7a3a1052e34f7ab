"""Tracers: arrays of a library whose functions run another one's and write down what they did.

The engine is generic in the class of raw arrays. `Tracer` is one more such class: its namespace
(`tracer_namespace.py`) calls the real function on the real arrays and appends an operation to the trace. So
gradients, losses, optimisers, checkpoints and nested derivatives run as they stand, and what they do comes out as
one flat program.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import Backend
from ...core.array import Array
from ...core.index_keys import clean_key
from ...core.views import is_number
from ...functions.writes import check_writable, write
from ..ir.program import NUMBER
from .numpy_functions import call_function, call_ufunc, method_of
from .trace_builder import NUMBERS, Traced, TraceError, users_line


def as_number(x: Any) -> Any:
    """The only element of an array, as a Python number."""
    return x.item() if hasattr(x, "item") else complex(x) if "complex" in str(x.dtype) else float(x)


SEQUENCES = frozenset((list, tuple))  # which NumPy's operators take for arrays


def _operator(name: str, function: Callable[..., Any], *, reflected: bool = False) -> Any:
    def method(self: Tracer, other: Any) -> Any:
        if type(other) in SEQUENCES and self.of.value_type != NUMBER:
            other = self.xp.asarray(other)
        if not _operand(other):
            return NotImplemented
        pair = (other, self) if reflected else (self, other)
        if self.of.value_type == NUMBER and (
            isinstance(other, NUMBERS)
            or getattr(getattr(other, "of", None), "value_type", "") == NUMBER
        ):
            return self.recorder.record(f"py.{name}", function, pair, {})
        return getattr(self.xp, name)(*pair)

    return method


_REAL, _IMAG = operator.attrgetter("real"), operator.attrgetter("imag")
_OF_PYTHON = frozenset(
    """as_integer_ratio bit_count bit_length conjugate denominator fromhex hex is_integer numerator
    to_bytes""".split()  # noqa: SIM905 - a table
)


def _operand(x: Any) -> bool:
    """Whether an operator takes `x`; else it is left to the other class, as NumPy's arrays leave it.

    That is a traced `Array`, or one whose ``__array_ufunc__`` is None: `Batched` under a Jacobian.
    """
    if isinstance(x, NUMBERS):
        return True
    if getattr(type(x), "__array_ufunc__", True) is None:
        return False
    return hasattr(x, "dtype") and not hasattr(x, "tape")


def _in_place(name: str, function: Callable[..., Any]) -> Any:
    def method(self: Tracer, other: Any) -> Any:
        if not _operand(other):
            return NotImplemented
        out = function(self, other)
        if self.of.value_type == NUMBER or is_number(self):
            return out  # the name has another number
        if out.shape != self.shape:
            raise ValueError(
                f"{name}: the result has shape {out.shape}, but x has shape {self.shape}, which it keeps"
            )
        if out.dtype != self.dtype:
            out = self.xp.astype(out, self.dtype)
        check_writable(self)
        return write(self, out)

    return method


# What NumPy's own functions that make an array do with what they are given.
AS_ARRAY = (
    "; if this is numpy.full(shape, x), numpy.arange(x) or numpy.kaiser(M, x), which do not ask their arguments, use "
    "the function of that name in pullback.numpy"
)


def _without_arrays(key: Any) -> Any:
    """A key whose Arrays are the values that they hold: an index has no derivative."""
    if type(key) is Array or (type(key) is tuple and any(type(part) is Array for part in key)):
        return clean_key(key)
    return key


class Tracer(Traced):
    """An array, or a Python number, of a trace: a value of the program, and the real value of this run.

    In-place operations give the tracer, what it is a view of and all views of that new values; no buffer is written to.
    """

    __slots__ = ("__weakref__", "link", "locked")
    __hash__ = None  # type: ignore[assignment]  # == is elementwise
    __array_priority__ = 2000
    xp: Any
    backend: Backend
    link: Any  # as of `Array`: `core/views.py`
    locked: bool

    def moved(self, recorder: Any, of: Any) -> Tracer:
        """The same for another trace, in which it is the value `of`."""
        return self.at_depth(recorder.depth)(recorder, of, self.real_value)

    at_depth: Callable[
        [int], type[Tracer]
    ]  # the class of tracers of the same library in traces within a trace

    def rebind(self, out: Any) -> Tracer:
        """Take the value of `out`; `functions/writes.py` asks for it."""
        if not isinstance(out, Tracer):
            out = type(self)(self.recorder, self.recorder.constant(out), out)
        self.of, self.real_value = out.of, out.real_value
        return self

    def constant(self, x: Any) -> Tracer:
        """An array of the library itself, as a constant of this trace."""
        return type(self)(self.recorder, self.recorder.constant(x), x)

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self.of.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.of.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.of.size

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return int(self.of.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.size * self.itemsize

    @property
    def dtype(self) -> Any:
        """The library's own dtype."""
        return getattr(self.real_value, "dtype", self.of.dtype)

    @property
    def device(self) -> Any:
        """The device that the data lies on."""
        return getattr(self.real_value, "device", self.backend.device)

    @property
    def T(self) -> Any:
        """The axes in the opposite order."""
        return self.xp.permute_dims(self, tuple(reversed(range(self.ndim))))

    @property
    def mT(self) -> Any:
        """The last two axes swapped."""
        return self.xp.matrix_transpose(self)

    @property
    def real(self) -> Any:
        """The real part."""
        if self.of.value_type == NUMBER:
            return self.recorder.record("py.real", _REAL, (self,), {})
        return self.xp.real(self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        if self.of.value_type == NUMBER:
            return self.recorder.record("py.imag", _IMAG, (self,), {})
        return self.xp.imag(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return self.shape[0]

    def __iter__(self) -> Any:
        return (self[(i, ...) if self.ndim > 1 else i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<recorded {self.of!r}>"

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        return self.xp

    def __getitem__(self, key: Any) -> Any:
        return self.xp.getitem(self, _without_arrays(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        check_writable(self)
        key = _without_arrays(key)
        write(self, self.xp.setitem(self, value, key), key)

    def setflags(self, write: bool) -> None:
        """Allow writes in place or not, as NumPy's method does: what a tape keeps is locked meanwhile."""
        self.locked = not write

    def __neg__(self) -> Any:
        return self._unary("negative", operator.neg)

    def __pos__(self) -> Any:
        return self._unary("positive", operator.pos)

    def __abs__(self) -> Any:
        return self._unary("abs", abs)

    def __invert__(self) -> Any:
        return self._unary("bitwise_invert", operator.invert)

    def __round__(self, digits: Any = None) -> Any:
        if self.of.value_type != NUMBER:
            return (
                self._by_method("round", digits)
                if digits is not None
                else round(self.read("round(x)"))
            )
        return self.recorder.record("py.round", round, (self, digits), {})

    def __divmod__(self, other: Any) -> Any:
        return (self // other, self % other) if _operand(other) else NotImplemented

    def __rdivmod__(self, other: Any) -> Any:
        return (other // self, other % self) if _operand(other) else NotImplemented

    def _by_method(self, name: str, *args: Any, **settings: Any) -> Any:
        """The method of `Array`."""
        method = method_of(self, name)
        assert method is not None
        return method(*args, **settings)

    def __getattr__(self, name: str) -> Any:
        """An attribute that Python numbers alone have, whose value is read; or a method that `Array` has."""
        if name in _OF_PYTHON and self.of.value_type == NUMBER:
            return getattr(self.read(f"x.{name}"), name)
        method = None if self.of.value_type == NUMBER else method_of(self, name)
        if method is not None:
            return method
        raise AttributeError(
            f"a recorded array has the array API standard's attributes, and no {name!r}; look for a function of pb.xp, "
            "as in pb.xp.sum(x)"
        )

    def _unary(self, name: str, function: Callable[..., Any]) -> Any:
        if self.of.value_type == NUMBER:
            return self.recorder.record(f"py.{name}", function, (self,), {})
        return getattr(self.xp, name)(self)

    @property
    def is_number(self) -> bool:
        """Whether it stands for a Python number."""
        return self.of.value_type == NUMBER

    def as_number(self) -> Any:
        """A 0-d array as a Python number of the program."""
        return self if self.is_number else self.recorder.record("item", as_number, (self,), {})

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """A copy on another device."""
        return self.xp.to_device(self, device)

    def renamed(self) -> Any:
        """A tracer of its own with this value: nothing writes to the value itself."""
        return self._unlinked(type(self)(self.recorder, self.of, self.real_value))

    def _unlinked(self, out: Any) -> Any:
        """`out`, an array of its own that is a number if this is one."""
        if getattr(self, "link", None) is not None:
            out.link = False
        return out

    def copy(self, order: str = "C") -> Any:
        """A fresh array, whatever its order in memory; the program makes one only where it is a result."""
        if self.of.value_type == NUMBER:
            return self.renamed()
        return self._unlinked(self.recorder.record("copy", self.xp.base.copy, (self,), {}))

    __copy__ = copy

    def as_tracer(self, x: Any) -> Any:
        """An array as a constant of this trace; tracers stay as they are."""
        if isinstance(x, Traced):
            return x
        return self.recorder.wrap(x, self, self.recorder.constant)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def astype(self, dtype: Any, **settings: Any) -> Any:
        """Cast, as NumPy's method does."""
        return self.xp.astype(self, dtype, copy=settings.get("copy", True))

    def reshape(self, *shape: Any, **settings: Any) -> Any:
        """Reshape, as NumPy's method does."""
        if settings:  # another order of the elements
            return self._by_method("reshape", *shape, **settings)
        inner = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        return self.xp.reshape(self, tuple(inner))

    def transpose(self, *axes: Any) -> Any:
        """Permute the axes, as NumPy's method does."""
        inner = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple | list) else axes
        return self.xp.permute_dims(self, tuple(inner)) if inner else self.T

    # ── what a recorded program cannot do ─────────────────────────────────────────────────────

    def read(self, what: str, more: str = "") -> Any:
        """The value of this run: of a constant, or of a Python number, which the program then depends on.

        `what` asks for it, `more` is advice for what asks.

        Raises
        ------
        TraceError
            For what depends on an array.
        """
        if self.of.constant:
            return self.real_value
        if self.of.value_type == NUMBER and self.of.numbers is not None:
            for index in self.of.numbers:
                self.recorder.static.add(index)
                self.recorder.reads.setdefault(index, users_line())
            return self.real_value
        raise TraceError(
            f"{what} of a recorded array of shape {self.shape}, dtype {self.dtype}, at {users_line()}: a compiled "
            "function is recorded once, and its values differ from call to call. Branch by pb.xp.where, keep numbers "
            f"as 0-d arrays, read values outside of the compiled function, or leave this part uncompiled{more}"
        )

    def __bool__(self) -> bool:
        return bool(self.read("bool(x), as in `if x:`,"))

    def __int__(self) -> int:
        return int(self.read("int(x)"))

    def __index__(self) -> int:
        return operator.index(self.read("use as an index, a length or a size"))

    def __float__(self) -> float:
        return float(self.read("float(x)"))

    def __complex__(self) -> complex:
        return complex(self.read("complex(x)"))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.read("numpy.asarray(x)", AS_ARRAY), dtype)

    def __dlpack__(self, **_: Any) -> Any:
        self.read("DLPack export")
        return self.real_value.__dlpack__()

    def __dlpack_device__(self) -> Any:
        return self.real_value.__dlpack_device__()

    def item(self) -> Any:
        """The only element as a Python number; refused unless it is a constant."""
        value = self.read("x.item()")
        return value.item() if hasattr(value, "item") else value

    def tolist(self) -> Any:
        """The elements as lists; refused unless they are constants."""
        return self.read("x.tolist()").tolist()

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        # another operand is an `Array`, which knows what to do
        if any(hasattr(x, "tape") for x in inputs):
            return NotImplemented
        return call_ufunc(self, ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        # another argument is an `Array`, which knows what to do
        if any(hasattr(t, "tape") for t in types):
            return NotImplemented
        return call_function(self, function, args, kwargs)


_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "pow", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}  # fmt: skip
_COMPARE = {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
}  # fmt: skip


def _install() -> None:
    for sign, name in (_BINARY | _COMPARE).items():
        function = getattr(operator, {"and": "and_", "or": "or_"}.get(sign, sign))
        setattr(Tracer, f"__{sign}__", _operator(name, function))
        if sign in _BINARY:
            setattr(Tracer, f"__r{sign}__", _operator(name, function, reflected=True))
            setattr(Tracer, f"__i{sign}__", _in_place(f"__i{sign}__", function))


_install()
