"""The OpenBLAS libraries of NumPy and SciPy."""

from __future__ import annotations

import os

import numpy as np
import pytest

from pullback.backend.numpy import openblas

LIBRARIES = {"numpy": openblas.numpys, "scipy": openblas.scipys}


@pytest.mark.parametrize("package", LIBRARIES)
def test_a_wheel_s_library(package):
    library = LIBRARIES[package]()
    if library is None:
        pytest.skip(f"{package} was not installed from a wheel")
    assert library.threads() >= 1
    assert library.version[0].isdigit()
    before = library.threads()
    library.function("set_num_threads")(1)
    assert library.threads() == 1
    library.function("set_num_threads")(before)
    assert library.threads() == before


def test_numpy_s_is_the_one_that_numpy_calls():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="comes with scikit-learn")
    if openblas.numpys() is None:
        pytest.skip("NumPy was not installed from a wheel")
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpoolctl.threadpool_limits(1):
        assert openblas.threads_allowed() == 1


def test_no_more_threads_than_cores(monkeypatch):
    monkeypatch.setattr(openblas, "cores", lambda: 1)
    assert openblas.threads_allowed() == 1
    monkeypatch.setattr(openblas, "numpys", lambda: None)
    assert openblas.threads_allowed() == 1


def test_a_package_without_a_library():
    assert openblas._of("json", "") is None
    assert openblas._of("no_such_package", "") is None


@pytest.mark.parametrize(
    ("setting", "seconds"), [(None, 2**28 / 2e9), ("20", 2**20 / 2e9), ("x", 2**28 / 2e9), ("99", 2**28 / 2e9)]
)  # fmt: skip
def test_how_long_threads_spin(monkeypatch, setting, seconds):
    monkeypatch.delenv("OPENBLAS_THREAD_TIMEOUT", raising=False)
    if setting is not None:
        monkeypatch.setitem(os.environ, "OPENBLAS_THREAD_TIMEOUT", setting)
    assert openblas.settling() == seconds
