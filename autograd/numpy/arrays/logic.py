"""Questions about values, shapes and dtypes, whose answers carry no derivative."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any
from typing import cast as cast_to

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.dtypes import as_numpy, is_complex, is_inexact
from ...core.generated import xp as generated
from ...functions import elementwise
from ...functions.arrays.like import zeros_like
from ...functions.creation import is_library_array
from ..arguments import as_array
from ..conversions import as_arrays, cast, normalize_axes

__all__ = [
    "allclose", "array2string", "array_equal", "array_equiv", "array_repr", "array_str", "base_repr", "binary_repr",
    "can_cast", "common_type", "finfo", "format_float_positional", "format_float_scientific", "get_printoptions",
    "geterr", "iinfo", "isclose", "iscomplex", "iscomplexobj", "isdtype", "isfortran", "isreal", "isrealobj",
    "isscalar", "issubdtype", "may_share_memory", "min_scalar_type", "mintypecode", "ndim", "printoptions",
    "promote_types", "result_type", "set_printoptions", "seterr", "shape", "shares_memory", "size", "typename",
]  # fmt: skip

# NumPy's own: of dtypes, of numbers as text, of its settings.
base_repr, binary_repr = np.base_repr, np.binary_repr
finfo, iinfo = np.finfo, np.iinfo
geterr, seterr = np.geterr, np.seterr
get_printoptions, printoptions, set_printoptions = (
    np.get_printoptions,
    np.printoptions,
    np.set_printoptions,
)
isdtype, issubdtype = np.isdtype, np.issubdtype
iterable, mintypecode, promote_types, typename = (
    np.iterable,
    np.mintypecode,
    np.promote_types,
    np.typename,
)


# ── values ────────────────────────────────────────────────────────────────────────────────────────


def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Array:
    """Whether ``|a − b| ≤ atol + rtol |b|``, element by element."""
    first, second = as_arrays(a, b)
    return elementwise.isclose(first, second, rtol, atol, equal_nan)


def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close in the sense of `isclose`; reads them."""
    return bool(generated.all(isclose(a, b, rtol, atol, equal_nan)))


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """Whether two arrays have one shape and equal elements; reads them."""
    first, second = as_arrays(a1, a2)
    return first.shape == second.shape and _all_equal(first, second, equal_nan)


def array_equiv(a1: Any, a2: Any) -> bool:
    """Whether two arrays broadcast against each other and have equal elements then; reads them."""
    first, second = as_arrays(a1, a2)
    try:
        np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        return False
    return _all_equal(first, second, equal_nan=False)


def _all_equal(first: Array, second: Array, equal_nan: bool) -> bool:
    common = np.result_type(first.dtype, second.dtype)
    x, y = cast(Array(backend_array(first)), common), cast(Array(backend_array(second)), common)
    same = x == y
    if equal_nan and is_inexact(common):
        same = same | (generated.isnan(x) & generated.isnan(y))
    return bool(generated.all(same))


def iscomplex(x: Any) -> Array:
    """Whether each element has an imaginary part that is not 0; a constant."""
    x = as_array(x)
    if not is_complex(x.dtype):
        return zeros_like(x, dtype=np.dtype("bool"))
    return generated.imag(x) != 0


def isreal(x: Any) -> Array:
    """Whether each element has the imaginary part 0; a constant."""
    return generated.logical_not(iscomplex(x))


def iscomplexobj(x: Any) -> bool:
    """Whether `x` has a complex dtype."""
    return is_complex(_dtype_of(x))


def isrealobj(x: Any) -> bool:
    """Whether `x` has no complex dtype."""
    return not iscomplexobj(x)


def _dtype_of(x: Any) -> np.dtype:
    if hasattr(x, "dtype"):
        return as_numpy(x.dtype)
    return as_array(x).dtype


def isscalar(element: Any) -> bool:
    """Whether `element` is a number of Python's or NumPy's; arrays of no axes are none."""
    return (
        not is_library_array(element) and type(element) is not Array and bool(np.isscalar(element))
    )


