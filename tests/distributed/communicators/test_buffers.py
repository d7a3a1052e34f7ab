"""Tests of distributed/communicators/buffers.py."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.distributed.communicators import buffers


@pytest.mark.parametrize(
    ("size", "lengths"), [(0, [0]), (1, [1]), (3, [3]), (4, [3, 1]), (9, [3, 3, 3])]
)
def test_pieces(monkeypatch, size, lengths):
    monkeypatch.setattr(buffers, "MOST_ELEMENTS", 3)
    x = np.arange(size)
    parts = buffers.pieces(x.reshape(1, size))
    assert [len(part) for part in parts] == lengths
    np.testing.assert_array_equal(np.concatenate(parts), x)
    assert all(np.shares_memory(part, x) for part in parts if part.size)


def test_dtypes_that_mpi_adds():
    x = np.arange(6, dtype=">f2").reshape(2, 3).T
    given = buffers.sendable(x)
    assert given.dtype == np.float32
    assert given.flags.c_contiguous
    np.testing.assert_array_equal(given, x)
    assert buffers.narrow(given, x.dtype).dtype == np.dtype("float16")
    assert buffers.sendable(np.asarray(1.0)).shape == ()
    assert buffers.native(">c16") == np.dtype("complex128")
    np.testing.assert_array_equal(buffers.as_bytes(np.asarray([1], ">i2")), [1, 0])
