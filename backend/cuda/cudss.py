"""Sparse factors that are made and applied on the device: cuDSS, through nvmath-python's `DirectSolver`.

Used where both are installed and a trial of small systems gives NumPy's numbers; else CuPy's SuperLU, which factorises
on the host. What is kept, and for how long:

- the analysis of a pattern (ordering, elimination tree) outlives a factor: when a factor is gone, its solver waits at
  the pattern for the next values. They are written into the matrix that the solver has, since it gives up its analysis
  where it is handed another one, whatever the pattern, and are then factorised;
- a solver factorises A; cuDSS does not solve with Aᵀ by the factor of A, so that the first transposed solve factorises
  Aᵀ, once, and every adjoint after it is two triangular solves.

Source: the documentation of nvmath-python 1.0, `nvmath.sparse.advanced`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import logging
import os
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..common.errors import SingularMatrixError, singular
from ..common.forks import ForkSafeLock
from ..common.typing import RawArray
from ..generic.sparse import Pattern
from .captures import do_what_was_put_off, outside_captures

DTYPES = "fdFD"
SPARE = 2  # solvers that wait at a pattern for other values
# nvmath-python's own is the root logger, on which each new solver warns that it plans with one thread.
LOGGER = logging.getLogger("pullback.cudss")
LOGGER.setLevel(logging.ERROR)


def installed() -> bool:
    """Whether nvmath-python and cuDSS are there, and PULLBACK_CUDSS does not say 0."""
    if os.environ.get("PULLBACK_CUDSS", "") == "0":
        return False
    if importlib.util.find_spec("nvmath") is None:
        return False
    found = importlib.util.find_spec("nvidia")  # the folder of NVIDIA's wheels
    folders = found.submodule_search_locations if found is not None else None
    return any(any(Path(folder).glob("*/lib/libcudss*")) for folder in folders or ())


def load() -> Any:
    """The module of direct solvers of nvmath-python."""
    return importlib.import_module("nvmath.sparse.advanced")


class Solver:
    """A direct solver of nvmath-python, and the array that it reads its matrix from.

    It has one matrix, one right-hand side and one workspace, whichever stream is current when it is used. So each use
    waits on the device for the one before, and of threads that share a factor one goes after the other. nvmath-python
    frees what it holds on the device only where it is told to. It is told when this object is gone, which may be in the
    middle of the capture of a graph; then it is told after that.

    Parameters
    ----------
    cupy, library
        CuPy, and what `load` gives.
    matrix
        By rows, of `cupyx.scipy.sparse`. It is analysed, and its elements are `values`, which others may replace.
    """

    def __init__(self, cupy: Any, library: Any, matrix: Any) -> None:
        do_what_was_put_off(cupy)
        zero = cupy.zeros(matrix.shape[0], matrix.dtype)
        stream = cupy.cuda.get_current_stream()
        self.cupy, self.values = cupy, matrix.data
        self.lock = ForkSafeLock()
        self.used = cupy.cuda.Event(disable_timing=True)
        # the stream of the last use: cuDSS has its address, and gives memory back on it
        self.last = [stream]
        self.direct = library.DirectSolver(matrix, zero, options={"logger": LOGGER})
        device, process = cupy.cuda.Device(), os.getpid()
        free = functools.partial(_free, self.direct, self.used, stream, self.last, device, process)
        weakref.finalize(self, outside_captures, cupy, free).atexit = False
        self.used.record(stream)
        with self._in_turn():
            self.direct.plan()

    @contextlib.contextmanager
    def _in_turn(self) -> Iterator[None]:
        """A context for what is put on the current stream, behind all that was put on others by this context."""
        with self.lock.current:
            stream = self.cupy.cuda.get_current_stream()
            stream.wait_event(self.used)
            self.last.append(stream)
            try:
                yield
            finally:
                self.used.record(stream)
                del self.last[:-1]

    def replace(self, values: Any) -> None:
        """Take the elements of another matrix of the same pattern."""
        with self._in_turn():
            self.values[...] = values

    def factorize(self) -> int:
        """Factorise the matrix that `values` holds: the number of pivots that were replaced."""
        with self._in_turn():
            self.direct.factorize()
            return int(self.direct.factorization_info.npivots)

    def solve(self, b: RawArray) -> Any:
        """The solution of one system; b (n,) in the factor's dtype."""
        with self._in_turn():
            self.direct.reset_operands(b=b)
            return self.direct.solve()


