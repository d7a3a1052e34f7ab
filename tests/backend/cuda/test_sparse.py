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

from pullback.backend import Pattern
from pullback.backend.cuda import sparse as _sparse_cupy

from ._sparse import (
    DeviceLU,
    DirectSolver,
    Strict,
    _system,
    cudss,  # noqa: F401 - a fixture
    repeat,
)

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


def test_what_a_pattern_keeps_is_one_for_all_threads(matrix):
    """Another thread makes it while this one does: the first that is kept is what both get."""
    pattern, theirs = matrix[2], []

    def make():
        theirs.append(pattern.once("kept", list))
        return []

    assert pattern.once("kept", make) is theirs[0]


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


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_factors_of_both_sides_on_the_device(cudss, dtype):  # noqa: F811 - a fixture
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
