"""Helpers of `test_select.py` and the test files split from it."""

from __future__ import annotations

import pytest

from pullback.backend import select as _select


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """No choice made, none remembered, none in the environment."""
    monkeypatch.delenv("PULLBACK_BACKEND", raising=False)
    monkeypatch.delenv("PULLBACK_DEVICE", raising=False)
    _select._resolved.cache_clear()
    token = _select._active.set(None)
    yield
    _select._active.reset(token)
    _select._resolved.cache_clear()
