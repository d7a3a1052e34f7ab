"""`pb.xp`: a full namespace of the array API standard 2025.12, every function of it differentiable.

The functions are generated from `core/signatures.py` when they are first looked up.
"""

from __future__ import annotations

import dataclasses as _dataclasses
import math
import sys
from typing import Any

import numpy as np

from ...backend import extend
from .. import rules as _rules  # noqa: F401 - importing the tables registers every rule
from ..core.array import Array, backend_array, unwrap_closed
from ..core.codegen_forward import make_constant
from ..core.defvjp import function_of
from ..core.namespaces import NAMESPACES, namespace_of
from ..core.registry import PROVIDED, find, names
from ..core.signatures import ALIASES, CONSTANT, HIDDEN
from ..pytree import tree as _tree
from . import special
from .arrays.dlpack import from_dlpack
from .arrays.grids import fftfreq, meshgrid, one_hot, rfftfreq
from .arrays.joining import array_split, column_stack, hstack, split, unstack, vstack
from .arrays.like import empty_like, full_like, ones_like, zeros_like
from .arrays.padding import pad
from .creation import arange, asarray, empty, eye, full, linspace, ones, zeros
from .data_type import can_cast, finfo, iinfo, isdtype, result_type
from .documentation.lookup import documented, importing
from .einsum import einsum
from .elementwise import allclose, angle, apply_where, isclose, nan_to_num
from .indexing import at, segment_sum
from .inspection import __array_namespace_info__
from .linear_algebra import create_diagonal, dot, inner, kron, outer, vdot
from .manipulation import (
    atleast_1d,
    atleast_2d,
    atleast_nd,
    broadcast_arrays,
    broadcast_shapes,
    ravel,
    swapaxes,
    transpose,
)
from .set import (
    nunique,
    setdiff1d,
    union1d,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
)
from .sorting import argpartition, partition, sort
from .statistical import average, corrcoef, cov
from .utility import diff, interp, trapezoid

API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
__array_api_version__ = "2025.12"

e, pi, inf, nan = math.e, math.pi, math.inf, math.nan
newaxis = None

DTYPES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
globals().update({name: np.dtype(name) for name in DTYPES})


def stop_gradient(x: Any, /) -> Any:
    """`x` as a constant: its value, with nothing recorded of where it came from.

    Parameters
    ----------
    x
        An array, or a tuple, list, dict or dataclass of them, such as the state (h, c) of an LSTM.

    Returns
    -------
    Array
        On no tape; a tree of them for a tree.

    Notes
    -----
    The derivative of the result by x is 0: no cotangent passes, at any order. `pb.compile` records it as an
    operation.

    References
    ----------
    As ``jax.lax.stop_gradient``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.grad(lambda x: x * pb.stop_gradient(x))(3.0)
    3.0
    """
    if isinstance(x, tuple | list | dict) or _dataclasses.is_dataclass(x):
        return _tree.map(lambda leaf: Array(backend_array(asarray(leaf))), x)
    return Array(backend_array(asarray(x)))


def function(name: str) -> Any:
    """The function of this name in the namespace, generated if need be.

    Raises
    ------
    AttributeError
        If there is none.
    """
    name = ALIASES.get(name, name)
    try:
        found = make_constant(CONSTANT[name]) if name in CONSTANT else function_of(find(name))
    except KeyError:
        raise AttributeError(f"pb.xp has no attribute {name!r}") from None
    return found if importing() else documented(found, name)


def __getattr__(name: str) -> Any:
    if name.startswith("__") or name in HIDDEN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = function(name)
    if not importing():
        globals()[name] = found
    return found


def __dir__() -> list[str]:
    main = [n for n in (*names(), *CONSTANT) if "." not in n and n not in HIDDEN]
    return sorted({*main, *__all__, *DTYPES})


