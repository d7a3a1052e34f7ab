"""Rows for shapes, casts, indexing and choice."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._table import Case, K, Maker, R, X, Z, row

SHAPED = [
    ("reshape", "to two axes", (6,), ((2, 3),), {}),
    ("reshape", "unknown length", (2, 3), ((-1,),), {}),
    ("reshape", "to 0-d", (1, 1), ((),), {}),
    ("reshape", "from 0-d", (), ((1, 1),), {}),
    ("reshape", "empty", (0, 3), ((3, 0),), {}),
    ("reshape", "with copy", (6,), ((3, 2),), {"copy": True}),
    ("expand_dims", "front", (2, 3), (), {"axis": 0}),
    ("expand_dims", "last", (2, 3), (), {"axis": -1}),
    ("expand_dims", "of 0-d", (), (), {"axis": 0}),
    ("squeeze", "one axis", (1, 3), (0,), {}),
    ("squeeze", "two axes", (1, 3, 1), ((0, -1),), {}),
    ("squeeze", "to 0-d", (1,), (0,), {}),
    ("broadcast_to", "rows", (3,), ((2, 3),), {}),
    ("broadcast_to", "of 0-d", (), ((2, 3),), {}),
    ("broadcast_to", "size-1 axis", (2, 1), ((4, 2, 3),), {}),
    ("broadcast_to", "to itself", (2, 3), ((2, 3),), {}),
    ("broadcast_to", "to empty", (1, 3), ((0, 3),), {}),
    ("flip", "all axes", (2, 3), (), {}),
    ("flip", "one axis", (2, 3), (), {"axis": 1}),
    ("flip", "two axes", (2, 3, 2), (), {"axis": (0, -1)}),
    ("moveaxis", "one", (2, 3, 4), (0, -1), {}),
    ("moveaxis", "several", (2, 3, 4), ((0, 1), (1, 2)), {}),
    ("permute_dims", "matrix", (2, 3), ((1, 0),), {}),
    ("permute_dims", "cycle", (2, 3, 4), ((2, 0, 1),), {}),
    ("permute_dims", "negative axes", (2, 3, 4), ((-1, 0, 1),), {}),
    ("permute_dims", "0-d", (), ((),), {}),
    ("roll", "flat", (2, 3), (2,), {}),
    ("roll", "one axis", (2, 3), (-1,), {"axis": 1}),
    ("roll", "two axes", (2, 3), ((1, 2),), {"axis": (0, 1)}),
    ("roll", "empty", (0,), (1,), {}),
    ("matrix_transpose", "matrix", (2, 3), (), {}),
    ("matrix_transpose", "batch", (4, 2, 3), (), {}),
]

JOINED = [
    ("concat", "axis 0", [R(2, 3), R(1, 3)], {}),
    ("concat", "axis −1", [R(2, 3), R(2, 1), R(2, 2)], {"axis": -1}),
    ("concat", "flat", [R(2, 3), R(), R(2)], {"axis": None}),
    ("concat", "empty piece", [R(0, 3), R(2, 3)], {}),
    ("concat", "one", [R(3)], {}),
    ("concat", "complex and real", [Z(2), R(3)], {}),
    ("stack", "axis 0", [R(3), R(3)], {}),
    ("stack", "axis −1", [R(2, 3), R(2, 3), R(2, 3)], {"axis": -1}),
    ("stack", "middle", [R(2, 3), R(2, 3)], {"axis": 1}),
    ("stack", "0-d", [R(), R()], {}),
    ("stack", "complex", [Z(2), Z(2)], {}),
]

STRICT_FEWER = {"array_api_strict": "the standard's keys name every axis"}
STRICT_ARRAY_KEYS = {
    "array_api_strict": "the standard has no keys that mix arrays with slices, nor repeated assignment"
}
STRICT_WRITES = {
    "array_api_strict": "the standard writes through keys of integers, slices and ellipsis alone"
}
KEYS: list[tuple[str, tuple[int, ...], Any, dict[str, str]]] = [
    ("integer", (5,), 2, {}),
    ("negative integer", (5,), -1, {}),
    ("row", (3, 2), 1, STRICT_FEWER),
    ("row and ellipsis", (3, 2), (1, ...), {}),
    ("element", (3, 2), (1, -1), {}),
    ("slice", (5,), slice(1, 4), {}),
    ("step", (5,), slice(None, None, 2), {}),
    ("backwards", (5,), slice(None, None, -2), {}),
    ("column", (3, 2), (slice(None), 1), {}),
    ("ellipsis", (2, 3, 4), (..., 1), {}),
    ("newaxis", (3,), (None, slice(None)), {}),
    ("empty slice", (3, 2), slice(2, 2), STRICT_FEWER),
    ("everything", (), (), {}),
    ("0-d ellipsis", (), ..., {}),
]
ARRAY_KEYS: list[tuple[str, tuple[int, ...], Any, dict[str, str]]] = [
    ("indices", (5,), np.array([3, 0]), {}),
    ("repeated indices", (5,), np.array([3, 0, 3, 3]), {}),
    ("negative indices", (5,), np.array([-1, 4, 0]), {}),
    ("indices of rows", (4, 2), np.array([2, 0, 2]), STRICT_FEWER),
    ("indices in two axes", (4, 3), (np.array([2, 0, 2]), np.array([1, 1, 1])), {}),
    ("indices and slice", (4, 3), (slice(None), np.array([2, 0, 2])), STRICT_ARRAY_KEYS),
    ("outer indices", (4, 3), (np.array([[0], [2]]), np.array([1, 1])), {}),
    ("mask", (4,), np.array([True, False, True, True]), {}),
    ("mask of a matrix", (2, 2), np.array([[True, False], [True, True]]), {}),
    ("empty indices", (4,), np.array([], np.int64), {}),
]  # fmt: skip


def _with_key(key: Any) -> Any:
    """A key whose arrays are constants of the table."""
    if isinstance(key, tuple):
        return tuple(_with_key(k) for k in key)
    return K(key) if isinstance(key, np.ndarray) else key


def _set(x: Any, value: Any, key: Any) -> Any:
    x = pb_copy(x)
    x[key] = value
    return x


def pb_copy(x: Any) -> Any:
    import copy

    import pullback as pb

    return copy.copy(pb.xp.asarray(x))


def _numpy_set(x: Any, value: Any, key: Any) -> Any:
    x = np.array(x, np.result_type(x, np.float64) if x.dtype != np.float32 else None)
    x[key] = value
    return x


def _get(x: Any, key: Any) -> Any:
    import pullback as pb

    return pb.xp.asarray(x)[key]


def _scattered(shape: Any, key: Any, values: Any) -> Any:
    out = np.zeros(shape, values.dtype)
    np.add.at(out, key, values)
    return out


def _indexed() -> list[Case]:
    cases = []
    for label, shape, key, skip in KEYS + ARRAY_KEYS:
        part = np.zeros(shape)[key].shape
        made = _with_key(key)
        has_array = any(
            isinstance(k, Maker) for k in (made if isinstance(made, tuple) else (made,))
        )
        write_skip = STRICT_WRITES if has_array or label == "newaxis" else skip
        cases += [
            row("getitem", label, R(*shape), made, _call=_get, _ref=lambda x, k: np.asarray(x[k]), _skip=skip),
            row("setitem", label, R(*shape), R(*part), made, _call=_set, _ref=_numpy_set, _skip=write_skip),
            row("setitem", f"{label}, one value", R(*shape), R(), made, _call=_set, _ref=_numpy_set, _skip=write_skip),
        ]  # fmt: skip
        cases.append(row("scatter_add", label, shape, made, R(*part), _ref=_scattered, _skip=skip))
    return cases


CASES = [
    *(row(name, label, R(*shape), *args, **settings) for name, label, shape, args, settings in SHAPED),
    *(row(name, label, arrays, **settings) for name, label, arrays, settings in JOINED),
    row("reshape", "complex", Z(6), (2, 3)),
    row("permute_dims", "complex", Z(2, 3), (1, 0)),
    row("broadcast_to", "complex", Z(3), (2, 3)),
    row("astype", "float32 and back", R(3), np.float32, _ref=lambda x, d: x.astype(d), _order=1, _rtol=1e-2,
        _skip={"differences": "the rounding to float32 is larger than the step"}),
    row("astype", "to itself", R(2, 3), np.float64, _skip={"float32": "asks for float64"}),
    row("astype", "to complex", R(3), np.complex128, _skip={"float32": "asks for complex128"}),
    row("astype", "complex to itself", Z(3), np.complex128, copy=False, _skip={"float32": "asks for complex128"}),
    *_indexed(),
    row("getitem", "complex", Z(5), slice(1, 4), _call=_get, _ref=lambda x, k: x[k]),
    row("getitem", "complex, repeated", Z(5), K([1, 1, 0]), _call=_get, _ref=lambda x, k: x[k]),
    row("setitem", "complex", Z(5), Z(3), slice(1, 4), _call=_set, _ref=_numpy_set),
    row("setitem", "real into complex", Z(5), R(3), slice(1, 4), _call=_set, _ref=_numpy_set,
        _skip={"array_api_strict": "refuses a real value for a complex array"}),
    row("setitem", "broadcast value", R(3, 2), R(2), (slice(1, 3), ...), _call=_set, _ref=_numpy_set),
    row("take", "axis 0", R(4, 2), K([2, 0, 2]), axis=0),
    row("take", "axis −1", R(2, 4), K([-1, 0, 3]), axis=-1),
    row("take", "one axis, axis left out", R(4), K([1, 1])),
    row("take", "no indices", R(4, 2), K(np.array([], np.int64)), axis=0),
    row("take", "complex", Z(4), K([1, 1, 3]), axis=0),
    row("take_along_axis", "last", R(2, 3), K([[0, 0], [2, 1]])),
    row("take_along_axis", "first", R(3, 2), K([[2, 0], [2, 1]]), axis=0),
    row("take_along_axis", "middle of three", R(2, 3, 2), K(np.array([[[2, 0]], [[1, 1]]])), axis=1),
    row("take_along_axis", "broadcast indices", R(2, 3), K([[1]]), axis=1),
    row("where", "same shape", K([[True, False], [False, True]]), R(2, 2), R(2, 2)),
    row("where", "condition stretched", K([True, False, True]), R(2, 3), R(2, 1)),
    row("where", "arguments stretched", K([[True, False], [False, True]]), R(2), R()),
    row("where", "0-d", K(True), R(), R()),
    row("where", "empty", K(np.zeros((0, 2), bool)), R(0, 2), R(2)),
    row("where", "complex and real", K([True, False, True]), Z(3), R(3)),
    row("where", "number", K([True, False, True]), R(3), 0.0),
    row("where", "number first", K([True, False, True]), 0.0, R(3)),
    row("where", "condition of x", K([True, False]), X([1.0, -1.0]), X([2.0, 3.0])),
]  # fmt: skip
