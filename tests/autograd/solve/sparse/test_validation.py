"""Tests of `autograd/solve/sparse/validation.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as ss

import pullback as pb
from pullback.autograd.core.array import backend_array
from pullback.autograd.solve.sparse.validation import pattern_of, pattern_on_device_of
from pullback.backend import backend_of

from .... import standin
from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ....standin.memory import DEVICES, Device
from ._formats import (
    host,
    kind,  # noqa: F401 - a fixture
)

xp = pb.xp


sparse = pb.sparse


def test_duplicates_add_up_and_empty_matrices_work(kind):  # noqa: F811 - a fixture
    A = kind(sparse.coo_array(([1.0, 2.0, 4.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2)))
    np.testing.assert_array_equal(host(A.toarray()), [[0, 3], [4, 0]])
    np.testing.assert_array_equal(host(A @ np.asarray([1.0, 10.0])), [30, 4])
    np.testing.assert_array_equal(host(pb.linalg.spsolve(A, np.asarray([30.0, 4.0]))), [1, 10])
    empty = kind(ss.csr_array((3, 2)))
    np.testing.assert_array_equal(host(empty @ np.ones(2)), np.zeros(3))
    none = kind(ss.csr_array((0, 0)))
    assert pb.linalg.spsolve(none, np.ones(0)).shape == (0,)


DATA, INDICES, INDPTR = [1.0, 2.0], [0, 1], [0, 1, 2]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: sparse.csr_array((DATA, [0, 2], INDPTR), shape=(2, 2)),
            ValueError,
            "index 2 lies outside",
        ),
        (
            lambda: sparse.csr_array((DATA, [0, -1], INDPTR), shape=(2, 2)),
            ValueError,
            "index -1 lies outside",
        ),
        (
            lambda: sparse.csr_array((DATA, INDICES, [0, 2, 1]), shape=(2, 2)),
            ValueError,
            "must not fall",
        ),
        (
            lambda: sparse.csr_array((DATA, INDICES, [1, 2, 2]), shape=(2, 2)),
            ValueError,
            "begin with 0",
        ),
        (lambda: sparse.csr_array((DATA, [0], INDPTR), shape=(2, 2)), ValueError, "have to agree"),
        (
            lambda: sparse.csr_array((DATA, INDICES, INDPTR), shape=(3, 2)),
            ValueError,
            "2 rows, the shape",
        ),
        (
            lambda: sparse.csc_array((DATA, INDICES, INDPTR), shape=(2, 3)),
            ValueError,
            "2 columns, the shape",
        ),
        (lambda: sparse.csr_array(([DATA], INDICES, INDPTR)), ValueError, "one axis"),
        (lambda: sparse.csr_array((DATA, [0.0, 1.0], INDPTR)), ValueError, "indices are integers"),
        (lambda: sparse.coo_array((DATA, ([0], [0, 1]))), ValueError, "as many"),
        (
            lambda: sparse.coo_array((DATA, ([0, 2], [0, 1])), shape=(2, 2)),
            ValueError,
            "row index 2 lies outside",
        ),
        (lambda: sparse.coo_array((DATA, ([0, -1], [0, 1]))), ValueError, "negative"),
        (lambda: sparse.csr_array(np.ones(3)), TypeError, "two are needed"),
        (
            lambda: sparse.csr_array(np.eye(2)) @ np.ones(3),
            ValueError,
            r"takes x \(2,\) or \(2, k\)",
        ),
        (lambda: sparse.csr_array(np.eye(2)) + sparse.csr_array(np.eye(3)), ValueError, "differ"),
        (lambda: sparse.csr_array(np.eye(2)).sum(axis=2), ValueError, "axis=2"),
        (lambda: pb.linalg.spsolve(np.eye(2), np.ones(2)), TypeError, "no sparse matrix"),
        (
            lambda: pb.linalg.spsolve(sparse.csr_array(np.ones((2, 3))), np.ones(2)),
            ValueError,
            "square",
        ),
        (
            lambda: pb.linalg.spsolve(sparse.csr_array(np.eye(2)), np.ones(3)),
            ValueError,
            "does not fit",
        ),
        (
            lambda: pb.linalg.spsolve(sparse.csr_array(np.diag([1, np.nan])), np.ones(2)),
            ValueError,
            "NaN",
        ),
        (
            lambda: pb.linalg.factorize(sparse.csr_array(np.eye(2))).solve(
                np.ones(2), transposed=True, adjoint=True
            ),
            ValueError,
            "choose one",
        ),
        (
            lambda: pb.linalg.factorize(sparse.csr_array(np.eye(2, dtype="float32"))).solve(
                np.ones(2)
            ),
            TypeError,
            "precision",
        ),
        (
            lambda: pb.grad(lambda D: xp.sum(sparse.csr_array(D).data))(np.eye(2)),
            TypeError,
            "a traced dense array as a sparse matrix",
        ),
    ],
)
def test_bad_input_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("dtype", ["uint32", "uint64", "int32", "int64"])
def test_a_falling_indptr_is_refused_whatever_its_integers(dtype):
    """Differences of unsigned numbers are never negative: it was taken, and memory read beyond the end."""
    indices, indptr = np.asarray([0, 1], dtype), np.asarray([0, 3, 2], dtype)
    with pytest.raises(ValueError, match="must not fall"):
        sparse.csr_array((np.ones(2), indices, indptr), shape=(2, 2))
    good = sparse.csr_array((np.ones(2), indices, np.asarray([0, 1, 2], dtype)), shape=(2, 2))
    np.testing.assert_array_equal(pb.to_numpy(good @ np.asarray([1.0, 10.0])), [1, 10])


@pytest.mark.parametrize("shape", [(0, -3), (0, 0, 0), (0,)], ids=str)
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_array], ids=lambda k: k.__name__)
def test_a_shape_is_two_numbers(kind, shape):  # noqa: F811 - a fixture
    with pytest.raises(ValueError, match="is not two numbers of at least 0"):
        kind((np.ones(0), np.zeros(0, int), np.zeros(1, int)), shape=shape)


# ── where a pattern lies ──────────────────────────────────────────────────────────────────────


def test_a_pattern_is_taken_to_the_device_that_its_elements_lie_on(monkeypatch):
    """On two CUDA devices, whichever is current where the pattern is asked for."""
    monkeypatch.setitem(DEVICES, "count", 2)
    backend, first, second = standin.backend(), Device(0), Device(1)
    S = ss.random_array((6, 6), density=0.4, format="csr", rng=np.random.default_rng(0))
    A = sparse.csr_array((backend.asarray(S.data), S.indices, S.indptr), shape=S.shape)
    B = pb.tree.map(lambda x: backend.xp.to_device(backend_array(x), second), A)
    assert pattern_on_device_of(A.pattern, A.data) is A.pattern
    for current in (first, second):
        with current:
            with monkeypatch.context() as patched:
                # a copy from another device would not wait for the stream that sends the array there
                patched.setattr(backend_of(backend_array(A.data)).xp, "to_device", None)
                there = pattern_on_device_of(A.pattern, B.data)
            assert there.indices.device == there.indptr.device == second
            assert pattern_on_device_of(A.pattern, A.data) is A.pattern
            assert (
                pattern_of(there.once("positions", lambda: None), B.data).indices.device == second
            )
    with second:
        x = backend.asarray(np.ones(6))
        np.testing.assert_allclose(pb.to_numpy(B @ x), S @ np.ones(6))
        g = pb.grad(lambda B: xp.sum((B @ x) ** 2))(B)
        assert backend_array(g.data).device == second


def test_elements_of_dask_have_their_pattern_on_the_host():
    da = pytest.importorskip("dask.array", reason="Dask is not installed")
    S = ss.random_array((6, 6), density=0.4, format="csr", rng=np.random.default_rng(0))
    data = da.from_array(S.data, chunks=3)
    made = sparse.csr_array((data, S.indices, S.indptr), shape=S.shape)
    for A in (pb.tree.map(lambda _: data, sparse.csr_array(S)), made, made.tocoo().tocsr()):
        np.testing.assert_allclose(pb.to_numpy(A @ np.ones(6)), S @ np.ones(6))
        g = pb.grad(lambda A: xp.sum((A @ np.ones(6)) ** 2))(A)
        wanted = pb.grad(lambda A: xp.sum((A @ np.ones(6)) ** 2))(sparse.csr_array(S))
        np.testing.assert_allclose(pb.to_numpy(g.data), pb.to_numpy(wanted.data))
