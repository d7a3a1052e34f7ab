"""What holds for every row of the table of cases (`cases/_table.py`): one body for each assertion."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._each import each
from ...cases._table import (
    Case,
    collect,
    inexact_leaves,
    loss,
    numpy_loss,
    rules_without_rows,
    weights_for,
)

CASES = collect()


def every(*needs: str):
    """All rows, without those that say they cannot be asked one of `needs`."""
    chosen = [c for c in CASES if not set(needs) & set(c.skip)]
    return each(chosen)


def gradients(case: Case, arrays: list, weights: list) -> tuple:
    """The gradient of the row's loss with respect to each differentiated array."""
    f = case.of_inputs(arrays)
    places = case.places()
    return pb.grad(lambda *xs: loss(f(*xs), weights), argnums=tuple(range(len(places))))(
        *(arrays[i] for i in places)
    )


def differences(case: Case, arrays: list, weights: list, step: float = 1e-3) -> list:
    """∂L/∂Re z + i ∂L/∂Im z, element by element, from NumPy's function: (8(f₁ − f₋₁) − (f₂ − f₋₂)) / 12h."""
    out = []
    for place in case.places():
        x = arrays[place]
        g = np.zeros(x.shape, x.dtype)
        for index in np.ndindex(x.shape):
            for unit in (1.0, 1j) if np.iscomplexobj(x) else (1.0,):

                def at(k: float, place=place, x=x, index=index, unit=unit) -> float:
                    moved = x.copy()
                    moved[index] += k * step * unit
                    every = [moved if i == place else a for i, a in enumerate(arrays)]
                    return numpy_loss(case.numpy(every), weights)

                g[index] += unit * (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
        out.append(g)
    return out


def as_float32(x: np.ndarray) -> np.ndarray:
    return x.astype({"f": np.float32, "c": np.complex64}.get(x.dtype.kind, x.dtype))


def test_every_rule_has_a_row():
    assert rules_without_rows(CASES) == []


def test_no_two_rows_have_one_name():
    names = [c.id for c in CASES]
    assert sorted(set(names)) == sorted(names)


@each(CASES)
def test_value(case):
    """NumPy's values and dtypes, traced or not."""
    arrays = case.arrays()
    expected = pb.tree.leaves(case.numpy(arrays))
    plain = pb.tree.leaves(case.pullback([pb.xp.asarray(a) for a in arrays]))
    traced, _ = pb.vjp(case.of_inputs(arrays), *(arrays[i] for i in case.places()))
    for got in (plain, pb.tree.leaves(traced)):
        for y, wanted in zip(got, expected, strict=True):
            assert y.shape == np.shape(wanted)
            assert y.dtype == wanted.dtype
            np.testing.assert_allclose(pb.to_numpy(y), wanted, rtol=1e-13, atol=1e-14)


@every("differences")
def test_gradient_against_differences_of_numpy(case):
    arrays = case.arrays()
    weights = weights_for(inexact_leaves(case.numpy(arrays)))
    got = gradients(case, arrays, weights)
    for g, wanted, place in zip(
        got, differences(case, arrays, weights), case.places(), strict=True
    ):
        assert type(g) is np.ndarray
        assert (g.shape, g.dtype) == (arrays[place].shape, arrays[place].dtype)
        np.testing.assert_allclose(g, wanted, rtol=case.rtol, atol=1e-8)


@every("differences")
def test_gradients_of_every_order(case):
    """By `check_grads`, to the row's highest order."""
    arrays = case.arrays()
    inputs = tuple(arrays[i] for i in case.places())
    pb.check_grads(
        lambda *xs: inexact_leaves(case.of_inputs(arrays)(*xs)), inputs, order=case.order
    )


@every("float32")
def test_float32_stays_float32(case):
    arrays = case.arrays()
    low = [as_float32(a) for a in arrays]
    weights = weights_for(inexact_leaves(case.numpy(arrays)))
    low_weights = [as_float32(w) for w in weights]
    out = case.pullback([pb.xp.asarray(a) for a in low])
    for y in inexact_leaves(out):
        assert y.dtype in (np.float32, np.complex64)
    got = gradients(case, low, low_weights)
    for g, wanted, place in zip(got, gradients(case, arrays, weights), case.places(), strict=True):
        assert g.dtype == low[place].dtype
        np.testing.assert_allclose(g, wanted, rtol=2e-4, atol=2e-4)


@every("float32")
def test_float32_stays_float32_in_the_second_derivative(case):
    if case.order < 2:
        pytest.skip("the row is for first derivatives")
    arrays = [as_float32(a) for a in case.arrays()]
    weights = [as_float32(w) for w in weights_for(inexact_leaves(case.numpy(arrays)))]
    inputs = [arrays[i] for i in case.places()]
    seen: list = []

    def squared_gradient(*xs):
        f = case.of_inputs(arrays)
        gs = pb.grad(lambda *ys: loss(f(*ys), weights), argnums=tuple(range(len(xs))))(*xs)
        seen.extend(g.dtype for g in gs)
        return sum(pb.xp.sum(pb.xp.abs(g + 1) ** 2) for g in gs)

    second = pb.grad(squared_gradient, argnums=tuple(range(len(inputs))))(*inputs)
    wanted = [x.dtype for x in inputs]
    assert seen == wanted
    assert [g.dtype for g in second] == wanted


@each(CASES)
def test_on_every_library(case, lib):
    """The same values, gradients and second derivatives, without leaving the library or its device."""
    if lib.name in case.skip:
        pytest.skip(case.skip[lib.name])
    hosts = case.arrays()
    host_weights = weights_for(inexact_leaves(case.numpy(hosts)))
    arrays, weights = [lib.asarray(a) for a in hosts], [lib.asarray(w) for w in host_weights]
    for y, wanted in zip(
        pb.tree.leaves(case.pullback([pb.xp.asarray(a) for a in arrays])),
        pb.tree.leaves(case.numpy(hosts)),
        strict=True,
    ):
        assert y.device == lib.device
        np.testing.assert_allclose(pb.to_numpy(y), wanted, rtol=1e-10, atol=1e-12)
    expected = gradients(case, hosts, host_weights)
    for g, wanted in zip(gradients(case, arrays, weights), expected, strict=True):
        assert lib.is_raw(g)
        assert lib.to_numpy(g).dtype == wanted.dtype
        np.testing.assert_allclose(lib.to_numpy(g), wanted, rtol=1e-9, atol=1e-11)
    if case.order >= 2 and lib.name != "numpy":
        pairs = zip(second(case, arrays, weights), second(case, hosts, host_weights), strict=True)
        for g, wanted in pairs:
            assert lib.is_raw(g)
            np.testing.assert_allclose(lib.to_numpy(g), wanted, rtol=1e-8, atol=1e-10)


def second(case: Case, arrays: list, weights: list) -> tuple:
    """The gradient of a function of the gradient that reaches all its elements."""

    def of_gradient(*xs):
        f = case.of_inputs(arrays)
        gs = pb.grad(lambda *ys: loss(f(*ys), weights), argnums=tuple(range(len(xs))))(*xs)
        return sum(pb.xp.sum(pb.xp.abs(g + 3) ** 2) for g in gs)

    inputs = [arrays[i] for i in case.places()]
    return pb.grad(of_gradient, argnums=tuple(range(len(inputs))))(*inputs)


def strided(x: np.ndarray) -> np.ndarray:
    """The same values in every second element of a larger buffer, backwards in the last axis."""
    if x.ndim == 0:
        return x.copy()
    room = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    view = room[..., ::-2]
    view[...] = x
    return view


def read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


def fortran(x: np.ndarray) -> np.ndarray:
    return np.array(x, order="F")


LAYOUTS = {"strided": strided, "fortran": fortran, "read-only": read_only}


@every()
def test_layouts(case):
    """Views, Fortran order and read-only buffers: the same gradient, in C order and in a buffer of its own."""
    arrays = case.arrays()
    weights = weights_for(inexact_leaves(case.numpy(arrays)))
    expected = gradients(case, arrays, weights)
    for layout in LAYOUTS.values():
        laid = [layout(a) for a in arrays]
        before = [(a.copy(), a.flags.writeable) for a in laid]
        got = gradients(case, laid, weights)
        for g, wanted in zip(got, expected, strict=True):
            np.testing.assert_allclose(g, wanted, rtol=1e-12, atol=1e-14)
            assert g.flags.carray
            assert g.flags.owndata
        for g, h in ((a, b) for i, a in enumerate(got) for b in (*got[:i], *laid)):
            assert not np.shares_memory(g, h)
        for a, (values, writeable) in zip(laid, before, strict=True):
            np.testing.assert_array_equal(a, values)
            assert a.flags.writeable == writeable


@every()
def test_saved_tapes_pull_twice(case):
    """`vjp`'s pull gives the same cotangents each time, and linear ones."""
    arrays = case.arrays()
    inputs = [arrays[i] for i in case.places()]
    out, pull = pb.vjp(lambda *xs: inexact_leaves(case.of_inputs(arrays)(*xs)), *inputs)
    cts = weights_for(out)
    first = pull(cts)
    doubled = pull([2 * ct for ct in cts])
    again = pull(cts)
    for a, b, c in zip(first, doubled, again, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_allclose(2 * a, b, rtol=1e-12, atol=1e-14)
