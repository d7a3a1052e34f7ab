"""Tests of `compat/autograd/scipy/signal.py`."""

import numpy as np
import pytest
import scipy.signal

from pullback.compat.autograd.scipy import signal
from pullback.compat.autograd.test_util import check_grads

RNG = np.random.default_rng(0)
MODES = ["full", "same", "valid"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("a", "b"), [((5,), (3,)), ((3,), (5,)), ((4, 5), (2, 3)), ((4, 4, 3), (2, 1, 3))]
)
def test_along_all_axes_it_is_scipys(a, b, mode):
    x, y = RNG.standard_normal(a), RNG.standard_normal(b)
    assert np.allclose(signal.convolve(x, y, mode=mode), scipy.signal.convolve(x, y, mode))
    check_grads(lambda x, y: signal.convolve(x, y, mode=mode), (0, 1), order=1)(x, y)


@pytest.mark.parametrize("mode", MODES)
def test_axes_that_are_summed_and_axes_that_are_left(mode):
    """The layout of a convolutional layer: (batch, channel, *image) with (channel, out, *kernel)."""
    x, w = RNG.standard_normal((2, 3, 5, 4)), RNG.standard_normal((3, 2, 3, 2))

    def layer(x, w):
        return signal.convolve(x, w, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode=mode)

    expected = [
        [sum(scipy.signal.convolve(x[i, c], w[c, o], mode) for c in range(3)) for o in range(2)]
        for i in range(2)
    ]
    assert np.allclose(layer(x, w), expected)
    check_grads(layer, (0, 1), order=1)(x, w)


@pytest.mark.parametrize("axes", [([0], [0]), ([1], [0]), ([-1], [-1]), ([1, 0], [0, 1])])
@pytest.mark.parametrize("mode", ["full", "same"])
def test_axes_in_any_order(axes, mode):
    x, y = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2))
    out = signal.convolve(x, y, axes=axes, mode=mode)
    if len(axes[0]) == 2:
        expected = scipy.signal.convolve(x.T, y, mode)
    else:
        moved = np.moveaxis(x, axes[0][0], -1), np.moveaxis(y, axes[1][0], -1)
        expected = [[scipy.signal.convolve(p, q, mode) for q in moved[1]] for p in moved[0]]
    assert np.allclose(out, expected)
    check_grads(lambda x, y: signal.convolve(x, y, axes=axes, mode=mode), (0, 1), order=1)(x, y)


def test_refusals():
    with pytest.raises(ValueError, match="mode"):
        signal.convolve(np.ones(3), np.ones(2), mode="circular")
    with pytest.raises(ValueError, match="pairs"):
        signal.convolve(np.ones((3, 2)), np.ones(2), axes=([0, 1], [0]))
    with pytest.raises(ValueError, match="larger"):
        signal.convolve(np.ones((3, 2)), np.ones((2, 3)), mode="valid")


def test_other_functions_are_scipys():
    assert np.array_equal(signal.medfilt([1.0, 5.0, 2.0]), scipy.signal.medfilt([1.0, 5.0, 2.0]))
    assert type(signal.convolve(np.ones(3), np.ones(2))) is np.ndarray
