"""Operands of SciPy's functions as arrays: lists, numbers, arrays of any library, traced ones."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import backend_of, current
from ..core.array import Array, backend_array
from ..core.dtypes import is_inexact
from ..core.generated import xp as generated
from ..core.typing import ArrayLike, DType
from ..functions.creation import asarray, zeros_on_device_of
from ..functions.data_type import result_type
from ..pytree import tree


def floating(x: ArrayLike) -> Array:
    """An array of floating dtype: lists and numbers on the active backend, integers as float64."""
    x = asarray(x)
    return x if is_inexact(x.dtype) else generated.astype(x, np.dtype("float64"))


def floating_arrays(*values: ArrayLike) -> list[Array]:
    """Arrays of one library and of floating dtype: numbers and lists go where the arrays among them are.

    Numbers (NumPy's too), lists and integer arrays take the dtype that the floating arrays have.
    """
    arrays = [asarray(v) for v in values if hasattr(v, "dtype") and not isinstance(v, np.generic)]
    if not arrays:
        return [floating(v) for v in values]
    inexact = [v for v in arrays if is_inexact(v.dtype)]
    home = inexact[0] if inexact else arrays[0]
    dtype = result_type(*inexact) if inexact else np.dtype("float64")
    return [_as_floating_like(v, home, dtype) for v in values]


def _as_floating_like(x: ArrayLike, home: Array, dtype: DType) -> Array:
    if hasattr(x, "dtype") and not isinstance(x, np.generic):
        x = asarray(x)
        return x if is_inexact(x.dtype) else generated.astype(x, dtype)
    if isinstance(x, list | tuple):
        if any(type(v) is Array or hasattr(v, "dtype") for v in tree.leaves(x)):
            x = asarray(x)
            return x if is_inexact(x.dtype) else generated.astype(x, dtype)
        host = np.asarray(x)
        if host.dtype.kind != "c":
            host = host.astype(dtype)
        return Array(backend_of(backend_array(home)).asarray(host))
    return zeros_on_device_of((), home, dtype) + (x.item() if isinstance(x, np.generic) else x)


def constant(x: Any) -> Any:
    """An array without what is recorded of it."""
    return Array(backend_array(x)) if type(x) is Array else x


# ── functions without a derivative ────────────────────────────────────────────────────────────


def on_constants(module: str, name: str, advice: str = "") -> Callable[..., Any]:
    """SciPy's function on constants; traced arrays are refused.

    Parameters
    ----------
    module : str
        As ``"scipy.special"``.
    name : str
        The function.
    advice : str
        What to use under a derivative.
    """

    def function(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = host((args, kwargs), f"{module}.{name}", advice)
        return on_active(getattr(importlib.import_module(module), name)(*args, **kwargs))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"`{module}.{name}` on constants: it has no derivative here, and refuses traced arrays."
    )
    return function


def host(values: Any, what: str, advice: str = "") -> Any:
    """A pytree with the constants in it as NumPy's arrays.

    Raises
    ------
    TypeError
        If one of them is traced, or lies on another device.
    """
    return tree.map(lambda x: _on_host(x, what, advice), values)


def _on_host(x: Any, what: str, advice: str) -> Any:
    if type(x) is not Array:
        recorded = hasattr(x, "dtype") and hasattr(x, "shape") and backend_of(x).recording
        return x.read(what) if recorded else x
    if x.traced and is_inexact(x.dtype):
        raise TypeError(
            f"{what} of a traced array of shape {x.shape}: it has no derivative; "
            f"{advice or 'where none is wanted, give it pb.stop_gradient(x)'}"
        )
    value = backend_array(x)
    if backend_of(value).recording:
        return value.read(what)  # of a constant; what is recorded of an argument is refused
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"{what} of an array on device {str(x.device)!r}: SciPy computes it on the host alone; use pb.to_numpy(x)"
        )
    return value


def on_active(values: Any) -> Any:
    """NumPy's arrays as arrays of the active backend; everything else as it is."""
    backend = current()
    return tree.map(
        lambda x: Array(backend.asarray(x)) if isinstance(x, np.ndarray | np.generic) else x, values
    )
