"""Sparse kernels of CuPy without a GPU: their logic on stand-ins of NumPy and SciPy, and the names they rely on."""

from __future__ import annotations

import ast
import importlib.util
import types
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from pullback.backend import Pattern, SingularMatrixError
from pullback.backend.cuda import cudss as _cudss
from pullback.backend.cuda import sparse as _sparse_cupy


class DeviceLU:
    """What `cupyx.scipy.sparse.linalg.SuperLU` makes of SciPy's: the same solves, of the same dtype alone."""

    def __init__(self, lu):
        self.lu, self.dtype = lu, lu.L.dtype

    def solve(self, rhs, trans="N"):
        assert rhs.dtype == self.dtype
        assert trans in ("N", "T", "H")
        return self.lu.solve(np.ascontiguousarray(rhs), trans)


class Strict(types.SimpleNamespace):
    """NumPy under the names that the kernels ask CuPy for; `repeat` takes numbers from the host, as CuPy's does."""


def repeat(x, counts):
    assert isinstance(counts, list)
    return np.repeat(x, counts)


STAND_IN = Strict(asnumpy=np.array, diff=np.diff, repeat=repeat, arange=np.arange, zeros=np.zeros)
KERNELS = _sparse_cupy.bind(
    STAND_IN,
    types.SimpleNamespace(csr_matrix=scipy.sparse.csr_matrix, csc_matrix=scipy.sparse.csc_matrix),
    types.SimpleNamespace(SuperLU=DeviceLU),
)


@pytest.fixture(params=["float32", "float64", "complex128"])
def matrix(request):
    r = np.random.default_rng(0)
    A = r.normal(size=(7, 7)) * (r.uniform(size=(7, 7)) < 0.4) + 3 * np.eye(7)
    if request.param == "complex128":
        A = A + 1j * np.diag(r.normal(size=7))
    A = A.astype(request.param)
    csr = scipy.sparse.csr_array(A)
    return A, csr.data, Pattern(A.shape, csr.indptr, csr.indices)


@pytest.mark.parametrize("transposed", [False, True])
def test_products(matrix, transposed):
    A, data, pattern = matrix
    r = np.random.default_rng(1)
    for x in (r.normal(size=(7, 3)).astype(data.real.dtype), r.normal(size=(7, 1)) + 1j):
        out = KERNELS["sparse_product"](data, x, pattern=pattern, transposed=transposed)
        np.testing.assert_allclose(out, (A.T if transposed else A) @ x, rtol=1e-5)
    u, v = r.normal(size=(7, 2)), r.normal(size=(7, 2)) + 1j
    rows = KERNELS["sparse_rows"](pattern=pattern)
    wanted = (u @ v.T)[rows, pattern.indices]
    np.testing.assert_allclose(KERNELS["sddmm"](u, v, pattern=pattern), wanted)


@pytest.mark.parametrize("transposed", [False, True])
def test_solves(matrix, transposed):
    A, data, pattern = matrix
    factor = KERNELS["sparse_factor"](data, pattern=pattern, check=True, permc_spec=None)
    r = np.random.default_rng(1)
    for b in (r.normal(size=(7, 3)).astype(data.real.dtype), r.normal(size=(7, 1)) + 1j):
        v = KERNELS["sparse_solve"](factor, b, transposed=transposed)
        np.testing.assert_allclose((A.T if transposed else A) @ v, b, rtol=2e-4, atol=1e-5)
        assert v.dtype == np.result_type(A, b)


