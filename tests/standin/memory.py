"""Where the stand-in's arrays lie: devices, addresses, and what is said of an array's memory.

The NumPy array under each is reached by descriptors that are no attributes, as CuPy's arrays have none of these names.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import numpy as np

SYNCHRONISATIONS = [0]  # how often a value was read
DEVICES = {"count": 1, "current": 0}


class _ndarray_base:
    __slots__ = ("__weakref__", "_host", "_ordinal", "_owner")


# the descriptors work on, unseen: CuPy's arrays show none of these attributes
HOST, ORDINAL, OWNER = (_ndarray_base.__dict__[_name] for _name in ("_host", "_ordinal", "_owner"))
for _name in ("_host", "_ordinal", "_owner", "__weakref__"):
    delattr(_ndarray_base, _name)

host = HOST.__get__
"""The NumPy array of a stand-in's array."""
ordinal = ORDINAL.__get__
"""The number of the device that a stand-in's array was made on."""


class Device:
    """A CUDA device: it can be compared, and it cannot be hashed. There is one, unless a test sets `DEVICES`."""

    __slots__ = ("_id", "_left")
    __hash__ = None  # type: ignore[assignment]  # that is how CuPy's is

    def __init__(self, device: Any = None) -> None:
        number = DEVICES["current"] if device is None else int(device)
        if not 0 <= number < DEVICES["count"]:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        _ID.__set__(self, number)
        _LEFT.__set__(self, [])

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __enter__(self) -> Device:
        _LEFT.__get__(self).append(DEVICES["current"])
        return self.use()

    def __exit__(self, *_: Any) -> None:
        DEVICES["current"] = _LEFT.__get__(self).pop()

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    @property
    def id(self) -> int:
        return _ID.__get__(self)

    def use(self) -> Device:
        DEVICES["current"] = self.id
        return self

    def synchronize(self) -> None:
        SYNCHRONISATIONS[0] += 1


_ID, _LEFT = (Device.__dict__[_name] for _name in ("_id", "_left"))
for _name in ("_id", "_left"):
    delattr(Device, _name)


class Layout:
    """What is said of an array's memory, without holding it."""

    def __init__(self, values: np.ndarray) -> None:
        self.dtype, self.shape, self.nbytes = values.dtype, values.shape, values.nbytes
        self.contiguous = values.flags.c_contiguous


ADDRESSES: dict[int, tuple[weakref.ref[np.ndarray], Layout]] = {}
"""What lies at the addresses that were asked for."""


class MemoryPointer:
    """The memory of an array, which lies on the host."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    @property
    def ptr(self) -> int:
        found = self._values.ctypes.data
        base = self._values
        while isinstance(base.base, np.ndarray):
            base = base.base
        ADDRESSES.pop(found, None)  # so that it is the last again
        if len(ADDRESSES) > 4096:
            # the older half: another thread may be about to use what it has just asked for
            for address in list(ADDRESSES)[:2048]:
                ADDRESSES.pop(address, None)
        ADDRESSES[found] = weakref.ref(base), Layout(self._values)
        return found

    @property
    def device(self) -> Device:
        return Device()

    def copy_from_host_async(self, mem: Any, size: int, stream: Any = None) -> None:
        ctypes.memmove(self.ptr, int(getattr(mem, "value", mem)), size)

    def copy_from_async(self, mem: MemoryPointer, size: int, stream: Any = None) -> None:
        ctypes.memmove(self.ptr, mem.ptr, size)


class Flags:
    """What CuPy says of an array's memory: nothing of writes."""

    def __init__(self, values: np.ndarray) -> None:
        self.c_contiguous, self.f_contiguous = values.flags.c_contiguous, values.flags.f_contiguous
        self.owndata = values.base is None
        self.fnc, self.forc = values.flags.fnc, values.flags.forc

    def __getitem__(self, name: str) -> bool:
        return getattr(self, name.lower())
