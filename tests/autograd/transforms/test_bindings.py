"""`bound`: functions that a backward pass calls again mean what they meant at first."""

import functools

import numpy as np
import pytest

import pullback as pb
import pullback.numpy as pnp
from pullback.autograd.transforms.bindings import bound
from pullback.scipy import integrate, optimize

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

factor = 1.0  # of this module, which a loop below assigns to


def slope(program, x, h=1e-5):
    return (float(program(np.asarray(x + h))) - float(program(np.asarray(x - h)))) / (2 * h)


STEPS = {
    "checkpoint": lambda i, y: pb.checkpoint(lambda y: pnp.sin(y * (i() + 1)))(y),
    "checkpoint of vmap": lambda i, y: pb.checkpoint(pb.vmap(lambda y: pnp.sin(y * (i() + 1))))(
        y[None]
    )[0],
    "vmap of checkpoint": lambda i, y: pb.vmap(pb.checkpoint(lambda y: pnp.sin(y * (i() + 1))))(
        y[None]
    )[0],
    "checkpoint of partial": lambda i, y: pb.checkpoint(
        functools.partial(lambda n, y: pnp.sin(y * (n() + 1)), lambda: i())
    )(y),
    "scan": lambda i, y: pb.scan(
        lambda c, a: (pnp.sin(c * a * (i() + 1)), None), y, np.asarray([0.5, 0.9]), checkpoint=True
    )[0],
    "root": lambda i, y: pb.implicit.root(
        lambda v, p: v**3 + v * (i() + 1) - p, np.asarray(1.0), y
    ),
    "fixed_point": lambda i, y: pb.implicit.fixed_point(
        lambda v, p: 0.3 * pnp.cos(v * (i() + 1)) + 0.5 * p, np.asarray(1.0), y
    ),
    "argmin": lambda i, y: pb.implicit.argmin(
        lambda v, p: (i() + 1) * v**4 + (v - p) ** 2, np.asarray(0.5), y
    ),
    "cg": lambda i, y: pb.linalg.cg(lambda v: v * (i() + 2.0), y[None])[0][0],
    "cg of an operator": lambda i, y: pb.linalg.cg(
        pb.linalg.LinearOperator(lambda v: v * (i() + 2.0)), y[None]
    )[0][0],
    "odeint": lambda i, y: integrate.odeint(
        lambda s, t, p: -p * s * (i() + 1), np.ones(1), [0.0, 0.5], (y,), rtol=1e-9, atol=1e-9
    )[-1, 0],
    "quad": lambda i, y: integrate.quad(lambda t: pnp.sin(t * y * (i() + 1)), 0.0, 1.0)[0],
    "root of SciPy": lambda i, y: optimize.root(lambda v: v**3 + v * (i() + 1) - y, np.ones(1)).x[
        0
    ],
    "minimize": lambda i, y: optimize.minimize(
        lambda v: pnp.sum((i() + 1) * v**4 + (v - y) ** 2), np.ones(1), tol=1e-12
    ).x[0],
    "brentq": lambda i, y: optimize.brentq(
        lambda v, p: v**3 + v * (i() + 1) - p, -5.0, 5.0, args=(y,)
    ),
}


def in_a_loop(step):
    def program(x):
        y = x
        for i in range(3):
            y = step(lambda: i, y)  # noqa: B023 - what is tested
        return y

    return program


@pytest.mark.parametrize("name", STEPS)
def test_the_variable_of_a_loop(name):
    program = in_a_loop(STEPS[name])
    assert np.allclose(pb.grad(program)(np.asarray(0.7)), slope(program, 0.7), rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in STEPS if "checkpoint" in name])
def test_the_variable_of_a_loop_compiled(name):
    program = in_a_loop(STEPS[name])
    gradient = pb.compile(pb.grad(program))
    for x in (0.7, 0.4):
        assert np.allclose(gradient(np.asarray(x)), slope(program, x), rtol=1e-5)


def test_an_array_that_the_result_replaces():
    def program(x):
        y = x
        for _ in range(3):
            y = pb.implicit.fixed_point(lambda v: 0.3 * pnp.cos(v) + y * v * 0.2, 1.0)  # noqa: B023 - what is tested
        return y

    def given(x):
        y = x
        for _ in range(3):
            y = pb.implicit.fixed_point(lambda v, y: 0.3 * pnp.cos(v) + y * v * 0.2, 1.0, y)
        return y

    x = np.asarray(0.7)
    assert np.isclose(pb.grad(program)(x), pb.grad(given)(x), rtol=1e-9)
    assert np.isclose(pb.grad(program)(x), slope(program, 0.7), rtol=1e-5)


def test_a_variable_of_the_module():
    def helper(y):
        return pnp.sin(y * factor)

    def program(x):
        global factor
        y = x
        for factor in (1.0, 2.0, 3.0):
            y = pb.checkpoint(lambda y: helper(y) * factor)(y)  # noqa: B023 - what is tested
        return y

    assert np.isclose(pb.grad(program)(np.asarray(0.7)), slope(program, 0.7), rtol=1e-5)


def test_names_that_a_function_assigns_to_are_its_own():
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return pnp.sin(x)

    pb.grad(pb.checkpoint(f))(0.5)
    assert calls == 2


def test_the_function_itself_as_long_as_nothing_changes():
    n = 1

    def f(x):
        return f(x - n) + 1 if x > 0 else 0

    kept = bound(f)
    assert kept.now() is f
    assert bound(kept) is kept
    assert kept(3) == 3
    n = 2
    assert f(4) == 2
    assert kept(4) == 4
    n = 1
    assert kept.now() is f
