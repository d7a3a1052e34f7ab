"""Tests of `autograd/functions/inspection.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .test_namespace import DTYPES, KINDS


def test_info_follows_the_backend(lib, backend):
    info = pb.xp.__array_namespace_info__()
    capabilities = info.capabilities()
    assert capabilities["boolean indexing"] is True
    assert capabilities["data-dependent shapes"] is True
    assert capabilities["max dimensions"] >= 32
    assert info.default_device() == lib.device == pb.xp.zeros(1).device
    assert isinstance(info.devices(), tuple)
    assert lib.device in info.devices()
    defaults = info.default_dtypes(device=lib.device)
    assert defaults["real floating"] == pb.xp.float64
    assert set(defaults) == {"real floating", "complex floating", "integral", "indexing"}
    assert set(info.dtypes(device=lib.device)) == set(DTYPES)
    assert lib.says in repr(info)


@pytest.mark.parametrize("kind", [None, *KINDS, ("bool", "real floating")])
def test_info_dtypes_are_numpy_s(kind, lib, backend):
    dtypes = pb.xp.__array_namespace_info__().dtypes(kind=kind)
    for name, dtype in dtypes.items():
        assert dtype == np.dtype(name) == getattr(pb.xp, name)
    wanted = [n for n in DTYPES if kind is None or pb.xp.isdtype(np.dtype(n), kind)]
    assert sorted(dtypes) == sorted(wanted)
