"""Tests of `autograd/numpy/sections/elementwise.py`: dtypes, settings, writes and refusals."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

pnp = pullback.numpy
SAME = {
    "round integers": lambda n: n.round([15, 25, -35], -1),
    "round to decimals": lambda n: n.round([1.255, -2.5, 0.5], 2),
    "round before the point": lambda n: n.round([149.0, 251.0], -2),
    "around": lambda n: n.around([0.5, 1.5, 2.5]),
    "fix": lambda n: n.fix([2.7, -2.7]),
    "clip integers": lambda n: n.clip([1, 5, 9], 2, 6),
    "clip by floats": lambda n: n.clip([1, 5, 9], 2.5, None),
    "clip by arrays": lambda n: n.clip([[1.0, 5.0], [3.0, 0.0]], [2.0, 2.0], [[4.0], [2.5]]),
    "clip min and max": lambda n: n.clip([1.0, 5.0], min=2.0, max=4.0),
    "clip by nothing": lambda n: n.clip([1.0, 5.0]),
    "clip dtype": lambda n: n.clip(np.float32([1, 5]), 2, 3, dtype=np.float64),
    "real": lambda n: n.real([1 + 2j]),
    "imag of real": lambda n: n.imag([1.0, 2.0]),
    "real_if_close": lambda n: n.real_if_close([1 + 1e-15j, 2.0]),
    "real_if_close not": lambda n: n.real_if_close([1 + 1e-3j]),
    "isposinf": lambda n: n.isposinf([np.inf, -np.inf, 1.0]),
    "isneginf integers": lambda n: n.isneginf([1, 2]),
    "nan_to_num": lambda n: n.nan_to_num([np.nan, np.inf, -np.inf, 1.0], nan=3.0, neginf=-1.0),
    "nan_to_num integers": lambda n: n.nan_to_num([1, 2]),
    "angle": lambda n: n.angle([1j, -1.0, 2.0], deg=True),
    "sinc": lambda n: n.sinc([0.0, 0.5, 1.0]),
    "i0": lambda n: n.i0([0.0, 1.0]),
}


@pytest.mark.parametrize("call", SAME.values(), ids=SAME)
def test_values_and_dtypes(call):
    wanted, got = call(np), call(pnp)
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-13)


def test_clip_of_masked_places_keeps_the_others():
    mask = np.asarray([True, False])
    out = pnp.clip([5.0, 5.0], 0.0, 1.0, where=mask)
    np.testing.assert_array_equal(pb.to_numpy(out), [1.0, 5.0])


def test_results_are_no_views():
    x = pnp.array([1.0, 2.0])
    for y in (pnp.clip(x), pnp.nan_to_num(x), pnp.round(pnp.array([1, 2]))):
        y[0] = 7
    assert float(x[0]) == 1.0


def test_nan_to_num_in_place():
    x = pnp.array([np.nan, 1.0])
    part = x[:1]
    assert pnp.nan_to_num(x, copy=False) is x
    assert float(part[0]) == 0.0
    with pytest.raises(TypeError, match="copy=False"):
        pnp.nan_to_num(np.ones(1), copy=False)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: pnp.clip([1.0], 0.0), TypeError, "a_max"),
        (lambda: pnp.clip([1.0], 0.0, 1.0, min=2.0), ValueError, "forbidden"),
        (lambda: pnp.clip([1.0], 0.0, 1.0, np.zeros(1)), TypeError, "out="),
        (lambda: pnp.clip([1.0], 0.0, 1.0, colour=3), TypeError, "colour"),
        (lambda: pnp.i0([1j]), TypeError, "complex"),
        (lambda: pnp.isposinf([1j]), TypeError, "ambiguous"),
        (lambda: pnp.round([1.0], out=np.zeros(1)), TypeError, "out="),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call()
