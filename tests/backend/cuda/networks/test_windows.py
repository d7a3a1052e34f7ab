"""Tests of `backend/cuda/networks/windows.py` on the stand-in; the rows of `cases/layers` run there too."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.backend.cuda.networks import windows

from .... import standin
from ....conftest import ONLY_CUPY

pytestmark = pytest.mark.skipif(ONLY_CUPY, reason="PULLBACK_BACKEND=cupy tests the GPU")
RNG = np.random.default_rng(9)


@pytest.fixture
def xp():
    return standin.backend().xp


def there(x):
    return standin.backend().asarray(x)


@pytest.mark.parametrize("stride", [1, 2])
def test_parts_of_the_batch_give_the_same(monkeypatch, xp, stride):
    """What is convolved in parts where the columns of all images would take too much memory."""
    x, W, b = (there(RNG.standard_normal(s)) for s in ((5, 2, 6, 5), (4, 2, 3, 2), (4,)))
    settings = {"padding": ((1, 0), (0, 2)), "dilation": (1, 1), "groups": 1}
    settings["stride"] = (stride, stride)

    def all_three():
        out = xp.convolution(x, W, b, **settings)
        return (
            out,
            xp.convolution_vjp_x(out, W, spatial=(6, 5), **settings),
            xp.convolution_vjp_W(x, out, spatial=(3, 2), **settings),
        )

    whole = all_three()
    seen = []
    of_cupy = windows.generic.convolution
    monkeypatch.setattr(windows, "LARGEST", 250)
    monkeypatch.setattr(
        windows.generic, "convolution", lambda *a, **k: seen.append(len(a[1])) or of_cupy(*a, **k)
    )
    for a, b_ in zip(all_three(), whole, strict=True):
        np.testing.assert_allclose(a.get(), b_.get(), rtol=1e-12, atol=1e-12)
    assert len(seen) > 1
    assert sum(seen) == 5


@pytest.mark.parametrize(
    "padding", [((1, 2), (0, 1)), ((-1, 0), (0, -2)), ((-1, 2), (3, -1)), ((0, 0), (0, 0))]
)
def test_padding_may_take_away(xp, padding):
    x = RNG.standard_normal((2, 3, 4))
    expected = np.pad(
        x, [(0, 0), *((max(a, 0), max(b, 0)) for a, b in padding)], constant_values=7.0
    )
    for axis, (low, high) in enumerate(padding, 1):
        kept = slice(max(-low, 0), expected.shape[axis] - max(-high, 0))
        expected = expected[(slice(None),) * axis + (kept,)]
    np.testing.assert_array_equal(xp.padded(there(x), padding, 7.0).get(), expected)


@pytest.mark.parametrize(
    ("stride", "dilation"), [((2, 3), (1, 1)), ((1, 1), (2, 1)), ((2, 2), (3, 1)), ((4, 4), (1, 1))]
)
def test_windows_and_their_sums(xp, stride, dilation):
    """Windows are a view; the sum of windows is the transpose, whichever elements are added at once."""
    kernel, lengths, steps = (3, 4), (2, 3), {"stride": stride, "dilation": dilation}
    spatial = tuple(
        (m - 1) * s + (k - 1) * d + 2
        for m, s, k, d in zip(lengths, stride, kernel, dilation, strict=True)
    )
    x = RNG.standard_normal((1, 2, *spatial))
    seen = xp.sliding_windows(there(x), kernel=kernel, lengths=lengths, **steps)
    for i, j, p, q in np.ndindex(*kernel, *lengths):
        at = x[0, 1, stride[0] * p + dilation[0] * i, stride[1] * q + dilation[1] * j]
        assert float(seen[0, 1, i, j, p, q]) == at
    y = RNG.standard_normal(seen.shape)
    back = xp.overlap_add(there(y), spatial=spatial, **steps)
    np.testing.assert_allclose(np.sum(seen.get() * y), np.sum(back.get() * x), rtol=1e-12)
