"""Tests of `backend/generic/rounding.py`."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import pullback as pb
from pullback.backend.common.launches import Launch
from pullback.backend.generic.rounding import FORMATS, rounded

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ...autograd.compile.cuda._assemble import (
    normal,
    runtime,  # noqa: F401 - a mark and a fixture
)
from ...autograd.compile.cuda.test_assemble import pytestmark  # noqa: F401 - a mark and a fixture
from ..cuda.test_kernels import _compile

BITS = {"bfloat16": 8, "float16": 11, "tf32": 11}


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
