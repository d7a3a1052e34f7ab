"""Writes through views: values and gradients are those of the same program on plain NumPy arrays.

Each program of `_views.py` is a function of one array, written in NumPy, and runs as it stands on NumPy's arrays (which
say what is right), on arrays of each library, traced and not, and recorded.
"""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._views import PROGRAMS, by_differences

xp = pb.xp


@pytest.mark.parametrize(("f", "x"), PROGRAMS.values(), ids=PROGRAMS)
def test_values_and_gradients_are_numpy_s(f, x):
    given = x.copy()
    value, gradient = pb.value_and_grad(f)(x)
    np.testing.assert_array_equal(x, given)
    np.testing.assert_allclose(value, f(x.copy()), rtol=1e-12)
    expected = by_differences(f, x)
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6 * scale)
    np.testing.assert_allclose(pb.to_numpy(f(xp.asarray(x.copy()))), f(x.copy()), rtol=1e-12)
    with pb.Tape() as tape:
        y = tape.watch(x)
        out = f(y)
    np.testing.assert_allclose(pb.to_numpy(tape.gradient(out, y)), gradient, rtol=1e-12)
    _, pull = pb.vjp(pb.checkpoint(f), x)
    np.testing.assert_allclose(pull(1.0)[0], gradient, rtol=1e-12)
    if not np.iscomplexobj(x):
        _, slope = pb.jvp(f, (x,), (np.ones(x.shape),))
        np.testing.assert_allclose(slope, np.sum(gradient), rtol=1e-10)


@pytest.mark.parametrize(("f", "x"), PROGRAMS.values(), ids=PROGRAMS)
def test_the_second_derivative_is_the_first_one_s(f, x):
    u = np.cos(np.arange(x.size)).reshape(x.shape).astype(x.dtype)
    slope = pb.hvp(f, x, u)
    gradient = pb.grad(f)
    expected = (gradient(x + 1e-6 * u) - gradient(x - 1e-6 * u)) / 2e-6
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-6 * scale)


_COMPILED = [name for i, name in enumerate(PROGRAMS) if "random" not in name or i % 3 == 0]
_NO_SHAPE = {"chosen_elements_are_copies"}  # its shapes depend on values


@pytest.mark.parametrize("name", [n for n in _COMPILED if n not in _NO_SHAPE])
@pytest.mark.parametrize("wrapped", [False, True], ids=["arrays", "Arrays"])
def test_compiled_programs_are_the_eager_ones(name, wrapped):
    f, x = PROGRAMS[name]
    if name == "split_and_joined" and not wrapped:
        pytest.skip("numpy.split of a recorded raw array is refused")
    wrap = (lambda x: xp.asarray(x.copy())) if wrapped else np.copy
    compiled = pb.compile(f, fast=False), pb.compile(pb.grad(f), fast=False)
    for y in (x, 0.5 * x + 0.25, x[::-1].copy()):
        np.testing.assert_allclose(pb.to_numpy(compiled[0](wrap(y))), f(y.copy()), rtol=1e-10)
        np.testing.assert_allclose(
            pb.to_numpy(compiled[1](wrap(y))), pb.grad(f)(y), rtol=1e-10, atol=1e-12
        )


# For a library whose strides cannot be asked, elements lie in the order of their indices where they were computed; and
# the standard's keys are fewer.
_NOT_STANDARD = {
    "reshape_of_elements_in_the_other_order", "chosen_elements_are_copies", "masks_through_views", "fresh_arrays",
    "keys_of_every_kind", "through_attributes", "numbers_are_values",
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [n for n in PROGRAMS if n not in _NOT_STANDARD and "by strides" not in n]
)
def test_other_libraries_have_the_same_views(name, lib):
    f, x = PROGRAMS[name]
    ours = f(xp.asarray(lib.asarray(x)))
    np.testing.assert_allclose(lib.to_numpy(ours.value), f(x.copy()), rtol=1e-10)
    gradient = pb.grad(f)(lib.asarray(x))
    assert lib.is_raw(gradient)
    np.testing.assert_allclose(lib.to_numpy(gradient), pb.grad(f)(x), rtol=1e-10, atol=1e-12)


