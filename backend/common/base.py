"""The `Backend` record: what differentiation needs of an array library and the standard lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class BackendError(RuntimeError):
    """A backend that was asked for cannot be had; the message says what to install or set."""


class Namespace:
    """An array API namespace with more functions, looked up once and then an attribute.

    Parameters
    ----------
    base
        Any array API namespace; every name that `extras` lacks is taken from it.
    extras
        What gradients need beyond the standard (see `_generic.extras`), and faster
        versions of the standard's own functions.
    """

    def __init__(self, base: Any, extras: Mapping[str, Any]) -> None:
        self.base = base
        self.__dict__.update(extras)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.base, name)
        self.__dict__[name] = value
        return value

    def __repr__(self) -> str:
        return f"<Namespace over {getattr(self.base, '__name__', self.base)}>"


LAZY: set[type] = set()
"""The classes of lazy arrays (Dask's), whose values are not computed yet, as far as a program has met any.

It is empty in most programs, which look at nothing else.
"""


def _no_memory() -> dict[str, int]:
    return {}


def _nothing(*_: Any) -> None:
    return None


@dataclass(frozen=True, eq=False)
class Backend:
    """One array library on one device.

    Attributes
    ----------
    name : str
        ``"numpy"``, ``"cupy"``, or the library's own name.
    xp : Namespace
        The array API namespace of the library's own arrays, with the extras of `_generic.extras`.
    array_type : type
        The class of the library's arrays.
    asarray : callable
        ``asarray(host, dtype=None)``: a NumPy array, nested list or number, on the active device.
    to_numpy : callable
        ``to_numpy(x)``: a copy of, or on the CPU the same, array as ``numpy.ndarray``.
    normalise : callable
        ``normalise(x)``: what a kernel returned, as an array (NumPy's ufuncs return scalars for 0-d).
    as_gradient : callable
        ``as_gradient(x)``: `x` itself if it owns a writable C-ordered buffer, else such a copy.
    lock, unlock : callable
        ``lock(arrays)`` forbids writes to arrays of a list and returns those for which it had to; ``unlock(arrays)``
        undoes that.
    device : object
        Where creation functions put new arrays; None for the library's default.
    dtype : callable
        ``dtype(d)``: the library's own object for the ``numpy.dtype`` `d`.
    memory : callable
        The memory in bytes, as ``{"free": …, "total": …}``; empty where it has no meaning.
    synchronize : callable
        Waits until all work that was queued on the device is done.
    info : callable
        What ``pullback info`` prints, as ``{"label": "text"}``.
    reason : str
        Why this backend is the active one.
    feed : callable
        ``feed(batches)``: tuples of NumPy arrays as tuples of the library's own arrays, in order; where copies
        to the device take time, the next one is made while a batch is in use.
    fetch : callable, optional
        ``fetch(arrays)``: the values of arrays that have none yet, as NumPy arrays, all in one computation. None for
        libraries whose arrays have values. NumPy's arrays join such a library's in any operation.
    recording : bool
        Whether its arrays are those of a recording, which decide where an operation runs, and have no values.
    programs : graph_runtime.Runtime, optional
        What runs compiled programs on the device; None where they run as Python.
    collectives : cuda.collectives.nccl.Library, optional
        What sends arrays from device to device.
    """

    name: str
    xp: Namespace
    array_type: type
    asarray: Callable[..., Any]
    to_numpy: Callable[[Any], np.ndarray]
    normalise: Callable[[Any], Any]
    as_gradient: Callable[[Any], Any]
    lock: Callable[[list[Any]], list[Any]] = lambda _: []
    unlock: Callable[[list[Any]], None] = _nothing
    device: Any = None
    dtype: Callable[[Any], Any] = lambda d: d
    memory: Callable[[], dict[str, int]] = _no_memory
    synchronize: Callable[[], None] = _nothing
    info: Callable[[], dict[str, str]] = dict
    reason: str = field(default="")
    feed: Callable[[Iterable[tuple[Any, ...]]], Iterator[tuple[Any, ...]]] = iter
    fetch: Callable[[list[Any]], list[Any]] | None = None
    recording: bool = False
    programs: Any = None
    collectives: Any = None

    def takes_in(self, x: Any) -> bool:
        """Whether `x`, an array of NumPy's, becomes one of this library where it meets one: of lazy libraries."""
        return self.fetch is not None and isinstance(x, np.ndarray)

    def __repr__(self) -> str:
        return f"<Backend {self.name}{'' if self.device is None else f' on {self.device}'}>"
