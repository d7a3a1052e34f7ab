"""Precision as a choice: the operands of products are rounded, in eager recording, on the CPU and on a device alike."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import pullback as pb
from pullback.backend.common.launches import Launch, Product
from pullback.backend.generic.rounding import FORMATS, rounded

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....backend.cuda.test_kernels import _compile
from ..cuda.test_assemble import normal, pytestmark, runtime, step_of  # noqa: F401 - a mark and a fixture

BITS = {"bfloat16": 8, "float16": 11, "tf32": 11}
UNIT = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "tf32": 2.0**-11}


def exactly(x: float, to: str) -> float:
    """The nearest number of a format, by rational arithmetic."""
    if not np.isfinite(x) or x == 0:
        return x
    exponent = int(np.floor(np.log2(abs(x))))
    lowest = -24 if to == "float16" else -126 - (BITS[to] - 1)
    step = Fraction(2) ** max(exponent - BITS[to] + 1, lowest)
    quotient = abs(Fraction(x)) / step
    whole, rest = divmod(quotient, 1)
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and (to == "tf32" or whole % 2))
    value = float((whole + (1 if up else 0)) * step)
    if to == "float16" and value > 65504:
        value = np.inf
    return float(np.copysign(value, x))


@pytest.mark.parametrize("to", FORMATS)
def test_rounding_is_exact(to):
    rng = np.random.default_rng(1)
    x = np.concatenate(
        [
            (rng.standard_normal(300) * 10.0 ** rng.integers(-12, 6, 300)).astype(np.float32),
            np.float32([0, -0.0, np.inf, -np.inf, 65504, 65519, 65520, 70000, 2.0**-25, 2.0**-24]),
            np.float32([1 + 2.0**-8, 1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 3 * 2.0**-8, 6e-8, 9e-8]),
        ]
    )  # fmt: skip
    with np.errstate(over="ignore"):
        expected = np.float32([exactly(float(v), to) for v in x])
    np.testing.assert_array_equal(rounded(x, to), expected)
    assert np.isnan(rounded(np.float32([np.nan]), to)).all()


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


@pytest.mark.cupy
@pytest.mark.parametrize("to", FORMATS)
def test_rounding_compiles_for_the_device(to, runtime):  # noqa: F811 - the fixture
    """Batches are rounded in float32, matrices stored in 16 bits: both kinds of helper are in the kernels."""
    f = pb.compile(lambda a, b: (a @ b, a[0] @ b[0]), precision=to)
    a, b = normal(2, 3, 4, dtype="float32"), normal(2, 4, 5, dtype="float32")
    f(a, b)
    f(a, b)
    launches = [s for s in runtime.steps if isinstance(s, Launch)]
    assert launches
    for launch in launches:
        _, binary = _compile(launch.source)
        assert binary[:4] == b"\x7fELF"


def test_float64_is_left_alone():
    a = normal(4, 4)
    f = pb.compile(lambda a: a @ a, precision="bfloat16")
    f(a)
    np.testing.assert_array_equal(f(a), a @ a)


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


def test_on_a_device_tf32_is_the_products_own(runtime):  # noqa: F811 - the fixture
    f = pb.compile(lambda a, b: a @ b, precision="tf32")
    a, b = normal(5, 6, dtype="float32"), normal(6, 4, dtype="float32")
    f(a, b)
    f(a, b)
    assert [(s.tf32, s.operands) for s in runtime.steps] == [(True, "float32")]


def test_batched_products_are_rounded_too(runtime):  # noqa: F811 - the fixture
    a, b = normal(2, 3, 4, dtype="float32"), normal(2, 4, 5, dtype="float32")
    f = pb.compile(lambda a, b: a @ b, precision="float16")
    for _ in range(2):
        expected = rounded(a, "float16") @ rounded(b, "float16")
        np.testing.assert_allclose(f(a, b), expected, rtol=1e-5, atol=1e-6)


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