# ── functions that are run on stand-ins for their arguments ─────────────────────────────────────


def _writing_outside(apply):
    """A function that writes to an array which another function closes over."""

    def f(a):
        y = a * 1.0
        v = y[:2]

        def block(u):
            v[0] = u[0] * 5.0
            return xp.sum(u * u)

        return apply(block)(a) + y[0] * y[1]

    return f


def test_a_checkpoint_refuses_writes_to_what_it_closes_over():
    x = np.asarray([1.0, 2.0, 3.0])
    np.testing.assert_allclose(pb.grad(_writing_outside(lambda g: g))(x), [12.0, 9.0, 6.0])
    with pytest.raises(TypeError, match=r"checkpoint\(block\): it writes in place to an array"):
        pb.grad(_writing_outside(pb.checkpoint))(x)


def test_a_checkpoint_may_write_to_its_own_arrays_and_arguments():
    def block(u):
        y = u * 1.0
        v = y[:2]
        v *= u[0]
        u[1:] += y[:2]
        return v, xp.sum(y * u)

    def f(x, apply):
        u = x * 2.0
        v, s = apply(block)(u)
        return s + xp.sum(v) + xp.sum(u**2)

    x = np.asarray([1.0, 2.0, 3.0])
    expected = pb.grad(lambda x: f(x, lambda g: g))(x)
    np.testing.assert_allclose(pb.grad(lambda x: f(x, pb.checkpoint))(x), expected)


@pytest.mark.parametrize("wrapped", [False, True])
def test_compiled_functions_refuse_writes_to_what_they_close_over(wrapped):
    S = xp.asarray(np.zeros(3))

    def f(a):
        V = S[1:]
        V += a[1:]
        return xp.sum(S * a)

    x = np.asarray([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match=r"compile\(f\): it writes in place to an array of shape"):
        pb.compile(f, fast=False)(xp.asarray(x) if wrapped else x)


def test_compiled_functions_may_return_views_of_what_they_wrote():
    def f(a):
        y = xp.zeros(3)
        y[0] = a[0]
        v = y[:2]
        v += a[1:]
        return {"view": v, "rest": [y[2:] * 1.0]}

    compiled = pb.compile(f, fast=False)
    for x in (np.asarray([1.0, 2.0, 3.0]), np.asarray([4.0, 0.5, 1.0])):
        got, expected = compiled(xp.asarray(x)), f(xp.asarray(x))
        np.testing.assert_allclose(pb.to_numpy(got["view"]), pb.to_numpy(expected["view"]))


@pytest.mark.parametrize(
    "make",
    [
        lambda n, x: n.tensordot(x, x, axes=1),
        lambda n, x: n.where(x[0] > 0, x[0] * 2, x[1]),
        lambda n, x: n.roll(n.reshape(x[:1] * 1.0, ()), 1),
        lambda n, x: n.asarray(n.sum(x), copy=True),
        lambda n, x: n.full((), n.sum(x)),
    ],
    ids=["tensordot", "where", "roll", "asarray", "full"],
)
def test_results_without_axes_that_numpy_has_as_arrays(make):
    """Not as its scalars: a reshape is a view of them, and another name sees a write."""

    def f(n, x):
        v = make(n, x)
        other = v
        n.reshape(v, (1,))[0] += 3.0
        other *= 2.0
        return n.sum(v * v)

    x = np.asarray([1.0, 2.0, 4.0])
    expected = f(np, x.copy())
    assert float(f(xp, xp.asarray(x))) == expected
    value, gradient = pb.value_and_grad(lambda x: f(xp, x))(x)
    assert value == expected
    for i, step in enumerate(np.eye(3) * 1e-6):
        difference = (f(np, x + step) - f(np, x - step)) / 2e-6
        assert gradient[i] == pytest.approx(difference, rel=1e-6, abs=1e-6)
    compiled = pb.compile(pb.grad(lambda x: f(xp, x)), fast=False)
    for y in (x, 2 * x):
        np.testing.assert_allclose(compiled(y), pb.grad(lambda x: f(xp, x))(y), rtol=1e-12)
