"""Tests of `backend/common/base.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb

from .._select import _fresh  # noqa: F401 - a fixture


def test_the_record_round_trips(lib, backend):
    host = np.arange(6.0).reshape(2, 3)
    there = backend.asarray(host)
    assert lib.is_raw(there)
    np.testing.assert_array_equal(backend.to_numpy(there), host)
    np.testing.assert_array_equal(pb.to_numpy(there), host)
    assert lib.to_numpy(backend.asarray(host, dtype=np.float32)).dtype == np.float32
    backend.synchronize()
    assert all(type(v) is int and v > 0 for v in backend.memory().values())
    assert all(type(k) is type(v) is str for k, v in backend.info().items())
    assert lib.says in repr(backend)


def test_as_gradient_and_locks_on_numpy():
    b = pb.backend.resolve("numpy")
    x = np.ones((2, 3))
    assert b.as_gradient(x) is x
    for other in (x.T, x[:1], np.broadcast_to(x, (4, 2, 3)), np.asfortranarray(x)):
        g = b.as_gradient(other)
        assert g.flags.carray
        assert g.flags.owndata
        assert not np.shares_memory(g, other)
    assert type(b.as_gradient(np.float64(2.0))) is np.ndarray
    locked = b.lock([x, x])
    assert len(locked) == 1
    assert locked[0] is x
    assert not x.flags.writeable
    assert b.lock([x]) == []
    b.unlock([x])
    assert x.flags.writeable
