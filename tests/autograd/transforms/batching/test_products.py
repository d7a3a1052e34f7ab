"""Products under `vmap` are single calls of the library, for all rows."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

xp = pb.xp
M, N = np.random.default_rng(0).standard_normal((2, 3, 4, 4)) + 4 * np.eye(4)
B = np.random.default_rng(1).standard_normal((3, 4))


def program_of(f, *args):
    return pb.compile(f, fast=False).program(*args)


@pytest.mark.parametrize(
    ("f", "args", "name", "count"),
    [
        (pb.vmap(lambda m, n: m @ n), (M, N), "matmul", 1),
        (pb.vmap(lambda m: m @ M[0]), (M,), "matmul", 1),
        (pb.vmap(lambda m, n: xp.tensordot(m, n, axes=((0, 1), (1, 0)))), (M, N), "matmul", 1),
        (pb.vmap(lambda b: pb.models.relu(b @ M[0] + B[0])), (B,), "matmul", 1),
        (pb.vmap(pb.grad(lambda w, b: xp.sum(xp.tanh(b @ w) ** 2)), in_axes=(None, 0)), (M[0], B), "matmul", 1),
        (pb.vmap(lambda m, b: pb.linalg.solve(m, b)), (M, B), "solve_by", 1),
        (pb.vmap(pb.grad(lambda m, b: xp.sum(pb.linalg.solve(m, b) ** 2))), (M, B), "solve_by", 2),
        (pb.vmap(lambda m: xp.linalg.inv(m)), (M,), "inv", 1),
    ],
)  # fmt: skip
def test_one_call_for_all_rows(f, args, name, count):
    text = program_of(f, *args)
    assert text.count(f"{name}(") == count, text
