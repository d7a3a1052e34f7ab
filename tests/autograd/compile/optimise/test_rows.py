"""Tests of `autograd/compile/optimise/rows.py` and `cpu/rows.py`: loops over the same rows as one."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import assemble
from pullback.autograd.compile.optimise import memory_plan, rows

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
xp = pb.xp
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def small_ones_too(monkeypatch):
    for name, value in (("SHORTEST", 2), ("FEWEST", 2), ("LARGE", 0)):
        monkeypatch.setattr(rows, name, value)


def softmax(x):
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def by_columns(x):
    """A sum over rows, of which the rows below it ask."""
    y = x - xp.mean(x, axis=-1, keepdims=True)
    total = xp.sum(y * y, axis=tuple(range(x.ndim - 1)), keepdims=True)
    return y * total + softmax(y)


def turned(x):
    """Of square arrays, row i needs column i."""
    y = x / xp.sum(x * x, axis=-1, keepdims=True)
    return xp.exp(xp.matrix_transpose(y) - xp.max(y, axis=-1, keepdims=True)) * xp.flip(y, axis=-2)


def of_the_row_before(x):
    y = x - xp.mean(x, axis=-1, keepdims=True)
    z = y * xp.sum(y * y, axis=-1, keepdims=True)
    return xp.concat([z[..., 1:, :], z[..., :1, :]], axis=-2) + xp.sum(z, axis=-2, keepdims=True)


def without_an_axis(x):
    top, total = xp.max(x, axis=-1), xp.sum(x * x, axis=-1)
    return (x - top[..., None]) * xp.exp(-total)[..., None] + xp.sum(x, axis=0)


def all_of_them(x):
    return turned(softmax(x)) * of_the_row_before(x) + without_an_axis(x)


def compare(program, shape):
    x, w = (RNG.normal(size=shape) for _ in range(2))
    scale = RNG.normal(size=shape[-1])

    def loss(x, scale):
        return xp.sum(program(x) * scale * w)

    step = pb.value_and_grad(loss, argnums=(0, 1))
    compiled = pb.compile(step, fast=True)
    for _ in range(2):
        value, slopes = compiled(x, scale)
    expected, theirs = step(x, scale)
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12)
    for ours, exact in zip(slopes, theirs, strict=True):
        np.testing.assert_allclose(ours, exact, rtol=1e-9, atol=1e-11)


def test_values_and_gradients():
    compare(all_of_them, (6, 6))


def test_what_is_one_loop():
    compiled = pb.compile(softmax, fast=True)
    x = RNG.normal(size=(64, 32))
    compiled(x)
    compiled(x)
    assert compiled.program(x).count("  0: loop") == 3
    assert "1: loop" not in compiled.program(x)
    one_head = compiled.source(x).count("for i0 in range(64)") + compiled.source(x).count(
        "for j in"
    )
    assert one_head == 1


@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_of_rows_that_lie_along_the_columns(keepdims):
    """Of square arrays, row i needs the sums of all rows."""

    def f(x):
        y = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
        total = xp.sum(y, axis=-1)
        return y / (total[None, :] if keepdims else total)

    x = RNG.normal(size=(6, 6))
    compiled = pb.compile(f, fast=True)
    compiled(x)
    np.testing.assert_allclose(compiled(x), f(x), rtol=1e-13)


def test_rows_in_two_halves(monkeypatch):
    from pullback.autograd.compile.cpu import loops
    from pullback.autograd.compile.cpu import rows as written

    monkeypatch.setattr(loops, "SHARED", 0)
    monkeypatch.setattr(written, "SHARED", 0)
    compare(by_columns, (33, 130))


def test_numbers_that_are_none(monkeypatch):
    x = RNG.normal(size=(6, 40))
    x[1, 3], x[2, 5], x[3, :] = np.nan, np.inf, -np.inf
    compiled = pb.compile(softmax, fast=True)
    with np.errstate(invalid="ignore"):
        compiled(x)
        np.testing.assert_allclose(compiled(x), softmax(x), rtol=1e-13)


def test_the_plan_of_groups_is_as_tight_as_was_asked(monkeypatch):
    asked = []

    def make_plan(*args, tight):
        asked.append(tight)
        return memory_plan.make_plan(*args, tight=tight)

    compiled = pb.compile(softmax, fast=False)
    compiled(RNG.normal(size=(4, 8)))
    monkeypatch.setattr(assemble, "make_plan", make_plan)
    statements, _ = assemble.lay_out(
        compiled._last.program, kernels=True, is_generic_library=False, donated=set(), replaced_inputs={}, tight=True
    )  # fmt: skip
    assert any(s.rows for s in statements.items)
    assert asked == [True, True]


def test_sums_over_all_have_the_bits_that_they_have_without(monkeypatch):
    """Or what `pb.compile(memory=…)` returns would depend on which loops its order brings together."""

    def f(x, y):
        return xp.sum(x * 0.3), y * 2.0, xp.mean(xp.sum(y * y, axis=-1))

    x, y = RNG.normal(size=(2, 300, 9))
    found = []
    for longest in (1 << 15, 0):  # 0: no group
        monkeypatch.setattr(rows, "LONGEST", longest)
        compiled = pb.compile(f, fast=True)
        compiled(x, y)
        found.append(compiled(x, y))
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(pb.to_numpy(a), pb.to_numpy(b))
