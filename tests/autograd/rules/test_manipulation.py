"""Order, indexing and choice where the table's rows do not come: repeated places, kinds of keys, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
RNG = np.random.default_rng(3)


def pulled(f, x, weights):
    """The gradient of Σ weights · f(x)."""
    return pb.grad(lambda x: xp.sum(xp.asarray(weights) * f(x)))(np.asarray(x, np.float64))


# ── sorting and sets: gradients follow the elements ───────────────────────────────────────────


@pytest.mark.parametrize(
    "f",
    [
        lambda x: xp.argsort(x), lambda x: xp.argmax(x), lambda x: xp.argmin(x), lambda x: xp.nonzero(x)[0],
        lambda x: xp.searchsorted(xp.sort(x), x), lambda x: xp.isin(x, x), lambda x: xp.count_nonzero(x),
        lambda x: xp.unique_all(x).counts, lambda x: xp.unique_inverse(x).inverse_indices, lambda x: xp.all(x > 0),
        lambda x: xp.any(x > 0), lambda x: x == x, lambda x: xp.isfinite(x), lambda x: xp.signbit(x),
        lambda x: xp.astype(x, xp.int64), lambda x: xp.logical_not(x > 1),
    ],
)  # fmt: skip
def test_indices_and_booleans_carry_no_derivative(f):
    """They are constants, which may be used with what is traced."""
    x = np.asarray([1.5, -2.0, 0.5])

    def loss(x):
        found = f(x)
        assert not found.traced
        return xp.sum(x) * xp.sum(xp.astype(found, xp.float64))

    counts = float(np.sum(np.asarray(pb.to_numpy(f(x)), float)))
    np.testing.assert_array_equal(pb.grad(loss)(x), counts)


# ── getitem and setitem ───────────────────────────────────────────────────────────────────────

X = RNG.standard_normal((3, 4, 2))


# ── taking ────────────────────────────────────────────────────────────────────────────────────


# ── choosing ──────────────────────────────────────────────────────────────────────────────────


# ── made from traced arrays ───────────────────────────────────────────────────────────────────


def test_casting_to_another_device_and_back():
    strict = pytest.importorskip("array_api_strict")
    there, here = strict.Device("device1"), strict.Device("CPU_DEVICE")
    x = strict.asarray([1.0, 2.0], device=there)

    def f(x):
        moved = xp.astype(x, xp.float64, device=here)
        assert moved.device == here
        return xp.sum(moved.to_device(there) * x) + xp.sum((moved * moved).to_device(there))

    g = pb.grad(f)(x)
    assert g.device == there
    np.testing.assert_array_equal(np.asarray(g.to_device(here)), [4, 8])


def test_what_has_no_meaning_is_refused():
    x = np.ones((2, 2))
    with pytest.raises(ValueError, match="indexing"):
        xp.meshgrid(xp.ones(2), indexing="ji")
    with pytest.raises(ValueError, match="axis=2"):
        xp.unstack(x, axis=2)
    with pytest.raises(ValueError, match="n=-1"):
        xp.diff(x, n=-1)
    with pytest.raises(ValueError, match="axis"):
        xp.diff(xp.asarray(1.0))
    with pytest.raises(ValueError, match="axis"):
        pb.grad(lambda x: xp.sum(xp.cumulative_sum(x)))(x)  # of a matrix: along which axis?
