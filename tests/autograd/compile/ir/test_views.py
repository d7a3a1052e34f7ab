"""Compiled programs and views: every function on buffers that are written over as soon as nobody needs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile import TraceError
from pullback.autograd.compile.cpu import numba_kernels as native
from pullback.autograd.compile.cpu.native.table import NATIVE
from pullback.autograd.compile.ir.elementwise import TABLE
from pullback.autograd.compile.optimise.fused_ops import FUSED_OPS

from ...._each import each
from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cases._table import Case, collect, inexact_leaves, loss, weights_for
from .._compiled import arrays, close
from ._views import HOSTILE, recorded

xp = pb.xp
CASES = collect()


def _close(ours: Any, eager: Any, rtol: float = 1e-9) -> None:
    mine, spec = pb.tree.flatten(ours)
    theirs, other = pb.tree.flatten(eager)
    assert spec == other
    for a, b in zip(mine, theirs, strict=True):
        a, b = pb.to_numpy(a), pb.to_numpy(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


def _total(y: Any) -> Any:
    """A real number from an array of any dtype."""
    if not xp.isdtype(y.dtype, ("real floating", "complex floating")):
        y = xp.astype(y, xp.float64)
    return xp.sum(xp.real(y)) if xp.isdtype(y.dtype, "complex floating") else xp.sum(y)


def written_over(function: Any, given: list[Any]) -> Any:
    """A function of new arrays, and then others of their shapes, which take their place where it is free."""
    buffers = [x if x.dtype == bool else x + 0 for x in given]
    out = function(buffers)
    leaves = pb.tree.leaves(tuple(out) if isinstance(out, tuple) else out)
    leaves = [y for y in leaves if hasattr(y, "dtype")]
    number = sum((_total(y) for y in leaves), xp.asarray(0.0))
    totals = []
    for x in given:
        new = xp.asarray(x) * 2 if x.dtype == bool else x - number
        later = xp.roll(new, 1)  # a call, before which `new` has to be in memory
        totals.append(xp.sum(later * new))
    return leaves, totals


def _moved(case: Case, far: float) -> list[Any]:
    places = case.places()
    return [
        np.asarray(x * (1 + far)) if i in places and x.dtype.kind in "fc" else x
        for i, x in enumerate(case.arrays())
    ]


def _check(f: Any, case: Case, fast: bool) -> None:
    compiled = pb.compile(f, fast=fast)
    for far in (0.0, 1e-3, -1e-3):
        given = _moved(case, far)
        eager = f(*given)
        try:
            ours = compiled(*given)
        except TraceError as error:
            pytest.skip(f"refused: {error}")
        _close(ours, eager)
    assert len(compiled._executables) == 1


# Kernels take long to compile: one row of each function that is not part of a loop anyway and has a kernel of its own;
# of the others, which are NumPy's functions with kernels around them, every third.
FIRST = {case.name: case for case in reversed(CASES)}.values()
CALLED = [case for case in FIRST if case.name not in TABLE]
OWN = [case for case in CALLED if case.name in FUSED_OPS or case.name in NATIVE]
ROWS = [(case, False) for case in CASES]
ROWS += [(case, True) for case in dict.fromkeys([*OWN, *CALLED[::3]])]


@pytest.fixture
def folder(monkeypatch: Any, kernels: Any) -> None:
    """Where kernels go."""
    monkeypatch.setenv("PULLBACK_CACHE", str(kernels))


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@each(ROWS)
@pytest.mark.usefixtures("folder")
def test_forward(case, kernels_too):
    if kernels_too and not native.available():
        pytest.skip("numba is not installed (extra `fast`)")
    _check(lambda *arrays: written_over(case.pullback, list(arrays)), case, kernels_too)


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@each(dict.fromkeys([*FIRST, *CASES[::3]]))
def test_gradient(case):
    given = [xp.asarray(x) for x in case.arrays()]
    weights = weights_for(inexact_leaves(case.pullback(given)))

    def total(*arrays: Any) -> Any:
        leaves, totals = written_over(case.pullback, list(arrays))
        return loss(leaves, weights) + sum((_total(y) for y in totals), xp.asarray(0.0))

    _check(pb.grad(total, argnums=tuple(case.places())), case, fast=False)


# ── functions that no list knows ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["a view", "turned", "transposed", "contiguous", "itself"])
def test_a_donated_argument_is_read_through_a_view_before_it_is_written(name, fast):
    def f(w: Any, x: Any) -> Any:
        view = recorded(HOSTILE[name], w)
        new = view + 0.1 * x
        return new, recorded(np.copy, view) * xp.sum(x), view @ x

    def product(w: Any, x: Any) -> Any:
        return w - 0.1 * (recorded(HOSTILE[name], w) @ x)

    for g in (f, product):
        compiled = pb.compile(g, fast=fast, donate_argnums=0)
        for seed in range(4):
            w, x = arrays((4, 4), (4, 4), seed=seed)
            wanted = g(w.copy(), x)
            close(compiled(w, x), wanted, 1e-12)


# ── whose memory a result is ──────────────────────────────────────────────────────────────────


def test_the_issues_example(fast):
    def f(a: Any) -> Any:
        return xp.linalg.diagonal(a @ a) * xp.sum((a + 1) @ a)

    compiled = pb.compile(f, fast=fast)
    eye = np.eye(2)
    for scale in (1.0, 2.0, 3.0):
        close(compiled(scale * eye), f(scale * eye))
    assert f(2 * eye).value.tolist() == [64.0, 64.0]


# ── other libraries and devices ───────────────────────────────────────────────────────────────
