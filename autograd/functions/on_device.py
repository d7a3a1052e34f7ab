"""The library and the device on which a new array is made."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import Backend, backend_of, current, is_array, resolve
from ..core.array import Array, backend_array
from ..core.dtypes import as_numpy


def create(
    name: str, *args: Any, dtype: Any, device: Any, like: Any = None, **settings: Any
) -> Array:
    """A creation function of the library of the array `like`, or of the active backend."""
    backend = current() if like is None else backend_of(backend_array(like))
    backend, device = _placed(backend, device)
    home = backend.device if device is None else device
    place = {} if home is None else {"device": home}
    wanted = None if dtype is None else backend.dtype(as_numpy(dtype))
    function: Any = backend.xp
    for part in name.split("."):
        function = getattr(function, part)
    return Array(backend.normalise(function(*args, dtype=wanted, **place, **settings)))


def _placed(backend: Backend, device: Any) -> tuple[Backend, Any]:
    """The backend for a device: ``"cpu"`` is NumPy's where the active one has no such name for a place."""
    if isinstance(device, str) and device == "cpu" and backend.name == "cupy":
        return resolve("numpy"), None
    return backend, device


def zeros_on_device_of(shape: tuple[int, ...], x: Array, dtype: Any = None) -> Array:
    """Zeros in the library, on the device and of the dtype of `x`, or of another dtype."""
    backend = backend_of(backend_array(x))
    zeros = backend.xp.zeros_on_device_of(shape, backend_array(x))
    wanted = x.dtype if dtype is None else dtype
    return Array(backend.xp.astype(zeros, backend.dtype(wanted), copy=False))


def is_foreign(x: Any) -> bool:
    """Whether `x` is an array of some library; NumPy's scalars are numbers, at home everywhere."""
    return is_array(x) and not isinstance(x, np.generic)


def as_number(x: Any) -> Any:
    """A Python number from one of NumPy's or a 0-d array."""
    x = backend_array(x)
    return backend_of(x).to_numpy(x).item() if hasattr(x, "dtype") else x