@pytest.mark.cupy
def test_the_names_of_cupyx_are_there():
    """Its modules load CUDA's libraries, which are not here: their source is read."""
    solve = Path(
        importlib.util.find_spec("cupyx").submodule_search_locations[0],
        "scipy/sparse/linalg/_solve.py",
    )
    tree = ast.parse(solve.read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    methods = {f.name: f for f in classes["SuperLU"].body if isinstance(f, ast.FunctionDef)}
    assert [a.arg for a in methods["__init__"].args.args] == ["self", "obj"]
    assert [a.arg for a in methods["solve"].args.args] == ["self", "rhs", "trans"]
    names = Path(solve.parents[1], "__init__.py").read_text()
    assert "import csr_matrix" in names
    assert "import csc_matrix" in names


# ── cuDSS, on a stand-in for nvmath-python's solver ───────────────────────────────────────────────


class DirectSolver:
    """`nvmath.sparse.advanced.DirectSolver` from its documentation: states, and operands that keep their form."""

    made = 0
    plans = 0
    factors = 0
    freed = 0
    wrong = 0.0

    def __init__(self, a, b):
        DirectSolver.made += 1
        assert a.has_sorted_indices
        assert b.ndim == 1
        self.a, self.b, self.lu, self.planned = a.copy(), b, None, None
        self.form = (a.shape, a.nnz, a.dtype)

    def plan(self):
        DirectSolver.plans += 1
        self.planned = self.a.indices.copy()

    def reset_operands(self, *, a=None, b=None):
        if a is not None:
            assert (a.shape, a.nnz, a.dtype) == self.form
            np.testing.assert_array_equal(a.indices, self.planned)
            self.a, self.lu = a.copy(), None
        if b is not None:
            assert (b.shape, b.dtype) == (self.b.shape, self.b.dtype)
            assert b.flags.c_contiguous
            self.b = b

    def factorize(self):
        assert self.planned is not None
        DirectSolver.factors += 1
        dense = self.a.toarray().astype("complex128")
        replaced = (
            int(self.form[0][0] - np.linalg.matrix_rank(dense))
            if np.all(np.diag(dense) == 0)
            else 0
        )
        self.lu, self.factorization_info = dense, types.SimpleNamespace(npivots=replaced)

    def solve(self):
        assert self.lu is not None
        v = np.linalg.solve(self.lu, self.b) + DirectSolver.wrong
        return (v if self.form[2].kind == "c" else v.real).astype(self.form[2])

    def free(self):
        DirectSolver.freed += 1


DEVICE = Strict(
    asnumpy=np.array, array=np.array, zeros=np.zeros, empty=np.empty, arange=np.arange, abs=np.abs, max=np.max,
    all=np.all, isfinite=np.isfinite, asarray=np.asarray, ascontiguousarray=np.ascontiguousarray, diff=np.diff,
    repeat=repeat,
)  # fmt: skip
SPARSE = types.SimpleNamespace(
    csr_matrix=scipy.sparse.csr_matrix, csc_matrix=scipy.sparse.csc_matrix
)
NVMATH = types.SimpleNamespace(DirectSolver=DirectSolver)


@pytest.fixture
def cudss(monkeypatch):
    """The factor function with cuDSS installed."""
    monkeypatch.setattr(_cudss, "installed", lambda: True)
    monkeypatch.setattr(_cudss, "load", lambda: NVMATH)
    DirectSolver.wrong = 0.0
    yield _cudss.bind(DEVICE, SPARSE)
    DirectSolver.wrong = 0.0


def _system(dtype, seed=0, n=7):
    r = np.random.default_rng(seed)
    A = r.normal(size=(n, n)) * (r.uniform(size=(n, n)) < 0.4) + 3 * np.eye(n)
    A = (A + 1j * np.diag(r.normal(size=n)) if dtype == "complex128" else A).astype(dtype)
    csr = scipy.sparse.csr_array(A)
    return A, csr.data, Pattern(A.shape, csr.indptr, csr.indices)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_factors_of_both_sides_on_the_device(cudss, dtype):
    A, data, pattern = _system(dtype)
    before = DirectSolver.factors
    made = cudss(data, pattern=pattern, check=True)
    before = DirectSolver.factors
    r = np.random.default_rng(1)
    for b in (r.normal(size=(7, 3)).astype(data.real.dtype), r.normal(size=(7, 1)) + 1j, np.zeros((7, 0))):  # fmt: skip
        for transposed in (False, True):
            v = made.solve(b, transposed)
            assert v.dtype == np.result_type(A, b)
            np.testing.assert_allclose((A.T if transposed else A) @ v, b, rtol=1e-3, atol=1e-5)
    assert DirectSolver.factors == before + 1  # of the transpose, once


def test_a_pattern_is_analysed_once_and_a_factor_keeps_its_numbers(cudss):
    A, data, pattern = _system("float64")
    one = cudss(data, pattern=pattern, check=False)
    b = np.ones((7, 1))
    one.solve(b, True)
    plans = DirectSolver.plans
    other = cudss(
        2 * data, pattern=pattern, check=False
    )  # while the first is in use: a solver of its own
    assert DirectSolver.plans == plans + 1
    np.testing.assert_allclose(one.solve(b, False), 2 * other.solve(b, False))
    data[:] = 0  # the factor's elements are its own
    del one
    again = cudss(_system("float64")[1] * 3, pattern=pattern, check=False)
    np.testing.assert_allclose(A.T @ again.solve(b, True) * 3, b)
    np.testing.assert_allclose(A @ again.solve(b, False) * 3, b)
    assert DirectSolver.plans == plans + 1  # both sides of the first serve the third


def test_more_solvers_than_are_kept_are_freed(cudss):
    _, data, pattern = _system("float64")
    made = [cudss(data, pattern=pattern, check=False) for _ in range(_cudss.SPARE + 2)]
    freed = DirectSolver.freed
    made.clear()
    assert DirectSolver.freed == freed + 2


def test_singular_matrices_raise(cudss):
    n = 4
    pattern = Pattern((n, n), np.arange(n + 1), np.arange(n))
    with pytest.raises(SingularMatrixError, match="pivots were zero"):
        cudss(np.zeros(n), pattern=pattern, check=False)
    with pytest.raises(SingularMatrixError, match="singular to working precision"):
        cudss(np.asarray([1.0, 1.0, 1e-18, 1.0]), pattern=pattern, check=True)
    with pytest.raises(ValueError, match="NaN or infinity"):
        cudss(np.asarray([1.0, np.inf, 1.0, 1.0]), pattern=pattern, check=True)


def test_elements_that_are_given_twice_are_left_to_superlu(cudss):
    pattern = Pattern((2, 2), np.asarray([0, 2, 3]), np.asarray([0, 0, 1]))
    assert cudss(np.ones(3), pattern=pattern, check=True) is None


def test_a_library_that_is_wrong_is_reported_once_and_not_used(cudss):
    _, data, pattern = _system("float64")
    DirectSolver.wrong = 1e-3
    with pytest.warns(RuntimeWarning, match="cuDSS is not used .*: a residual of") as reported:
        found = [cudss(data, pattern=pattern, check=True) for _ in range(2)]
    assert found == [None, None]
    assert len(reported) == 1


def test_without_the_library_nothing_is_said(monkeypatch):
    _, data, pattern = _system("float64")
    monkeypatch.setenv("PULLBACK_CUDSS", "0")
    assert not _cudss.installed()
    assert _cudss.bind(DEVICE, SPARSE)(data, pattern=pattern, check=True) is None


def test_the_factor_of_cupy_is_cudss_s_where_it_is_there(monkeypatch):
    A, data, pattern = _system("float64")
    monkeypatch.setattr(_cudss, "installed", lambda: True)
    monkeypatch.setattr(_cudss, "load", lambda: NVMATH)
    kernels = _sparse_cupy.bind(DEVICE, SPARSE, types.SimpleNamespace(SuperLU=DeviceLU))
    made = kernels["sparse_factor"](data, pattern=pattern, check=True, permc_spec=None)
    assert type(made) is _cudss.CudssFactor
    v = kernels["sparse_solve"](made, np.ones((7, 1)), transposed=True)
    np.testing.assert_allclose(A.T @ v, np.ones((7, 1)))
    made = kernels["sparse_factor"](data, pattern=pattern, check=True, permc_spec="COLAMD")
    assert type(made) is _sparse_cupy.DeviceFactor
