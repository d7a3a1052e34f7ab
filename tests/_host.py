"""For files of tests on host arrays: NumPy is active while they run, whatever ``PULLBACK_BACKEND`` says.

``from ._host import numpy_is_active  # noqa: F401 - …`` puts the fixture in force for a whole file. Its tests that
take `lib` or `backend` run on the other libraries all the same. `A` and `N` are operands, floating and whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import pullback as pb

A = np.array([1.5, -2.0, 3.0])
N = np.array([5, 3, -6])


@pytest.fixture(autouse=True)
def numpy_is_active() -> Iterator[None]:
    with pb.backend.use("numpy"):
        yield


def same(got: pb.Array, expected: object) -> None:
    """Assert that `got` is an untraced Array of exactly NumPy's values, shape and dtype."""
    expected = np.asarray(expected)
    assert type(got) is pb.Array
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(pb.to_numpy(got), expected)
