"""Vector spaces of values: `vspace(x)` has the zeros, the sum, the inner product of arrays and containers of them.

In HIPS autograd these are primitives; here they are compositions, and differentiable as such. For complex numbers the
inner product is Re Σ conj(x) y, and `covector` conjugates: gradients are covectors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from ...autograd.core.array import Array, backend_array
from ...autograd.core.dtypes import as_numpy, is_complex
from ...autograd.functions import namespace
from ...backend import backend_of, current, is_array
from .values import getval, plain


class VSpace:
    """The vector space of values of one type; subclasses have the functions with an underscore."""

    __slots__: tuple[str, ...] = ()
    mappings: ClassVar[dict[type, Callable[[Any], Any]]] = {}
    iscomplex = False

    def __init__(self, value: Any) -> None:
        pass

    def zeros(self) -> Any:
        """The zero vector."""
        raise NotImplementedError(f"{self!r} has no zeros")

    def ones(self) -> Any:
        """The sum of the standard basis."""
        raise NotImplementedError(f"{self!r} has no ones")

    def standard_basis(self) -> Iterator[Any]:
        """The unit vectors; of complex spaces those of imaginary parts too."""
        raise NotImplementedError(f"{self!r} has no standard_basis")

    def randn(self) -> Any:
        """A vector of normal variates, from NumPy's global generator."""
        raise NotImplementedError(f"{self!r} has no randn")

    def add(self, x_prev: Any, x_new: Any) -> Any:
        """The sum."""
        return self._add(x_prev, x_new)

    def mut_add(self, x_prev: Any, x_new: Any) -> Any:
        """The sum; `x_prev` may be None for zero. Nothing is written to."""
        return self._add(self.zeros() if x_prev is None else x_prev, x_new)

    def scalar_mul(self, x: Any, a: Any) -> Any:
        """The product with a number."""
        return self._scalar_mul(x, a)

    def inner_prod(self, x: Any, y: Any) -> Any:
        """The real inner product."""
        return self._inner_prod(x, y)

    def covector(self, x: Any) -> Any:
        """The dual of `x`: its conjugate, where numbers are complex."""
        return self._covector(x)

    def _add(self, x: Any, y: Any) -> Any:
        return x + y

    def _mut_add(self, x: Any, y: Any) -> Any:
        return self._add(x, y)

    def _scalar_mul(self, x: Any, a: Any) -> Any:
        return x * a

    def _inner_prod(self, x: Any, y: Any) -> Any:
        raise NotImplementedError(f"{self!r} has no inner_prod")

    def _covector(self, x: Any) -> Any:
        return x

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # compared by what they hold, as in HIPS autograd

    def __repr__(self) -> str:
        return f"{type(self).__name__}_{vars(self) if hasattr(self, '__dict__') else {}}"

    @classmethod
    def register(cls, value_type: type, vspace_maker: Callable[[Any], Any] | None = None) -> None:
        """Make this the vector space of a type of values, or what the maker returns for them."""
        VSpace.mappings[value_type] = vspace_maker or cls


_FLOAT = np.dtype(np.float64)
_draw = np.random.randn
_NUMPY = backend_of(np.zeros(()))


