"""Intel's MKL by its C interface, where the PyPI package `mkl` (or conda's) is installed.

``PULLBACK_MKL=0`` leaves it alone, ``1`` asks for it wherever it can serve (an error where it is not there). By
default it is used where it is installed and a trial shows it to be faster (`lapack.py`, and `blas_choice.py` of the
compiler).
Matrices are in column order (`order="F"`), as LAPACK has them, and are written to in place. There is no copy and no
check here: callers see to order, dtype and shape.

MKL has an OpenMP runtime of its own, whose threads spin for 0.2 s after each call and take the cores from OpenBLAS
meanwhile; they are set to sleep after 1 ms unless ``KMP_BLOCKTIME`` is set. It takes no more threads than NumPy's BLAS
is limited to when it is called, by ``OPENBLAS_NUM_THREADS`` or by threadpoolctl, which may not know MKL yet.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..common.base import BackendError
from .openblas import threads_allowed

_KINDS = {"f": "s", "d": "d", "F": "c", "D": "z"}
_COLUMNS = 102  # column order, in LAPACKE and CBLAS
_OPS = {False: 111, True: 112}  # CBLAS: as it is, transposed
_POINTER, _INT, _CHAR = ctypes.c_void_p, ctypes.c_int, ctypes.c_char

# Seconds for which its threads keep their cores after their last work, twice over.
SETTLING = 2e-3

# LAPACKE, 32-bit integers: layout, then as in LAPACK without work space.
_LAPACK = {
    "getrf": (_INT, _INT, _INT, _POINTER, _INT, _POINTER),
    "getrs": (_INT, _CHAR, _INT, _INT, _POINTER, _INT, _POINTER, _POINTER, _INT),
    "potrf": (_INT, _CHAR, _INT, _POINTER, _INT),
    "potrs": (_INT, _CHAR, _INT, _INT, _POINTER, _INT, _POINTER, _INT),
    "potri": (_INT, _CHAR, _INT, _POINTER, _INT),
}


def wanted() -> bool | None:
    """The wish that ``PULLBACK_MKL`` expresses: True, False, or None for "where it is faster".

    Raises
    ------
    BackendError
        If it says anything but 0 and 1.
    """
    text = os.environ.get("PULLBACK_MKL", "").strip()
    if text not in ("", "0", "1"):
        raise BackendError(f"PULLBACK_MKL={text!r}: set 0 (never), 1 (always) or nothing")
    return None if text == "" else text == "1"


def library() -> Path | None:
    """The path of the runtime library in the installed `mkl` package."""
    if sys.platform == "win32":
        folders, pattern = (Path(sys.prefix) / "Library" / "bin",), "mkl_rt*.dll"
    else:
        folders, pattern = (Path(sys.prefix) / "lib",), "libmkl_rt.so*"
    found = (path for folder in folders for path in sorted(folder.glob(pattern)))
    return next(found, None)


class Mkl:
    """The routines, by dtype; matrices (n, m) with ``flags.f_contiguous``."""

    def __init__(self, path: Path) -> None:
        lib = ctypes.CDLL(str(path))
        held = ctypes.PyDLL(str(path))  # the interpreter's lock: each call takes 0.1 µs
        self.get_threads, self.set_threads = (
            held.MKL_Get_Max_Threads,
            held.MKL_Set_Num_Threads_Local,
        )
        self.path = str(path)
        lib.MKL_Set_Interface_Layer(0)  # 32-bit integers
        lib.LAPACKE_set_nancheck(0)
        _sleep_soon(path)
        self._lib = lib
        self._routines: dict[tuple[str, str], Any] = {}
        self.version = _version(lib)

    @property
    def threads(self) -> int:
        """The number of threads that MKL would use."""
        return int(self.get_threads())

    def has(self, name: str) -> bool:
        """Whether there is a function of this name: old versions have less."""
        return hasattr(self._lib, name)

    @contextlib.contextmanager
    def limited(self, threads: int | None = None) -> Iterator[None]:
        """Let calls of this Python thread use so many threads, or as many as NumPy's BLAS may now."""
        before = self.set_threads(threads or min(self.get_threads(), threads_allowed()))
        try:
            yield
        finally:
            self.set_threads(before)

    def _routine(self, name: str, char: str) -> Any:
        found = self._routines.get((name, char))
        if found is None:
            if name == "gemm":
                found = getattr(self._lib, f"cblas_{_KINDS[char]}gemm")
                number: Any = {"f": ctypes.c_float, "d": ctypes.c_double}.get(char, _POINTER)
                sizes = (_INT,) * 6
                found.argtypes = (*sizes, number, _POINTER, _INT, _POINTER, _INT, number, _POINTER, _INT)  # fmt: skip
                found.restype = None
            else:
                found = getattr(self._lib, f"LAPACKE_{_KINDS[char]}{name}")
                found.argtypes, found.restype = _LAPACK[name], _INT
            self._routines[name, char] = found
        return found

    def gemm(
        self,
        a: np.ndarray,
        b: np.ndarray,
        out: np.ndarray,
        *,
        alpha: float = 1.0,
        beta: float = 0.0,
    ) -> np.ndarray:
        """``out = alpha a b + beta out`` of real matrices, each in row or column order (`out` in row order)."""
        # outᵀ = bᵀ aᵀ: a matrix in row order is its transpose in column order
        m, n, k = out.shape[0], out.shape[1], a.shape[1]
        flip_a, flip_b = not a.flags.c_contiguous, not b.flags.c_contiguous
        self._routine("gemm", out.dtype.char)(
            _COLUMNS, _OPS[flip_b], _OPS[flip_a], n, m, k, alpha,
            _address(b), max(k if flip_b else n, 1), _address(a), max(m if flip_a else k, 1), beta,
            _address(out), max(n, 1),
        )  # fmt: skip
        return out

    def getrf(self, a: np.ndarray) -> tuple[np.ndarray, int]:
        """P L U = a, in place: the pivots (counted from 1), and the first zero pivot or 0."""
        n = a.shape[0]
        pivots = np.empty(n, np.int32)
        with self.limited():
            info = self._routine("getrf", a.dtype.char)(
                _COLUMNS, n, n, _address(a), n, _address(pivots)
            )
        return pivots, info

    def getrs(self, lu: np.ndarray, pivots: np.ndarray, b: np.ndarray, transposed: bool) -> None:
        """The solution x of a x = b, or of aᵀ x = b, into b (n, k)."""
        n, k = lu.shape[0], b.shape[1]
        with self.limited():
            self._routine("getrs", lu.dtype.char)(
                _COLUMNS, b"T" if transposed else b"N", n, k, _address(lu), n, _address(pivots), _address(b), n
            )  # fmt: skip

    def potrf(self, a: np.ndarray, lower: bool) -> int:
        """The flag of a = L Lᴴ, in place in one triangle: 0, or the order of the minor that is not positive."""
        n = a.shape[0]
        with self.limited():
            return self._routine("potrf", a.dtype.char)(_COLUMNS, _side(lower), n, _address(a), n)

    def potrs(self, c: np.ndarray, b: np.ndarray, lower: bool) -> None:
        """The solution x of a x = b by the Cholesky factor of a, into b (n, k)."""
        n, k = c.shape[0], b.shape[1]
        with self.limited():
            self._routine("potrs", c.dtype.char)(
                _COLUMNS, _side(lower), n, k, _address(c), n, _address(b), n
            )

    def potri(self, c: np.ndarray, lower: bool) -> int:
        """One triangle of a⁻¹ by the Cholesky factor of a, in place."""
        n = c.shape[0]
        with self.limited():
            return self._routine("potri", c.dtype.char)(_COLUMNS, _side(lower), n, _address(c), n)


