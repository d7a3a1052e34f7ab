"""Products, layers and linear systems, of all rows at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...core.levels.batched import Batched, BatchedFactor
from ...core.namespaces import NAMESPACES, namespace_of
from .array import aligned, matmul, values_of
from .rows import plain, row_by_row


def _summed(axes: Any, ndim1: int, ndim2: int) -> tuple[list[int], list[int]]:
    if isinstance(axes, int):
        return list(range(ndim1 - axes, ndim1)), list(range(axes))
    first, second = (a if isinstance(a, tuple | list) else (a,) for a in axes)
    return [a % ndim1 for a in first], [a % ndim2 for a in second]


def _tensordot(x1: Any, x2: Any, *, axes: Any = 2) -> Batched:
    """The contraction as one matrix product, of free by summed axes; for each row, if both differ from row to row."""
    first, second = _summed(axes, len(x1.shape), len(x2.shape))
    values = values_of((x1, x2))
    xp = namespace_of(values[0])
    if type(x1) is Batched and type(x2) is Batched:
        free1 = [i for i in range(x1.ndim) if i not in first]
        free2 = [i for i in range(x2.ndim) if i not in second]
        k, n = values[0].shape[0], math.prod(x1.shape[i] for i in first)
        a = xp.permute_dims(values[0], (0, *(i + 1 for i in (*free1, *first))))
        b = xp.permute_dims(values[1], (0, *(i + 1 for i in (*second, *free2))))
        shape = (k, *(x1.shape[i] for i in free1), *(x2.shape[i] for i in free2))
        rows, columns = (
            math.prod(x.shape[i] for i in free) for x, free in ((x1, free1), (x2, free2))
        )
        product = xp.reshape(a, (k, rows, n)) @ xp.reshape(b, (k, n, columns))
        return Batched(xp.reshape(product, shape))
    if type(x1) is Batched:
        first = [a + 1 for a in first]
        return Batched(xp.tensordot(*values, axes=(tuple(first), tuple(second))))
    second = [a + 1 for a in second]
    out = xp.tensordot(*values, axes=(tuple(first), tuple(second)))
    return Batched(xp.moveaxis(out, len(x1.shape) - len(first), 0))


def _einsum(arrays: list[Any], *, subscripts: str, optimize: Any = None) -> Batched:
    inputs, _, output = subscripts.partition("->")
    label = next(c for c in _LETTERS if c not in subscripts)
    terms = [
        label + term if type(x) is Batched else term
        for x, term in zip(arrays, inputs.split(","), strict=True)
    ]
    values = values_of(arrays)
    text = f"{','.join(terms)}->{label}{output}"
    return Batched(plain("einsum", values)(values, subscripts=text, optimize=optimize))


_LETTERS = "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba"


def _outer(x1: Any, x2: Any) -> Batched:
    xp = NAMESPACES[Batched]
    return xp.multiply(xp.expand_dims(x1, axis=1), xp.expand_dims(x2, axis=0))


# ── layers ────────────────────────────────────────────────────────────────────────────────────


def _layer(name: str) -> Callable[..., Any]:
    """`linear` and `linear_relu`: the rows of the library's own function, where the parameters are the same for all."""

    def call(x: Any, W: Any, b: Any) -> Batched:
        xp = NAMESPACES[Batched]
        if type(W) is not Batched and type(b) is not Batched:
            values = values_of((x, W, b))
            if len(values[0].shape) == 2:
                return Batched(plain(name, values)(*values))
            rows = namespace_of(values[0]).reshape(values[0], (-1, x.shape[-1]))
            out = plain(name, values)(rows, *values[1:])
            return Batched(namespace_of(out).reshape(out, (*values[0].shape[:-1], W.shape[-1])))
        out = xp.add(xp.matmul(x, W), b)
        return xp.relu(out) if name == "linear_relu" else out

    return call


# ── linear systems ────────────────────────────────────────────────────────────────────────────


