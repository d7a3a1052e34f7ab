"""The formulas of segments on other libraries, against NumPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pullback.autograd.core.namespaces import namespace_of
from pullback.backend.numpy.networks import segments as ours

NAMES = ("sum_by_segment", "max_by_segment", "softmax_by_segment")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(12, 3), (12,), (12, 2, 2), (0, 3)])
def test_they_are_numpy_s(lib, name, shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype("float32")
    x[:1] = np.nan if name == "max_by_segment" else 0
    numbers = rng.integers(0, 4, shape[0])  # of 5: the last segment is empty
    there = lib.asarray(x)
    out = getattr(namespace_of(there), name)(there, lib.asarray(numbers), num_segments=5)
    wanted = getattr(ours, name)(x, numbers, num_segments=5)
    assert lib.to_numpy(out).dtype == np.float32
    np.testing.assert_allclose(lib.to_numpy(out), wanted, rtol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_integers_have_maxima_and_sums(lib, name):
    if name == "softmax_by_segment":
        return
    x, numbers = np.asarray([3, -7, 2]), np.asarray([0, 2, 0])
    there = lib.asarray(x)
    out = getattr(namespace_of(there), name)(there, lib.asarray(numbers), num_segments=3)
    wanted = getattr(ours, name)(x, numbers, num_segments=3)
    np.testing.assert_array_equal(lib.to_numpy(out), wanted)


@pytest.mark.parametrize("name", ["sum_by_segment", "max_by_segment"])
@pytest.mark.parametrize("wrong", [-1, 3])
def test_on_a_device_a_number_that_is_no_segment_s_makes_nan(lib, name, wrong):
    there = lib.asarray(np.ones((3, 2)))
    if type(there) is np.ndarray:
        return  # an error, in backend/numpy/networks/test_segments.py
    function = getattr(namespace_of(there), name)
    try:
        out = function(there, lib.asarray([0, wrong, 1]), num_segments=3)
    except IndexError:
        return  # this library looks at its numbers
    assert math.isnan(float(lib.to_numpy(out)[0, 0]))
