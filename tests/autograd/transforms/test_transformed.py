"""What goes from one process to another: exceptions, transformed functions, optimisers, schedules, models."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._transformed import X, ways


def objective(x, scale=1.0):
    return scale * pb.xp.sum(x**3)


def with_aux(x):
    return pb.xp.sum(x**3), x


def shifted(x, y):
    return pb.xp.sum(x**3 * y)


@pb.grad
def decorated(x):
    return pb.xp.sum(x**3)


@pb.compile
@pb.value_and_grad
def decorated_twice(x):
    return pb.xp.sum(x**3)


def repeated(x, n):
    return x * n


@pb.checkpoint
def decorated_checkpoint(x):
    return x**3


@pb.custom_vjp
def rounded(x):
    return pb.xp.round(x)


rounded.defvjp(lambda x: (pb.xp.round(x), None), lambda _, ct: (2 * ct,))


class Holder:
    """A class whose methods are transformed."""

    @pb.grad
    def slope(x):
        return pb.xp.sum(x**2)


# ── exceptions ────────────────────────────────────────────────────────────────────────────────


# ── functions ─────────────────────────────────────────────────────────────────────────────────

FUNCTIONS = {
    "grad": pb.grad(objective),
    "grad by both": pb.grad(shifted, argnums=(0, 1)),
    "grad with aux": pb.grad(with_aux, has_aux=True),
    "value_and_grad": pb.value_and_grad(objective),
    "jacobian": pb.jacobian(pb.grad(objective)),
    "hessian": pb.hessian(objective),
    "checkpoint": pb.checkpoint(objective),
    "grad of grad": pb.grad(pb.checkpoint(objective)),
    "compile": pb.compile(objective),
    "compile, plain": pb.compile(objective, fast=False),
    "compile of grad": pb.compile(pb.grad(objective), programs=3),
    "compile of hessian": pb.compile(pb.hessian(objective)),
    "grad of compile": pb.grad(pb.compile(objective)),
    "grad of partial": pb.grad(functools.partial(objective, scale=2.0)),
    "partial of grad": functools.partial(pb.grad(objective), scale=2.0),
    "decorator": decorated,
    "two decorators": decorated_twice,
    "decorator of checkpoint": decorated_checkpoint,
    "method": Holder.slope,
    "custom_vjp": rounded,
}
TWO = {"grad by both"}


@ways
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, way):
    f = FUNCTIONS[name]
    args = (X, X + 1) if name in TWO else (X,)
    expected = f(*args)
    got = way(f)(*args)
    for y, wanted in zip(pb.tree.leaves(got), pb.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(pb.to_numpy(y), pb.to_numpy(wanted))


@ways
def test_settings_of_a_compiled_function(way):
    again = way(pb.compile(repeated, fast=False, static_argnums=1))
    np.testing.assert_array_equal(again(X, 3), X * 3)
    np.testing.assert_array_equal(again(X, 4), X * 4)


@ways
def test_a_pullback_of_ones_own(way):
    np.testing.assert_array_equal(pb.grad(lambda x: pb.xp.sum(way(rounded)(x)))(X), 2 * np.ones(3))


def test_a_copy_of_a_compiled_function_has_programs_of_its_own():
    f = pb.compile(objective)
    f(X)
    again = copy.copy(f)
    f.clear()
    assert again(X) == objective(pb.xp.asarray(X))
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        f.program()


def test_a_function_without_a_name_is_refused_by_name():
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(pb.grad(lambda x: x))


def test_a_transformed_function_is_like_a_function():
    g = pb.grad(objective)
    assert (g.__name__, g.__module__, g.__wrapped__) == ("objective", __name__, objective)
    assert inspect.signature(g) == inspect.signature(objective)
    assert repr(g) == "<grad of objective>"
    assert callable(g)
    assert g != pb.grad(objective)


class Methods:
    scale = 2.0

    @pb.checkpoint
    def of(self, x):
        return self.scale * x


def test_a_transformed_function_is_a_method():
    np.testing.assert_array_equal(Methods().of(X), 2 * X)


# ── records ───────────────────────────────────────────────────────────────────────────────────


# ── processes ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "make", [pb.grad, pb.value_and_grad, pb.hessian, pb.vmap, pb.checkpoint, pb.compile],
    ids=lambda make: make.__name__,
)  # fmt: skip
def test_what_is_no_function_is_refused_at_once(make):
    name = make.__name__
    with pytest.raises(
        TypeError, match=rf"{name}: expected a function, got float; .* pb\.{name}\(f\)"
    ):
        make(3.0)


@pytest.mark.parametrize("call", [pb.vjp, pb.jvp, pb.linearize, pb.hvp], ids=lambda c: c.__name__)
def test_what_is_no_function_is_refused_by_name(call):
    x = np.ones(2)
    arguments = {"jvp": ((x,), (x,)), "hvp": (x, x)}.get(call.__name__, (x,))
    with pytest.raises(TypeError, match=f"^{call.__name__}: expected a function, got float"):
        call(3.0, *arguments)
