"""Segments of rows in several chunks: those of NumPy's arrays, in whatever chunks rows and segments lie."""

from __future__ import annotations

import dask
import numpy as np
import pytest

from pullback.autograd.core.generated import xp

from ._dask import da

X = np.random.default_rng(0).normal(size=(7, 3))
INDICES = np.asarray([4, 0, 2, 2, 4, 0, 1])


@pytest.mark.parametrize("name", ["sum_by_segment", "max_by_segment"])
@pytest.mark.parametrize("bytes_of_chunk", ["128MiB", "16B"])
@pytest.mark.parametrize("rows", [7, 2])
def test_segments_are_those_of_numpy(name, bytes_of_chunk, rows):
    function = getattr(xp, name)
    with dask.config.set({"array.chunk-size": bytes_of_chunk}):
        found = function(
            da.from_array(X, chunks=(rows, 2)), da.from_array(INDICES, chunks=rows), num_segments=5
        )
        np.testing.assert_allclose(
            np.asarray(found.value), function(X, INDICES, num_segments=5).value, rtol=1e-15
        )


def test_a_number_outside_is_an_error_where_it_is_computed():
    with dask.config.set({"array.chunk-size": "16B"}):
        found = xp.sum_by_segment(
            da.from_array(X, chunks=2), da.from_array(INDICES, chunks=2), num_segments=4
        )
        with pytest.raises(IndexError, match="0 … 3"):
            np.asarray(found.value)
