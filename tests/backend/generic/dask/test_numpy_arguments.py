"""NumPy's arrays beside Dask's: they join in operations, and derivatives by them are NumPy's, in one computation."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._dask import counted, da, same

xp = pb.xp
RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(20, 3)), (RNG.uniform(size=20) > 0.5) * 1.0, RNG.normal(size=3)
with pb.backend.use("numpy"):
    MODEL = pb.models.MLP([3, 5, 2], activation="relu", seed=0)


def lazy():
    return da.from_array(X, chunks=(6, 3)), da.from_array(Y, chunks=6)


def loss(w, x, y):
    """Of a logistic regression, with a term in which NumPy's array meets none of Dask's."""
    z = x @ w
    return xp.mean(xp.softplus(z) - y * z) + 0.01 * xp.sum(w * w)


def by_tape(w, x, y):
    with pb.Tape() as tape:
        w = tape.watch(w)
        value = loss(w, x, y)
    return tape.gradient(value, {"w": w})


def cross_entropy(model, x, y):
    return pb.models.cross_entropy(model(x), xp.astype(xp.asarray(y), xp.int64))


ONE_COMPUTATION = {
    "grad": pb.grad(loss),
    "value_and_grad": pb.value_and_grad(loss),
    "of a tree": lambda w, x, y: pb.value_and_grad(lambda p: loss(p["w"] + p["b"], x, y))({"b": 0.5, "w": w}),
    "of a float": lambda w, x, y: pb.value_and_grad(lambda s: loss(w * s, x, y))(0.5),
    "of NumPy's scalar": lambda w, x, y: pb.value_and_grad(lambda s: loss(w * s, x, y))(np.float64(0.5)),
    "pullback": lambda w, x, y: pb.vjp(lambda w: loss(w, x, y), w)[1](1.0),
    "pullback of rows": lambda w, x, y: pb.vjp(lambda w: x @ w, w)[1](np.ones(20)),
    "jvp": lambda w, x, y: pb.jvp(lambda w: loss(w, x, y), (w,), (w,)),
    "linearize": lambda w, x, y: pb.linearize(lambda w: loss(w, x, y), w)[1](w),
    "hvp": lambda w, x, y: pb.hvp(lambda w: loss(w, x, y), w, w),
    "jacobian": lambda w, x, y: pb.jacobian(lambda w: xp.tanh(x @ w))(w),
    "hessian": lambda w, x, y: pb.hessian(lambda w: loss(w, x, y))(w),
    "hessian of a tree": lambda w, x, y: pb.hessian(lambda p: loss(p[0] * p[1], x, y))((w, np.asarray(0.5))),
    "second order": lambda w, x, y: pb.grad(lambda w: xp.sum(pb.grad(loss)(w, x, y) ** 2))(w),
    "tape": by_tape,
    "checkpoint": pb.value_and_grad(pb.checkpoint(loss)),
    "vmap": lambda w, x, y: pb.grad(lambda w: xp.sum(pb.vmap(lambda x, t: (x @ w - t) ** 2)(x, y)))(w),
    "network": lambda w, x, y: pb.value_and_grad(cross_entropy)(MODEL, x, y),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_COMPUTATION)
def test_derivatives_by_numpy_arrays_are_numpy_s_in_one_computation(name):
    derivative = ONE_COMPUTATION[name]
    with counted() as count:
        got = derivative(W, *lazy())
    assert count.computes == 1
    wanted = derivative(W, X, Y)
    for a, b in zip(pb.tree.leaves(got), pb.tree.leaves(wanted), strict=True):
        assert type(a) is type(b)
    same(got, wanted)


def test_derivatives_by_dask_arrays_stay_lazy():
    x, y = lazy()
    w = da.from_array(W)
    with counted() as count:
        got = pb.value_and_grad(loss, argnums=(0, 1))(w, x, y)
        more = pb.hessian(lambda w: loss(w, x, y))(w), pb.jvp(lambda w: loss(w, x, y), (w,), (w,))
        assert count.computes == 0
    assert all(isinstance(leaf, da.Array) for leaf in pb.tree.leaves((got, more)))
    assert got[1][1].chunks == x.chunks
    same(got, pb.value_and_grad(loss, argnums=(0, 1))(W, X, Y))
    same(more[0], pb.hessian(lambda w: loss(w, X, Y))(W))


def test_of_arguments_of_both_each_gradient_has_its_argument_s_class():
    x, y = lazy()
    with counted() as count:
        value, (w_bar, x_bar) = pb.value_and_grad(loss, argnums=(0, 1))(W, x, y)
        assert count.computes == 1
    assert type(value) is type(w_bar) is np.ndarray
    assert isinstance(x_bar, da.Array)
    same((value, (w_bar, x_bar)), pb.value_and_grad(loss, argnums=(0, 1))(W, X, Y))


def test_what_a_function_returns_besides_stays_lazy():
    x, y = lazy()
    (value, aux), gradient = pb.value_and_grad(lambda w: (loss(w, x, y), x @ w), has_aux=True)(W)
    assert type(value) is type(gradient) is np.ndarray
    assert isinstance(aux.value, da.Array)
    same(aux, X @ W)


def test_the_value_that_vjp_returns_stays_lazy():
    x, _ = lazy()
    with counted() as count:
        out, pull = pb.vjp(lambda w: x @ w, W)
        assert count.computes == 0
        assert isinstance(out, da.Array)
        (w_bar,) = pull(da.ones(20, chunks=6))
        assert count.computes == 1
    same(w_bar, X.sum(axis=0))


def test_pullback_arrays_over_numpy_s_come_back_as_these():
    x, y = lazy()
    value, gradient = pb.value_and_grad(loss)(xp.asarray(W), x, y)
    assert type(value.value) is type(gradient.value) is np.ndarray


def test_operations_of_both_are_dask_s_and_other_libraries_are_refused():
    strict = pytest.importorskip("array_api_strict")
    x, _ = lazy()
    for y in (
        xp.add(X, x),
        xp.add(x, X),
        xp.concat([X, x]),
        xp.asarray(x) @ W,
        W @ xp.matrix_transpose(x),
    ):
        assert isinstance(y.value, da.Array)
    same(xp.add(X, x), 2 * X)
    with pytest.raises(TypeError, match="array_api_strict"):
        xp.add(x, strict.asarray(X))


def test_a_later_change_to_a_numpy_array_does_not_reach_what_is_lazy():
    x, _ = lazy()
    w = W.copy()
    y = xp.asarray(x) @ w
    w[:] = 0.0
    same(y, X @ W)


def test_minimize_computes_once_for_each_evaluation():
    x, y = lazy()
    with counted() as count:
        got = pb.optim.minimize(lambda w: loss(w, x, y), W)
    wanted = pb.optim.minimize(lambda w: loss(w, X, Y), W)
    assert type(got.x) is np.ndarray
    assert got.nfev == wanted.nfev
    assert count.computes == got.nfev
    np.testing.assert_allclose(got.x, wanted.x, rtol=1e-9)


def test_minimize_refuses_a_lazy_start():
    with pytest.raises(TypeError, match=r"x0\.compute\(\)"):
        pb.optim.minimize(lambda w: xp.sum(w * w), da.ones(3))


@pytest.mark.parametrize("method", ["newton-cg", "L-BFGS-B", "newton", "fista"])
def test_minimize_by_every_kind_of_method(method):
    x, y = lazy()
    settings = {"l1": 0.01} if method == "fista" else {}
    got = pb.optim.minimize(lambda w: loss(w, x, y), W, method=method, maxiter=5, **settings)
    wanted = pb.optim.minimize(lambda w: loss(w, X, Y), W, method=method, maxiter=5, **settings)
    np.testing.assert_allclose(got.x, wanted.x, rtol=1e-7)


def test_steps_of_optimisers_keep_numpy_parameters():
    x, y = lazy()
    opt = pb.optim.Adam(1e-2)
    model, state = MODEL, opt.init(MODEL)
    other, other_state = MODEL, opt.init(MODEL)
    for _ in range(2):
        _, g = pb.value_and_grad(cross_entropy)(model, x, y)
        model, state = opt.step(model, g, state)
        _, g = pb.value_and_grad(cross_entropy)(other, X, Y)
        other, other_state = opt.step(other, g, other_state)
    assert type(model) is type(MODEL)
    same(model, other)


def test_float32_stays():
    x, y = (z.astype(np.float32) for z in lazy())
    value, gradient = pb.value_and_grad(loss)(W.astype(np.float32), x, y)
    assert value.dtype == gradient.dtype == np.float32


def test_a_matrix_and_its_transpose_are_two_operands_of_a_cotangent():
    # Dask names a product by the memory of a NumPy operand, which is the same for both
    x = np.random.default_rng(0).normal(size=(3, 3))
    f = lambda x, s: (
        (xp.sum(xp.matrix_transpose(x) ** 2) + xp.sum(x * xp.permute_dims(x, (1, 0)))) * s
    )
    h = lambda x, s: (
        xp.sum(xp.permute_dims(x, (1, 0)) * xp.permute_dims(x, (1, 0))) + xp.sum(x * x) + s
    )
    for g in (f, h):
        same(pb.grad(g)(x, da.from_array(np.asarray(2.0))), pb.grad(g)(x, 2.0))
