"""Matrix products as functions that kernels can call: of NumPy's own BLAS, or of Intel's MKL.

NumPy's wheels carry OpenBLAS with 64-bit integers under names of its own; called through the same library, products
share NumPy's threads. Where neither is found (NumPy built against another BLAS), products stay calls of
`numpy.matmul`. Which one a program calls is chosen before its kernels are written (`blas_choice.py`), and holds for
all of them: the source of a kernel names the library's function.
"""

from __future__ import annotations

import contextlib
import contextvars
import ctypes
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ....backend.numpy import mkl as _mkl
from ....backend.numpy import openblas as _openblas


@dataclass(frozen=True)
class Library:
    """A BLAS with a C interface: its file, what its functions are called, and the bits of its integers."""

    path: str
    pattern: str
    bits: int
    name: str = "OpenBLAS"


@functools.cache
def numpys() -> Library | None:
    """The BLAS that NumPy has loaded; None where it is not one of the wheels'."""
    found = _openblas.numpys()
    return None if found is None else Library(found.path, "scipy_cblas_{}64_", 64)


def mkl() -> Library | None:
    """Intel's MKL; None where it is not installed, or not wanted."""
    loaded = _mkl.load()
    if loaded is None:
        return None
    if loaded.has("cblas_sgemm_64"):
        return Library(loaded.path, "cblas_{}_64", 64, "MKL")
    return Library(loaded.path, "cblas_{}", 32, "MKL")


_CURRENT: contextvars.ContextVar[Library | None] = contextvars.ContextVar("blas", default=None)


@contextlib.contextmanager
def used(library: Library | None) -> Iterator[None]:
    """Make a library the one that `for_kernels` finds: while a program is written and its runners are made."""
    token = _CURRENT.set(library)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def for_kernels() -> Library | None:
    """The BLAS that the kernels of this program call; None without any.

    Where no program is being written, that is NumPy's own, or MKL under ``PULLBACK_MKL=1`` and where NumPy's cannot
    be called.
    """
    current = _CURRENT.get()
    if current is not None:
        return current
    own = None if _mkl.wanted() else numpys()
    return own if own is not None else (mkl() or numpys())


def routine(library: Library, name: str) -> Any:
    """``sgemm`` or ``dgemm`` as a function of `ctypes`, which lets go of the interpreter's lock."""
    return getattr(ctypes.CDLL(library.path), library.pattern.format(name))


def typed(library: Library, name: str) -> Any:
    """`routine` with its types declared, as `cblas` has them."""
    number = ctypes.c_float if name == "sgemm" else ctypes.c_double
    count = ctypes.c_int64 if library.bits == 64 else ctypes.c_int32
    flag, address = ctypes.c_int, ctypes.c_void_p
    found = routine(library, name)
    found.argtypes = (
        flag, flag, flag, count, count, count, number, address, count, address, count, number, address, count,
    )  # fmt: skip
    found.restype = None
    return found


def external(name: str, pattern: str, bits: int) -> Any:
    """``sgemm`` or ``dgemm`` as numba calls it; addresses are passed as integers.

    Raises
    ------
    RuntimeError
        Where there is no such library any more: the kernel was made with another one.
    """
    import llvmlite.binding
    from numba import types

    # by the names in the kernel alone: it may be compiled where no program is being written
    libraries = (found for find in (numpys, mkl) if (found := find()) is not None)
    library = next((x for x in libraries if (x.pattern, x.bits) == (pattern, bits)), None)
    if library is None:
        raise RuntimeError(f"the BLAS with names like {pattern} was not found")
    # so that the linker of kernels finds its names
    llvmlite.binding.load_library_permanently(library.path)
    flag, address = types.int32, types.uint64
    count = types.int64 if bits == 64 else types.int32
    real = types.float32 if name == "sgemm" else types.float64
    signature = types.void(
        flag, flag, flag, count, count, count, real, address, count, address, count, real, address, count
    )  # fmt: skip
    return types.ExternalFunction(pattern.format(name), signature)
