"""Tests of `backend/numpy/sparse.py`: products with one matrix, and factors of one pattern with other values."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from pullback.backend import Pattern
from pullback.backend.numpy import sparse

rng = np.random.default_rng(5)


def matrix(n=40, *, symmetric=True, dtype="float64", index="int32"):
    """Elements, pattern, and SciPy's matrix of them."""
    A = scipy.sparse.random_array((n, n), density=0.1, rng=rng)
    A = (A + A.T if symmetric else A) + 2.0 * scipy.sparse.eye_array(n)
    A = scipy.sparse.csr_array(A).astype(dtype)
    A.sort_indices()
    if np.dtype(dtype).kind == "c":
        A.data += 1j * rng.standard_normal(A.nnz)
    pattern = Pattern(A.shape, A.indptr.astype(index), A.indices.astype(index))
    return A.data, pattern, A


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("index", ["int32", "int64"])
def test_map_is_the_product(dtype, index, transposed):
    data, pattern, _ = matrix(
        symmetric=False, dtype=dtype if dtype != "float16" else "float32", index=index
    )
    data = data.astype(dtype)
    apply = sparse.sparse_map(data, pattern=pattern, transposed=transposed)
    wide = rng.standard_normal(80).astype(np.result_type(dtype, "float16"))
    for v in (
        wide[:40],
        wide[::2],
        wide[:40].astype(np.result_type(dtype, "float64")),
        np.asfortranarray(wide[:40]),
    ):
        wanted = sparse.sparse_product(data, v[:, None], pattern=pattern, transposed=transposed)[
            :, 0
        ]
        found = apply(v)
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_array_equal(found, wanted)
    assert not np.shares_memory(apply(v), apply(v))


def test_map_of_a_rectangle_and_of_nothing():
    A = scipy.sparse.csr_array(np.asarray([[1.0, 0.0, 2.0]]))
    pattern = Pattern(A.shape, A.indptr, A.indices)
    one, two = (sparse.sparse_map(A.data, pattern=pattern, transposed=t) for t in (False, True))
    np.testing.assert_array_equal(one(np.arange(3.0)), [4.0])
    np.testing.assert_array_equal(two(np.asarray([3.0])), [3.0, 0.0, 6.0])
    with pytest.raises(ValueError):
        one(np.ones(2))
    empty = Pattern((0, 0), np.zeros(1, np.int32), np.zeros(0, np.int32))
    assert sparse.sparse_map(np.zeros(0), pattern=empty, transposed=False)(np.zeros(0)).shape == (
        0,
    )


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("spec", [None, "COLAMD", "NATURAL"])
def test_the_order_of_a_pattern_serves_other_values(symmetric, dtype, spec):
    data, pattern, A = matrix(symmetric=symmetric, dtype=dtype)
    b = rng.standard_normal((A.shape[0], 2)).astype(dtype)
    for k in range(3):
        values = data * (1 + 0.1 * k * rng.random(len(data)).astype(dtype))
        A.data = values
        factor = sparse.sparse_factor(values, pattern=pattern, check=True, permc_spec=spec)
        assert isinstance(factor.lu, sparse._OrderedFactor) is (k > 0)
        for transposed in (False, True):
            x = factor.solve(b, transposed)
            left = (A.T if transposed else A) @ x - b
            assert np.max(np.abs(left)) < (1e-3 if dtype == "float32" else 1e-10)
        sign, size = factor.slogdet()
        wanted = np.linalg.slogdet(A.toarray())
        np.testing.assert_allclose([sign, size], wanted, rtol=1e-3 if dtype == "float32" else 1e-9)


def test_the_order_is_searched_for_once(monkeypatch):
    data, pattern, _ = matrix()
    specs, splu = [], scipy.sparse.linalg.splu

    def counted(A, **settings):
        specs.append(settings["permc_spec"])
        return splu(A, **settings)

    monkeypatch.setattr(scipy.sparse.linalg, "splu", counted)
    for _ in range(3):
        sparse.sparse_factor(data, pattern=pattern, check=False, permc_spec=None)
    assert specs == ["MMD_AT_PLUS_A", "NATURAL", "NATURAL"]


def test_errors_are_the_same_with_a_known_order():
    data, pattern, _ = matrix()
    for _ in range(2):
        with pytest.raises(ValueError, match="NaN"):
            sparse.sparse_factor(data * np.nan, pattern=pattern, check=True, permc_spec=None)
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            sparse.sparse_factor(0.0 * data, pattern=pattern, check=True, permc_spec=None)
        sparse.sparse_factor(data, pattern=pattern, check=True, permc_spec=None)
