"""`custom_vjp` and `checkpoint` under `vmap`, as one operation of an older tape."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

xp = pb.xp
X, W = np.random.default_rng(0).uniform(0.5, 1.5, (3, 2)), np.asarray([0.5, 2.0])


def operations(loss, *args):
    with pb.Tape() as tape:
        watched = [tape.watch(a) for a in args]
        y = loss(*watched)
        names = [entry[0].operation for entry in y.tape.entries if entry is not None]
    return names, tape.gradient(y, watched)


def make():
    calls = []

    @pb.custom_vjp
    def f(x, w):
        return {"y": x * w, "constant": xp.asarray(2.0)}

    def forward(x, w):
        calls.append("forward")
        return {"y": x * w, "constant": xp.asarray(2.0)}, (x, w, "kept", None)

    def backward(residuals, ct):
        calls.append("backward")
        _, w, text, nothing = residuals
        assert (text, nothing) == ("kept", None)
        return 7 * ct["y"] * w, xp.ones_like(w)  # not the derivatives, and one that does not vary

    f.defvjp(forward, backward)
    return f, calls


def test_custom_vjp_is_one_operation_with_halves_that_run_once():
    f, calls = make()
    loss = lambda x, w: xp.sum(pb.vmap(lambda row, w: xp.sum(f(row, w)["y"] ** 2), (0, None))(x, w))
    names, (x_bar, w_bar) = operations(loss, X, W)
    assert names.count("f") == 1
    assert calls == ["forward", "backward"]
    np.testing.assert_allclose(pb.to_numpy(x_bar), 7 * 2 * X * W * W)
    np.testing.assert_allclose(pb.to_numpy(w_bar), [3.0, 3.0])  # one share of each row


def test_custom_vjp_without_halves_says_so():
    f = pb.custom_vjp(lambda x: x)
    with pytest.raises(TypeError, match=r"call <lambda>\.defvjp"):
        pb.grad(lambda x: xp.sum(pb.vmap(f)(x)))(X)


def test_a_wrong_pullback_is_named():
    f = pb.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, None), lambda _, ct: (ct, ct))
    with pytest.raises(TypeError, match="tuple of 1 cotangents"):
        pb.grad(lambda x: xp.sum(pb.vmap(f)(x)))(X)


def test_checkpoint_keeps_its_arguments_alone():
    calls = []

    def inner(x):
        calls.append(x.shape)
        for _ in range(5):
            x = xp.sin(x)
        return x

    loss = lambda x: xp.sum(pb.vmap(pb.checkpoint(inner))(x) ** 2)
    names, (x_bar,) = operations(loss, X)
    assert names[0].startswith("checkpoint")
    assert "sin" not in names
    assert calls == [(2,), (2,)]
    wanted = pb.grad(lambda x: xp.sum(inner(x) ** 2))(X)
    np.testing.assert_allclose(pb.to_numpy(x_bar), wanted)


def test_checkpoint_that_writes_to_its_argument():
    def inner(x):
        x[0] = x[1] * 3
        return xp.sum(x)

    def row(x):
        x = x * 1.0
        total = pb.checkpoint(inner)(x)
        return total * x[0]

    inside = pb.vmap(pb.grad(row))(X)
    outside = pb.grad(lambda x: xp.sum(pb.vmap(row)(x)))(X)
    for i in range(3):
        wanted = pb.grad(row)(X[i])
        np.testing.assert_allclose(inside[i], wanted)
        np.testing.assert_allclose(outside[i], wanted)


def test_a_pullback_by_a_solver_runs_row_by_row():
    """Implicit differentiation by hand, with an iterative solver in the pullback alone."""
    A = np.asarray([[3.0, 1.0], [1.0, 2.0]])

    @pb.custom_vjp
    def solved(b):
        return pb.linalg.solve(A, b)

    solved.defvjp(
        lambda b: (pb.linalg.solve(A, b), None),
        lambda _, ct: (pb.linalg.cg(A, ct, rtol=1e-13)[0],),
    )
    row = lambda b, w: xp.sum(solved(b * w) ** 2)
    outside = pb.grad(lambda x: xp.sum(pb.vmap(row, (0, None))(x, W)))(X)
    inside = pb.vmap(pb.grad(row), (0, None))(X, W)
    shared = pb.grad(lambda w: xp.sum(pb.vmap(row, (0, None))(X, w)))(W)
    for i in range(3):
        wanted = pb.grad(row)(X[i], W)
        np.testing.assert_allclose(outside[i], wanted, rtol=1e-9)
        np.testing.assert_allclose(inside[i], wanted, rtol=1e-9)
    np.testing.assert_allclose(shared, sum(pb.grad(row, 1)(x, W) for x in X), rtol=1e-9)


def test_a_checkpoint_of_a_solver_runs_row_by_row():
    root = pb.checkpoint(lambda x: pb.implicit.root(lambda v: v**3 + x * v - 1.0, xp.ones_like(x)))
    f = lambda x: xp.sum(root(x) ** 2)
    got = pb.grad(lambda x: xp.sum(pb.vmap(f)(x)))(X)
    np.testing.assert_allclose(got, np.stack([pb.grad(f)(x) for x in X]), rtol=1e-8)
