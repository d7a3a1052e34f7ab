"""One linear system by any solver: operands of one precision, vectors and batches, the transposed system."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.array import Array, backend_array
from ..core.defvjp import function_of
from ..core.dtypes import as_numpy, is_complex
from ..core.generated import xp as generated
from ..core.levels.batched import Batched, factor_of
from ..core.namespaces import namespace_of
from ..core.registry import find
from ..functions.creation import asarray
from . import adjoint  # noqa: F401 - registers the rule of solve_by

_TRANSPOSED = {0: False, "N": False, 1: True, "T": True, 2: True, "C": True}


def inexact(x: Any) -> Any:
    """`x` as a floating-point array, traced if it is.

    Raises
    ------
    TypeError
        For a precision that LAPACK does not have.
    """
    if not hasattr(x, "shape") or isinstance(x, np.generic):
        x = asarray(x)
    dtype = as_numpy(x.dtype)
    if dtype in _EXACT:
        return x
    if dtype.kind in "biu":
        return generated.astype(asarray(x), np.dtype("float64"))
    raise TypeError(
        f"pb.linalg: an array of {x.dtype}; linear systems are solved in float32, float64, complex64 and complex128. "
        f'Convert it: x.astype("{_nearest_precision(dtype)}")'
    )


def _nearest_precision(dtype: np.dtype) -> str:
    wide = dtype.itemsize > (16 if dtype.kind == "c" else 8)
    if dtype.kind == "c":
        return "complex128" if wide else "complex64"
    return "float64" if wide else "float32"


def operands(A: Any, b: Any) -> tuple[Any, Any]:
    """A matrix and a right-hand side as floating-point arrays, traced if they are, of one precision."""
    dtype = getattr(A, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype is getattr(b, "dtype", None) and dtype in _EXACT:
        return A, b  # as nearly always
    return promoted(inexact(A), inexact(b))


_EXACT = frozenset(np.dtype(name) for name in ("float32", "float64", "complex64", "complex128"))


def promoted(A: Any, b: Any) -> tuple[Any, Any]:
    """A and b in the wider of their precisions, each real or complex as it was."""
    A_type, b_type = as_numpy(A.dtype), as_numpy(b.dtype)
    if A_type == b_type:
        return A, b
    both = np.result_type(A_type, b_type)
    return _in_precision(A, A_type, both), _in_precision(b, b_type, both)


def _in_precision(x: Any, dtype: np.dtype, other: np.dtype) -> Any:
    single = other in (np.dtype("float32"), np.dtype("complex64"))
    names = ("complex64", "complex128") if dtype.kind == "c" else ("float32", "float64")
    name = names[0 if single else 1]
    return x if dtype == name else generated.astype(x, np.dtype(name))


def square(A: Any, function: str) -> None:
    """An error if A is not made of square matrices."""
    shape = A.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ValueError(
            f"{function}: square matrices (…, n, n) are needed, not an array of shape {tuple(shape)}; for others "
            "use lstsq"
        )


def run(
    solver: Any,
    A: Any,
    b: Any,
    *,
    factor: Any = None,
    transposed: bool = False,
    order: int | None = None,
    name: str = "solve",
) -> Any:
    """Solve A v = b for vectors, matrices and batches by one differentiable `solve_by`.

    `order` is how many rows b has, the last axis of A by default.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    A_shape, b_shape = A.shape, b.shape
    n = A_shape[-1] if order is None else order
    vector = len(b_shape) == 1
    if len(b_shape) < 1 or b_shape[0 if vector else -2] != n:
        raise ValueError(
            f"{name}: a right-hand side of shape {tuple(b_shape)} does not fit a matrix of order {n}: it has to be "
            f"({n},), or (…, {n}, k) with one column per system"
        )
    if factor is None:
        A = unchanging(A, b)
        factor = factor_of(solver, backend_array(A))
    if vector and solver.vectors and len(A_shape) == 2:
        return _solve_by(A, b, solver=solver, factor=factor, transposed=transposed)
    if vector:
        column = generated.expand_dims(b, axis=-1)
        v = _solve_by(A, column, solver=solver, factor=factor, transposed=transposed)
        return generated.squeeze(v, axis=-1)
    if len(A_shape) > solver.core or len(b_shape) == 2:
        return _solve_by(A, b, solver=solver, factor=factor, transposed=transposed)
    # one matrix and a batch of right-hand sides: the columns of all of them side by side
    columns = generated.moveaxis(b, -2, 0)
    shape = columns.shape
    v = _solve_by(
        A, generated.reshape(columns, (n, -1 if b.size else 0)), solver=solver, factor=factor, transposed=transposed
    )  # fmt: skip
    return generated.moveaxis(generated.reshape(v, shape), 0, -2)


_solve_by = function_of(find("solve_by"))


def pulled_later(x: Any) -> bool:
    """Whether a tape that records x lets its pull come later (`vjp`, `Tape`): arrays may be changed by then."""
    while type(x) in (Array, Batched):
        if type(x) is Array and x.tape.open and x.tape.copies:
            return True
        x = x.value
    return False


def unchanging(A: Any, b: Any) -> Any:
    """A, or a copy of a constant A where the pull comes later: factors of triangles and diagonals are A itself."""
    if pulled_later(b) and not (type(A) is Array and A.traced):
        return own(A)
    return A


def own(A: Any) -> Any:
    """A copy of a constant, as an untraced array."""
    value = backend_array(A)
    return Array(namespace_of(value).copy(value))


def run_adjoint(
    solver: Any,
    A: Any,
    b: Any,
    *,
    factor: Any = None,
    transposed: bool,
    conjugate: bool,
    order: int | None = None,
    name: str,
) -> Any:
    """`run`, with conj(A) instead of A if `conjugate` is set."""
    if not conjugate or not is_complex(A.dtype):
        return run(solver, A, b, factor=factor, transposed=transposed, order=order, name=name)
    b = generated.conj(asarray(b))
    return generated.conj(
        run(solver, A, b, factor=factor, transposed=transposed, order=order, name=name)
    )


def transposition(trans: int | str) -> tuple[bool, bool]:
    """Whether SciPy's `trans` asks for a transposed system, and for the conjugate of it.

    Raises
    ------
    ValueError
        If it is none of 0, 1, 2, "N", "T" and "C".
    """
    if trans not in _TRANSPOSED:
        raise ValueError(f'trans={trans!r}: choose 0 or "N", 1 or "T" (Aᵀ), 2 or "C" (Aᴴ)')
    return _TRANSPOSED[trans], trans in (2, "C")
