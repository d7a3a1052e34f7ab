"""What becomes one loop, and what does not."""

from __future__ import annotations

import re

import numpy as np
import pytest

import pullback as pb

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
