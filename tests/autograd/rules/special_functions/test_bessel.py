"""Tests of `autograd/rules/special_functions/bessel.py`, beyond its rows in `tests/cases/special_more.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

S = pb.xp.special


def test_derivatives_are_scipy_s():
    x = np.asarray([0.3, 1.7, 9.0, 40.0])
    for name, theirs in (("jv", sps.jvp), ("yv", sps.yvp), ("kv", sps.kvp)):
        for v in (0, 1, 2.5):
            for n in (1, 2, 3):
                f = lambda x, name=name, v=v: pb.xp.sum(getattr(S, name)(v, x))
                for _ in range(n - 1):
                    f = lambda x, f=f: pb.xp.sum(pb.grad(f)(x))
                np.testing.assert_allclose(pb.grad(f)(x), theirs(v, x, n), rtol=1e-10, atol=1e-25)


def test_at_zero():
    for n, wanted in enumerate((0.5, 0.0, -0.375)):
        f = S.j1
        for _ in range(n):
            f = pb.grad(f)
        np.testing.assert_allclose(pb.grad(f)(0.0), wanted, atol=1e-15)


def test_orders_have_no_derivative():
    for name in ("jv", "yv", "kv", "kve", "hankel1"):
        with pytest.raises(pb.MissingRuleError, match="'v'"):
            pb.grad(lambda v, name=name: pb.xp.real(getattr(S, name)(v, 1.0)))(2.0)


def test_float32_stays():
    x = np.asarray([0.4, 1.5], np.float32)
    for v in (0, 1, 2.5):
        for name in ("jv", "yv", "kv", "kve"):
            g = pb.grad(lambda x, name=name, v=v: pb.xp.sum(getattr(S, name)(v, x)))(x)
            assert g.dtype == np.float32
