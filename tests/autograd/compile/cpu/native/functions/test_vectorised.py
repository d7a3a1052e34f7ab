"""Tests of `autograd/compile/cpu/native/functions/vectorised.py`: the functions in generated loops, of any length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu.native.functions.vectorised import FUNCTIONS, definitions
from pullback.autograd.compile.ir.elementwise import TABLE

from ......_host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
xp = pb.xp


def test_the_table_of_expressions_names_these_alone():
    named = {part.partition("(")[0] for row in TABLE.values() for part in row.text.split("V.")[1:]}
    assert named == set(FUNCTIONS)


def test_a_function_is_defined_once_and_after_what_it_calls():
    text = definitions([("sigmoid", "float32"), ("exp", "float32"), ("exp", "float64")])
    assert text.count("def exp32(") == 1
    assert text.index("def exp32(") < text.index("def sigmoid32(")
    assert "sigmoid_float32 = sigmoid32\n" in text
    assert "exp_float64 = exp64\n" in text


def chain(x: Any) -> Any:
    y = xp.exp(-x) + xp.expm1(x) * xp.tanh(x) - xp.sigmoid(x)
    z = xp.log(y * y + 1.0) + xp.log1p(xp.abs(x))
    return xp.sum(z + pb.special.erf(x) * pb.special.erfc(x), axis=-1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_chain_is_one_loop_and_as_eager(dtype):
    f = pb.value_and_grad(lambda x: xp.mean(chain(x)))
    compiled = pb.compile(f, fast=True)
    rtol = 1e-5 if dtype == "float32" else 1e-12
    for shape in ((3, 5), (40, 100)):
        x = np.random.default_rng(0).normal(size=shape).astype(dtype)
        for ours, theirs in zip(compiled(x), f(x), strict=True):
            assert ours.dtype == theirs.dtype
        for ours, theirs in zip(compiled(x), f(x), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol / 100)
        assert "NumPy" not in compiled.program(x)
