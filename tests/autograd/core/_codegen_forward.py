"""Helpers of `test_codegen_forward.py` and the test files split from it."""

from __future__ import annotations

from pullback.autograd.core import signatures


def _listed() -> set[str]:
    return set(signatures.DIFFERENTIABLE)