class ArrayVSpace(VSpace):
    """The space of real arrays of one shape and dtype, on the device of the value."""

    def __init__(self, value: Any) -> None:
        self.home: Any = None  # the backend of a value that is an array; None for a number
        if type(value) is float:
            self.shape: tuple[int, ...] = ()
            self.dtype = _FLOAT
            return
        inner = backend_array(value)
        if type(inner) is np.ndarray:
            self.home = _NUMPY
        elif is_array(inner) and not isinstance(inner, np.generic):
            self.home = backend_of(inner)
        else:
            inner = np.asarray(inner)
        self.shape, self.dtype = tuple(inner.shape), as_numpy(inner.dtype)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.shape == other.shape and self.dtype == other.dtype

    __hash__ = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}_{{'shape': {self.shape}, 'dtype': {self.dtype!r}}}"

    @property
    def size(self) -> int:
        """The dimension over the real numbers."""
        return math.prod(self.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def _array(self, host: np.ndarray) -> Any:
        return (self.home or current()).asarray(host.astype(self.dtype, copy=False))

    def zeros(self) -> Any:
        """An array of zeros."""
        return self._array(np.zeros(self.shape))

    def ones(self) -> Any:
        """An array of ones; 1 + 1j in complex spaces, which is the sum of the basis."""
        return self._array(np.full(self.shape, self._units().sum()))

    def _units(self) -> np.ndarray:
        return np.asarray([1.0])

    def standard_basis(self) -> Iterator[Any]:
        """The arrays with a single one in them."""
        for index in np.ndindex(*self.shape):
            for unit in self._units():
                host = np.zeros(self.shape, dtype=self.dtype)
                host[index] = unit
                yield self._array(host)

    def randn(self) -> Any:
        """An array of normal variates, from NumPy's global generator."""
        return self._array(np.asarray(_draw(*self.shape)))

    def _add(self, x: Any, y: Any) -> Any:
        if type(y) is Array is not type(x):
            return y + x  # not every library leaves ``raw + Array`` to the other
        return x + y

    def _scalar_mul(self, x: Any, a: Any) -> Any:
        return a * x if type(a) is Array is not type(x) else x * a

    def _inner_prod(self, x: Any, y: Any) -> Any:
        return plain(namespace.sum(namespace.asarray(x) * y))


class ComplexArrayVSpace(ArrayVSpace):
    """The space of complex arrays of one shape and dtype, of twice as many real dimensions."""

    iscomplex = True

    @property
    def size(self) -> int:
        """The dimension over the real numbers: two for each element."""
        return 2 * math.prod(self.shape)

    def _units(self) -> np.ndarray:
        return np.asarray([1.0, 1.0j])

    def randn(self) -> Any:
        """An array of normal variates in both parts, from NumPy's global generator."""
        real, imag = _draw(*self.shape), _draw(*self.shape)
        return self._array(np.asarray(real) + 1j * np.asarray(imag))

    def _inner_prod(self, x: Any, y: Any) -> Any:
        x = namespace.asarray(x)
        return plain(namespace.sum(namespace.real(namespace.conj(x) * y)))

    def _covector(self, x: Any) -> Any:
        return plain(namespace.conj(namespace.asarray(x)))


class ContainerVSpace(VSpace):
    """The product of the spaces of the parts of a container; `shape` holds them in its structure."""

    def __init__(self, value: Any) -> None:
        self.shape: Any = value
        self.shape = self._map(vspace)

    @property
    def size(self) -> int:
        """The sum of the dimensions."""
        return sum(self._values(self._map(lambda vs: vs.size)))

    def zeros(self) -> Any:
        """The container of zeros."""
        return self._map(lambda vs: vs.zeros())

    def ones(self) -> Any:
        """The container of ones."""
        return self._map(lambda vs: vs.ones())

    def randn(self) -> Any:
        """The container of normal variates."""
        return self._map(lambda vs: vs.randn())

    def standard_basis(self) -> Iterator[Any]:
        """The containers of zeros with a unit vector in one position."""
        zero = self.zeros()
        for key, vs in self._kv_pairs(self.shape):
            for x in vs.standard_basis():
                yield self._subval(zero, key, x)

    def _add(self, xs: Any, ys: Any) -> Any:
        return self._map(lambda vs, x, y: vs._add(x, y), xs, ys)

    def _scalar_mul(self, xs: Any, a: Any) -> Any:
        return self._map(lambda vs, x: vs._scalar_mul(x, a), xs)

    def _inner_prod(self, xs: Any, ys: Any) -> Any:
        return sum(self._values(self._map(lambda vs, x, y: vs._inner_prod(x, y), xs, ys)))

    def _covector(self, xs: Any) -> Any:
        return self._map(lambda vs, x: vs._covector(x), xs)

    def _values(self, x: Any) -> Any:
        raise NotImplementedError

    def _kv_pairs(self, x: Any) -> Any:
        raise NotImplementedError

    def _map(self, f: Callable[..., Any], *args: Any) -> Any:
        raise NotImplementedError

    def _subval(self, xs: Any, idx: Any, x: Any) -> Any:
        raise NotImplementedError


class SequenceVSpace(ContainerVSpace):
    """The product of spaces in a sequence of the type `seq_type`."""

    seq_type: type = tuple

    def _values(self, x: Any) -> Any:
        return x

    def _kv_pairs(self, x: Any) -> Any:
        return enumerate(x)

    def _map(self, f: Callable[..., Any], *args: Any) -> Any:
        return self.seq_type(map(f, self.shape, *args))

    def _subval(self, xs: Any, idx: Any, x: Any) -> Any:
        return self.seq_type(x if i == idx else y for i, y in enumerate(xs))


class ListVSpace(SequenceVSpace):
    """The space of lists of values."""

    seq_type = list


class TupleVSpace(SequenceVSpace):
    """The space of tuples of values."""


class NamedTupleVSpace(SequenceVSpace):
    """The space of a type of named tuples."""

    def __init__(self, value: Any) -> None:
        self.named_type = type(value)
        super().__init__(value)

    def _map(self, f: Callable[..., Any], *args: Any) -> Any:
        return self.named_type(*map(f, self.shape, *args))

    def _subval(self, xs: Any, idx: Any, x: Any) -> Any:
        return self.named_type(*(x if i == idx else y for i, y in enumerate(xs)))


class DictVSpace(ContainerVSpace):
    """The space of dicts of values with the same keys."""

    def _values(self, x: Any) -> Any:
        return x.values()

    def _kv_pairs(self, x: Any) -> Any:
        return x.items()

    def _map(self, f: Callable[..., Any], *args: Any) -> Any:
        return {k: f(vs, *[x[k] for x in args]) for k, vs in self.shape.items()}

    def _subval(self, xs: Any, idx: Any, x: Any) -> Any:
        return {**xs, idx: x}


class SparseObject:
    """A cotangent that adds itself to an array: ``mut_add(x)`` returns the sum, and may write to `x`."""

    __slots__ = ("mut_add", "vs")

    def __init__(self, vs: Any, mut_add: Callable[[Any], Any]) -> None:
        self.vs = vs
        self.mut_add = mut_add

    def dense(self) -> Any:
        """What it adds to zero."""
        return self.mut_add(self.vs.zeros())


def _of_array(x: Any) -> ArrayVSpace:
    return ComplexArrayVSpace(x) if is_complex(x.dtype) else ArrayVSpace(x)


VSpace.register(np.ndarray, _of_array)
VSpace.register(Array, _of_array)
for _real in (float, np.longdouble, np.float64, np.float32, np.float16):
    ArrayVSpace.register(_real)
for _complex in (complex, np.clongdouble, np.complex64, np.complex128):
    ComplexArrayVSpace.register(_complex)
ListVSpace.register(list)
TupleVSpace.register(tuple)
DictVSpace.register(dict)
VSpace.register(SparseObject, lambda x: x.vs)


def vspace(value: Any) -> Any:
    """The vector space that a value belongs to.

    Raises
    ------
    TypeError
        If values of this type are no vectors: integers, booleans, strings.
    """
    maker = VSpace.mappings.get(type(value))
    if maker is not None:
        return maker(value)
    if isinstance(value, tuple) and hasattr(value, "_make"):
        return NamedTupleVSpace(value)
    if not isinstance(value, np.generic) and is_array(value):
        return _of_array(value)
    raise TypeError(
        f"there is no vector space of {getval(value)!r}, of type {type(value).__name__}: values are real or complex "
        "floating-point numbers, arrays, and lists, tuples and dicts of them"
    )


def real_size(out: Any) -> int:
    """The number of real numbers that a result consists of; 0 for anything but numbers and arrays."""
    if type(out) is Array:
        return out.size * (2 if is_complex(out.dtype) else 1)
    return vspace(out).size


__all__ = [
    "ArrayVSpace",
    "ComplexArrayVSpace",
    "ContainerVSpace",
    "DictVSpace",
    "ListVSpace",
    "NamedTupleVSpace",
    "SequenceVSpace",
    "SparseObject",
    "TupleVSpace",
    "VSpace",
    "real_size",
    "vspace",
]
