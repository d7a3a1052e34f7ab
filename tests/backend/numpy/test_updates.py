"""The update formulas: blocks, small parameters as one, all against array functions."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from pullback.backend.generic import formulas as _formulas
from pullback.backend.numpy import backend as _numpy
from pullback.backend.numpy import updates as _updates_numpy
from pullback.optim.first_order.formulas import FORMULAS, REAL, formula, least_eps

from ._updates import SCALARS

VARIANTS = [
    formula(name, l2, decay) for name in FORMULAS for l2, decay in ((False, False), (True, False), (False, True))
    if not (name == "average" and (l2 or decay))
]  # fmt: skip
IDS = [f.name for f in VARIANTS]


def draw(found, shapes, dtype, seed=0):
    """Parameters, gradients and slots; slots that hold squares are positive, and spread wide enough for a variance."""
    rng = np.random.default_rng(seed)
    columns = []
    for name in ("p", "g", *found.slots):
        arrays = [rng.standard_normal(s) for s in shapes]
        columns.append([(a * a + 2 if name in REAL else a).astype(dtype) for a in arrays])
    return columns


def by_array_functions(found, columns):
    prelude, body = _formulas.python_functions(found)
    constants = prelude(_formulas.NUMBERS, *[SCALARS[n] for n in _formulas.settings(found)])
    functions = _formulas.functions_of(_numpy.XP)
    rows = [body(functions, *row, *constants) for row in zip(*columns, strict=True)]
    return [list(column) for column in zip(*rows, strict=True)]


def same(got, expected, columns, dtype):
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    for column, wanted in zip(got, expected, strict=True):
        for x, y, p in zip(column, wanted, columns[0], strict=True):
            assert type(x) is np.ndarray
            assert (x.dtype, x.shape) == (dtype, p.shape)
            np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


SHAPES = {
    "one": [(5, 3)],
    "0-d, empty and one": [(), (0,), (1,)],
    "many small": [(4, 3), (3,), (2, 2, 2), (), (3, 1), (7,), (5, 5), (2,)],
    "mixed": [(300, 20), (20,), (20, 10), (10,), (10, 2), (2,)],
    "blocks": [(70_001,), (33, 2000), (3,)],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("found", VARIANTS, ids=IDS)
def test_numpy_s_calls_are_the_formula(found, shapes, dtype, monkeypatch):
    monkeypatch.setattr(_updates_numpy, "BLOCK", 1 << 16)
    monkeypatch.setattr(_updates_numpy, "UNBLOCKED", 1 << 17)
    columns = draw(found, shapes, dtype)
    before = [[x.copy() for x in column] for column in columns]
    got = _updates_numpy.update(found, columns, SCALARS)
    same(got, by_array_functions(found, columns), columns, dtype)
    for column, kept in zip(columns, before, strict=True):
        for x, y in zip(column, kept, strict=True):
            np.testing.assert_array_equal(x, y)
    everything = [x for column in got for x in column if x.size]
    for i, x in enumerate(everything):
        assert not any(np.may_share_memory(x, y) for column in columns for y in column)
        assert not any(np.shares_memory(x, y) for y in everything[:i])


@pytest.mark.parametrize("found", VARIANTS, ids=IDS)
def test_strided_arrays(found):
    columns = [[x.T, x[:, ::2]] for (x,) in draw(found, [(6, 4)], np.float64)]
    got = _updates_numpy.update(found, columns, SCALARS)
    same(got, by_array_functions(found, columns), columns, np.float64)


def test_nothing_depends_on_numba(monkeypatch):
    """The same bits whether or not another package has imported it."""
    columns = draw(formula("adam"), [(200_000,), (400, 300)], np.float32)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    without = _updates_numpy.update(formula("adam"), columns, SCALARS)
    assert "numba" not in sys.modules
    monkeypatch.setitem(
        sys.modules, "numba", pytest.importorskip("numba", reason="the extra `fast`")
    )
    with_it = _updates_numpy.update(formula("adam"), columns, SCALARS)
    for x, y in zip(without, with_it, strict=True):
        for a, b in zip(x, y, strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_is_not_theirs_is_declined():
    found = formula("sgd")
    w = np.ones(3)
    assert _updates_numpy.update(found, [[w.astype(complex)], [w]], SCALARS) is None
    assert _updates_numpy.update(found, [[w.astype(np.float16)], [w]], SCALARS) is None
    assert _updates_numpy.update(found, [[w], [w]], SCALARS | {"lr": w}) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_least_eps_follows_from_where_a_formula_has_it_and_not_from_its_name(dtype):
    limits = np.finfo(dtype)
    next_to_root = dataclasses.replace(formula("adadelta"), eps_under_root=False)
    under_root = dataclasses.replace(formula("adam"), eps_under_root=True)
    assert least_eps(next_to_root, np.dtype(dtype)) == float(limits.smallest_subnormal) ** 0.5
    for found in (under_root, formula("adadelta"), formula("adadelta", l2=True, decay=True)):
        assert least_eps(found, np.dtype(dtype)) == float(limits.smallest_normal)


def test_numbers_of_a_step_are_kept_while_they_are_the_same():
    """Not where one is 0: −0 is equal to it, and gives other signs. Nor in another precision."""
    kernel = _updates_numpy._compiled(formula("momentum"))
    settings = {"t": 1, "lr": 0.5, "momentum": 0.25, "dampening": 0.0}
    first = kernel.constants(settings, np.dtype("float32"))
    assert kernel.constants({**settings, "t": 2}, np.dtype("float32")) is first
    wide = kernel.constants(settings, np.dtype("float64"))
    assert {x.dtype for x in first} == {np.dtype("float32")}
    assert {x.dtype for x in wide} == {np.dtype("float64")}
    other = kernel.constants({**settings, "lr": 0.75}, np.dtype("float64"))
    assert sorted(map(float, other)) == [0.0, 0.25, 0.75]
    for zero in (0.0, -0.0):
        found = kernel.constants({**settings, "lr": zero}, np.dtype("float64"))
        signs = [np.signbit(x) for x in found if x == 0]
        assert any(signs) == bool(np.signbit(zero))
