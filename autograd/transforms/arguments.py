"""Arguments and results of the transforms: what is differentiated, and what is given back."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...backend import backend_of
from ...backend.common.base import LAZY
from ..core.array import Array, unwrap_closed
from ..core.cotangents import DEFERRED, as_constant
from ..core.dtypes import is_complex
from ..core.levels.batched import Batched
from ..core.namespaces import NAMESPACES, namespace_of
from ..core.tape import check_differentiable
from ..core.tracer_like import TRACERS
from ..core.typing import ArrayLike, Cotangent, DType, PyTree, Value
from ..pytree import tree

# ── which arguments ───────────────────────────────────────────────────────────────────────────


def normalize_argnums(argnums: Any) -> tuple[tuple[int, ...], bool]:
    """The indices that `argnums` names, and whether it is a sequence of them.

    Raises
    ------
    TypeError
        If it is not an integer or a sequence of integers.
    """
    several = isinstance(argnums, tuple | list)
    try:
        return tuple(operator.index(i) for i in (argnums if several else (argnums,))), several
    except TypeError:
        raise TypeError(
            f"argnums={argnums!r}: give the index of an argument, an integer, or a tuple of indices"
        ) from None


def validate_argnums(indices: tuple[int, ...], args: tuple[Any, ...]) -> None:
    """Refuse indices without an argument, and indices that name one argument twice.

    Raises
    ------
    TypeError
        For such indices.
    """
    n = len(args)
    for index in indices:
        if not -n <= index < n:
            given = indices if len(indices) > 1 else index
            raise TypeError(f"argnums={given}, but there are {n} positional arguments")
    if len(indices) > 1 and len({index % n for index in indices}) < len(indices):
        raise TypeError(f"argnums={indices} names one of the {n} arguments twice")


# ── what goes onto the tape ───────────────────────────────────────────────────────────────────


def common_array_type(leaves: list[Any]) -> type | None:
    """The class of the leaves if all are raw arrays of one class with real dtypes, else None.

    Such leaves need no check of their own.
    """
    array_type = type(leaves[0]) if leaves else None
    real = _REAL.get(array_type)
    if real is None:
        return None
    for x in leaves:
        if type(x) is not array_type or x.dtype not in real:
            return None
    return array_type


# The real floating dtypes that were met, by the class of raw arrays.
_REAL: dict[type | None, set[DType]] = {}


def checked_leaf(
    leaf: ArrayLike, i: int, leaves: list[ArrayLike], chosen: PyTree, others: PyTree = ()
) -> Value:
    """The value one level down of the i-th leaf of the differentiated arguments.

    A number goes where the arrays of the call are: those of the leaves, or of the `others` among
    the arguments.

    Raises
    ------
    TypeError
        If no derivative can be taken with respect to it; the message names the leaf.
    """
    try:
        value = check_differentiable(leaf, "this argument", (leaves, others))
        plain = type(value) is type(leaf) is not Array and type(value) not in TRACERS
        if plain and not is_complex(value.dtype):
            _REAL.setdefault(type(value), set()).add(value.dtype)
        return value
    except TypeError as error:
        name = (
            "the argument"
            if len(leaves) == 1
            else f"leaf {tree.paths(chosen)[i]!r} of the arguments"
        )
        raise TypeError(f"grad: {str(error).replace('this argument', name)}") from None


def split_aux(out: Any) -> tuple[Any, Any]:
    """The value and the rest of what a function with `has_aux` returned.

    Raises
    ------
    TypeError
        If that is not a pair.
    """
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(
            f"has_aux=True: the function has to return (value, aux), not {type(out).__name__}"
        )
    return out


def constants(aux: PyTree) -> PyTree:
    """A tree whose arrays are taken off closed tapes."""
    return tree.map(lambda x: _constant(x) if type(x) is Array else x, aux)


def _constant(x: Array) -> Array:
    inner = unwrap_closed(x)
    return inner if type(inner) is Array else Array(inner)


# ── lazy results where an argument is NumPy's ─────────────────────────────────────────────────

# Arguments of these classes have values, and a caller expects as much of their gradients.
_HOST = (np.ndarray, np.generic, float, complex)


def settled(results: list[Any], likes: list[Any]) -> list[Any]:
    """Results, of which lazy ones are computed, all at once, where the argument like them is NumPy's or a number.

    Results that are like a lazy argument stay lazy, and get its chunks.

    Parameters
    ----------
    results, likes : list
        Each result, and the argument that decides what it has to be.
    """
    out = list(results)
    to_compute: list[int] = []
    for i, (x, like) in enumerate(zip(results, map(unwrap_closed, likes), strict=True)):
        value = unwrap_closed(x)
        if type(value) not in LAZY:
            continue
        if isinstance(like, _HOST):
            to_compute.append(i)
        elif type(like) in LAZY and like.shape == value.shape:
            laid_out = backend_of(value).xp.laid_out(value, like)
            if laid_out is not value:
                out[i] = Array(laid_out) if type(x) is Array else laid_out
    if to_compute:
        values = [unwrap_closed(results[i]) for i in to_compute]
        fetch = backend_of(values[0]).fetch
        assert fetch is not None  # as in all backends of lazy arrays
        for i, computed in zip(to_compute, fetch(values), strict=True):
            out[i] = Array(computed) if type(results[i]) is Array else computed
    return out


def host_leaf(leaves: list[Any]) -> Any:
    """The leaf whose class a value has: the first that is NumPy's or a number, whose gradients are computed anyway.

    Without one it is the first.
    """
    for leaf in leaves if LAZY else ():
        if isinstance(unwrap_closed(leaf), _HOST):
            return leaf
    return leaves[0]


# ── what goes in and what comes out ───────────────────────────────────────────────────────────


def restore_type(x: Value, like: ArrayLike) -> ArrayLike:
    """A result in the type that the caller gave: a raw array, an `Array`, or a Python number."""
    if type(x) is type(like) and type(x) is not Array and type(x) not in TRACERS:
        return x
    x = unwrap_closed(x)
    if type(x) is np.ndarray is type(like):
        return x
    if type(x) is Batched:
        return Array(x)
    if type(x) in TRACERS and type(like) in TRACERS and like.is_number:
        return x.as_number()  # a Python float that `compile` records
    if type(x) is Array:
        return x
    if type(like) is Array:
        return Array(x)
    if isinstance(like, float | complex) and x.shape == ():
        host = backend_of(x).to_numpy(x)
        return host[()] if isinstance(like, np.generic) else host.item()
    return x


def seed_for(value: Value) -> Cotangent:
    """The cotangent 1 of a 0-d output."""
    if type(value) is np.ndarray and (seed := _numpy_seeds.get(value.dtype)) is not None:
        return seed
    if type(value) in (Array, Batched):
        return NAMESPACES[Array].ones_like(as_constant(value))
    if type(value) in LAZY:
        return namespace_of(value).ones_like(value)  # of the library of its blocks
    # by the device's name: CuPy's devices cannot be hashed, and Dask's arrays have none
    key = (type(value), value.dtype, str(getattr(value, "device", "")))
    seed = _seeds.get(key)
    if seed is None:
        seed = namespace_of(value).ones_like(value)
        if backend_of(seed).recording:
            return seed  # a tracer belongs to its trace
        _seeds[key] = seed
        # The seed is kept for every sweep to come; only a copy of it may reach the caller.
        backend_of(seed).lock([seed])
        if type(value) is np.ndarray:
            _numpy_seeds[value.dtype] = seed
    return seed


_seeds: dict[Any, Any] = {}
_numpy_seeds: dict[DType, Any] = {}  # of `_seeds`: found without asking an array for its device


def leaf_gradient(ct: Cotangent, value: Value, taken: set[int]) -> Value:
    """The gradient from the cotangent at an input: unconjugated, and in a buffer of its own."""
    if ct is None:
        return namespace_of(value).zeros_like(value)
    if type(ct) in DEFERRED:
        ct = ct.materialize()
    if type(ct) is Array:
        ct = unwrap_closed(ct)
    if type(ct) is Array:
        return NAMESPACES[Array].conj(ct) if is_complex(ct.dtype) else ct.__copy__()
    if is_complex(value.dtype):
        ct = namespace_of(ct).conj(ct)
    out = backend_of(ct).as_gradient(ct)
    if id(out) in taken:
        out = namespace_of(out).copy(out)
    taken.add(id(out))
    return out


def scalar_output(out: Any, transform: str) -> Any:
    """The traced 0-d real output from which a gradient starts.

    Raises
    ------
    TypeError
        If the output is not one real number.
    """
    if type(out) is Array and out.value.shape == () and not is_complex(out.value.dtype):
        return out
    if (
        type(out) is not Array
        and not hasattr(out, "shape")
        and not isinstance(out, int | float | complex)
    ):
        raise TypeError(
            f"{transform}: the function returned {type(out).__name__}, not one real number; return a 0-d array, and "
            "anything else by has_aux=True"
        )
    value = out.value if type(out) is Array else out
    shape = tuple(getattr(value, "shape", ()))
    if shape != ():
        raise TypeError(
            f"{transform}: the function returned an array of shape {shape}, but a gradient is of one real number; "
            "reduce it (sum, mean), or use pb.vjp with a cotangent or pb.jacobian"
        )
    dtype = getattr(value, "dtype", type(value))
    if dtype is complex or is_complex(dtype):
        raise TypeError(
            f"{transform}: the function returned a complex number ({dtype}), but a gradient is of one real number; "
            "return its abs, real or imag, or use pb.vjp with a cotangent"
        )
    return out
