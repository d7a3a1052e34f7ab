"""`pb.compile`: what is guarded, what is recorded anew, and what cannot be recorded."""

from __future__ import annotations

import warnings
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile import TraceError

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


def test_static_arguments(fast):
    def f(x: Any, how: Any, n: int) -> Any:
        return x.sum() * n if how["sum"] else x

    compiled = pb.compile(f, static_argnums=(1, 2), fast=fast)
    (x,) = arrays((3,))
    for total in (True, False, True):
        for n in (1, 2):
            np.testing.assert_allclose(compiled(x, {"sum": total}, n), x.sum() * n if total else x)
    assert len(compiled._executables) == 4


def test_too_many_recordings_warn():
    compiled = pb.compile(lambda x: x * 2, fast=False, programs=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(1, 4):
            compiled(np.ones(n))
    with pytest.warns(
        RuntimeWarning, match=r"recorded 4 times.*'0' changed from float64\[3\] to float64\[4\]"
    ):
        compiled(np.ones(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(np.ones(5))  # once is enough
    assert len(compiled._executables) == 3
    np.testing.assert_array_equal(compiled(np.ones(1)), [2.0])


def test_the_warning_names_the_line_that_reads_a_number():
    compiled = pb.compile(lambda x, n: x * float(n), fast=False, programs=2)
    compiled(np.ones(2), 0)
    compiled(np.ones(2), 1)
    with pytest.warns(RuntimeWarning, match=r"its value is read at .*test_guards\.py"):
        compiled(np.ones(2), 2)


class Odd:
    """Cannot be compared."""

    def __ne__(self, other: object) -> bool:
        raise ValueError("no")

    __hash__ = None  # type: ignore[assignment]


def test_unusual_arguments(fast):
    @dataclass(frozen=True)
    class Frozen:
        x: Any

    def f(tree: Any, odd: Any = None, nan: Any = None) -> Any:
        every = pb.tree.leaves(tree)
        return OrderedDict(a=every[0] * 2), Frozen(every[0] + len(every)), {1: every[0], (2,): 3.0}

    compiled = pb.compile(f, fast=fast, static_argnums=2)
    (x,) = arrays((3,))
    odd = Odd()
    for given in (
        OrderedDict(b=x, a=x),
        {1: x, 2: x},
        defaultdict(list, {"a": x}),
        Frozen(x),
        {},
        None,
    ):
        for _ in range(3):
            if pb.tree.leaves(given):
                close(compiled(given, nan=float("nan")), f(given))
    assert len(compiled._executables) == 4
    compiled(x, odd)
    before = compiled._recorded
    compiled(x, odd)
    assert compiled._recorded == before
    compiled(x, Odd())  # another one might be different
    assert compiled._recorded == before + 1


def test_no_arguments(fast):
    compiled = pb.compile(lambda: (xp.ones(3), 2), fast=fast)
    for _ in range(3):
        close(compiled(), (xp.ones(3), 2))


def test_derivatives_by_python_numbers(fast):
    f = pb.value_and_grad(lambda t, x: xp.sum(xp.sin(t * x)) * t)
    compiled = pb.compile(lambda t, x: (f(t, x), f(t, x)[1] * 2 * x), fast=fast)
    (x,) = arrays((3,))
    for t in (1.0, 2.0, 0.5):
        close(compiled(t, x), (f(t, x), f(t, x)[1] * 2 * x), 1e-12)
        assert type(compiled(t, x)[0][1]) is float
    assert len(compiled._executables) == 1


REFUSED = {
    "branch": (lambda x: x if xp.sum(x) > 0 else -x, r"bool\(x\)"),
    "float": (lambda x: float(xp.sum(x)), r"float\(x\)"),
    "int": (lambda x: int(xp.argmax(x)), r"int\(x\)"),
    "index": (lambda x: x[: xp.argmax(x).value], "index"),
    "range": (lambda x: list(range(xp.argmax(x))), "index"),
    "item": (lambda x: xp.sum(x).item(), r"item\(\)"),
    "host": (lambda x: pb.to_numpy(x * 2), "to_numpy"),
    "NumPy array": (lambda x: np.asarray(xp.sin(x)), "asarray"),
    "mask": (lambda x: x[x > 0], "shape of its result depends on values"),
    "nonzero": (lambda x: xp.nonzero(x), "shape of its result depends on values"),
    "unique": (lambda x: xp.unique_values(x), "shape of its result depends on values"),
    "foreign": (lambda x: np.unique(x), "cannot be recorded"),
    "flatnonzero": (lambda x: np.flatnonzero(x), "cannot be recorded"),
    "math": (lambda x: __import__("math").sin(xp.sum(x)), r"float\(x\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_line(name):
    f, message = REFUSED[name]
    compiled = pb.compile(f, fast=False)
    for _ in range(2):
        with pytest.raises(TraceError, match=message) as caught:
            compiled(np.asarray([1.0, -2.0]))
        assert "test_guards.py:" in str(caught.value)


def test_functions_recorded_opaque(fast):
    from pullback.autograd.compile.tracing.opaque import opaque

    @opaque
    def halved(x: Any, *, times: dict[str, Any]) -> Any:
        count = 0
        while abs(x).max() > times["limit"]:
            x, count = x / 2, count + 1
        return x, {"count": count}  # which is no array

    @opaque
    def doubled(x: Any, info: Any) -> Any:
        return x * 2 ** info["count"]

    def f(x: Any, limit: Any) -> Any:
        small, info = halved(x * 2, times={"limit": limit})
        return small + 1, doubled(small, info)

    compiled = pb.compile(f, fast=fast)
    for scale in (1.0, 50.0, 3.0):
        x = scale * arrays((3,))[0]
        close(compiled(x, np.asarray(1.0)), f(x, np.asarray(1.0)))
    assert len(compiled._executables) == 1


def test_what_leaks_from_a_recording_is_refused():
    leaked = []

    def f(x: Any) -> Any:
        leaked.append(xp.sin(x))
        return x

    pb.compile(f, fast=False)(np.ones(2))
    with pytest.raises(TraceError, match="recording that is over"):
        leaked[0] + 1


def test_constants_may_be_read():
    def f(x: Any) -> Any:
        n = xp.sum(xp.ones_like(x))
        return x * float(n) if n > 2 else x

    compiled = pb.compile(f, fast=False)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(np.ones(3)), 3 * np.ones(3))
