"""Tall matrices in chunks of rows, matrices in square chunks, and matrices in one chunk each: values and gradients."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._dask import counted, da, one, rows, same, tiles

xp = pb.xp
RNG = np.random.default_rng(0)
TALL, B = RNG.normal(size=(12, 3)), RNG.normal(size=(12, 2))
A = RNG.normal(size=(4, 4)) + 4 * np.eye(4)


def tall(x):
    return da.from_array(x, chunks=(4, x.shape[1]))


# of tall matrices, invariant to the signs of columns
OF_TALL = {
    "qr": lambda x, b: xp.sum(xp.linalg.qr(x)[1] ** 2) + xp.sum((xp.matrix_transpose(xp.linalg.qr(x)[0]) @ b) ** 2),
    "projection": lambda x, b: _projection(x, b),
    "svd": lambda x, b: _by_svd(x, b),
    "svdvals": lambda x, b: xp.sum(xp.linalg.svdvals(x) ** 3),
    "nuclear norm": lambda x, b: xp.linalg.matrix_norm(x, ord="nuc") + xp.linalg.matrix_norm(x, ord=2),
    "normal equations": lambda x, b: xp.sum(
        xp.linalg.solve(xp.matrix_transpose(x) @ x, xp.matrix_transpose(x) @ b) ** 2
    ),
    "lstsq": lambda x, b: xp.sum(pb.linalg.lstsq(x, b) ** 2),
    "ridge": lambda x, b: xp.sum(pb.linalg.ridge(x, b, 0.5) ** 2),
}  # fmt: skip


def _projection(x, b):
    q, _ = xp.linalg.qr(x)
    return xp.sum((q @ (xp.matrix_transpose(q) @ b)) * b)


def _by_svd(x, b):
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    return xp.sum(((u * s**2) @ vh) * x) + xp.sum((u @ (xp.matrix_transpose(u) @ b)) * b)


@pytest.mark.parametrize("name", OF_TALL)
def test_tall_matrices_in_chunks_of_rows(name):
    f = OF_TALL[name]
    with counted() as count:
        got = pb.value_and_grad(f, argnums=(0, 1))(tall(TALL), tall(B))
        assert count.computes == 0
    same(got, pb.value_and_grad(f, argnums=(0, 1))(TALL, B), rtol=1e-8)


OF_SQUARE = {
    "solve": lambda A, b: xp.sum(xp.linalg.solve(A, b) ** 2),
    "inv": lambda A, b: xp.sum(xp.linalg.inv(A) @ b),
    "cholesky": lambda A, b: xp.sum(xp.linalg.cholesky(xp.matrix_transpose(A) @ A + 9.0 * xp.asarray(one(np.eye(4))))),
    "pb.linalg.solve": lambda A, b: xp.sum(pb.linalg.solve(A, b) ** 2),
}  # fmt: skip


@pytest.mark.parametrize("layout", [tiles, one])
@pytest.mark.parametrize("name", ["solve", "inv", "pb.linalg.solve"])
def test_square_matrices_in_square_chunks_and_in_one(name, layout):
    f = OF_SQUARE[name]
    with counted() as count:
        got = pb.value_and_grad(f, argnums=(0, 1))(layout(A), layout(B[:4]))
        assert count.computes == 0
    same(got, pb.value_and_grad(f, argnums=(0, 1))(A, B[:4]), rtol=1e-8)


@pytest.mark.parametrize("assume", ["general", "symmetric", "positive", "lower"])
def test_structures_in_one_chunk(assume):
    S = np.tril(A) if assume == "lower" else A @ A.T
    f = lambda S, b: xp.sum(pb.linalg.solve(S, b, assume=assume) ** 2)
    with counted() as count:
        got = pb.grad(f, argnums=(0, 1))(one(S), one(B[:4]))
        assert count.computes == 0
    same(got, pb.grad(f, argnums=(0, 1))(S, B[:4]), rtol=1e-8)


def test_a_batch_in_many_chunks_of_whole_matrices():
    many = np.stack([A, A.T, A @ A, 2 * A])
    f = lambda A: xp.sum(xp.linalg.slogdet(A)[1]) + xp.sum(xp.linalg.inv(A))
    got = pb.value_and_grad(f)(da.from_array(many, chunks=(1, 4, 4)))
    same(got, pb.value_and_grad(f)(many), rtol=1e-8)


def test_what_is_wrong_with_a_matrix_is_said_where_it_is_computed():
    with counted() as count:
        x = pb.linalg.solve(one(np.zeros((3, 3))), one(np.ones(3)))
        assert count.computes == 0
        with pytest.raises(pb.linalg.SingularMatrixError):
            np.asarray(x.value)


@pytest.mark.parametrize(
    ("act", "advice"),
    [
        (lambda: xp.linalg.qr(tiles(TALL)), r"rechunk\(\{1: -1\}\)"),
        (lambda: xp.linalg.qr(rows(TALL.T)), r"is wide.*rechunk\(-1\)"),
        (lambda: xp.linalg.svd(tall(TALL)), "full_matrices=False"),
        (lambda: xp.linalg.qr(tall(TALL), mode="complete"), "mode='reduced'"),
        (lambda: xp.linalg.solve(rows(A), rows(B[:4])), r"square chunks of one size, x\.rechunk\(\(\d, \d\)\)"),
        (lambda: xp.linalg.det(rows(A)), r"rechunk\(\{0: -1\}\)"),
    ],
)  # fmt: skip
def test_layouts_that_are_refused_say_what_to_do(act, advice):
    with pytest.raises(NotImplementedError, match=advice):
        act()