def _free(direct: Any, used: Any, stream: Any, last: list[Any], device: Any, process: int) -> None:
    """Free a solver whose last use is before the event `used`, and on a stream that `last` has kept.

    CuPy's pool hands the memory of its matrix out again to the stream that it was taken on, which has to wait. A forked
    process has a copy of the solver, and cannot reach the device that it is on.
    """
    if os.getpid() == process:
        with device:
            stream.wait_event(used)
            direct.free()


class CudssFactor:
    """Factors of A, and of Aᵀ once it is asked for.

    Parameters
    ----------
    cupy, sparse, library
        CuPy, `cupyx.scipy.sparse`, and what `load` gives.
    data, pattern
        The elements, and their pattern.
    check : bool
        Whether a matrix that is singular to working precision raises; it costs one solve more.

    Raises
    ------
    SingularMatrixError
        For a pivot that cuDSS had to replace, and with `check` for a condition number beyond the dtype's digits.
    """

    def __init__(
        self, cupy: Any, sparse: Any, library: Any, data: Any, pattern: Pattern, *, check: bool
    ) -> None:
        self.cupy, self.sparse, self.library = cupy, sparse, library
        self.data, self.pattern = cupy.array(data), pattern
        self.dtype, self.device = np.dtype(data.dtype), cupy.cuda.Device()
        self.sides: dict[bool, Solver] = {}
        self.side(False)
        if check:
            self._check()

    def side(self, transposed: bool) -> Solver:
        """The solver that has the factor of A, or of Aᵀ."""
        found = self.sides.get(transposed)
        if found is None:
            solver = self._solver(transposed)
            replaced = solver.factorize()
            # nothing here may refer to the factor, which would never be gone
            weakref.finalize(self, _wait, self._spare(transposed), solver).atexit = False
            if replaced:
                raise SingularMatrixError(
                    f"matrix is singular: {replaced} pivots were zero or too small to divide by, and were replaced; "
                    "regularise it"
                )
            found = self.sides[transposed] = solver
        return found

    def _spare(self, transposed: bool) -> list[Solver]:
        name = f"cuDSS {self.dtype.char}{'T' if transposed else ''}"
        found: list[Solver] = self.pattern.once(name, list)
        return found

    def _solver(self, transposed: bool) -> Solver:
        """A solver with these values, analysed."""
        matrix = self._matrix(transposed)
        try:
            solver = self._spare(transposed).pop()
        except IndexError:  # there is none, or another thread has taken it
            return Solver(self.cupy, self.library, matrix)
        solver.replace(matrix.data)
        return solver

    def _matrix(self, transposed: bool) -> Any:
        pattern, shape = self.pattern, self.pattern.shape
        if not transposed:
            return self.sparse.csr_matrix((self.data, pattern.indices, pattern.indptr), shape=shape)
        indptr, indices, order = pattern.once("transposed", self._transposed)
        return self.sparse.csr_matrix((self.data.take(order), indices, indptr), shape=shape[::-1])

    def _transposed(self) -> tuple[Any, Any, Any]:
        """The pattern of Aᵀ by rows, and the order in which A's elements stand in it."""
        pattern = self.pattern
        numbers = self.cupy.arange(pattern.nnz, dtype="float64")
        stored = (numbers, pattern.indices, pattern.indptr)
        out = self.sparse.csc_matrix(stored, shape=pattern.shape[::-1]).tocsr()
        out.sort_indices()
        return out.indptr, out.indices, out.data.astype("int64")

    def solve(self, b: RawArray, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b, for b (n, k); a real factor solves for a complex b too.

        It is found on the factor's device, whichever one is current.
        """
        wide = np.result_type(b.dtype, self.dtype)
        with self.device:
            if b.dtype.kind == "c" and self.dtype.kind != "c":
                real, imag = (self._columns(part, transposed) for part in (b.real, b.imag))
                return (real + 1j * imag).astype(wide, copy=False)
            return self._columns(b, transposed).astype(wide, copy=False)

    def _columns(self, b: RawArray, transposed: bool) -> Any:
        side = self.side(transposed)
        out = self.cupy.empty(b.shape, self.dtype)
        for k in range(b.shape[1]):
            out[:, k] = side.solve(self.cupy.ascontiguousarray(b[:, k]).astype(self.dtype))
        return out

    def _check(self) -> None:
        """Raise if one solve shows that the matrix is singular to working precision.

        A drawn right-hand side bounds ‖A⁻¹‖ from below, and nearly reaches it unless the draw is very unlucky.
        """
        cupy, n = self.cupy, self.pattern.shape[0]
        eps = float(np.finfo(self.dtype).eps)
        b = np.random.default_rng(n).standard_normal(n).astype(self.dtype)
        v = self.side(False).solve(cupy.asarray(b))
        sizes = cupy.abs(self.data)
        largest = float(cupy.max(sizes)) if self.pattern.nnz else 0.0
        grown = float(cupy.max(cupy.abs(v))) * largest
        bound = grown / float(np.abs(b).max())
        if not bound < 1 / eps:
            raise singular(1 / bound if np.isfinite(bound) else 0.0, self.dtype)


def _wait(spare: list[Solver], solver: Solver) -> None:
    """Keep a solver whose factor is gone for the next values of its pattern, unless enough of them wait there."""
    if len(spare) < SPARE:
        spare.append(solver)


def bind(cupy: Any, sparse: Any) -> Callable[..., CudssFactor | None]:
    """``factor(data, pattern=, check=)`` by cuDSS; None where it is not to be had, or the matrix is not for it.

    Parameters
    ----------
    cupy, sparse
        The module, and `cupyx.scipy.sparse`.
    """

    @functools.cache
    def library() -> Any:
        """The module of nvmath-python, if small systems come out right; a warning gives the reason once if not."""
        if not installed():
            return None
        try:
            found = load()
            wrong = trial(cupy, sparse, found)
        except Exception as error:  # whatever the library throws at its first call
            wrong = f"{type(error).__name__}: {error}"
        if wrong:
            warnings.warn(
                f"cuDSS is not used for sparse systems: {wrong}; CuPy's SuperLU factorises on the host instead. "
                "PULLBACK_CUDSS=0 does so without this warning",
                RuntimeWarning,
                stacklevel=4,
            )
            return None
        return found

    def factor(data: Any, *, pattern: Pattern, check: bool) -> CudssFactor | None:
        # without an element there is nothing to analyse: SuperLU says that the matrix is singular
        if not pattern.nnz or data.dtype.char not in DTYPES or library() is None:
            return None
        if not pattern.once("sorted", lambda: _is_sorted(cupy, pattern)):
            return None
        if not bool(cupy.all(cupy.isfinite(data))):
            raise ValueError("sparse LU: the matrix holds NaN or infinity")
        return CudssFactor(cupy, sparse, library(), data, pattern, check=check)

    return factor


def _is_sorted(cupy: Any, pattern: Pattern) -> bool:
    """Whether columns rise strictly within each row, so that no element is given twice."""
    host = cupy.asnumpy(pattern.indices).astype(np.int64)
    starts = cupy.asnumpy(pattern.indptr)
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(starts))
    return bool((np.diff(rows * max(pattern.shape[1], 1) + host) > 0).all())


def trial(cupy: Any, sparse: Any, library: Any) -> str:
    """Why cuDSS is not to be used: what it makes of small systems, their transposes and other values; or empty."""
    rng = np.random.default_rng(0)
    n = 9
    stored = (rng.uniform(size=(n, n)) < 0.4) | np.eye(n, dtype=bool)
    indptr = np.concatenate([[0], np.cumsum(stored.sum(1))]).astype("int32")
    indices = np.nonzero(stored)[1].astype("int32")
    pattern = Pattern((n, n), cupy.asarray(indptr), cupy.asarray(indices))
    for char in DTYPES:
        for _ in range(2):
            A = np.where(stored, rng.normal(size=(n, n)) + 3 * np.eye(n), 0).astype(char)
            if char in "FD":
                A = A + np.where(stored, 1j * rng.normal(size=(n, n)), 0).astype(char)
            b = rng.normal(size=(n, 2)).astype(char)
            data = cupy.asarray(A[stored])
            made = CudssFactor(cupy, sparse, library, data, pattern, check=True)
            for transposed in (False, True):
                v = cupy.asnumpy(made.solve(cupy.asarray(b), transposed))
                error = np.abs((A.T if transposed else A) @ v - b).max()
                if not error < (1e-3 if char in "fF" else 1e-9):
                    which = "Aᵀ v = b" if transposed else "A v = b"
                    return f"a residual of {error:.1e} in {np.dtype(char).name}, {which}"
            del made
    return ""
