"""Arrays from files, buffers and text, and to files: constants, through NumPy on the host.

What is read goes to the active backend. What is written may not be traced: a file holds no derivative.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import current
from ...core.array import Array
from ...core.transfer import to_numpy

READERS = (
    "frombuffer", "fromfile", "fromiter", "fromregex", "fromstring", "genfromtxt", "load", "loadtxt",
)  # fmt: skip
WRITERS = {"save": 1, "savetxt": 1, "savez": None, "savez_compressed": None}

__all__ = [*READERS, *WRITERS]


def _reader(name: str) -> Callable[..., Any]:
    of_numpy = getattr(np, name)

    @functools.wraps(of_numpy)
    def read(*args: Any, **settings: Any) -> Any:
        if settings.pop("like", None) is not None:
            raise TypeError(
                f"{name}(like=): the array is made on the active backend; use pb.backend.use"
            )
        return _on_active(of_numpy(*args, **settings))

    return _described(read, name, f"`numpy.{name}`, its result on the active backend; a constant.")


def _on_active(found: Any) -> Any:
    if isinstance(found, np.ndarray) and found.dtype.kind in "biufc":
        return Array(current().asarray(found))
    return (
        [_on_active(x) for x in found] if isinstance(found, list) else found
    )  # archives are NumPy's own


def _writer(name: str) -> Callable[..., Any]:
    of_numpy = getattr(np, name)

    @functools.wraps(of_numpy)
    def write(file: Any, *arrays: Any, **settings: Any) -> Any:
        if WRITERS[name] is None:
            keep = {"allow_pickle"}
            settings = {k: v if k in keep else to_numpy(v) for k, v in settings.items()}
            return of_numpy(file, *map(to_numpy, arrays), **settings)
        for key in ("arr", "X"):
            if key in settings:
                settings[key] = to_numpy(settings[key])
        return of_numpy(file, *map(to_numpy, arrays[:1]), *arrays[1:], **settings)

    return _described(
        write, name, f"`numpy.{name}` of arrays of any backend, which may not be traced."
    )


def _described(function: Any, name: str, text: str) -> Callable[..., Any]:
    function.__module__, function.__qualname__, function.__doc__ = __name__, name, text
    return function


globals().update({name: _reader(name) for name in READERS})
globals().update({name: _writer(name) for name in WRITERS})
