"""Matrix products as functions that kernels can call: of Intel's MKL, else of NumPy's own BLAS.

NumPy's wheels carry OpenBLAS with 64-bit integers under names of its own; called through the same library, products
share NumPy's threads. Where neither is found (NumPy built against another BLAS), products stay calls of
`numpy.matmul`.
"""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ....backend.numpy import mkl as _mkl

_FOLDERS = (("..", "numpy.libs"), (".dylibs",))  # Linux and Windows; macOS


@dataclass(frozen=True)
class Library:
    """A BLAS with a C interface: its file, what its functions are called, and the bits of its integers."""

    path: str
    pattern: str
    bits: int


@functools.cache
def numpys() -> Library | None:
    """The BLAS that NumPy has loaded; None where it is not one of the wheels'."""
    root = Path(np.__file__).parent
    for parts in _FOLDERS:
        for path in sorted(root.joinpath(*parts).glob("*openblas*")):
            found = Library(str(path.resolve()), "scipy_cblas_{}64_", 64)
            try:
                loaded = ctypes.CDLL(found.path)
            except OSError:
                continue
            if hasattr(loaded, found.pattern.format("sgemm")):
                return found
    return None


def for_kernels() -> Library | None:
    """The BLAS that kernels call: MKL unless ``PULLBACK_MKL=0``, else NumPy's own; None without either."""
    mkl = _mkl.library() if _mkl.load() is not None else None
    return Library(str(mkl), "cblas_{}", 32) if mkl is not None else numpys()


def routine(library: Library, name: str) -> Any:
    """``sgemm`` or ``dgemm`` as a function of `ctypes`, which lets go of the interpreter's lock."""
    return getattr(ctypes.CDLL(library.path), library.pattern.format(name))


def external(name: str, pattern: str, bits: int) -> Any:
    """``sgemm`` or ``dgemm`` as numba calls it; addresses are passed as integers.

    Raises
    ------
    RuntimeError
        Where there is no such library any more: the kernel was made with another one.
    """
    import llvmlite.binding
    from numba import types

    library = for_kernels()
    if library is None or (library.pattern, library.bits) != (pattern, bits):
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
