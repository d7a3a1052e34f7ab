"""Tests of `compat/autograd/scipy/special.py`."""

import numpy as np
import pytest
import scipy.special

from pullback.compat.autograd import grad
from pullback.compat.autograd.scipy import special
from pullback.compat.autograd.test_util import check_grads

X = np.asarray([0.3, 0.8])


@pytest.mark.parametrize(
    "name",
    "gamma gammaln psi digamma erf erfc erfinv expit logit j0 y1 i0 rgamma".split(),  # noqa: SIM905 - a table
)
def test_functions_of_one_variable(name):
    f = getattr(special, name)
    assert np.array_equal(f(X), getattr(scipy.special, name)(X))
    check_grads(f, modes=["rev"])(X)


@pytest.mark.parametrize(
    ("name", "first", "argnum"),
    [
        ("beta", 1.5, (0, 1)),
        ("betaln", 1.5, (0, 1)),
        ("polygamma", 1, 1),
        ("gammainc", 1.5, 1),
        ("jn", 2, 1),
        ("iv", 1.2, 1),
    ],
)
def test_functions_of_two(name, first, argnum):
    f = getattr(special, name)
    assert np.allclose(f(first, X), getattr(scipy.special, name)(first, X))
    check_grads(f, argnum, modes=["rev"])(first, X)


def test_the_log_of_a_sum_of_exponentials():
    x = np.stack([X, 2 * X])
    for settings in ({}, {"axis": 0}, {"axis": 1, "keepdims": True}, {"b": 2.0}):
        check_grads(lambda x, s=settings: special.logsumexp(x, **s))(x)
    assert np.allclose(grad(special.logsumexp)(X), scipy.special.softmax(X))
