"""Tests of `autograd/solve/sparse/indexing.py`: what its rows in `_assembly.py` leave out."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

A = pb.sparse.csr_array(np.asarray([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]))


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (2, "index 2 is out of range for 2"),
        (-3, "index -3 is out of range"),
        ((0, 3), "index 3 is out of range for 3"),
        ([0, 5], "index 5 is out of range"),
        ((0, 1, 2), "3 keys for 2 axes"),
        ((..., 0, ...), "3 keys"),
        (None, "use reshape"),
        (1.5, "no integer"),
        ("a", "no integer"),
        (np.asarray([True]), "a mask of shape"),
        (np.ones((3, 3), bool), "a mask of shape"),
        (([0, 1], [0, 1, 2]), "do not fit"),
        ((slice(None), np.asarray([[0, 1]])), "one axis"),
    ],
    ids=str,
)
def test_a_key_that_is_none_is_refused(key, message):
    with pytest.raises(IndexError, match=message):
        A[key]


def test_a_vector_refuses_too():
    for key in (3, -4, (0, 0), [7]):
        with pytest.raises(IndexError):
            A[0][key]


def test_writes_are_refused_with_the_way():
    with pytest.raises(TypeError, match="pattern of a sparse matrix is fixed"):
        A[0, 0] = 1.0


def test_keys_may_be_arrays_of_the_library(lib, backend):
    B = pb.sparse.csr_array(lib.asarray(np.asarray([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])))
    taken = B[lib.asarray([1, 0, 1])]
    np.testing.assert_array_equal(
        lib.to_numpy(taken.toarray().value), [[0, 3, 0], [1, 0, 2], [0, 3, 0]]
    )
    assert float(B[pb.xp.asarray(lib.asarray(0)), 2]) == 2.0


def test_rows_one_after_the_other():
    rows = [pb.to_numpy(row.toarray()) for row in A]
    np.testing.assert_array_equal(rows, [[1, 0, 2], [0, 3, 0]])
    assert [row.shape for row in A] == [(3,), (3,)]
