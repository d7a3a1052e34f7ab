"""Compiled programs and views: every function on buffers that are written over as soon as nobody needs them."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile import TraceError
from pullback.autograd.compile.cpu import numba_kernels as native
from pullback.autograd.compile.ir import aliasing as memory
from pullback.autograd.compile.ir.elementwise import TABLE

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cases._table import Case, collect, inexact_leaves, loss, weights_for
from ....cuda.emulator import COMPILER, NEEDS
from .._compiled import arrays, close
from ..cuda.test_assemble import runtime  # noqa: F401 - a fixture

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


# Kernels take long to compile: one row of each function that is not part of a loop anyway.
FIRST = {case.name: case for case in reversed(CASES)}.values()
ROWS = [(case, False) for case in CASES]
ROWS += [(case, True) for case in FIRST if case.name not in TABLE]


@pytest.fixture
def folder(monkeypatch: Any, kernels: Any) -> None:
    """Where kernels go."""
    monkeypatch.setenv("PULLBACK_CACHE", str(kernels))


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize(
    ("case", "kernels_too"), ROWS, ids=[f"{case.id}{' kernels' * fast}" for case, fast in ROWS]
)
@pytest.mark.usefixtures("folder")
def test_forward(case, kernels_too):
    if kernels_too and not native.available():
        pytest.skip("numba is not installed (extra `fast`)")
    _check(lambda *arrays: written_over(case.pullback, list(arrays)), case, kernels_too)


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize(
    "case", list(dict.fromkeys([*FIRST, *CASES[::3]])), ids=lambda case: case.id
)
def test_gradient(case):
    given = [xp.asarray(x) for x in case.arrays()]
    weights = weights_for(inexact_leaves(case.pullback(given)))

    def total(*arrays: Any) -> Any:
        leaves, totals = written_over(case.pullback, list(arrays))
        return loss(leaves, weights) + sum((_total(y) for y in totals), xp.asarray(0.0))

    _check(pb.grad(total, argnums=tuple(case.places())), case, fast=False)


# ── functions that no list knows ──────────────────────────────────────────────────────────────


def recorded(function: Any, *arrays: Any) -> Any:
    """A function of NumPy arrays, written down as a kernel of that name would be."""
    symbols = [x for x in arrays if hasattr(x, "recorder")]
    if not symbols:
        return function(*arrays)
    return symbols[0].recorder.record("of the user", function, arrays, {})


HOSTILE = {
    "itself": lambda x: x,
    "a view": lambda x: x[:],
    "turned": lambda x: x[::-1, ::-1],
    "transposed": lambda x: x.T,
    "same dtype": lambda x: x.astype(x.dtype, copy=False),
    "same library": np.asarray,
    "real part": np.real,
    "contiguous": np.ascontiguousarray,
    "in columns": np.asfortranarray,
    "raveled": lambda x: np.ravel(x).reshape(4, 4),
    "windows": lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2))[:, :, 0, 1],
    "strided": lambda x: np.lib.stride_tricks.as_strided(x, (4, 4), (0, x.strides[1])),
    "from a buffer": lambda x: np.asarray(memoryview(x)),
    "reinterpreted": lambda x: x.view(np.int64).view(np.float64),
    "one copied, one not": lambda x: (x.copy(), x),
    "nested": lambda x: [x + 1, (x.T, [x[0]])],
    "a number beside": lambda x: (x.T, float(x.shape[0])),
    "two of one": lambda x: (x[:2], x[2:]),
}


def _flat(x: Any) -> list[Any]:
    return [y for part in x for y in _flat(part)] if isinstance(x, tuple | list) else [x]


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("name", HOSTILE)
def test_views_are_found_by_their_memory(name, layout, fast):
    """Whether an argument lies the same way while recording and at replay, or not."""

    def f(x: Any) -> Any:
        buffer = (x.T if layout == "F" else x) * 2.0 + 1.0
        parts = _flat(recorded(HOSTILE[name], buffer))
        again = _flat(recorded(HOSTILE[name], parts[0])) if parts[0].shape == (4, 4) else []
        new = x - parts[0][0, 0]
        other = new * parts[0][1, 1]
        return [*parts, *again], recorded(np.copy, new) + recorded(np.copy, other)

    compiled = pb.compile(f, fast=fast)
    for seed in range(4):
        (x,) = arrays((4, 4), seed=seed)
        for given in (x, np.asfortranarray(x), x[::-1]):
            kept = given.copy()
            mine, eager = compiled(given), f(given)
            for a, b in zip(_flat(mine), _flat(eager), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12)
            np.testing.assert_array_equal(given, kept)
    assert len(compiled._executables) == 1


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

OWNED = {
    "plus": lambda x: +x,
    "positive": lambda x: xp.positive(x),
    "times one": lambda x: x * 1,
    "over one": lambda x: x / 1,
    "copy": lambda x: x.copy(),
    "asarray with a copy": lambda x: xp.asarray(x, copy=True),
    "astype": lambda x: xp.astype(x, x.dtype),
    "conj": lambda x: xp.conj(x),
    "sum over no axis": lambda x: xp.sum(x, axis=()),
    "clip without bounds": lambda x: xp.clip(x),
    "two names": lambda x: [+x, x * 1],
    # views of the argument in eager mode, which nobody may rely on: its own memory is safer
    "transpose": lambda x: x.T,
    "everything": lambda x: x[...],
    "same shape": lambda x: xp.reshape(x, x.shape),
    "raveled": lambda x: xp.reshape(x, (-1,)),
    "real": lambda x: xp.real(x),
    "no axis squeezed": lambda x: xp.squeeze(x, axis=()),
    "broadcast": lambda x: xp.broadcast_to(x, x.shape),
    "broadcast together": lambda x: xp.broadcast_arrays(x, x),
    "same dtype": lambda x: xp.astype(x, x.dtype, copy=False),
    "no axis moved": lambda x: xp.moveaxis(x, 0, 0),
    "first power": lambda x: xp.linalg.matrix_power(x, 1),
    "one operand": lambda x: xp.einsum("ij->ij", x),
    "diagonal": lambda x: xp.linalg.diagonal(x),
    "asarray": lambda x: xp.asarray(x),
}


@pytest.mark.parametrize("dtype", ["float64", "complex128", "int64"])
@pytest.mark.parametrize("name", OWNED)
def test_results_are_new_arrays(name, dtype, fast):
    f = OWNED[name]
    compiled = pb.compile(lambda x: (f(x), x), fast=fast)
    kept = []
    for seed in range(4):
        (x,) = arrays((3, 3), seed=seed)
        x = np.asarray(10 * x + (1j * x.T if dtype == "complex128" else 0)).astype(dtype)
        found, same = compiled(x)
        assert same is x
        leaves = [pb.to_numpy(y) for y in pb.tree.leaves(found)]
        others = [x, *kept]
        for y in leaves:
            assert not any(np.may_share_memory(y, z) for z in others)
            others.append(y)
        close(found, f(x))
        kept += leaves
        x[...] = 0  # the caller's own, which results do not see
    for seed, y in zip(range(4), kept[:: len(kept) // 4], strict=True):
        (x,) = arrays((3, 3), seed=seed)
        x = np.asarray(10 * x + (1j * x.T if dtype == "complex128" else 0)).astype(dtype)
        np.testing.assert_allclose(y, pb.to_numpy(pb.tree.leaves(f(x))[0]))


def test_the_issues_example(fast):
    def f(a: Any) -> Any:
        return xp.linalg.diagonal(a @ a) * xp.sum((a + 1) @ a)

    compiled = pb.compile(f, fast=fast)
    eye = np.eye(2)
    for scale in (1.0, 2.0, 3.0):
        close(compiled(scale * eye), f(scale * eye))
    assert f(2 * eye).value.tolist() == [64.0, 64.0]


# ── other libraries and devices ───────────────────────────────────────────────────────────────


@pytest.mark.skipif(COMPILER is None, reason=NEEDS)
@pytest.mark.parametrize(
    "name", ["transposed", "itself", "contiguous", "two of one", "one copied, one not"]
)
def test_views_on_a_device(runtime, name):  # noqa: F811 - the fixture
    """As NumPy's, with arrays of the emulated device between calls."""

    def f(x: Any) -> Any:
        buffer = x.T * 2.0 + 1.0
        parts = _flat(recorded(HOSTILE[name], buffer))
        new = x - parts[0][0, 0]
        other = new * parts[0][1, 1]
        return parts, recorded(np.copy, new) + recorded(np.copy, other), +x, x * 1

    compiled = pb.compile(f)
    kept = []
    for seed in range(4):
        (x,) = arrays((4, 4), seed=seed)
        mine, eager = _flat(compiled(x)), _flat(f(x))
        for a, b in zip(mine, eager, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
            assert not any(np.may_share_memory(a, y) for y in (x, *kept))
        kept += [y for y in mine if y.base is None]
    assert "segment_" in compiled.source()


class _OnDevice:
    """What is asked of a CuPy array."""

    def __init__(self, start: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.data = SimpleNamespace(ptr=start)
        self.shape, self.strides, self.size, self.itemsize = shape, strides, math.prod(shape), 8
        self.dtype = np.dtype(float)


@pytest.mark.parametrize(
    ("other", "shares"),
    [
        (_OnDevice(1000, (4, 3), (24, 8)), True),
        (_OnDevice(1000, (3, 4), (8, 24)), True),
        (_OnDevice(1088, (1,), (8,)), True),
        (_OnDevice(1096, (5,), (8,)), False),
        (_OnDevice(904, (12,), (8,)), False),
        (_OnDevice(904, (13,), (8,)), True),
        (_OnDevice(1095, (12,), (-8,)), True),
        (_OnDevice(1192, (12,), (-8,)), False),
        (_OnDevice(1000, (0, 3), (24, 8)), False),
        (_OnDevice(960, (4, 3), (0, 0)), False),
        (_OnDevice(1008, (4, 3), (0, 0)), True),
    ],
)
def test_addresses_on_a_device(other, shares):
    x = _OnDevice(1000, (4, 3), (24, 8))
    assert memory.overlap(x, other) is shares
    assert memory.overlap(other, x) is shares
    assert memory.shared_arguments((other,), [x, np.ones(2)]) == (
        frozenset((0,)) if shares else frozenset()
    )


@pytest.mark.parametrize(
    "name", ["plus", "times one", "astype", "transpose", "same shape", "asarray", "same dtype"]
)
def test_results_of_other_libraries_are_new(name):
    strict = pytest.importorskip("array_api_strict", reason="the standard's own implementation")
    compiled = pb.compile(OWNED[name])
    for seed in range(3):
        (x,) = arrays((3, 3), seed=seed)
        given = strict.asarray(x)
        found = pb.tree.map(lambda y: y.value if type(y) is pb.Array else y, compiled(given))
        assert not np.may_share_memory(found._array, given._array)
        np.testing.assert_array_equal(found._array, pb.to_numpy(OWNED[name](given)))
