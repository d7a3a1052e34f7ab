"""Operands of the tests of `autograd/scipy/linalg`, and the tests that every file of them has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg

from pullback.scipy import linalg

from .._against_scipy import (
    Row,
    check_compiled,
    check_float32,
    check_gradients,
    check_library,
    check_value,
)

RNG = np.random.default_rng(0)
A, S3 = RNG.standard_normal((4, 4)), 3 * np.eye(3) + RNG.standard_normal((3, 3))
POSITIVE = A @ A.T + np.eye(4)
NEAR_ONE = 3 * np.eye(4) + 0.4 * A
COMPLEX = NEAR_ONE + 0.3j * RNG.standard_normal((4, 4))
B, b, TALL, WIDE = (RNG.standard_normal(n) for n in ((4, 2), 4, (6, 3), (3, 5)))


def symmetric(f: Any) -> Any:
    """A function of a symmetric matrix as one of any: differences have to stay among symmetric ones."""

    def of_symmetric_part(x: Any, *args: Any, **settings: Any) -> Any:
        x = np.asarray(x) if isinstance(x, list) else x
        return f(0.5 * (x + x.T), *args, **settings)

    return of_symmetric_part


def make(
    name: str, label: str, *args: Any, both: Any = None, symmetrised: bool = False, **options: Any
) -> Row:
    """A row of `linalg.<name>`; `both` wraps our and SciPy's module, for calls of several functions."""
    fields = {k: options.pop(k) for k in ("order", "libraries", "float32", "rtol") if k in options}
    ours, theirs = (
        (both(linalg), both(scipy.linalg))
        if both
        else (getattr(linalg, name), getattr(scipy.linalg, name))
    )
    if symmetrised:
        ours, theirs = symmetric(ours), symmetric(theirs)
    return Row(f"{name} {label}", ours, theirs, args, settings=options, **fields)


def table_tests(rows: list[Row], compiled: tuple[str, ...] = ()) -> dict[str, Any]:
    """The tests of a table of rows, to be put into a module."""
    every = pytest.mark.parametrize("row", rows, ids=lambda r: r.name)

    @every
    def test_value(row):
        check_value(row)

    @pytest.mark.parametrize("row", [r for r in rows if r.order], ids=lambda r: r.name)
    def test_gradients(row):
        check_gradients(row)

    @pytest.mark.parametrize("row", [r for r in rows if r.float32], ids=lambda r: r.name)
    def test_float32(row):
        check_float32(row)

    @every
    def test_on_every_library(row, lib):
        if lib.name != "numpy" and row.libraries == "numpy":
            pytest.skip("NumPy alone")
        check_library(row, lib)

    found = [r for r in rows if r.name.split()[0] in compiled]

    @pytest.mark.parametrize("row", found, ids=lambda r: r.name)
    def test_compiled(row):
        check_compiled(row)

    made = (test_value, test_gradients, test_float32, test_on_every_library)
    return {t.__name__: t for t in (*made, *((test_compiled,) if found else ()))}
