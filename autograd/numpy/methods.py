"""The methods and attributes that `Array` shares with `numpy.ndarray`.

They call the functions of `pullback.numpy`, whose docstrings say more, with NumPy's signatures. `reshape`, `ravel`,
`transpose`, `swapaxes`, `squeeze`, `diagonal`, `T`, `mT`, `real` and `imag` give views, as in NumPy: writes go through
them. `copy`, `flatten`, `astype` and the rest give arrays of their own.

What has no counterpart here, since it is about memory or bytes, raises an AttributeError that says what to use: by a
property for each name, not by ``__getattr__``. On a class that has one, CPython looks every attribute up afresh, 15 ns
instead of 5 for each of the seven that one operation on a tape takes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array
from ..core.dtypes import is_complex
from ..functions import namespace as standard
from . import namespace
from .conversions import check_cast
from .flat import Flat

_NO_VALUE: Any = np._NoValue  # type: ignore[attr-defined]  # its stubs hide it


# ── reductions ────────────────────────────────────────────────────────────────────────────────────


def _sum(
    self: Array, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Array:  # fmt: skip
    """The sum over axes, all of them by default: `pullback.numpy.sum`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 3)).sum(axis=0)
    Array([2., 2., 2.], dtype=float64, device='cpu')
    """
    return namespace.sum(self, axis, dtype, out, keepdims, initial, where)


def _prod(
    self: Array, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Array:  # fmt: skip
    """The product over axes: `pullback.numpy.prod`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([2.0, 3.0]).prod()
    Array(6., dtype=float64, device='cpu')
    """
    return namespace.prod(self, axis, dtype, out, keepdims, initial, where)


def _mean(
    self: Array, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    *, where: Any = True,
) -> Array:  # fmt: skip
    """The mean over axes: `pullback.numpy.mean`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([2.0, 3.0]).mean()
    Array(2.5, dtype=float64, device='cpu')
    """
    return namespace.mean(self, axis, dtype, out, keepdims, where=where)


def _max(
    self: Array, axis: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Array:  # fmt: skip
    """The largest element over axes; equal ones share the cotangent: `pullback.numpy.max`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([2.0, 3.0]).max()
    Array(3., dtype=float64, device='cpu')
    """
    return namespace.max(self, axis, out, keepdims, initial, where)


def _min(
    self: Array, axis: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Array:  # fmt: skip
    """The smallest element over axes; equal ones share the cotangent: `pullback.numpy.min`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([2.0, 3.0]).min()
    Array(2., dtype=float64, device='cpu')
    """
    return namespace.min(self, axis, out, keepdims, initial, where)


def _var(
    self: Array, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = True, mean: Any = _NO_VALUE, correction: Any = _NO_VALUE,
) -> Array:  # fmt: skip
    """The variance over axes: `pullback.numpy.var`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 3.0]).var(ddof=1)
    Array(2., dtype=float64, device='cpu')
    """
    return namespace.var(
        self, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction
    )


def _std(
    self: Array, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = True, mean: Any = _NO_VALUE, correction: Any = _NO_VALUE,
) -> Array:  # fmt: skip
    """The standard deviation over axes: `pullback.numpy.std`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 3.0]).std()
    Array(1., dtype=float64, device='cpu')
    """
    return namespace.std(
        self, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction
    )


def _all(
    self: Array, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
) -> Array:
    """Whether all elements are true: `pullback.numpy.all`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> bool((pb.xp.ones(3) > 0).all())
    True
    """
    return namespace.all(self, axis, out, keepdims, where=where)


def _any(
    self: Array, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
) -> Array:
    """Whether an element is true: `pullback.numpy.any`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> bool((pb.xp.ones(3) > 1).any())
    False
    """
    return namespace.any(self, axis, out, keepdims, where=where)


def _argmax(self: Array, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Array:
    """The index of the first largest element: `pullback.numpy.argmax`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> int(pb.xp.asarray([2.0, 3.0]).argmax())
    1
    """
    return namespace.argmax(self, axis, out, keepdims=keepdims)


def _argmin(self: Array, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Array:
    """The index of the first smallest element: `pullback.numpy.argmin`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> int(pb.xp.asarray([2.0, 3.0]).argmin())
    0
    """
    return namespace.argmin(self, axis, out, keepdims=keepdims)


def _cumsum(self: Array, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """The sums up to each element, along an axis or of all in order: `pullback.numpy.cumsum`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones(3).cumsum()
    Array([1., 2., 3.], dtype=float64, device='cpu')
    """
    return namespace.cumsum(self, axis, dtype, out)


def _cumprod(self: Array, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """The products up to each element, along an axis or of all in order: `pullback.numpy.cumprod`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 2.0, 3.0]).cumprod()
    Array([1., 2., 6.], dtype=float64, device='cpu')
    """
    return namespace.cumprod(self, axis, dtype, out)


def _trace(
    self: Array, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Array:
    """The sum of a diagonal: `pullback.numpy.trace`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.eye(3).trace()
    Array(3., dtype=float64, device='cpu')
    """
    return namespace.trace(self, offset, axis1, axis2, dtype, out)


# ── shapes ────────────────────────────────────────────────────────────────────────────────────────


def _reshape(self: Array, *shape: Any, order: str = "C", copy: bool | None = None) -> Array:
    """The array in another shape, ``x.reshape(2, 3)`` or ``x.reshape((2, 3))``: a view where NumPy gives one.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.arange(4.0)
    >>> x.reshape(2, -1)[0] = 7.0
    >>> x
    Array([7., 7., 2., 3.], dtype=float64, device='cpu')
    """
    if len(shape) == 1 and not isinstance(shape[0], int):
        (shape,) = shape
    return namespace.reshape(self, shape, order, copy=copy)


def _ravel(self: Array, order: str = "C") -> Array:
    """The elements in one axis: a view where they lie so in memory.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 2)).ravel().shape
    (4,)
    """
    return namespace.ravel(self, order)


def _flatten(self: Array, order: str = "C") -> Array:
    """The elements in one axis, as a copy.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 2)).flatten().shape
    (4,)
    """
    return namespace.copy(namespace.ravel(self, order))


def _transpose(self: Array, *axes: Any) -> Array:
    """The axes in another order, ``x.transpose(1, 0)`` or ``x.transpose((1, 0))``, by default the opposite; a view.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 3, 4)).transpose(0, 2, 1).shape
    (2, 4, 3)
    """
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list)):
        (axes,) = axes
    return namespace.transpose(self, axes or None)


def _swapaxes(self: Array, axis1: int, axis2: int, /) -> Array:
    """Two axes exchanged; a view.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 3, 4)).swapaxes(0, 2).shape
    (4, 3, 2)
    """
    return namespace.swapaxes(self, axis1, axis2)


def _squeeze(self: Array, axis: Any = None) -> Array:
    """Without axes of length 1; a view.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((1, 3, 1)).squeeze().shape
    (3,)
    """
    return namespace.squeeze(self, axis)


def _diagonal(self: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The diagonal of two axes, as the last axis; a view that nothing writes to.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.eye(2).diagonal()
    Array([1., 1.], dtype=float64, device='cpu')
    """
    return namespace.diagonal(self, offset, axis1, axis2)


