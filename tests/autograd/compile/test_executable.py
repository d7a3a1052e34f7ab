"""Tests of `autograd/compile/executable.py`."""

from __future__ import annotations

import warnings
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._compiled import arrays, close

xp = pb.xp


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


class Odd:
    """Cannot be compared."""

    def __ne__(self, other: object) -> bool:
        raise ValueError("no")

    __hash__ = None  # type: ignore[assignment]  # unhashable, as lists are


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
    before = compiled._recordings.count
    compiled(x, odd)
    assert compiled._recordings.count == before
    compiled(x, Odd())  # another one might be different
    assert compiled._recordings.count == before + 1


def test_no_arguments(fast):
    compiled = pb.compile(lambda: (xp.ones(3), 2), fast=fast)
    for _ in range(3):
        close(compiled(), (xp.ones(3), 2))


def test_bytes_the_other_way_round_run_without_kernels_and_do_no_harm_to_other_arrays():
    pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
    x = np.arange(6.0).reshape(2, 3)
    f = lambda x: pb.xp.exp(x) * x + 1.0
    step = pb.compile(f, fast=True)
    for given in (x.astype(">f8"), x, x.astype(">f8"), x):
        for _ in range(2):
            np.testing.assert_allclose(pb.to_numpy(step(given)), np.exp(x) * x + 1, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int64"])
def test_outer_products_are_written_where_they_are_returned(fast, dtype):
    compiled = pb.compile(lambda x, y: (xp.linalg.outer(x, y), xp.linalg.outer(y, x) + 1), fast=fast)  # fmt: skip
    x, y = (np.arange(n).astype(dtype) - 3 for n in (5, 8))
    strided = np.stack([y, y], 1)[:, 1]
    for first, second in [(x, y), (2 * x, strided), (x[::-1], y)] * 2:
        out, plus_one = map(pb.to_numpy, compiled(first, second))
        assert out.tobytes() == pb.to_numpy(xp.linalg.outer(first, second)).tobytes()
        np.testing.assert_allclose(plus_one, second[:, None] * first + 1)
        assert out.base is None
        assert out.flags.carray
    # at once, not as a copy of what the library's function returned
    assert ("np_outer" in compiled.source()) == dtype.startswith("float")
    assert compiled(x[:0], y)[0].shape == (0, 8)


def test_the_gradient_of_a_solve_is_written_where_it_is_returned(fast):
    rng = np.random.default_rng(0)
    A, b = rng.standard_normal((200, 200)) + 15 * np.eye(200), rng.standard_normal(200)
    both = pb.value_and_grad(lambda A, b: b @ pb.linalg.solve(A, b), argnums=(0, 1))
    compiled = pb.compile(lambda A, b: both(A, b), fast=fast)
    compiled(A, b)
    kept, copies, given = [], [], set()
    for k in range(6):
        M = A + k
        value, (A_bar, b_bar) = compiled(M, b)
        expected = both(M, b)
        np.testing.assert_allclose(value, expected[0], rtol=1e-12)
        np.testing.assert_allclose(A_bar, expected[1][0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(b_bar, expected[1][1], rtol=1e-9, atol=1e-12)
        kept.append(A_bar)
        copies.append(A_bar.copy())
    assert len({x.__array_interface__["data"][0] for x in kept}) == 6
    for mine, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(mine, copy)  # what is held does not change
    del kept, mine, A_bar, expected
    for _ in range(6):
        _, (A_bar, _) = compiled(A, b)
        given.add(A_bar.__array_interface__["data"][0])
    assert len(given) == 2
