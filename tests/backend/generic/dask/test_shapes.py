"""Unknown lengths, as masks and dataframes leave them: right values and gradients, or an error that says what to do."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._dask import counted, da, same

xp = pb.xp
RNG = np.random.default_rng(0)
X, W, Y = RNG.normal(size=(20, 3)), RNG.normal(size=3), RNG.normal(size=20)
KEPT = X[:, 0] > 0


def unknown():
    """Rows and targets that a mask left."""
    x, y = da.from_array(X, chunks=(7, 3)), da.from_array(Y, chunks=7)
    return x[x[:, 0] > 0], y[x[:, 0] > 0]


RIGHT = {
    "sum": lambda x, y: xp.sum(x * x),
    "sum, axis 0": lambda x, y: xp.sum(xp.sum(x, axis=0) ** 2),
    "sum, axis 1": lambda x, y: xp.sum(xp.sum(x, axis=1, keepdims=True) * x),
    "mean": lambda x, y: xp.mean(x) ** 2,
    "mean, axis 0": lambda x, y: xp.sum(xp.mean(x * x, axis=0)),
    "mean, axis 1": lambda x, y: xp.sum(xp.mean(x, axis=1) ** 2),
    "var": lambda x, y: xp.var(x),
    "var, axis 0": lambda x, y: xp.sum(xp.var(x, axis=0)),
    "std, axis 0": lambda x, y: xp.sum(xp.std(x, axis=0, correction=1)),
    "max": lambda x, y: xp.max(x) + xp.sum(xp.min(x, axis=0)),
    "errors": lambda x, y: xp.mean((x @ W - y) ** 2),
    "centred": lambda x, y: xp.sum((x - xp.mean(x, axis=0)) ** 2 * x),
    "products": lambda x, y: xp.sum((x.T @ x) ** 2),
    "new axis": lambda x, y: xp.sum(x * y[:, None]) + xp.sum(x * xp.expand_dims(y, axis=1)),
    "columns": lambda x, y: xp.sum(x[:, 1:] ** 2) + xp.sum(x[:, 0] ** 3),
    "unstack": lambda x, y: xp.sum(xp.unstack(x, axis=1)[0] ** 2),
    "logsumexp": lambda x, y: xp.sum(xp.logsumexp(x, axis=1)) + xp.sum(xp.logsumexp(x, axis=0)),
    "softmax": lambda x, y: xp.sum(xp.softmax(x, axis=-1) * x),
    "concat": lambda x, y: xp.sum(xp.concat([x, x * 2], axis=1) ** 2),
    "cross entropy": lambda x, y: pb.models.cross_entropy(
        x, xp.astype(xp.asarray(y) > 0, xp.int64)
    ),
    "squared error": lambda x, y: pb.models.squared_error(x @ W, y),
    "flat": lambda x, y: xp.sum(xp.reshape(x, (-1,)) ** 2),
    "where": lambda x, y: xp.sum(xp.where(x > 0, x, 0.0) ** 2),
    "clip": lambda x, y: xp.sum(xp.clip(x, -0.5, 0.5) ** 2),
    "mask": lambda x, y: xp.sum(x[x[:, 1] > 0] ** 2),
    "stack": lambda x, y: xp.sum(xp.stack([x, x]) ** 2),
    "flip, roll": lambda x, y: xp.sum(xp.flip(x, axis=1) * xp.roll(x, 1, axis=1)),
    "cumulative": lambda x, y: xp.sum(xp.cumulative_sum(x, axis=1) ** 2),
    "einsum": lambda x, y: xp.sum(xp.einsum("ij,ik->jk", x, x) ** 2),
    "layer": lambda x, y: xp.sum(xp.linear(x, np.ones((3, 2)), np.ones(2)) ** 2),
    "singular values": lambda x, y: xp.sum(xp.linalg.svdvals(x)),
    "qr": lambda x, y: xp.sum(xp.linalg.qr(x)[1] ** 2),
}
RIGHT_BESIDES = {
    "prod": lambda x, y: xp.sum(xp.prod(xp.abs(x), axis=1)),
    "norm": lambda x, y: xp.linalg.vector_norm(x) ** 3,
    "norm, ord inf, axis 0": lambda x, y: xp.sum(xp.linalg.vector_norm(x, axis=0, ord=np.inf) ** 2),
    "norm, ord 3, axis 1": lambda x, y: xp.sum(xp.linalg.vector_norm(x, axis=1, ord=3)),
    "Frobenius' norm": lambda x, y: xp.linalg.matrix_norm(x) ** 3,
    "max, axis 1": lambda x, y: xp.sum(xp.max(x, axis=1) ** 2),
    "var, axis 1": lambda x, y: xp.sum(xp.var(x, axis=1)),
    "std": lambda x, y: xp.std(x, correction=2.0) ** 3,
}
REFUSED = {
    "rows": lambda x, y: xp.sum(x[1:] ** 2),
    "concat of rows": lambda x, y: xp.sum(xp.concat([x, x * 2], axis=0) ** 2),
    "cumulative over rows": lambda x, y: xp.sum(xp.cumulative_sum(x, axis=0) ** 2),
    "roll of rows": lambda x, y: xp.sum(xp.roll(x, 1, axis=0) * x),
    "write": lambda x, y: xp.sum(xp.at(x)[:, 0].set(1.0) ** 2),
    "sort": lambda x, y: xp.sum(xp.sort(x, axis=0) * x),
    "broadcast": lambda x, y: xp.sum(xp.broadcast_to(y, x.shape[::-1]).T * x),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_needs_no_lengths_is_right_and_lazy(name):
    f, (x, y) = RIGHT[name], unknown()
    with counted() as count:
        value, gradient = pb.value_and_grad(lambda x: f(x, y))(x)
        assert count.computes == 0
        assert gradient.chunks[1:] == x.chunks[1:]
    same((value, gradient), pb.value_and_grad(lambda x: f(x, Y[KEPT]))(X[KEPT]))


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_lengths_says_how_to_find_them(name):
    f, (x, y) = REFUSED[name], unknown()
    with counted() as count, pytest.raises(ValueError, match="compute_chunk_sizes"):
        pb.grad(lambda x: f(x, y))(x)
    assert count.computes == 0
    f(X[KEPT], Y[KEPT])  # and is right where they are known


@pytest.mark.parametrize("known", [False, True], ids=["unknown lengths", "known lengths"])
@pytest.mark.parametrize("name", {**RIGHT, **RIGHT_BESIDES, **REFUSED})
def test_blocks_without_rows_add_nothing(name, known):
    if (name in REFUSED and not known) or (name, known) == ("prod", False):
        pytest.skip("needs the lengths")
    f = {**RIGHT, **RIGHT_BESIDES, **REFUSED}[name]
    x, y = da.from_array(X, chunks=(4, 3)), da.from_array(Y, chunks=4)
    kept = np.asarray([0] * 4 + [1] * 5 + [0] * 7 + [0, 1, 1, 0], bool)
    mask = da.from_array(kept, chunks=4)
    x, y = x[mask], y[mask]
    if known:
        x.compute_chunk_sizes(), y.compute_chunk_sizes()
        assert x.chunks[0] == y.chunks[0] == (0, 4, 1, 0, 2)
    value, gradient = pb.value_and_grad(lambda x: f(x, y))(x)
    same((value, gradient), pb.value_and_grad(lambda x: f(x, Y[kept]))(X[kept]))


def test_losses_over_unknown_rows_of_numpy_parameters():
    x, y = unknown()
    f = lambda w, x, y: xp.mean(xp.softplus(x @ w) - y * (x @ w))
    for derivative in (pb.value_and_grad(f), pb.hessian(f)):
        with counted() as count:
            got = derivative(W, x, y)
        assert count.computes == 1
        same(got, derivative(W, X[KEPT], Y[KEPT]))


def test_second_derivatives():
    x, _ = unknown()
    f = lambda x: xp.sum(pb.grad(lambda x: xp.mean(x**3))(x) ** 2)
    same(pb.grad(f)(x), pb.grad(f)(X[KEPT]), rtol=1e-7)


def test_blocks_that_were_stretched_by_chance_are_an_error_not_a_wrong_gradient():
    x = da.from_array(np.asarray([1.0, -1.0, 2.0, 3.0]), chunks=2)
    left, right = x[x > 0], x[x > -9]  # blocks of 1 and 2 elements, and of 2 and 2
    g = pb.grad(lambda left: xp.sum(left * right))(left)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        g.compute()


def test_lengths_once_known_are_used():
    x, _ = unknown()
    x.compute_chunk_sizes()
    f = lambda x: xp.sum(x[1:] ** 2)
    same(pb.grad(f)(x), pb.grad(f)(X[KEPT]))