def _repeat(self: Array, repeats: Any, axis: int | None = None) -> Array:
    """Each element several times: `pullback.numpy.repeat`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 2.0]).repeat(2)
    Array([1., 1., 2., 2.], dtype=float64, device='cpu')
    """
    return namespace.repeat(self, repeats, axis)


# ── elements ──────────────────────────────────────────────────────────────────────────────────────


def _astype(
    self: Array, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
    copy: bool = True,
) -> Array:  # fmt: skip
    """The array in another dtype; a cotangent is cast back.

    Raises
    ------
    TypeError
        If NumPy's rule `casting` forbids it.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones(2).astype("float32").dtype
    dtype('float32')
    """
    check_cast(self.dtype, dtype, casting)
    return namespace.astype(self, dtype, copy=copy)


def _copy(self: Array, order: str = "C") -> Array:
    """A copy, which is no view; it stays on its tape.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.ones(2)
    >>> x.copy()[0] = 5.0
    >>> x
    Array([1., 1.], dtype=float64, device='cpu')
    """
    return namespace.copy(self, order)


def _clip(
    self: Array, min: Any = None, max: Any = None, out: Any = None, **settings: Any
) -> Array:
    """The elements between two bounds: `pullback.numpy.clip`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([-2.0, 0.5, 2.0]).clip(-1, 1)
    Array([-1. ,  0.5,  1. ], dtype=float64, device='cpu')
    """
    return namespace.clip(self, min, max, out, **settings)


