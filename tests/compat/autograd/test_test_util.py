"""Tests of `compat/autograd/test_util.py`: the others are in `test_util.py`, whose `quick_grad_check` it serves."""

import numpy as np

from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.test_util import check_jvp, check_vjp, make_numerical_jvp


def test_central_differences_are_exact_to_second_order():
    out = make_numerical_jvp(lambda x: x**2, 3.0)(1.0)
    assert np.isclose(out, 6.0)
    both = make_numerical_jvp(lambda x: [x[0] * x[1]], (2.0, 3.0))((1.0, 0.0))
    assert np.isclose(both[0], 3.0)


def test_right_derivatives_pass():
    check_vjp(anp.sin, np.asarray([0.1, 0.2]))
    check_jvp(lambda z: z * anp.conj(z), np.asarray([0.1 + 1j]))
