"""Tests of `autograd/core/transfer.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import (
    A,
    numpy_is_active,  # noqa: F401 - one is a fixture
)

xp = pb.xp


def test_to_numpy_and_numpy_s_protocols():
    x = xp.asarray(A)
    for got in (pb.to_numpy(x), np.asarray(x), np.array(x), np.from_dlpack(x)):
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, A)
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    assert pb.to_numpy(2.0).shape == ()
    assert pb.to_numpy([1, 2]).shape == (2,)
    assert not np.shares_memory(np.array(x), A)


def test_nothing_is_copied_from_another_device_silently(lib):
    x = xp.asarray(lib.asarray(A))
    np.testing.assert_array_equal(pb.to_numpy(x), A)
    if lib.name != "numpy":
        with pytest.raises(TypeError, match=r"pb\.to_numpy"):
            np.asarray(x)