def _round(self: Array, decimals: int = 0, out: Any = None) -> Array:
    """The elements rounded to decimals, with derivative 0: `pullback.numpy.round`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.25, 2.75]).round(1)
    Array([1.2, 2.8], dtype=float64, device='cpu')
    """
    return namespace.round(self, decimals, out)


def _conj(self: Array) -> Array:
    """The complex conjugates.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1j]).conj()
    Array([0.-1.j], dtype=complex128, device='cpu')
    """
    return standard.conj(self) if is_complex(self.dtype) else self


def _dot(self: Array, other: Any, /, out: Any = None) -> Array:
    """The product with a vector, matrix or number: `pullback.numpy.dot`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones(3).dot(pb.xp.ones(3))
    Array(3., dtype=float64, device='cpu')
    """
    return namespace.dot(self, other, out)


def _take(
    self: Array, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Array:
    """The elements at indices: `pullback.numpy.take`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 2.0, 3.0]).take([0, 2])
    Array([1., 3.], dtype=float64, device='cpu')
    """
    return namespace.take(self, indices, axis, out, mode)


def _choose(self: Array, choices: Any, out: Any = None, mode: str = "raise") -> Array:
    """At each place the element of the array of `choices` that `self` numbers: `pullback.numpy.choose`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1, 0]).choose([[1.0, 2.0], [3.0, 4.0]])
    Array([3., 2.], dtype=float64, device='cpu')
    """
    return namespace.choose(self, choices, out, mode)


def _compress(self: Array, condition: Any, axis: int | None = None, out: Any = None) -> Array:
    """The elements where a vector of booleans is true: `pullback.numpy.compress`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 2.0]).compress([False, True])
    Array([2.], dtype=float64, device='cpu')
    """
    return namespace.compress(condition, self, axis, out)


def _nonzero(self: Array) -> tuple[Array, ...]:
    """The indices of the elements that are not 0: `pullback.numpy.nonzero`; constants.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([0.0, 2.0]).nonzero()
    (Array([1], dtype=int64, device='cpu'),)
    """
    return namespace.nonzero(self)


def _argsort(
    self: Array, axis: int | None = -1, kind: Any = None, order: Any = None,
    *, stable: bool | None = None,
) -> Array:  # fmt: skip
    """The indices that sort along an axis: `pullback.numpy.argsort`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([3.0, 1.0]).argsort()
    Array([1, 0], dtype=int64, device='cpu')
    """
    return namespace.argsort(self, axis, kind, order, stable=stable)


def _argpartition(
    self: Array, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None
) -> Array:
    """The indices of a partition along an axis: `pullback.numpy.argpartition`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> int(pb.xp.asarray([3.0, 1.0, 2.0]).argpartition(0)[0])
    1
    """
    return namespace.argpartition(self, kth, axis, kind, order)


def _searchsorted(self: Array, v: Any, side: str = "left", sorter: Any = None) -> Array:
    """Where `v` would be put to keep a sorted vector sorted: `pullback.numpy.searchsorted`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> int(pb.xp.asarray([1.0, 3.0]).searchsorted(2.0))
    1
    """
    return namespace.searchsorted(self, v, side, sorter)


# ── in place: recorded, and seen by what this is a view of and by its views ───────────────────────


def _fill(self: Array, value: Any) -> None:
    """Write one value everywhere; recorded.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.zeros(2)
    >>> x.fill(3.0)
    >>> x
    Array([3., 3.], dtype=float64, device='cpu')
    """
    if getattr(value, "ndim", 0) or isinstance(value, list | tuple):
        value = namespace.reshape(value, ())
    self[...] = value


def _sort(
    self: Array, axis: int = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
) -> None:
    """Sort along an axis, in place; recorded.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([3.0, 1.0])
    >>> x.sort()
    >>> x
    Array([1., 3.], dtype=float64, device='cpu')
    """
    self[...] = namespace.sort(self, axis, kind, order, stable=stable)


def _partition(
    self: Array, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None
) -> None:
    """Put the k-th smallest at index k, smaller ones before it, in place; recorded.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([3.0, 1.0, 2.0])
    >>> x.partition(0)
    >>> float(x[0])
    1.0
    """
    self[...] = namespace.partition(self, kth, axis, kind, order)


def _put(self: Array, indices: Any, values: Any, mode: str = "raise") -> None:
    """Write values at indices into the flattened array; recorded.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.zeros(3)
    >>> x.put([0, 2], [5.0, 6.0])
    >>> x
    Array([5., 0., 6.], dtype=float64, device='cpu')
    """
    namespace.put(self, indices, values, mode)


# ── values ────────────────────────────────────────────────────────────────────────────────────────


def _item(self: Array, *args: Any) -> Any:
    """One element as a Python number, ``x.item()``, ``x.item(3)`` or ``x.item(1, 2)``; refused while traced.

    Raises
    ------
    TypeError
        Under a derivative: the number would be a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 2.0]).item(1)
    2.0
    """
    self.refuse_if_traced("x.item()")
    value = backend_array(self)
    if not args:
        return value.item()
    key = args[0] if len(args) == 1 else args
    if not isinstance(key, tuple):
        key = np.unravel_index(range(self.size)[key], self.shape)
    if len(key) != self.ndim:
        raise ValueError("incorrect number of indices for array")
    return value[tuple(int(k) for k in key)].item()


def _tolist(self: Array) -> Any:
    """The elements as nested lists of Python numbers; refused while traced.

    Raises
    ------
    TypeError
        Under a derivative: the numbers would be constants.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 1)).tolist()
    [[1.0], [1.0]]
    """
    self.refuse_if_traced("x.tolist()")
    value = backend_array(self)
    if backend_of(value).recording:
        return value.tolist()
    return backend_of(value).to_numpy(value).tolist()


# ── attributes ────────────────────────────────────────────────────────────────────────────────────


def _real(self: Array) -> Array:
    """The real part: a view, also to be set, ``x.real = v``; of a real array, itself."""
    return standard.real(self) if is_complex(self.dtype) else self


def _set_real(self: Array, value: Any) -> None:
    _real(self)[...] = value


def _imag(self: Array) -> Array:
    """The imaginary part: a view, also to be set, ``x.imag = v``; zeros of a real array."""
    return standard.imag(self)


def _set_imag(self: Array, value: Any) -> None:
    if not is_complex(self.dtype):
        raise TypeError(
            f"x.imag = v: an array of dtype {self.dtype} has no imaginary part to set; use x.astype(complex)"
        )
    _imag(self)[...] = value


def _t(self: Array) -> Array:
    """The axes in the opposite order; a view."""
    return standard.permute_dims(self, tuple(range(self.ndim))[::-1])


def _mt(self: Array) -> Array:
    """The last two axes exchanged; a view."""
    return standard.matrix_transpose(self)


def _flat(self: Array) -> Flat:
    """The elements in order, ``x.flat[3]``, ``x.flat[::2] = v``, ``for e in x.flat``; writes are recorded."""
    return Flat(self)


def _set_flat(self: Array, value: Any) -> None:
    Flat(self)[...] = value


def _itemsize(self: Array) -> int:
    """The number of bytes of one element."""
    return self.dtype.itemsize


def _nbytes(self: Array) -> int:
    """The number of bytes of all elements."""
    return self.dtype.itemsize * self.size


# ── what Python's own functions ask for ───────────────────────────────────────────────────────────


def _contains(self: Array, value: Any) -> bool:
    """``value in x``: whether an element is equal to it, which is read."""
    return bool(standard.any(self == value))


def _divmod(self: Array, other: Any) -> Any:
    return self // other, self % other


def _rdivmod(self: Array, other: Any) -> Any:
    return other // self, other % self


def _builtin_round(self: Array, ndigits: int | None = None) -> Any:
    """``round(x)`` of a number is an integer of Python's, which carries no derivative; ``round(x, 2)`` an array."""
    return _whole(self, round) if ndigits is None else namespace.round(self, ndigits)


def _whole(self: Array, function: Any) -> int:
    value = backend_array(self)
    return function(float(value) if self.dtype.kind == "f" else value.item())


# ── what only NumPy's arrays have ─────────────────────────────────────────────────────────────────

_BYTES = "use pb.to_numpy(x).{name}"
_MEMORY = "how an array lies in memory does not show here; pb.to_numpy(x).{name} tells it of the values"
INSTEAD: dict[str, str] = {
    "base": "views are followed without it: writes to a view reach its base",
    "byteswap": _BYTES,
    "ctypes": _MEMORY,
    "data": _MEMORY,
    "dump": "use pickle, or numpy.save(file, pb.to_numpy(x))",
    "dumps": "use pickle.dumps",
    "flags": "whether it may be written to is asked by writing: " + _MEMORY,
    "getfield": "use x.astype, x.real, or x[...]",
    "newbyteorder": _BYTES,
    "ptp": "NumPy's arrays have it no more; use pullback.numpy.ptp(x)",
    "resize": "the shape of an array does not change in place; use x = pullback.numpy.resize(x, shape)",
    "setfield": "use x[key] = v, or x.real = v",
    "setflags": "nothing is locked by hand: a derivative that is being taken protects what it needs",
    "strides": _MEMORY,
    "tobytes": _BYTES,
    "tofile": _BYTES,
    "view": "bits are not read as another dtype: use x.astype(dtype); a view of the same elements is x[...]",
}


def _of_numpy_alone(name: str) -> property:
    advice = INSTEAD.get(name, "look for a function of pullback.numpy or pb.xp").format(name=name)

    def get(self: Array) -> Any:
        raise AttributeError(f"a pullback Array has no {name!r}: {advice}")

    return property(get, doc=f"Not here: {advice}.")


METHODS = {
    "all": _all, "any": _any, "argmax": _argmax, "argmin": _argmin, "argpartition": _argpartition,
    "argsort": _argsort, "astype": _astype, "choose": _choose, "clip": _clip, "compress": _compress, "conj": _conj,
    "conjugate": _conj, "copy": _copy, "cumprod": _cumprod, "cumsum": _cumsum, "diagonal": _diagonal, "dot": _dot,
    "fill": _fill, "flatten": _flatten, "item": _item, "max": _max, "mean": _mean, "min": _min, "nonzero": _nonzero,
    "partition": _partition, "prod": _prod, "put": _put, "ravel": _ravel, "repeat": _repeat, "reshape": _reshape,
    "round": _round, "searchsorted": _searchsorted, "sort": _sort, "squeeze": _squeeze, "std": _std, "sum": _sum,
    "swapaxes": _swapaxes, "take": _take, "tolist": _tolist, "trace": _trace, "transpose": _transpose, "var": _var,
}  # fmt: skip
SPECIAL = {
    "__ceil__": lambda self: _whole(self, math.ceil), "__contains__": _contains, "__divmod__": _divmod,
    "__floor__": lambda self: _whole(self, math.floor), "__rdivmod__": _rdivmod, "__round__": _builtin_round,
    "__trunc__": lambda self: _whole(self, math.trunc),
}  # fmt: skip
ATTRIBUTES = {
    "T": property(_t), "flat": property(_flat, _set_flat), "imag": property(_imag, _set_imag),
    "itemsize": property(_itemsize), "mT": property(_mt), "nbytes": property(_nbytes),
    "real": property(_real, _set_real),
}  # fmt: skip


def install() -> None:
    """Put the methods and attributes on `Array`."""
    for name, method in METHODS.items():
        method.__qualname__ = f"Array.{name}"
        if method.__name__ == f"_{name}":
            method.__name__ = name
    for name, member in (METHODS | SPECIAL | ATTRIBUTES).items():
        setattr(Array, name, member)
    for name in {*dir(np.ndarray), *INSTEAD}:
        if not name.startswith("_") and not hasattr(Array, name):
            setattr(Array, name, _of_numpy_alone(name))


install()
