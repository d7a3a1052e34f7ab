"""Rows for repetition, triangles, and for what is composed: sorting, sets, differences, grids, choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import array_api_compat.numpy as anp
import numpy as np

from ._table import Case, K, P, R, X, Z, row
from .manipulation import STRICT_WRITES, _numpy_set, _set


@dataclass(frozen=True, eq=False)
class Composed(Case):
    """A row of a function that has no rule of its own."""

    def parameters(self) -> set[str]:
        return set()


def composed(*args: Any, **settings: Any) -> Case:
    return Composed(**vars(row(*args, **settings)))


RULES = [
    # int repeats, and arrays of them
    row("repeat", "vector", R(3), 2),
    row("repeat", "flat", R(2, 3), 3),
    row("repeat", "axis 0", R(2, 3), 2, axis=0),
    row("repeat", "axis −1", R(2, 3), 2, axis=-1),
    row("repeat", "never", R(2, 3), 0, axis=1),
    row("repeat", "0-d", R(), 3),
    row("repeat", "empty", R(0, 3), 2, axis=0),
    row("repeat", "complex", Z(3), 2),
    row("repeat", "counts", R(3), K([2, 0, 1])),
    row("repeat", "counts on axis 1", R(2, 3, 2), K([2, 0, 3]), axis=1),
    row("repeat", "counts, flat", R(2, 2), K([1, 0, 2, 1]), axis=None),
    row("repeat", "one count", R(2, 3), K([2]), axis=1),
    row("tile", "vector", R(3), (2,)),
    row("tile", "both axes", R(2, 3), (2, 3)),
    row("tile", "more axes", R(3), (2, 1, 2)),
    row("tile", "fewer axes", R(2, 3), (2,)),
    row("tile", "0-d", R(), (3,)),
    row("tile", "0-d to 0-d", R(), ()),
    row("tile", "never", R(2, 3), (0, 2)),
    row("tile", "empty", R(0, 3), (2, 2)),
    row("tile", "complex", Z(2), (2,)),
    row("tile", "number", R(2, 3), 2, _skip={"array_api_strict": "takes a tuple"}),
    *(
        row(name, label, make(*shape), **settings)
        for name in ("tril", "triu")
        for label, make, shape, settings in (
            ("square", R, (3, 3), {}), ("wide", R, (2, 4), {"k": 1}), ("tall, below", R, (4, 2), {"k": -1}),
            ("batch", R, (2, 3, 3), {"k": 0}), ("outside", R, (2, 2), {"k": 5}), ("empty", R, (0, 3), {}),
            ("complex", Z, (3, 3), {}),
        )
    ),
    row("astype", "no copy", R(3), np.float64, copy=False, _skip={"float32": "asks for float64"}),
    row("setitem", "value with an axis of 1 in front", R(3), R(1, 2), slice(0, 2), _call=_set, _ref=_numpy_set,
        _skip={"array_api_strict": "refuses a value of more axes"}),
    row("setitem", "mask and one value each", R(2, 2), R(3), K([[True, False], [True, True]]), _call=_set,
        _ref=_numpy_set, _skip=STRICT_WRITES),
    row("concat", "float32 and float64", [X(np.float32([1.0, 2.0])), R(2)], _order=1,
        _skip={"differences": "float32", "float32": "asks for float64"}),
]  # fmt: skip


def _unstack(x: Any, axis: int = 0) -> Any:
    return tuple(np.moveaxis(x, axis, 0))


def _meshgrid(*arrays: Any, indexing: str = "xy") -> Any:
    return tuple(np.meshgrid(*arrays, indexing=indexing))


def _apply_where(
    cond: Any, args: Any, f1: Any, f2: Any = None, fill_value: Any = None, kwargs: Any = None
) -> Any:
    args = args if isinstance(args, tuple) else (args,)
    with np.errstate(all="ignore"):
        other = fill_value if f2 is None else f2(*args)
        return np.where(cond, f1(*args), other)


def _square(x: Any) -> Any:
    return x * x


def _quotient(x: Any, y: Any) -> Any:
    return x / y


COND = K([True, False, True])

COMPOSED = [
    composed("sort", "vector", R(5)),
    composed("sort", "rows", R(3, 4)),
    composed("sort", "columns, descending", R(3, 2), axis=0, descending=True),
    composed("sort", "middle axis, not stable", R(2, 3, 2), axis=1, stable=False),
    composed("sort", "equal elements", X([1.0, 0.0, 1.0, 0.0]), _skip={"differences": "a kink"}),
    composed("sort", "equal, descending", X([[1.0, 0.0, 1.0]]), descending=True, _skip={"differences": "a kink"}),
    composed("sort", "one element", R(1)),
    composed("sort", "empty", R(0)),
    composed("sort", "empty rows", R(2, 0)),
    composed("unstack", "rows", R(3, 2), _ref=_unstack),
    composed("unstack", "columns", R(2, 3), axis=-1, _ref=_unstack),
    composed("unstack", "vector", Z(3), _ref=_unstack),
    composed("unstack", "of nothing beside", R(2, 0), _ref=_unstack),
    composed("diff", "vector", R(5)),
    composed("diff", "twice, axis 0", R(4, 2), axis=0, n=2),
    composed("diff", "not at all", R(3), n=0),
    composed("diff", "more often than there are elements", R(2), n=3),
    composed("diff", "prepend", R(2, 3), prepend=R(2, 2)),
    composed("diff", "append, axis 0", R(2, 3), axis=0, append=R(1, 3)),
    composed("diff", "prepend and append, twice", R(3), prepend=R(1), append=R(2), n=2),
    composed("diff", "prepend to a constant", K([1.0, 2.0]), prepend=R(1)),
    composed("diff", "numbers", R(2, 3), prepend=0.5, append=2, _ref=lambda x, prepend, append: np.diff(
        x, prepend=np.float32(prepend), append=np.float32(append))),
    composed("diff", "0-d", R(2, 3), prepend=R()),
    composed("diff", "complex", Z(4)),
    composed("diff", "empty", R(0, 3), axis=1),
    composed("meshgrid", "xy", R(2), R(3), _ref=_meshgrid),
    composed("meshgrid", "ij of three", R(2), R(3), Z(1), indexing="ij", _ref=_meshgrid),
    composed("meshgrid", "one", R(2), _ref=_meshgrid),
    composed("broadcast_arrays", "two", R(2, 1), R(3), _ref=lambda *x: tuple(np.broadcast_arrays(*x))),
    *(
        composed(name, label, make, _ref=reference)
        for name, reference in (
            ("unique_values", np.unique), ("unique_all", anp.unique_all), ("unique_counts", anp.unique_counts),
            ("unique_inverse", anp.unique_inverse),
        )
        for label, make in (("vector", R(4)), ("matrix", R(2, 3)), ("0-d", R()), ("empty", R(0)))
    ),
    composed("unique_all", "repeated", X([[2.0, 1.0, 2.0], [1.0, 3.0, 2.0]]), _skip={"differences": "a kink"}),
    composed("apply_where", "two functions", COND, R(3), _square, abs, _ref=_apply_where),
    composed("apply_where", "number", COND, (P(3), P(3)), _quotient, fill_value=0.5, _ref=_apply_where),
    composed("apply_where", "array", COND, P(2, 1), _square, fill_value=R(3), _ref=_apply_where),
    composed("apply_where", "0-d", K(True), R(), _square, fill_value=0.0, _ref=_apply_where),
    composed("apply_where", "never", K([False, False]), R(2), _square, fill_value=0.0, _ref=_apply_where),
    composed("apply_where", "empty", K(np.zeros((0, 2), bool)), R(2), _square, abs, _ref=_apply_where),
    composed("apply_where", "complex and real", COND, Z(3), _square, abs, _ref=_apply_where),
]  # fmt: skip

CASES = RULES + COMPOSED
