"""Tests of `compat/autograd/numpy/fft.py`."""

import numpy as np
import pytest

from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.test_util import check_grads

X = np.random.default_rng(0).standard_normal((4, 6))


@pytest.mark.parametrize(
    ("name", "settings"),
    [("fft", {"n": 5}), ("ifft", {"axis": 0}), ("rfft", {"norm": "ortho"}), ("irfft", {}), ("fft2", {}), ("ifft2", {}),
     ("fftn", {"axes": (0,)}), ("ifftn", {}), ("rfftn", {}), ("irfftn", {}), ("fftshift", {}), ("ifftshift", {})],
)  # fmt: skip
def test_transforms(name, settings):
    f = getattr(anp.fft, name)
    assert np.allclose(f(X, **settings), getattr(np.fft, name)(X, **settings))
    check_grads(lambda x: f(x, **settings))(X)
    if name not in ("rfft", "rfftn"):
        check_grads(lambda x: f(x, **settings))(X + 1j * X[::-1])


def test_the_odd_real_transform_has_a_derivative_too():
    check_grads(anp.fft.rfftn)(X[:, :5])
