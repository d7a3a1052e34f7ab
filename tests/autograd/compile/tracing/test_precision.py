"""Precision as a choice: the operands of products are rounded, in eager recording, on the CPU and on a device alike."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.backend.generic.rounding import FORMATS, rounded

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ..cuda._assemble import (
    normal,
    runtime,  # noqa: F401 - a mark and a fixture
    step_of,
)
from ..cuda.test_assemble import pytestmark  # noqa: F401 - a mark and a fixture

UNIT = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "tf32": 2.0**-11}


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("place", ["cpu", "device"])
def test_products_of_rounded_operands(to, place, request):
    if place == "device":
        request.getfixturevalue("runtime")
    a, b = normal(9, 17, dtype="float32"), normal(17, 5, dtype="float32")
    f = pb.compile(lambda a, b: (a @ b, a + 1), precision=to)
    expected = rounded(a, to).astype(np.float64) @ rounded(b, to).astype(np.float64)
    for _ in range(3):  # the first call records
        product, plain = f(a, b)
        np.testing.assert_allclose(product, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(plain, a + 1)  # nothing else is rounded
        assert product.dtype == np.float32
    assert abs(product - a @ b).max() > 1e-5


def test_float64_is_left_alone():
    a = normal(4, 4)
    f = pb.compile(lambda a: a @ a, precision="bfloat16")
    f(a)
    np.testing.assert_array_equal(f(a), a @ a)


def test_on_a_device_tf32_is_the_products_own(runtime):  # noqa: F811 - the fixture
    f = pb.compile(lambda a, b: a @ b, precision="tf32")
    a, b = normal(5, 6, dtype="float32"), normal(6, 4, dtype="float32")
    f(a, b)
    f(a, b)
    assert [(s.tf32, s.operands) for s in runtime.steps] == [(True, "float32")]


@pytest.mark.parametrize("place", ["cpu", "device"])
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16", "float16"])
def test_training(precision, place, request):
    """Forty steps end where float32's do, to a few units of the format; the parameters stay float32."""
    if place == "device":
        request.getfixturevalue("runtime")
    rng = np.random.default_rng(2)
    x = rng.standard_normal((64, 8)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    opt = pb.optim.Adam(3e-2)

    def trained(precision):
        model = pb.models.MLP([8, 16, 2], activation="tanh", seed=1)
        step = pb.compile(step_of(opt), precision=precision)
        state = opt.init(model)
        for _ in range(40):
            model, state, loss = step(model, state, x, y)
        assert {leaf.dtype for leaf in pb.tree.leaves(model)} == {np.dtype(np.float32)}
        return float(loss)

    loss, reference = trained(precision), trained("float32")
    assert loss < 0.4
    assert abs(loss - reference) <= 40 * UNIT.get(precision, 0.0) + 1e-6


def test_the_program_says_its_precision():
    f = pb.compile(lambda a: a @ a, precision="bfloat16")
    f(normal(3, 3, dtype="float32"))
    assert "rounded to bfloat16" in f.program()


def test_other_precisions_are_refused():
    with pytest.raises(ValueError, match="'half' is none of float32, tf32, bfloat16, float16"):
        pb.compile(lambda a: a, precision="half")


def test_libraries_without_bits_are_refused():
    strict = pytest.importorskip("array_api_strict", reason="the standard's own implementation")
    f = pb.compile(lambda a: a @ a, precision="bfloat16")
    with pytest.raises(TypeError, match="cannot be rounded"):
        f(strict.ones((2, 2), dtype=strict.float32))
