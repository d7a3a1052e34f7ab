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
