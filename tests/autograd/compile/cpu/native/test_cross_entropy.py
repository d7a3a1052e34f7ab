"""Tests of `autograd/compile/cpu/native/cross_entropy.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu.native import cross_entropy

from ....._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
CLASSES = 37
STEP = pb.value_and_grad(pb.models.cross_entropy)


def drawn(*rows: int, dtype: type = np.float64, labels: type = np.int64):
    rng = np.random.default_rng(0)
    logits = (3 * rng.normal(size=(*rows, CLASSES))).astype(dtype)
    return logits, rng.integers(0, CLASSES, rows).astype(labels)


@pytest.mark.parametrize("labels", [np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1,), (2,), (33,), (3, 5)])
def test_value_and_slope(shape, dtype, labels, monkeypatch):
    monkeypatch.setattr(cross_entropy, "WORTH", 0)
    z, y = drawn(*shape, dtype=dtype, labels=labels)
    z.reshape(-1, CLASSES)[0] += 1e4  # a common shift does no harm
    compiled = pb.compile(STEP, fast=True)
    for _ in range(2):
        value, slope = compiled(z, y)
    assert ": kernel" in compiled.program(z, y)
    expected, theirs = STEP(z, y)
    assert value.dtype == slope.dtype == dtype
    rtol = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(value, expected, rtol=rtol)
    np.testing.assert_allclose(slope, theirs, rtol=20 * rtol, atol=rtol / 100)
    value_alone = pb.compile(pb.models.cross_entropy, fast=True)
    value_alone(z, y)
    np.testing.assert_allclose(value_alone(z, y), expected, rtol=rtol)


def test_classes_that_are_certain_keep_their_digits():
    z, y = drawn(4)
    z[np.arange(4), y] += [30, 60, 300, 800]
    compiled = pb.compile(STEP, fast=True)
    for _ in range(2):
        value, slope = compiled(z, y)
    expected, theirs = STEP(z, y)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    np.testing.assert_allclose(slope, theirs, rtol=1e-12)
    assert (slope[:3, :] != 0).all()


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("column", [0, 5])
def test_what_is_no_number_is_no_loss(value, column):
    z, y = drawn(3)
    z[1, column], y[1] = value, 5
    compiled = pb.compile(STEP, fast=True)
    for _ in range(2):
        loss, slope = compiled(z, y)
    assert np.isnan(loss)
    assert np.isnan(slope[1]).any()
    assert np.isfinite(slope[[0, 2]]).all()


def test_a_label_that_is_no_class():
    z, y = drawn(3)
    compiled = pb.compile(STEP, fast=True)
    compiled(z, y)
    for wrong in (-1, CLASSES):
        with pytest.raises(IndexError, match=f"label {wrong} "):
            compiled(z, np.array([0, wrong, 1]))
