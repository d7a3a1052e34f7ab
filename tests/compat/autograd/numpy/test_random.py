"""Tests of `compat/autograd/numpy/random.py`."""

import numpy as np
import pytest

import pullback as pb
from pullback.compat.autograd import grad
from pullback.compat.autograd import numpy as anp

pytestmark = pytest.mark.skipif(pb.backend.current().name != "numpy", reason="NumPy's own draws")


def test_draws_are_numpys():
    anp.random.seed(3)
    mine = anp.random.randn(2, 3), anp.random.RandomState(0).rand(2), anp.random.choice(5, 2)
    np.random.seed(3)
    assert np.array_equal(mine[0], np.random.randn(2, 3))
    assert np.array_equal(mine[1], np.random.RandomState(0).rand(2))
    assert np.array_equal(mine[2], np.random.choice(5, 2))


def test_draws_are_constants():
    rs = anp.random.RandomState(1)
    draw = np.random.RandomState(1).randn(3)
    assert np.allclose(grad(lambda x: anp.sum(x * rs.randn(3)))(np.ones(3)), draw)
