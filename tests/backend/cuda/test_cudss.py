"""Tests of `backend/cuda/cudss.py`."""

from __future__ import annotations

import types

import numpy as np
import pytest

from pullback.backend import Pattern, SingularMatrixError
from pullback.backend.cuda import cudss as _cudss
from pullback.backend.cuda import sparse as _sparse_cupy

from ._sparse import (
    DEVICE,
    NVMATH,
    SPARSE,
    DeviceLU,
    DirectSolver,
    _system,
    cudss,  # noqa: F401 - a fixture
)


def test_a_pattern_is_analysed_once_and_a_factor_keeps_its_numbers(cudss):  # noqa: F811 - a fixture
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


def test_more_solvers_than_are_kept_are_freed(cudss):  # noqa: F811 - a fixture
    _, data, pattern = _system("float64")
    made = [cudss(data, pattern=pattern, check=False) for _ in range(_cudss.SPARE + 2)]
    freed = DirectSolver.freed
    made.clear()
    assert DirectSolver.freed == freed + 2


def test_singular_matrices_raise(cudss):  # noqa: F811 - a fixture
    n = 4
    pattern = Pattern((n, n), np.arange(n + 1), np.arange(n))
    with pytest.raises(SingularMatrixError, match="pivots were zero"):
        cudss(np.zeros(n), pattern=pattern, check=False)
    with pytest.raises(SingularMatrixError, match="singular to working precision"):
        cudss(np.asarray([1.0, 1.0, 1e-18, 1.0]), pattern=pattern, check=True)
    with pytest.raises(ValueError, match="NaN or infinity"):
        cudss(np.asarray([1.0, np.inf, 1.0, 1.0]), pattern=pattern, check=True)


def test_elements_that_are_given_twice_are_left_to_superlu(cudss):  # noqa: F811 - a fixture
    pattern = Pattern((2, 2), np.asarray([0, 2, 3]), np.asarray([0, 0, 1]))
    assert cudss(np.ones(3), pattern=pattern, check=True) is None


def test_a_library_that_is_wrong_is_reported_once_and_not_used(cudss):  # noqa: F811 - a fixture
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
