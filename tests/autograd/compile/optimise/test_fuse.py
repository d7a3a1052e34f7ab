"""What becomes one loop, and what does not."""

from __future__ import annotations

import re

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.ir.views import Ref
from pullback.autograd.compile.optimise.fuse import leading

xp = pb.xp

X = np.random.default_rng(0).standard_normal((4, 4))


def statements(f):
    """Compute a function as a program with kernels, and return the first word of each statement of its listing."""
    pytest.importorskip("numba", reason="kernels are an extra")
    compiled = pb.compile(f, fast=True)
    listing = compiled.program(X)
    np.testing.assert_allclose(compiled(X), f(X), rtol=1e-12)
    return re.findall(r"^  \d+: (\w+)", listing, re.MULTILINE)


def test_a_chain_is_one_loop():
    assert statements(lambda x: (x * 2 + 1) * x - 3) == ["loop"]


def test_two_users_of_one_result_are_in_its_loop():
    def f(x):
        y = x * 2
        return (y + 1) * (y - 1)

    assert statements(f) == ["loop"]


def test_a_sum_at_the_end_is_in_the_loop():
    assert statements(lambda x: xp.sum(x * x + 1)) == ["loop"]


def test_a_product_stands_between_two_loops():
    found = statements(lambda x: (x * 2 + 1) @ x * 3)
    assert found.count("loop") == 2
    assert len(found) == 3
    assert found[1] != "loop"


def test_a_stack_times_a_matrix_is_one_product():
    pytest.importorskip("numba", reason="kernels are an extra")
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal((3, 4, 5)), rng.standard_normal((5, 2))
    # as it lies; its rows in another order; columns of a wider array; transposed matrices, which are no tall one
    for view in (
        lambda x: x,
        lambda x: xp.permute_dims(x, (1, 0, 2)),
        lambda x: xp.concat([x, x], axis=-1)[..., 2:7],
        lambda x: xp.matrix_transpose(xp.matrix_transpose(x) * 2),
    ):
        compiled = pb.compile(lambda x, W, view=view: xp.matmul(view(x), W), fast=True)
        compiled(x, W)
        np.testing.assert_allclose(compiled(x, W), view(x) @ W, rtol=1e-12)
    assert ": product" in pb.compile(lambda x, W: xp.matmul(x, W), fast=True).program(x, W)


@pytest.mark.parametrize(
    ("shape", "strides", "expected"),
    [
        ((4, 5), (5, 1), (False, 5)),
        ((4, 5), (1, 4), (True, 4)),
        ((3, 4, 5), (20, 5, 1), (False, 5)),
        ((3, 4, 5), (40, 10, 1), (False, 10)),
        ((3, 1, 5), (7, 1, 1), (False, 7)),
        ((1, 4, 5), (99, 5, 1), (False, 5)),
        ((3, 4, 5), (5, 15, 1), None),
        ((3, 4, 5), (20, 1, 4), None),
        ((3, 4, 5), (4, 1, 12), (True, 12)),
        ((4, 5), (10, 2), None),
    ],
)
def test_the_leading_dimension_of_a_stack(shape, strides, expected):
    assert leading(Ref(None, 0, strides), shape) == expected
