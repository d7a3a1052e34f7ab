"""The backends that examples run on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import pullback

ON_CUDA = os.environ.get("PULLBACK_BACKEND", "").strip().lower() == "cupy"


@pytest.fixture(params=["cupy"] if ON_CUDA else ["numpy", "cupy_standin"])
def active(request, tmp_path, monkeypatch) -> Iterator[str]:
    """What ``auto`` chooses: NumPy; CuPy, or its stand-in where there is no device."""
    monkeypatch.chdir(tmp_path)
    undo = None
    if request.param == "numpy":
        monkeypatch.setenv("PULLBACK_BACKEND", "numpy")
    elif request.param == "cupy_standin":
        from .. import standin

        monkeypatch.delenv("PULLBACK_BACKEND", raising=False)
        undo = standin.activate("auto", "cupy")
    with pullback.backend.use("numpy" if request.param == "numpy" else "auto"):
        yield request.param
    if undo is not None:
        undo()
