"""Linear maps that are known by what they do to arrays, and their adjoints.

A solver asks for v ↦ A v, and its derivative for w ↦ Aᴴ w. Matrices bring both. Of a function the second is
derived: the pullback of A is w ↦ Aᴴ w, whatever A is made of, and reading it off one recording costs one evaluation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ....backend import is_array
from ...core.array import Array, backend_array, unwrap_closed
from ...core.dtypes import is_complex
from ...core.levels.batched import Batched
from ...core.namespaces import namespace_of
from ...core.tape import TapeData
from ...core.tracer_like import Callee, host_step
from ...core.typing import RawArray
from ...functions import namespace as functions
from ...pytree import tree
from ...transforms.bindings import bound
from ...transforms.custom_vjp import custom_vjp
from ...transforms.vjp import Pullback


@dataclass(frozen=True, eq=False)
class LinearOperator:
    """A linear map v ↦ A v of arrays, with its adjoint w ↦ Aᴴ w where that is known.

    Parameters
    ----------
    matvec : callable
        ``matvec(v) -> A v``, in functions of `pb.xp` where derivatives are taken with respect to what it uses.
    rmatvec : callable, optional
        ``rmatvec(w) -> Aᴴ w``; without it, the adjoint is derived from `matvec` as its pullback.
    shape : tuple, optional
        (m, n), or the shapes of A v and of v themselves; needed by `lsmr` without x0.
    derived_from : LinearOperator, optional
        Of an adjoint that ``.H`` derived: the operator that it is the adjoint of.
    stored : Stored, optional
        The matrix that it is the product with, where there is one.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> shift = pb.linalg.LinearOperator(lambda v: 2.0 * v - pb.xp.roll(v, 1))
    >>> shift(np.asarray([1.0, 0.0, 0.0]))
    Array([ 2., -1.,  0.], dtype=float64, device='cpu')
    >>> shift.H(np.asarray([1.0, 0.0, 0.0]))
    Array([ 2.,  0., -1.], dtype=float64, device='cpu')
    """

    matvec: Callable[[Any], Any]
    rmatvec: Callable[[Any], Any] | None = None
    shape: Any = None
    derived_from: LinearOperator | None = field(default=None, repr=False)
    stored: Any = field(default=None, repr=False)

    def __call__(self, v: Any, /) -> Any:
        """A v."""
        return self.matvec(v if type(v) is Array else Array(v))

    @property
    def domain(self) -> tuple[int, ...] | None:
        """The shape of v, where `shape` says it."""
        return None if self.shape is None else _as_shape(self.shape[1])

    @property
    def H(self) -> LinearOperator:
        """The adjoint Aᴴ."""
        if self.derived_from is not None:
            return self.derived_from
        shape = None if self.shape is None else tuple(self.shape[::-1])
        if self.rmatvec is not None:
            stored = None if self.stored is None else self.stored.H
            return LinearOperator(self.rmatvec, self.matvec, shape, stored=stored)

        def rmatvec(w: Any) -> Any:
            return pullback_of(self.matvec, _zeros(self.domain, w))(w)

        return LinearOperator(rmatvec, self.matvec, shape, derived_from=self)


def _as_shape(n: Any) -> tuple[int, ...]:
    return tuple(n) if isinstance(n, tuple | list) else (int(n),)


def _zeros(shape: tuple[int, ...] | None, like: RawArray) -> Any:
    """Zeros where `like` lies, of its dtype; untraced, and as an `Array` if `like` is one."""
    below = backend_array(like)
    xp = namespace_of(below)
    zeros = xp.zeros_like(below) if shape is None else xp.zeros_on_device_of(shape, below)
    return Array(zeros) if type(like) is Array else zeros


def pullback_of(f: Callable[[Any], Any], v: Any) -> Callable[[Any], Any]:
    """w ↦ Jᴴ w of `f` at `v`, as `vjp` has it, but without copies: for solvers, which change nothing meanwhile."""
    tape = TapeData(copies=False)
    leaves, spec = tree.flatten((v,))
    value = unwrap_closed(v)
    try:
        out = f(tape.watch(value))
    except TypeError as error:
        error.add_note(
            "a transpose was to be derived here; give it by pb.linalg.LinearOperator(matvec, rmatvec)"
        )
        raise
    finally:
        tape.close()
    pull = Pullback.of(tape, leaves, spec, [value], out).pull
    return lambda w: pull(w)[0]


def flat_map(
    op: LinearOperator, shape: tuple[int, ...], example: RawArray, *, wrap: bool
) -> Callee:
    """The map on flat raw vectors, for an iteration; a derived adjoint is recorded once, at the first use.

    Parameters
    ----------
    op : LinearOperator
        The map.
    shape : tuple of int
        That of its arguments.
    example : raw array
        A flat vector like its arguments.
    wrap : bool
        Whether its function expects `Array`s; else raw arrays.
    """
    if op.stored is not None:
        callee = op.stored.callee(shape)
        return callee._replace(arrays=tuple([_same_for_all_rows(x) for x in callee.arrays]))
    kept: list[Callable[[Any], Any]] = []

    def apply(v: Any) -> Any:
        xp = namespace_of(v)
        v = xp.reshape(v, shape)
        if op.derived_from is not None:
            if not kept:
                source = op.derived_from
                kept.append(pullback_of(source.matvec, _zeros(source.domain, v)))
            out = backend_array(kept[0](v))
        else:
            out = backend_array(op.matvec(Array(v) if wrap else v))
        if type(v) is not Batched:  # the function may close over rows
            out = _same_for_all_rows(out)
        return namespace_of(out).reshape(out, (-1,))

    return Callee(apply, (example,))


def _same_for_all_rows(x: Any) -> Any:
    """A raw array that is the same for all rows; where it differs, this asks `vmap` to solve each row by itself."""
    while type(x) is Batched:
        x = x.read("a linear map")
    return x


@dataclass(frozen=True, eq=False)
class Dense:
    """A dense matrix, or its adjoint, as a map of raw vectors."""

    A: Any
    adjoint: bool = False

    @property
    def H(self) -> Dense:
        """The adjoint."""
        return Dense(self.A, not self.adjoint)

    def callee(self, shape: tuple[int, ...]) -> Callee:
        """The map of flat vectors, made of the raw matrix."""
        adjoint, vector = self.adjoint, len(shape) == 1

        def made(A: Any) -> Callable[[Any], Any]:
            xp = namespace_of(A)
            if adjoint:
                A = xp.matrix_transpose(xp.conj(A) if is_complex(A.dtype) else A)
            if vector:
                return lambda v: A @ v
            return lambda v: xp.reshape(A @ xp.reshape(v, shape), (-1,))

        return Callee(made, (), (backend_array(self.A),))


@dataclass(frozen=True, eq=False)
class Sparse:
    """The stored elements of a sparse matrix by rows; the map is its product, with its transpose, or the adjoint."""

    data: Any
    pattern: Any
    transposed: bool
    conjugate: bool = False

    @property
    def H(self) -> Sparse:
        """The adjoint."""
        return Sparse(self.data, self.pattern, not self.transposed, not self.conjugate)

    def callee(self, shape: tuple[int, ...]) -> Callee:
        """The map of flat vectors, made of the raw elements."""
        pattern, transposed, conjugate = self.pattern, self.transposed, self.conjugate

        def made(data: Any) -> Callable[[Any], Any]:
            xp = namespace_of(data)
            if conjugate and is_complex(data.dtype):
                data = xp.conj(data)
            if len(shape) == 1:
                return xp.sparse_map(data, pattern=pattern, transposed=transposed)

            def apply(v: Any) -> Any:
                out = xp.sparse_product(
                    data, xp.reshape(v, shape), pattern=pattern, transposed=transposed
                )
                return xp.reshape(out, (-1,))

            return apply

        return Callee(made, (), (backend_array(self.data),))


@dataclass(frozen=True, eq=False)
class Foreign:
    """A map that another library computes: raw arrays to raw arrays."""

    forward: Callable[[Any], Any]
    backward: Callable[[Any], Any]

    @property
    def H(self) -> Foreign:
        """The adjoint."""
        return Foreign(self.backward, self.forward)

    def callee(self, shape: tuple[int, ...]) -> Callee:
        """The map of flat vectors."""
        forward = self.forward
        if len(shape) == 1:
            return Callee(lambda: forward, (), ())

        def apply(v: Any) -> Any:
            xp = namespace_of(v)
            return xp.reshape(forward(xp.reshape(v, shape)), (-1,))

        return Callee(lambda: apply, (), ())


# ── what is taken for an operator ─────────────────────────────────────────────────────────────


def as_operator(A: Any, solver: str) -> LinearOperator:
    """An array, a sparse matrix, SciPy's LinearOperator, or a callable as a `LinearOperator`.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If it is an array without two axes.
    """
    if isinstance(A, LinearOperator):  # the adjoint calls it, maybe when its variables are others
        adjoint = A.rmatvec and bound(A.rmatvec)
        return replace(A, matvec=bound(A.matvec), rmatvec=adjoint)
    if type(A) is Array or _is_array(A):
        if len(A.shape) != 2:
            raise ValueError(f"{solver}: A has shape {tuple(A.shape)}; a matrix (n, n) is wanted")
        A = A if type(A) is Array else Array(A)
        return LinearOperator(
            functools.partial(functions.matmul, A),
            lambda w: _conj(A.mT) @ w,
            A.shape,
            stored=Dense(A),
        )
    if hasattr(A, "matvec"):
        return _constant(A.matvec, A.rmatvec, A.shape)
    if _is_foreign_sparse(A):
        return _constant(A.__matmul__, A.conj().T.__matmul__, A.shape)
    if hasattr(A, "__matmul__") and hasattr(A, "T"):
        stored = Sparse(*A._product_form()) if hasattr(A, "_product_form") else None
        return LinearOperator(
            lambda v: A @ v, lambda w: _conj(A.T @ _conj(w)), A.shape, stored=stored
        )
    if callable(A):
        return LinearOperator(bound(A))
    raise TypeError(
        f"{solver}: A is a {type(A).__name__}; give a matrix, a sparse matrix, a function v -> A v, or a "
        "pb.linalg.LinearOperator"
    )


def as_preconditioner(M: Any, solver: str) -> LinearOperator | None:
    """The operator of an approximate inverse, which acts on raw arrays and gets no gradient."""
    if M is None or isinstance(M, LinearOperator):
        return M
    if type(M) is Array or _is_array(M):
        A = backend_array(M)
        H = namespace_of(A).matrix_transpose(A)
        H = namespace_of(A).conj(H) if is_complex(A.dtype) else H
        return LinearOperator(A.__matmul__, H.__matmul__, A.shape, stored=Dense(A))
    if hasattr(M, "matvec"):
        return on_host(M.matvec, M.rmatvec, M.shape)
    return as_operator(M, f"{solver}, of M")


def unchanged(A: Any) -> Any:
    """A copy of what A holds, as far as it can be seen: arrays and sparse matrices, not what functions close over."""
    if _is_array(A):
        return namespace_of(A).asarray(A, copy=True)
    if hasattr(A, "tocsr") and hasattr(A, "copy"):  # of this library, of SciPy or of cupyx
        return A.copy()
    return A


def _is_array(A: Any) -> bool:
    return is_array(A) or (hasattr(A, "__array_interface__") and hasattr(A, "ndim"))


def _is_foreign_sparse(A: Any) -> bool:
    return type(A).__module__.startswith(("scipy.sparse", "cupyx.scipy.sparse"))


def _conj(x: Any) -> Any:
    return functions.conj(x) if is_complex(x.dtype) else x


def on_host(
    forward: Callable[..., Any], backward: Callable[..., Any], shape: Any, *inputs: Any
) -> LinearOperator:
    """A map of raw arrays by functions of another library, ``forward(v, *inputs)``, without a derivative."""

    def steps(f: Callable[..., Any]) -> Callable[[Any], Any]:
        def step(_: Any, operands: Any) -> Any:
            return f(*operands)

        return lambda v: host_step("product", step, (), (backend_array(v), *inputs))

    stored = Foreign(forward, backward) if not inputs else None
    return LinearOperator(steps(forward), steps(backward), tuple(shape), stored=stored)


def _constant(
    forward: Callable[[Any], Any], backward: Callable[[Any], Any], shape: Any
) -> LinearOperator:
    """A map of raw arrays that no derivative is taken with respect to; it is differentiable in its argument."""
    op = on_host(forward, backward, shape)
    apply = custom_vjp(lambda v: Array(op.matvec(v)))
    turned = custom_vjp(lambda w: Array(op.H.matvec(w)))
    apply.defvjp(lambda v: (apply(v), None), lambda _, ct: (turned(ct),))
    turned.defvjp(lambda w: (turned(w), None), lambda _, ct: (apply(ct),))
    return LinearOperator(apply, turned, tuple(shape), stored=op.stored)
