"""Values in HIPS autograd's programs: traced arrays while something is traced, arrays of the library otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...autograd.core.array import Array, backend_array, unwrap_closed
from ...autograd.core.dtypes import is_complex, is_inexact
from ...autograd.core.namespaces import namespace_of

# The containers that arguments are looked for in.
_NESTED = frozenset((list, tuple, dict))

# Classes of raw arrays that do not appear as such but in an `Array`, and what they stand for: those of `nodes.py`.
STAYING: dict[type, Callable[[Any], Any]] = {}


def isbox(x: Any) -> bool:
    """Whether a derivative is being taken through `x`."""
    if type(x) is not Array:
        return False
    inner = unwrap_closed(x)
    return type(inner) is Array or type(inner) in STAYING


def getval(x: Any) -> Any:
    """The value of `x` without anything traced: an array of the library, or a number."""
    if type(x) is not Array:
        return x
    value = backend_array(x)
    while type(value) in STAYING:
        value = STAYING[type(value)](value)
    return number_or_array(x, value)


def number_or_array(x: Array, value: Any) -> Any:
    """The value of `x`, which is NumPy's scalar where NumPy's function would have returned one."""
    if type(value) is np.ndarray and x.link is None and value.shape == ():
        return value[()]
    if type(value) in STAYING:
        out = Array(value)
        out.link = None if x.link is None else False
        return out
    return value


def plain(out: Any) -> Any:
    """A result as HIPS autograd returns it: what nothing traces is an array of the library, not a `pullback.Array`."""
    if type(out) is Array:
        if out.tape.open:
            return out
        value = unwrap_closed(out)
        return value if type(value) is Array else number_or_array(out, value)
    out_type = type(out)
    if out_type is tuple or out_type is list:
        return out_type([plain(x) for x in out])
    if isinstance(out, tuple) and hasattr(out, "_make"):
        return out._make([plain(x) for x in out])
    if out_type is dict:
        return {key: plain(x) for key, x in out.items()}
    return out


def holds_array(x: Any) -> bool:
    """Whether `x` is an `Array`, or a list, tuple or dict with one in it."""
    x_type = type(x)
    if x_type is Array or x_type in STAYING:
        return True
    if x_type not in _NESTED:
        return False
    return any(map(holds_array, x.values() if x_type is dict else x))


def as_leaf(x: Any) -> Any:
    """A leaf of an argument that is differentiated: Python's numbers as NumPy's, arrays of integers as floats."""
    if type(x) is float:
        return np.float64(x)
    if type(x) is complex:
        return np.complex128(x)
    if hasattr(x, "dtype") and not is_inexact(x.dtype) and np.dtype(x.dtype).kind in "iu":
        if getattr(x, "shape", ()) == () and isinstance(x, np.generic):
            raise TypeError(
                f"derivatives are for floating-point numbers, not {x!r} of type {type(x).__name__}"
            )
        value = unwrap_closed(x)
        xp = namespace_of(value)
        return xp.astype(value, xp.float64)
    return x


def conj(x: Any) -> Any:
    """The complex conjugate of a leaf; what is real stays as it is."""
    if type(x) is complex:
        return x.conjugate()
    if hasattr(x, "dtype") and is_complex(x.dtype):
        return plain(namespace_of(x).conj(x)) if not isinstance(x, np.generic) else np.conj(x)
    return x