def _address(x: np.ndarray) -> int:
    return x.__array_interface__["data"][0]  # a third of the time of x.ctypes.data


def _side(lower: bool) -> bytes:
    return b"L" if lower else b"U"


def _sleep_soon(path: Path) -> None:
    if "KMP_BLOCKTIME" in os.environ:
        return
    for runtime in (*path.parent.glob("libiomp5.so"), *path.parent.glob("libiomp5md.dll")):
        ctypes.CDLL(str(runtime)).kmp_set_blocktime(1)


def _version(lib: Any) -> str:
    text = ctypes.create_string_buffer(200)
    lib.MKL_Get_Version_String(text, 200)
    words = text.value.decode().split()
    return words[words.index("Version") + 1] if "Version" in words else "?"


@functools.cache
def load() -> Mkl | None:
    """MKL, or None where it is not wanted or not there.

    Raises
    ------
    BackendError
        If ``PULLBACK_MKL=1`` and it cannot be loaded.
    """
    asked = wanted()
    if asked is False:
        return None
    path = library()
    reason = f"no libmkl_rt under {sys.prefix}"
    if path is not None:
        try:
            return Mkl(path)
        except (OSError, AttributeError) as error:
            reason = str(error)
    if asked:
        raise BackendError(
            f"PULLBACK_MKL=1, but MKL cannot be loaded ({reason}): pip install mkl, or unset PULLBACK_MKL"
        )
    return None


def loaded() -> Mkl | None:
    """MKL if it has been loaded by now."""
    return load() if load.cache_info().currsize else None


def describe() -> str:
    """One line for ``pullback info``."""
    try:
        found = load()
    except BackendError as error:
        return str(error)
    if found is None:
        return "off (PULLBACK_MKL=0)" if wanted() is False else "not installed (pip install mkl)"
    use = "everywhere (PULLBACK_MKL=1)" if wanted() else "where it is faster"
    return f"{found.version}, {found.threads} threads, {use}"