class Extension:
    """One of the standard's extensions, `linalg` or `fft`, as an attribute of the namespace."""

    def __init__(self, name: str, **written_out: Any) -> None:
        self.__name__ = f"{__name__}.{name}"
        self._prefix = name + "."
        self.__dict__.update(written_out)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        name_in_full = self._prefix + name
        found = PROVIDED[name_in_full] if name_in_full in PROVIDED else function(name_in_full)
        if not importing():
            self.__dict__[name] = found
        return found

    def __dir__(self) -> list[str]:
        every = (n for n in (*names(), *CONSTANT, *ALIASES) if n.startswith(self._prefix))
        public = (n for n in self.__dict__ if not n.startswith("_"))
        return sorted({*public, *(n.removeprefix(self._prefix) for n in every)})

    def __repr__(self) -> str:
        return f"<namespace {self.__name__}>"


linalg = Extension("linalg")
fft = Extension("fft", fftfreq=fftfreq, rfftfreq=rfftfreq)

__all__ = [
    "__array_namespace_info__", "apply_where", "arange", "asarray", "broadcast_arrays", "broadcast_shapes", "can_cast",
    "diff", "e", "empty", "empty_like", "eye", "fft", "finfo", "from_dlpack", "full", "full_like", "iinfo", "inf",
    "isdtype", "linalg", "linspace", "meshgrid", "nan", "newaxis", "ones", "ones_like", "pi", "result_type", "sort",
    "stop_gradient", "unique_all", "unique_counts", "unique_inverse", "unique_values", "unstack", "zeros", "zeros_like",
]  # fmt: skip

__all__ += [
    "allclose", "angle", "argpartition", "array_split", "at", "atleast_1d", "atleast_2d", "atleast_nd", "average",
    "column_stack", "corrcoef", "cov", "create_diagonal", "dot", "einsum", "hstack", "inner", "interp", "isclose",
    "kron", "nan_to_num", "nunique", "one_hot", "outer", "pad", "partition", "ravel", "segment_sum", "setdiff1d",
    "special", "split", "swapaxes", "transpose", "trapezoid", "union1d", "vdot", "vstack",
]  # fmt: skip


# ── one level down ────────────────────────────────────────────────────────────────────────────


class _OneLevelDown:
    """The functions that compute on traced arrays, under higher derivatives: primitives first, then this module's."""

    def __init__(self, primitives: frozenset[str]) -> None:
        self._primitives = primitives

    def __getattr__(self, name: str) -> Any:
        if name in self._primitives:
            return function_of(find(name))
        return getattr(sys.modules[__name__], name)


def _one_level_down() -> Any:
    """The namespace of `Array`, with the extras composed of its functions, except those that are primitives."""
    functions = _OneLevelDown(frozenset())
    xp = extend(
        functions,
        special=lambda _: special,
        stop_gradient=stop_gradient,
        copy=lambda x: unwrap_closed(x),
        to_device=lambda x, device: x.to_device(device),
        arange_like=lambda n, x: Array(_below(x).arange_like(n, backend_array(x))),
        random_bits=lambda key, n: Array(_below(key).random_bits(backend_array(key), n)),
        zeros_on_device_of=lambda shape, x: Array(
            _below(x).zeros_on_device_of(shape, backend_array(x))
        ),
        max_pool=_max_pool,
    )
    hidden_behind = xp.__dict__.keys() | globals().keys() | HIDDEN
    functions._primitives = frozenset(
        name for name in names() if name in hidden_behind and not find(name).residuals
    )
    for name in functions._primitives & xp.__dict__.keys():
        del xp.__dict__[name]
    return xp


def _max_pool(x: Array, **settings: Any) -> tuple[Any, Any]:
    """The maxima of windows and their places: one gather, where the formula would be recorded window by window."""
    places = Array(_below(x).max_pool(backend_array(x), **settings)[1])
    return function_of(find("pool_gather"))(x, places, **settings), places


def _below(x: Array) -> Any:
    return namespace_of(backend_array(x))


namespace_of(np.zeros(()))  # memory maps, whose operations give plain arrays, may come first
NAMESPACES[Array] = _one_level_down()
