"""Tests of `backend/generic/dask.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._select_libraries import X, _dask

xp = pb.xp


def test_dask_arrays_stay_lazy():
    kind, there, _ = _dask()
    computed = []
    x = there(X).map_blocks(lambda block: computed.append(1) or block, dtype=X.dtype, meta=X)
    del computed[:]
    g = pb.grad(lambda x: xp.sum(xp.exp(xp.asarray(x) * 2)))(x)
    assert isinstance(g, kind)
    assert g.chunks == x.chunks
    assert not computed
    np.testing.assert_allclose(np.asarray(g), 2 * np.exp(2 * X))
    assert computed


def test_compiling_for_dask_arrays_is_refused_at_the_first_call():
    _, there, _ = _dask()
    compiled = pb.compile(pb.grad(lambda x: pb.xp.sum(x * x)))
    with pytest.raises(TypeError, match="a Dask array, which is a program already"):
        compiled(there(np.ones(3)))
