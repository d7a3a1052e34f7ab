"""Tests of `backend/cuda/cudss.py`."""

from __future__ import annotations

import gc
import threading
import types

import numpy as np
import pytest

from pullback.backend import Pattern, SingularMatrixError
from pullback.backend.cuda import captures
from pullback.backend.cuda import cudss as _cudss
from pullback.backend.cuda import sparse as _sparse_cupy

from ..._fork import FORKS, exit_code
from ._sparse import (
    DEVICE,
    NVMATH,
    SPARSE,
    Device,
    DeviceLU,
    DirectSolver,
    Stream,
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


def test_each_use_of_a_solver_waits_for_the_one_before_on_another_stream(cudss):  # noqa: F811 - a fixture
    """The mock says which use does not: writing the next values, factorising, solving, and freeing."""
    A, data, pattern = _system("float64")
    b = np.ones((7, 1))
    one = cudss(data, pattern=pattern, check=False)
    for turn in range(1, 3):
        with Stream():
            np.testing.assert_allclose(A @ one.solve(b, False) * turn, b)
        with Stream():
            np.testing.assert_allclose(A.T @ one.solve(b, True) * turn, b)
        del one
        with Stream():
            one = cudss(data * (turn + 1), pattern=pattern, check=False)
    plans, freed = DirectSolver.plans, DirectSolver.freed
    with Stream():
        del one, pattern
    gc.collect()
    assert (DirectSolver.plans, DirectSolver.freed) == (plans, freed + 2)


def test_threads_that_share_a_factor_each_get_their_own_solution(cudss, monkeypatch):  # noqa: F811 - a fixture
    A, data, pattern = _system("float64")
    factor = cudss(data, pattern=pattern, check=False)
    monkeypatch.setattr(DirectSolver, "pause", 0.02)
    barrier, found = threading.Barrier(4), {}

    def solve(scale):
        barrier.wait()
        found[scale] = factor.solve(np.full((7, 1), scale), False)

    threads = [threading.Thread(target=solve, args=(float(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for scale, v in found.items():
        np.testing.assert_allclose(A @ v, np.full((7, 1), scale), atol=1e-12)
    assert len(found) == 4


def test_threads_that_both_see_one_solver_waiting(cudss):  # noqa: F811 - a fixture
    """It goes to one of them; the other makes one, where it found none left."""

    class Taken(list):
        def __bool__(self):
            return True  # it was there when it was looked at

    _, data, pattern = _system("float64")
    cudss(data, pattern=_system("float64")[2], check=False)  # after the trial
    pattern.once("cuDSS d", Taken)
    made = DirectSolver.made
    cudss(data, pattern=pattern, check=False)
    assert DirectSolver.made == made + 1


def test_the_solvers_of_a_pattern_that_is_gone_are_freed(cudss):  # noqa: F811 - a fixture
    """nvmath-python's object has no finaliser: the factors would stay on the device until the process ends."""
    _, data, pattern = _system("float64")
    cudss(data, pattern=pattern, check=False).solve(np.ones((7, 1)), True)
    gc.collect()
    freed = DirectSolver.freed
    del pattern
    gc.collect()
    assert DirectSolver.freed == freed + 2


def test_a_solver_that_is_gone_during_a_capture_is_freed_after_it(cudss):  # noqa: F811 - a fixture
    """Of this package's captures, in whichever thread; the mock says that another one is spoilt."""
    _, data, pattern = _system("float64")
    factor = cudss(data, pattern=pattern, check=False)
    freed = DirectSolver.freed
    with captures.capture(DEVICE, Stream()):
        del pattern, factor
        thread = threading.Thread(target=gc.collect)
        thread.start(), thread.join()
        assert DirectSolver.freed == freed
    assert DirectSolver.freed == freed + 1


def test_a_solver_that_is_gone_during_a_users_capture_is_freed_at_the_next_use(cudss):  # noqa: F811 - a fixture
    _, data, pattern = _system("float64")
    factor = cudss(data, pattern=pattern, check=False)
    freed = DirectSolver.freed
    with Stream() as stream:
        stream.begin_capture()
        del pattern, factor
        gc.collect()
        stream.end_capture()
    assert DirectSolver.freed == freed
    _, data, pattern = _system("float64")
    cudss(data, pattern=pattern, check=False)
    assert DirectSolver.freed == freed + 1


def test_a_factor_is_used_on_its_own_device(cudss):  # noqa: F811 - a fixture
    """Whichever one is current then; the mock refuses what lies on two."""
    A, data, pattern = _system("float64")
    factor = cudss(data, pattern=pattern, check=False)
    freed = DirectSolver.freed
    with Device(1):
        np.testing.assert_allclose(A @ factor.solve(np.ones((7, 1)), False), np.ones((7, 1)))
        del factor, pattern
        gc.collect()
    assert DirectSolver.freed == freed + 1


@FORKS
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_frees_nothing_of_its_parent(cudss):  # noqa: F811 - a fixture
    _, data, pattern = _system("float64")
    held = [cudss(data, pattern=pattern, check=False), pattern]
    del pattern

    def child() -> bool:
        freed = DirectSolver.freed
        held.clear()
        gc.collect()
        return DirectSolver.freed == freed

    assert exit_code(child) == 0


def test_a_singular_matrix_does_not_cost_the_analysis(cudss):  # noqa: F811 - a fixture
    n = 4
    pattern = Pattern((n, n), np.arange(n + 1), np.arange(n))
    with pytest.raises(SingularMatrixError):
        cudss(np.zeros(n), pattern=pattern, check=False)
    gc.collect()
    plans = DirectSolver.plans
    v = cudss(np.full(n, 2.0), pattern=pattern, check=False).solve(np.ones((n, 1)), False)
    np.testing.assert_array_equal(v, np.full((n, 1), 0.5))
    assert DirectSolver.plans == plans


def test_singular_matrices_raise(cudss):  # noqa: F811 - a fixture
    n = 4
    pattern = Pattern((n, n), np.arange(n + 1), np.arange(n))
    with pytest.raises(SingularMatrixError, match="pivots were zero"):
        cudss(np.zeros(n), pattern=pattern, check=False)
    with pytest.raises(SingularMatrixError, match="singular to working precision"):
        cudss(np.asarray([1.0, 1.0, 1e-18, 1.0]), pattern=pattern, check=True)
    with pytest.raises(ValueError, match="NaN or infinity"):
        cudss(np.asarray([1.0, np.inf, 1.0, 1.0]), pattern=pattern, check=True)


@pytest.mark.parametrize(
    ("indptr", "indices"),
    [([0, 2, 3], [0, 0, 1]), ([0, 0, 0], []), ([0], [])],
    ids=["twice", "none", "empty"],
)
def test_what_is_left_to_superlu(cudss, indptr, indices):  # noqa: F811 - a fixture
    """Elements that are given twice, a matrix without elements, and one without rows."""
    n = len(indptr) - 1
    pattern = Pattern((n, n), np.asarray(indptr), np.asarray(indices, int))
    assert cudss(np.ones(len(indices)), pattern=pattern, check=True) is None


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
