"""Tests of `autograd/compile/cpu/numba_kernels.py`."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import numba_kernels as native

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import arrays

xp = pb.xp


NO_NUMBA = "" if importlib.util.find_spec("numba") else "numba is not installed (extra `fast`)"


def test_kernels_are_kept_on_disk(monkeypatch, tmp_path):
    if NO_NUMBA:
        pytest.skip(NO_NUMBA)
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))

    def run() -> Any:
        compiled = pb.compile(lambda x: xp.sum(x * x + 3.0), fast=True)
        (x,) = arrays((7,))
        compiled(x)
        return compiled(x)

    first = run()
    files = sorted(p.name for p in tmp_path.glob("kernel_*.py"))
    assert len(files) == 1
    native._LOADED.clear()
    np.testing.assert_array_equal(run(), first)
    assert sorted(p.name for p in tmp_path.glob("kernel_*.py")) == files
    assert list(tmp_path.glob("__pycache__/*.nbi"))


def test_a_numba_that_cannot_be_imported(monkeypatch):
    if NO_NUMBA:
        pytest.skip(NO_NUMBA)
    monkeypatch.setitem(sys.modules, "numba", None)  # `import numba` raises ImportError
    monkeypatch.setattr(native, "available", lambda: True)
    monkeypatch.setattr(native, "_LOADED", {})
    compiled = pb.compile(lambda x: xp.sum(x * x + 3.0), fast=True)
    (x,) = arrays((7,))
    compiled(x)
    with pytest.warns(RuntimeWarning, match="numba cannot be imported: .* runs without kernels"):
        again = compiled(x)
    np.testing.assert_allclose(again, np.sum(x * x + 3.0))


@pytest.mark.parametrize("value", ["0", "no", "off", "Off", "false", "False"])
def test_words_that_turn_kernels_off(monkeypatch, value):
    monkeypatch.setenv("PULLBACK_FAST", value)
    assert not native.wanted(None, elsewhere=True)
    assert native.wanted(True)
