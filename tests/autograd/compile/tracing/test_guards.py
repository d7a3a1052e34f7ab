"""`pb.compile`: what is guarded, what is recorded anew, and what cannot be recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import arrays, close

xp = pb.xp


def test_what_changes_is_recorded_anew(fast):
    calls = []

    def f(x: Any, *rest: Any, **named: Any) -> Any:
        calls.append(1)
        return xp.sum(xp.asarray(x) * 2), len(rest), sorted(named)

    compiled = pb.compile(f, fast=fast, programs=16)
    x = np.ones((2, 3))
    variants: list[tuple[Any, Any]] = [
        ((x,), {}), ((np.ones((3, 2)),), {}), ((x.astype("float32"),), {}), ((x, x), {}), ((x, [x, (x,)]), {}),
        ((x,), {"k": x}), ((x, True), {}), ((x, "a"), {}),
    ]  # fmt: skip
    for _ in range(3):
        for args, kwargs in variants:
            close(compiled(*args, **kwargs), f(*args, **kwargs))
            calls.pop()
    assert len(calls) == len(variants)
    compiled(x, False)
    assert len(calls) == len(variants) + 1


def test_numbers_may_change(fast):
    compiled = pb.compile(lambda x, n, t: (x * n, n + 1, (n + 1) ** 2 / t), fast=fast)
    x = np.ones(3, "float32")
    for n, t in ((2, 3.0), (5, 0.5), (7, 2.0)):
        y, m, q = compiled(x, n, t)
        assert (y.dtype, y[0]) == (np.float32, n)
        assert (m, q) == (n + 1, (n + 1) ** 2 / t)
        assert type(m) is int
        assert type(q) is float
    assert len(compiled._executables) == 1
    compiled(x, 2.0, 3.0)  # a float where an int was
    assert len(compiled._executables) == 2


def test_numbers_that_are_read_are_guarded(fast):
    compiled = pb.compile(lambda x, n: x * 2 if n > 3 else xp.reshape(x, (n, -1)), fast=fast)
    (x,) = arrays((6,))
    for n in (2, 3, 4, 2, 3, 4):
        np.testing.assert_array_equal(compiled(x, n), x * 2 if n > 3 else x.reshape(n, -1))
    assert len(compiled._executables) == 3


def test_the_warning_names_the_line_that_reads_a_number():
    compiled = pb.compile(lambda x, n: x * float(n), fast=False, programs=2)
    compiled(np.ones(2), 0)
    compiled(np.ones(2), 1)
    with pytest.warns(RuntimeWarning, match=r"its value is read at .*test_guards\.py"):
        compiled(np.ones(2), 2)


def test_derivatives_by_python_numbers(fast):
    f = pb.value_and_grad(lambda t, x: xp.sum(xp.sin(t * x)) * t)
    compiled = pb.compile(lambda t, x: (f(t, x), f(t, x)[1] * 2 * x), fast=fast)
    (x,) = arrays((3,))
    for t in (1.0, 2.0, 0.5):
        close(compiled(t, x), (f(t, x), f(t, x)[1] * 2 * x), 1e-12)
        assert type(compiled(t, x)[0][1]) is float
    assert len(compiled._executables) == 1
