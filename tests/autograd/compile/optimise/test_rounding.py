"""Tests of `autograd/compile/optimise/rounding.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.backend.common.launches import Launch, Product
from pullback.backend.generic.rounding import rounded

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ..cuda._assemble import (
    normal,
    runtime,  # noqa: F401 - a mark and a fixture
)
from ..cuda.test_assemble import pytestmark  # noqa: F401 - a mark and a fixture


def test_on_a_device_16_bits_are_stored_once_for_both_products(runtime):  # noqa: F811 - the fixture
    def f(W, x):
        return pb.value_and_grad(lambda W: pb.xp.sum(((x @ W) @ W) ** 2))(W)

    compiled = pb.compile(f, precision="bfloat16")
    W, x = normal(6, 6, dtype="float32"), normal(3, 6, dtype="float32")
    for _ in range(2):
        _, grad = compiled(W, x)
    products = [s for s in runtime.steps if isinstance(s, Product)]
    assert {p.operands for p in products} == {"bfloat16"}
    assert {p.dtype for p in products} == {"float32"}
    launches = [s for s in runtime.steps if isinstance(s, Launch)]
    text = "".join(s.source.partition('extern "C"')[2] for s in launches)
    assert (
        text.count("narrowed_bfloat16(") <= 5
    )  # W, x, x W, and the cotangents: not once for each product
    np.testing.assert_allclose(grad, f(W, x)[1], rtol=0.05, atol=0.05 * abs(grad).max())


def test_batched_products_are_rounded_too(runtime):  # noqa: F811 - the fixture
    a, b = normal(2, 3, 4, dtype="float32"), normal(2, 4, 5, dtype="float32")
    f = pb.compile(lambda a, b: a @ b, precision="float16")
    for _ in range(2):
        expected = rounded(a, "float16") @ rounded(b, "float16")
        np.testing.assert_allclose(f(a, b), expected, rtol=1e-5, atol=1e-6)
