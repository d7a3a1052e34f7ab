"""`vmap` nested with every other transform, against loops over the rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
K, N = 3, 2
X = np.random.default_rng(0).uniform(0.5, 1.5, (K, N))
W = np.asarray([0.7, -1.2])


@pb.custom_vjp
def scaled(x):
    """3 x, whose pullback is not its derivative, so that it shows where it was lost."""
    return 3 * x


scaled.defvjp(lambda x: (3 * x, xp.sum(x)), lambda s, ct: (ct * (5 + s),))
inner = pb.checkpoint(lambda x: xp.sin(x) * x[0])
compiled = pb.compile(lambda x: xp.exp(-x) * x[1] + x)


def number(x):
    return xp.sum(xp.sin(x) ** 2 * W) + x[0] ** 3 * x[1]


# Functions of one row and, for what maps numbers to numbers, whether the result is a number.
OF_ROW = {
    "plain": lambda f: f,
    "grad": pb.grad,
    "jacobian": pb.jacobian,
    "hessian": pb.hessian,
    "jvp": lambda f: lambda x: pb.jvp(f, (x,), (xp.cos(x),))[1],
    "vjp": lambda f: lambda x: pb.vjp(f, x)[1](xp.ones_like(f(x)))[0],
    "hvp": lambda f: lambda x: pb.hvp(f, x, x * 2),
    "linearize": lambda f: lambda x: pb.linearize(f, x)[1](x * x),
    "checkpoint": pb.checkpoint,
    "compile": lambda f: pb.compile(f, fast=False),
    "tape": lambda f: lambda x: _by_tape(f, x),
    "vmap": lambda f: lambda x: pb.vmap(lambda s: f(x * s))(xp.asarray(np.asarray([1.0, 0.5, 2.0]))),
}  # fmt: skip


def _by_tape(f, x):
    with pb.Tape() as tape:
        x = tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


FUNCTIONS = {
    "number": number,
    "custom_vjp": lambda x: number(scaled(x)),
    "checkpointed": lambda x: number(inner(x)),
    "compiled": lambda x: number(compiled(x)),
}
SCALAR = ("plain", "checkpoint", "compile")  # what leaves a number a number
# what takes functions of any result
OF_ARRAYS = ("jacobian", "jvp", "vjp", "linearize", "checkpoint", "compile", "vmap")
INSIDE = ("plain", "grad", "jvp", "jacobian", "hessian", "vmap", "checkpoint", "compile")
OUTSIDE = ("grad", "jacobian", "hessian", "jvp", "vjp", "compile", "checkpoint", "tape", "hvp")


def close(got, wanted):
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-10)


def looped(f):
    return lambda x: np.stack([np.asarray(pb.to_numpy(f(row))) for row in x])


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("transform", OF_ROW)
def test_inside(function, transform):
    """``vmap(transform(f))``."""
    f = OF_ROW[transform](FUNCTIONS[function])
    close(pb.vmap(f)(X), looped(f)(X))
    close(pb.vmap(f, in_axes=1)(X.T.copy()), looped(f)(X))


PAIRS = [
    (a, b)
    for a, b in itertools.product(OF_ROW, OF_ROW)
    if "plain" not in (a, b) and (b in SCALAR or a in OF_ARRAYS)
]


@pytest.mark.parametrize("function", ["number", "custom_vjp"])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_inside(function, first, second):
    """``vmap(first(second(f)))``."""
    f = OF_ROW[first](OF_ROW[second](FUNCTIONS[function]))
    close(pb.vmap(f)(X), looped(f)(X))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("outside", OUTSIDE)
def test_outside(function, inside, outside):
    """``outside`` of a function of all rows that maps ``inside(f)``."""
    f = OF_ROW[inside](FUNCTIONS[function])
    weights = np.random.default_rng(1).uniform(0.5, 1.5, (64,))

    def total(y):
        flat = xp.reshape(y, (-1,))
        return xp.sum(flat * weights[: flat.shape[0]])

    together = OF_ROW[outside](lambda x: total(pb.vmap(f)(x)))
    each = OF_ROW[outside](lambda x: total(xp.stack([f(x[i, :]) for i in range(K)])))
    close(np.asarray(pb.to_numpy(together(X))), np.asarray(pb.to_numpy(each(X))))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_compiled_outside_twice(function):
    """A compiled program of mapped gradients, replayed with other values."""
    gradient = pb.grad(FUNCTIONS[function])
    step = pb.compile(pb.vmap(gradient), fast=False)
    for x in (X, X + 0.1, X * 0.9):
        close(step(x), looped(gradient)(x))


def test_three_levels_of_vmap_and_two_tapes():
    a, b, c = (np.random.default_rng(i).uniform(0.5, 1.5, 2 + i) for i in range(3))

    def f(a, b, c):
        return pb.grad(lambda s: xp.sin(s * b) * c + s**2 * b)(a)

    mapped = pb.vmap(pb.vmap(pb.vmap(f, (None, None, 0)), (None, 0, None)), (0, None, None))
    got = pb.grad(lambda b: xp.sum(mapped(a, b, c) ** 2))(b)
    wanted = pb.grad(
        lambda b: sum(
            f(a[i], b[j], c[k]) ** 2 for i in range(2) for j in range(3) for k in range(4)
        )
    )(b)
    np.testing.assert_allclose(got, wanted, rtol=1e-10)


def test_parameters_outside_of_the_rows():
    """A weight of an older tape, of a newer one, and of none: closures and arguments alike."""

    def loss(w, x):
        return xp.sum(xp.tanh(w * x) ** 2)

    by_rows = np.stack([pb.grad(loss)(W, row) for row in X])
    close(pb.vmap(pb.grad(loss), in_axes=(None, 0))(W, X), by_rows)
    close(pb.vmap(lambda x: pb.grad(loss)(W, x))(X), by_rows)
    close(pb.grad(lambda w: xp.sum(pb.vmap(lambda x: loss(w, x))(X)))(W), by_rows.sum(0))
    close(
        pb.jacobian(lambda w: pb.vmap(lambda x: pb.grad(loss)(w, x))(X))(W),
        np.stack([pb.hessian(loss)(W, row) for row in X]),
    )
    close(
        pb.hessian(lambda w: xp.sum(pb.vmap(loss, in_axes=(None, 0))(w, X)))(W),
        sum(pb.hessian(loss)(W, row) for row in X),
    )


def test_gradients_of_rows_inside_of_a_jacobian():
    """An operation of vmap's level on what an older tape records and on rows, neither of which is this level's."""

    def f(x):
        row = lambda a, b: xp.sin(a * b) * xp.sum(x) * a
        return pb.vmap(pb.grad(row), in_axes=(0, None))(x, x[0])

    def g(x):
        return xp.sum(x) * (x[0] * x * xp.cos(x[0] * x) + xp.sin(x[0] * x))

    x = np.asarray([0.3, 0.7, 1.1])
    np.testing.assert_allclose(pb.jacobian(f)(x), pb.jacobian(g)(x), rtol=1e-12)


LOOPS = {
    "carry and rows": lambda x: pb.scan(
        lambda c, a: (xp.tanh(c * a + x), c * a), x * 0.5, xp.stack([x, x * 2])
    ),
    "closure": lambda x: pb.scan(lambda c, a: (c * xp.sum(x) + a, c), 1.0, np.arange(3.0)),
    "rows of results": lambda x: pb.scan(lambda c, a: (c * a, x * c), 1.0, np.arange(1.0, 3.0)),
    "backwards": lambda x: pb.scan(lambda c, a: (xp.sin(c * a), c), 1.0, x, reverse=True),
    "while_loop": lambda x: pb.while_loop(
        lambda c: c[0] < 3, lambda c: (c[0] + 1, xp.sin(c[1]) + x), (0, xp.ones(3)), max_steps=3
    )[1],
    "fori_loop": lambda x: pb.fori_loop(0, 3, lambda i, c: xp.sin(c) * x + i, xp.ones(3)),
}


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("how", ["vmap", "grad of vmap", "vmap of grad", "vmap of vmap"])
def test_compiled_loops_of_rows(name, how):
    """A step that has rows of `vmap` in it, given or closed over, is not recorded as if they were arrays."""

    def loss(x):
        return sum(xp.sum(y**2) for y in pb.tree.leaves(LOOPS[name](x)))

    rows, twice = pb.vmap(loss), pb.vmap(pb.vmap(loss))
    f = {
        "vmap": rows,
        "grad of vmap": lambda x: pb.grad(lambda x: xp.sum(rows(x)))(x),
        "vmap of grad": pb.vmap(pb.grad(loss)),
        "vmap of vmap": lambda x: twice(xp.stack([x, x + 1]))[0],
    }[how]
    one = pb.grad(loss) if "grad" in how else loss
    compiled, inside = pb.compile(f, fast=False), pb.compile(loss, fast=False)
    x = np.asarray([[0.3, 0.7, 1.1], [0.5, 0.2, -0.4]])
    for given in (x, x * 0.7):
        wanted = [np.asarray(one(row)) for row in given]
        np.testing.assert_allclose(compiled(given), wanted, rtol=1e-10)
        if how == "vmap":
            np.testing.assert_allclose(pb.vmap(inside)(given), wanted, rtol=1e-10)


# Functions of m, x, which vary with both levels, and v, W, which vary with the outer level alone.
OF_TWO_LEVELS = {
    "matmul, column": lambda m, x, v, W: m @ v,
    "matmul, row": lambda m, x, v, W: v @ m,
    "matmul, both older": lambda m, x, v, W: xp.linalg.outer(v, W[0]) + x,
    "outer": lambda m, x, v, W: xp.linalg.outer(x, v) + xp.linalg.outer(v, x),
    "solve": lambda m, x, v, W: xp.linalg.solve(m + 8 * xp.eye(3), v),
    "solve, positive": lambda m, x, v, W: pb.linalg.solve(m @ m.mT + xp.eye(3), v, assume="positive"),
    "linear": lambda m, x, v, W: xp.linear(v[None], W, x),
    "linear, older bias": lambda m, x, v, W: xp.linear(v[None], m, v),
    "linear_relu": lambda m, x, v, W: xp.linear_relu(v[None], W, x),
    "cross-entropy": lambda m, x, v, W: pb.models.cross_entropy((x + v)[None], xp.argmax(v)[None]),
}  # fmt: skip


@pytest.mark.parametrize("inner", [3, 2], ids=["levels of one size", "of two"])
@pytest.mark.parametrize("derivative", [False, True], ids=["value", "gradient"])
@pytest.mark.parametrize("name", OF_TWO_LEVELS)
def test_what_varies_with_the_outer_level_alone(name, derivative, inner):
    """Rows of two levels of one size are not taken for each other."""
    rng = np.random.default_rng(1)
    m, x = rng.standard_normal((3, inner, 3, 3)), rng.standard_normal((3, inner, 3))
    v, W = rng.standard_normal((3, 3)), rng.standard_normal((3, 3, 3))
    f = OF_TWO_LEVELS[name]
    slope = pb.grad(lambda *args: xp.sum(xp.sin(f(*args))), argnums=2)
    g = slope if derivative else lambda *args: xp.asarray(f(*args))
    found = pb.vmap(lambda m, x, v, W: pb.vmap(lambda m, x: g(m, x, v, W))(m, x))(m, x, v, W)
    for i, j in itertools.product(range(3), range(inner)):
        one = g(*(xp.asarray(a) for a in (m[i, j], x[i, j], v[i], W[i])))
        np.testing.assert_allclose(
            pb.to_numpy(found[i, j]), pb.to_numpy(one), rtol=1e-10, atol=1e-12
        )


# Each of a vector x that the row is made of, a matrix M outside, and a row t.
PUSHED = {
    "linearize": lambda x, M, t: pb.linearize(lambda u: xp.sin(u) * M[0], x)[1](t),
    "jvp": lambda x, M, t: pb.jvp(lambda u: xp.sin(u) * M[0], (x,), (t,))[1],
    "vjp": lambda x, M, t: pb.vjp(lambda u: xp.sin(u) * M[0], x)[1](t)[0],
    "hvp": lambda x, M, t: pb.hvp(lambda u: xp.sum(xp.sin(u) * u * M[0]), x, t),
}


@pytest.mark.parametrize("recorded", ["rows", "matrix", "both"])
@pytest.mark.parametrize("name", PUSHED)
def test_rows_are_pushed_through_what_a_compiled_function_records(name, recorded):
    """A direction that differs from row to row is no constant of the recording."""
    x, M, rows = W.repeat(2)[:3], np.arange(9.0).reshape(3, 3) / 7, np.eye(3) + 0.1

    def f(rows, M):
        return pb.vmap(lambda t: PUSHED[name](xp.asarray(x), M, t))(rows)

    g, args = {
        "rows": (lambda rows: f(rows, xp.asarray(M)), (rows,)),
        "matrix": (lambda M: f(xp.asarray(rows), M), (M,)),
        "both": (f, (rows, M)),
    }[recorded]
    compiled = pb.compile(g, fast=False)
    for scale in (1.0, 0.5):
        given = [a * scale for a in args]
        wanted = g(*map(xp.asarray, given))
        np.testing.assert_allclose(compiled(*given), pb.to_numpy(wanted), rtol=1e-12)
