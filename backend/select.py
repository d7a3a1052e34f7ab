"""The active backend, and the backend that an array belongs to."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import array_api_compat
import numpy as np

from .common.base import Backend, BackendError
from .generic import namespace as generic
from .generic.dask import blocks
from .numpy import backend as numpy_backend

NAMES = ("auto", "numpy", "cupy")
_active: ContextVar[Backend | None] = ContextVar("pullback_backend", default=None)


def resolve(name: str | None = None, device: int | None = None) -> Backend:
    """The backend called `name`, on the CUDA device `device`.

    Parameters
    ----------
    name : {"auto", "numpy", "cupy"}, optional
        Taken from ``PULLBACK_BACKEND`` if None, else ``"auto"``: CuPy where a CUDA device answers,
        else NumPy.
    device : int, optional
        CUDA ordinal; taken from ``PULLBACK_DEVICE`` if None, else the current device.

    Raises
    ------
    BackendError
        For an unknown name, or a package, driver or device that is not there.
    """
    source = ""
    if name is None:
        name = os.environ.get("PULLBACK_BACKEND", "").strip().lower() or "auto"
        source = "PULLBACK_BACKEND=" if "PULLBACK_BACKEND" in os.environ else ""
    if name not in NAMES:
        raise BackendError(f"unknown backend {source}{name!r}: choose one of {', '.join(NAMES)}")
    if device is None:
        device = _ordinal(os.environ.get("PULLBACK_DEVICE", "").strip())
    return _resolved(name, device, f"asked for by {source}{name}" if source else "asked for")


@functools.lru_cache(maxsize=32)
def _resolved(name: str, device: int | None, reason: str) -> Backend:
    if name == "numpy":
        return numpy_backend.backend(reason)
    if name == "cupy":
        return _cupy_backend(device, reason)
    if importlib.util.find_spec("cupy") is None:
        return numpy_backend.backend("auto: CuPy is not installed")
    try:
        return _cupy_backend(device, "auto: a CUDA device answered")
    except BackendError as error:
        return numpy_backend.backend(f"auto: {error}")


def _cupy_backend(device: int | None, reason: str) -> Backend:
    from .cuda import (
        backend as cupy_backend,  # only when it is asked for: importing CuPy takes a second
    )

    return cupy_backend.backend(device, reason)


def _ordinal(text: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        message = f"PULLBACK_DEVICE={text!r} is not a CUDA ordinal: give an integer such as 0"
        raise BackendError(message) from None


class use:
    """Make a backend the active one, at once; as a context manager, until the block ends.

    Parameters
    ----------
    name : {"auto", "numpy", "cupy"} or Backend
        The backend that creation functions put new arrays on.
    device : int, optional
        CUDA ordinal.

    Raises
    ------
    BackendError
        If that backend cannot be had here.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.backend.use("numpy"):
    ...     pb.backend.current().name
    'numpy'
    """

    def __init__(self, name: str | Backend, device: int | None = None) -> None:
        backend = name if isinstance(name, Backend) else resolve(name, device)
        self.backend = backend
        self._before = _active.set(backend)

    def __enter__(self) -> Backend:
        return self.backend

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _active.reset(self._before)

    def __repr__(self) -> str:
        return f"<use {self.backend!r}>"


def current() -> Backend:
    """The active backend: the one in use, else the environment's choice."""
    return _active.get() or _of_environment(_VARIABLES.get(_NAME), _VARIABLES.get(_DEVICE))


# The environment as its mapping holds it: to ask `os.environ` itself takes 1 µs, and every function that makes an array
# asks for the active backend.
_VARIABLES: Any = getattr(os.environ, "_data", os.environ)
_NAME, _DEVICE = (
    os.environ.encodekey(name) if _VARIABLES is not os.environ else name
    for name in ("PULLBACK_BACKEND", "PULLBACK_DEVICE")
)


@functools.lru_cache(maxsize=32)
def _of_environment(name: Any, device: Any) -> Backend:
    """`resolve()` while the two variables of the environment have these values: it reads them itself, in 3 µs."""
    return resolve()


_NUMPY = numpy_backend.backend("the array's own library")
_registered: dict[type, Backend] = {}


_stand_ins: dict[type, Callable[[Any], Backend]] = {}


def register_stand_in(array_type: type, find: Callable[[Any], Backend]) -> None:
    """Say how the backend is found of a class of arrays that stands for those of any library."""
    _stand_ins[array_type] = find


def register(array_type: type, backend: Backend) -> None:
    """Say what backend a class of arrays belongs to that stands for another library's."""
    _registered[array_type] = backend
    _of_type.cache_clear()


@functools.lru_cache(maxsize=256)
def _of_type(array_type: type) -> Backend | None:
    """The backend for a class of arrays whose device is not part of the record."""
    if array_type in _registered:
        return _registered[array_type]
    if issubclass(array_type, np.ndarray):
        if array_type in (np.ndarray, np.memmap):
            return _NUMPY
        raise TypeError(
            f"{array_type.__module__}.{array_type.__name__} is a subclass of numpy.ndarray with rules "
            "of its own; pass numpy.asarray(x) instead"
        )
    if issubclass(array_type, np.generic):
        return _NUMPY
    if array_type.__module__.partition(".")[0] == "cupy":
        return _cupy_backend(None, "the array's own library")
    return None


def backend_of(x: Any) -> Backend:
    """The backend that an array belongs to.

    Raises
    ------
    TypeError
        If `x` is not an array of a library that follows the array API standard.
    """
    array_type: Any = type(x)
    known = _of_type(array_type)
    if known is not None:
        return known
    if array_type in _stand_ins:
        return _stand_ins[array_type](x)
    if is_array(x):
        return _of_device(array_type, array_api_compat.device(x), x)
    raise TypeError(_not_an_array(x))


blocks.OF.find = backend_of  # in the tasks of Dask's graphs


def is_array(x: Any) -> bool:
    """Whether `x` is an array of a library that array-api-compat knows or that follows the standard itself.

    CuPy's arrays, torch's tensors and Dask's arrays have no ``__array_namespace__``: only array-api-compat tells what
    they are. NumPy's scalars count as arrays, classes do not.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback import backend
    >>> backend.is_array(np.zeros(2)), backend.is_array([0.0, 0.0])
    (True, False)
    """
    # the class np.float64 has the attribute
    return array_api_compat.is_array_api_obj(x) and not isinstance(x, type)


_foreign: dict[tuple[type, str], Backend] = {}


def _of_device(array_type: type, device: Any, x: Any) -> Backend:
    key = (array_type, str(device))  # by its name: not every library's devices can be hashed
    backend = _foreign.get(key)
    if backend is None:
        backend = _foreign[key] = generic.backend_for(x)
    return backend


def _not_an_array(x: Any) -> str:
    type_name = f"{type(x).__module__}.{type(x).__qualname__}"
    if hasattr(x, "__dlpack__"):
        return f"{type_name} is not an array that pullback works on; convert it by pb.xp.from_dlpack(x)"
    return f"{type_name} is not an array; convert it by pb.xp.asarray(x)"


def to_numpy(x: Any) -> np.ndarray:
    """Copy an array of any backend to the host; a NumPy array is returned as it is.

    Parameters
    ----------
    x
        An array of NumPy, CuPy or another library that follows the standard, or a number.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> from pullback import backend
    >>> backend.to_numpy(backend.current().asarray([1.0, 2.0]))
    array([1., 2.])
    """
    if isinstance(x, bool | int | float | complex | list | tuple):
        return np.asarray(x)
    return backend_of(x).to_numpy(x)