def isfortran(a: Any) -> bool:
    """False: how an array lies in memory does not show here."""
    as_array(a)
    return False


# ── shapes and dtypes ─────────────────────────────────────────────────────────────────────────────


def shape(a: Any) -> tuple[int, ...]:
    """The lengths of the axes."""
    return tuple(a.shape) if hasattr(a, "shape") else as_array(a).shape


def ndim(a: Any) -> int:
    """The number of axes."""
    return len(shape(a))


def size(a: Any, axis: Any = None) -> int:
    """The number of elements, or the length of an axis or product of those of several."""
    found = shape(a)
    if axis is None:
        return math.prod(found)
    return math.prod(found[k] for k in normalize_axes(axis, len(found)))


def result_type(*arrays_and_dtypes: Any) -> np.dtype:
    """The dtype that NumPy's promotion gives."""
    given = [
        as_numpy(x.dtype) if is_library_array(x) or type(x) is Array else x
        for x in arrays_and_dtypes
    ]
    return np.result_type(*given)


def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    """Whether a cast between dtypes is allowed by a rule of NumPy's; `from_` may be an array."""
    source = as_numpy(from_.dtype) if is_library_array(from_) or type(from_) is Array else from_
    return bool(np.can_cast(source, as_numpy(to), cast_to(Any, casting)))


def common_type(*arrays: Any) -> Any:
    """The inexact scalar type to which all arrays can be cast."""
    return np.common_type(*(np.empty(0, _dtype_of(x)) for x in arrays))


def min_scalar_type(a: Any, /) -> np.dtype:
    """The smallest dtype that holds a number; of an array with axes, its dtype."""
    x = backend_array(a)
    if is_library_array(x):
        if x.ndim:
            return as_numpy(x.dtype)
        x = backend_of(x).to_numpy(x)
    return np.min_scalar_type(x)


def shares_memory(a: Any, b: Any, /, max_work: int = -1) -> bool:
    """Whether a write to one of two arrays reaches the other: one is a view of the other, or both of a third."""
    return _base(a) is _base(b)


def may_share_memory(a: Any, b: Any, /, max_work: int = 0) -> bool:
    """Whether a write to one of two arrays may reach the other."""
    return shares_memory(a, b)


def _base(x: Any) -> Any:
    """The array that `x` is a view of, through all views; `x` itself if it is none."""
    while True:
        # see `core/views.py`
        link = getattr(x, "link", None)
        base = link if type(link) is Array else getattr(link, "base", None)
        if base is None:
            return x
        x = base


# ── text ──────────────────────────────────────────────────────────────────────────────────────────


def _text_of(x: Any) -> np.ndarray:
    value = backend_array(as_array(x))
    return backend_of(value).to_numpy(value)


def array_repr(
    arr: Any, max_line_width: Any = None, precision: Any = None, suppress_small: Any = None
) -> str:
    """The elements as text, as NumPy's `repr` of an array with these values."""
    return np.array_repr(_text_of(arr), max_line_width, precision, suppress_small)


def array_str(
    a: Any, max_line_width: Any = None, precision: Any = None, suppress_small: Any = None
) -> str:
    """The elements as text, as NumPy's `str` of an array with these values."""
    return np.array_str(_text_of(a), max_line_width, precision, suppress_small)


def _as_text(name: str, one: bool) -> Callable[..., str]:
    """NumPy's function that writes an array, or one number, as text, for arrays of any backend."""
    of_numpy = getattr(np, name)

    @functools.wraps(of_numpy)
    def function(a: Any, *args: Any, **settings: Any) -> str:
        host = _text_of(a)
        return of_numpy(host[()] if one else host, *args, **settings)

    function.__module__ = __name__
    function.__doc__ = f"`numpy.{name}` of an array of any backend."
    return function


array2string = _as_text("array2string", one=False)
format_float_positional = _as_text("format_float_positional", one=True)
format_float_scientific = _as_text("format_float_scientific", one=True)
