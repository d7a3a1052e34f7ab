"""Tests of `autograd/compile/cuda/expressions.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS
from ._assemble import (
    runtime,  # noqa: F401 - a fixture
    same,
)

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)


xp = pb.xp


ELEMENTWISE = """abs acos acosh asin asinh atan atanh cbrt ceil cos cosh exp expm1 floor isfinite isinf isnan log log10
log1p log2 negative reciprocal round sign sin sinh sqrt square tan tanh trunc""".split()  # noqa: SIM905 - a table


BINARY = """add atan2 copysign divide equal greater greater_equal hypot less less_equal maximum minimum multiply
not_equal pow subtract""".split()  # noqa: SIM905 - a table


SPECIAL = np.asarray(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, 3.5, 1e-30, 700.0, np.nan, np.inf, -np.inf]
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_elementwise(runtime, dtype):  # noqa: F811 - a fixture
    x, y = (SPECIAL[:, None] * np.ones(13)).astype(dtype), (SPECIAL * np.ones((13, 1))).astype(dtype)  # fmt: skip

    def f(x, y):
        one = [getattr(xp, name)(x) for name in ELEMENTWISE]
        return one + [getattr(xp, name)(x, y) for name in BINARY] + [xp.where(x > y, x, 2.0)]

    same(f, x, y, rtol=1e-6 if dtype == "float32" else 1e-13, atol=0)


@pytest.mark.parametrize(
    "dtype", [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
)
def test_integers_wrap_around(runtime, dtype):  # noqa: F811 - a fixture
    limits = np.iinfo(dtype)
    x = np.asarray([limits.min, limits.max, 1, 2, 100], dtype)

    def f(x):
        y = x[::-1]
        return x + y, x - y, x * y, x & y, x | y, x ^ y, x < y, xp.maximum(x, y), xp.astype(x, xp.float32)  # fmt: skip

    with np.errstate(over="ignore"):
        same(f, x)


INTEGERS = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("dtype", INTEGERS)
def test_divisions_and_shifts_of_integers_are_those_of_numpy(runtime, dtype):  # noqa: F811 - a fixture
    """By zero, the least number by −1, by more bits than there are, by negative numbers; in a kernel, not a call."""
    limits = np.iinfo(dtype)
    x = np.asarray([limits.min, limits.max, 0, 1, 7, limits.max - 7], dtype)
    y = np.asarray([0, 1, 2, 3, 8, 31, 63, 64, limits.max, *([-1, -3] if limits.min else [])])

    def f(x, y):
        return x // y, x % y, x << y, x >> y, x // 3, x % 3, x << 2

    compiled = same(f, x[:, None], y.astype(dtype)[None], calls=1)
    assert ": call" not in compiled.program()


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_of_activations_and_losses_are_in_kernels(runtime, dtype):  # noqa: F811 - a fixture
    """GELU's error function, tanh's gradient, softplus, and clipping, infinities and NaN included."""
    x = SPECIAL.astype(dtype)[:, None] + np.zeros((1, 13), dtype)

    def f(x, y):
        slope = pb.grad(lambda x: xp.sum(xp.tanh(x)))(x)
        clipped = [xp.clip(x, -0.5, 0.5), xp.clip(x, 1), xp.clip(x, None, 2.0), xp.clip(x, 1, 0)]
        return [pb.special.erf(x), pb.special.erfc(x), xp.logaddexp(x, y), slope, *clipped]

    compiled = same(f, x, x.T.copy(), rtol=3e-6 if dtype == "float32" else 1e-13, atol=1e-38)
    assert ": call" not in compiled.program()


def test_masks_are_joined_in_kernels(runtime):  # noqa: F811 - a fixture
    """As the gradient of clipping joins them."""

    def f(x):
        a, b = x > -0.5, x < 0.5
        slope = pb.grad(lambda x: xp.sum(xp.clip(x, -0.5, 0.5) ** 2))(x)
        return a & b, a | b, a ^ b, slope

    compiled = same(f, np.linspace(-1, 1, 21))
    assert ": call" not in compiled.program()


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_the_larger_takes_the_cotangent_in_a_kernel(runtime, name):  # noqa: F811 - a fixture
    """Of equal numbers, each takes half; with NaN, neither takes any."""
    f = getattr(xp, name)
    w = np.random.default_rng(0).standard_normal((13, 13))

    def slopes(x, y):
        both = pb.grad(lambda x, y: xp.sum(f(x, y) * w), argnums=(0, 1))(x, y)
        return (
            both,
            pb.grad(lambda x: xp.sum(f(x, 0.5) * w))(x),
            pb.grad(lambda x: xp.sum(pb.grad(lambda x: xp.sum(xp.sin(f(x, 0.5)) * w))(x)))(x),
        )

    compiled = same(slopes, SPECIAL[:, None] * np.ones(13), SPECIAL * np.ones((13, 1)), rtol=1e-12)
    assert ": call" not in compiled.program()