def _solve(a: Any, b: Any) -> Any:
    """A⁻¹ B; where A is one matrix, with the columns of all B side by side: one factorisation."""
    xp = NAMESPACES[Batched]
    if len(b.shape) == 1:
        return xp.squeeze(_solve(a, xp.expand_dims(b, axis=1)), axis=-1)
    if type(b) is Batched and type(a) is not Batched and len(a.shape) == b.ndim == 2:
        A, B = values_of((a, b))
        raw_xp = namespace_of(B)
        k, n, m = B.shape
        columns = raw_xp.reshape(raw_xp.permute_dims(B, (1, 0, 2)), (n, k * m))
        X = raw_xp.reshape(raw_xp.linalg.solve(A, columns), (n, k, m))
        return Batched(raw_xp.permute_dims(X, (1, 0, 2)))
    values = aligned((a, b))
    return Batched(namespace_of(values[0]).linalg.solve(*values))


def _solve_by(A: Any, b: Any, *, solver: Any, factor: Any, **settings: Any) -> Any:
    """One factor for all rows: the columns of all of them side by side; a factor of all rows as it is."""
    xp = NAMESPACES[Batched]
    if len(b.shape) == 1:
        column = xp.expand_dims(b, axis=1)
        return xp.squeeze(_solve_by(A, column, solver=solver, factor=factor, **settings), axis=-1)
    settings = {"solver": solver, **settings}
    if type(A) is Batched:
        if type(b) is not Batched:  # a copy for each matrix, as the factors want it
            b = xp.broadcast_to(Batched(_with_axis(b)), tuple(b.shape))
        batch = max(A.ndim - solver.core, b.ndim - 2)
        values = values_of((A, b))
        A_value = _to_ndim(values[0], solver.core + batch)
        b_value = _to_ndim(values[1], 2 + batch)
        k = A_value.shape[0]
        if b_value.shape[0] != k:
            b_value = namespace_of(b_value).broadcast_to(b_value, (k, *b_value.shape[1:]))
        inner = factor.inner if type(factor) is BatchedFactor else factor
        settings["solver"] = _of_shape(solver, A_value)
        run = plain("solve_by", (A_value, b_value))
        return Batched(run(A_value, b_value, factor=inner, **settings))
    A, B = values_of((A, b))
    raw_xp = namespace_of(B)
    k, m = B.shape[0], B.shape[-1]
    columns = raw_xp.reshape(raw_xp.moveaxis(B, 0, -2), (*B.shape[1:-1], k * m))
    X = plain("solve_by", (A, columns))(A, columns, factor=factor, **settings)
    return Batched(raw_xp.moveaxis(raw_xp.reshape(X, (*X.shape[:-1], k, m)), -2, 0))


def _of_shape(solver: Any, A: Any) -> Any:
    """The solver for the matrices of all rows, where it goes by their shape."""
    return solver.of_shape(tuple(A.shape)) if hasattr(solver, "of_shape") else solver


def _with_axis(x: Any) -> Any:
    return namespace_of(x).expand_dims(x, axis=0)


def _to_ndim(value: Any, ndim: int) -> Any:
    """Rows (k, …) with axes of length 1 behind the leading one, up to `ndim` of them in each row."""
    lacking = ndim + 1 - len(value.shape)
    if lacking <= 0:
        return value
    shape = (value.shape[0], *(1,) * lacking, *value.shape[1:])
    return namespace_of(value).reshape(value, shape)


def _by_factor(name: str) -> Callable[..., Any]:
    """`slogdet_by` and `inverse_by`: of the factor of all rows."""

    def call(A: Batched, *, solver: Any, factor: Any) -> Any:
        inner = factor.inner if type(factor) is BatchedFactor else factor
        out = plain(name, [A.value])(A.value, solver=_of_shape(solver, A.value), factor=inner)
        return tuple(map(Batched, out)) if isinstance(out, tuple | list) else Batched(out)

    return call


PRODUCTS: dict[str, Callable[..., Any]] = {
    "einsum": _einsum, "inverse_by": _by_factor("inverse_by"), "linalg.outer": _outer, "linalg.solve": _solve,
    "linear": _layer("linear"), "linear_relu": _layer("linear_relu"), "matmul": matmul,
    "slogdet_by": _by_factor("slogdet_by"), "solve_by": _solve_by, "tensordot": _tensordot,
    **{name: row_by_row(name) for name in ("convolve", "lfilter", "sddmm", "sparse_product", "sylvester")},
}  # fmt: skip
