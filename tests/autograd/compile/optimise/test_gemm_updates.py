"""Tests of `autograd/compile/optimise/gemm_updates.py`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import numba_kernels as native

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import arrays, close

xp = pb.xp


@pytest.mark.parametrize("how", ["after", "before", "both", "number", "array"])
def test_updates_taken_into_products(fast, how):
    """``w − s · A B`` in place, unless the old w, or the gradient itself, is needed afterwards."""
    if native.products(kernels=fast) is False:
        pytest.skip("NumPy was built against a BLAS that is not called directly")

    def f(w: Any, a: Any, b: Any, s: Any) -> Any:
        g = a.mT @ b
        x = w @ b.mT if how == "before" else b
        new = w - (0.1 if how in ("after", "before", "both") else s) * g
        late = xp.sum(w) if how == "after" else xp.sum(g) if how == "both" else xp.sum(x)
        return new, xp.sum(x), late

    scale = 0.3 if how == "number" else np.asarray(0.3, "float32")
    compiled = pb.compile(f, fast=fast, donate_argnums=0)
    for seed in range(4):
        w, a, b = arrays((600, 500), (40, 600), (40, 500), seed=seed, dtype="float32")
        wanted = f(w.copy(), a, b, scale)
        close(compiled(w, a, b, scale), wanted, 2e-5)
    call = r"np\.float32\(1\.0\), arg\d+\.ctypes\.data, 500\)" if fast else r"add_product\("
    merged = re.search(call, compiled.source()) is not None
    assert merged is (how in ("before", "number", "array"))
