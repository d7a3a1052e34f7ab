"""Tests of `autograd/scipy/special.py`: SciPy's names and arguments; and SciPy's own ufuncs on traced arrays."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb
from pullback.scipy import special

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

UFUNCS = [name for name in dir(sps) if isinstance(getattr(sps, name), np.ufunc)]


def test_lists_and_numbers_are_taken():
    np.testing.assert_allclose(pb.to_numpy(special.gammaln([1, 2, 5])), sps.gammaln([1, 2, 5]))
    np.testing.assert_allclose(pb.to_numpy(special.jv(0, [0.5, 1.0])), sps.jv(0, [0.5, 1.0]))
    np.testing.assert_allclose(
        pb.to_numpy(special.eval_legendre(3, [0.5, 1.0])), sps.eval_legendre(3, [0.5, 1.0])
    )
    np.testing.assert_allclose(
        pb.to_numpy(special.betaln(2, [0.5, 1.0])), sps.betaln(2, [0.5, 1.0])
    )
    np.testing.assert_allclose(float(special.erf(0.5)), sps.erf(0.5))
    np.testing.assert_allclose(float(special.zeta(2.0)), sps.zeta(2.0))
    np.testing.assert_allclose(
        pb.to_numpy(special.zeta(2.5, [1.0, 2.0])), sps.zeta(2.5, [1.0, 2.0])
    )
    np.testing.assert_allclose(
        pb.to_numpy(special.polygamma(1, [1.0, 2.0])), sps.polygamma(1, [1.0, 2.0])
    )
    np.testing.assert_allclose(complex(special.lambertw(0.3, -1)), sps.lambertw(0.3, -1))
    np.testing.assert_allclose(
        pb.to_numpy(special.lambertw([-0.2], k=-1)), sps.lambertw([-0.2], k=-1)
    )
    np.testing.assert_allclose(
        pb.to_numpy(special.logsumexp([[1.0, 2.0]], axis=1)), sps.logsumexp([[1.0, 2.0]], axis=1)
    )
    np.testing.assert_allclose(pb.to_numpy(special.softmax([1.0, 2.0])), sps.softmax([1.0, 2.0]))


def test_traced_values_within_lists():
    g = pb.grad(lambda x: pb.xp.sum(special.erf([x, 2.0 * x])))(0.3)
    np.testing.assert_allclose(g, 2 / np.sqrt(np.pi) * (np.exp(-0.09) + 2 * np.exp(-0.36)))


def test_every_name_of_scipy_is_there():
    for name in sps.__all__:
        if callable(getattr(sps, name)):
            assert callable(getattr(special, name)), name
    with pytest.raises(AttributeError, match="nor has SciPy"):
        special.nothing  # noqa: B018 - asking for it raises


def test_constants_without_a_derivative():
    nodes, weights = special.roots_legendre(3)
    np.testing.assert_array_equal(pb.to_numpy(nodes), sps.roots_legendre(3)[0])
    assert type(weights) is pb.Array
    np.testing.assert_array_equal(pb.to_numpy(special.jn_zeros(0, 2)), sps.jn_zeros(0, 2))
    with pytest.raises(TypeError, match=r"scipy\.special\.kolmogorov of a traced array"):
        pb.grad(special.kolmogorov)(0.5)


@pytest.mark.parametrize("name", UFUNCS)
def test_scipy_s_own_ufuncs_of_traced_arrays(name):
    """Right, or refused by a name: SciPy's ufunc on a traced array never cuts a gradient."""
    ufunc = getattr(sps, name)
    floats = [t for t in ufunc.types if set(t.split("->")[0]) <= set("dli") and "d" in t]
    if not floats:
        return
    kinds = floats[0].split("->")[0]
    args = [0.6 if kind == "d" else 1 for kind in kinds]
    last = max(i for i, kind in enumerate(kinds) if kind == "d")

    def first(x):
        out = ufunc(*args[:last], x, *args[last + 1 :])
        out = out[0] if isinstance(out, tuple) else out
        return pb.xp.real(out) if out.dtype.kind == "c" else out

    with np.errstate(all="ignore"):
        try:
            g = pb.grad(first)(0.6)
        except (TypeError, NotImplementedError) as error:
            assert name in str(error) or "orthogonal polynomials" in str(error)  # noqa: PT017 - either way is right
            return
        h = 1e-5
        values = [
            np.real(np.ravel(ufunc(*args[:last], 0.6 + d, *args[last + 1 :])))[0] for d in (h, -h)
        ]
    if np.isfinite(values).all():
        np.testing.assert_allclose(g, (values[0] - values[1]) / (2 * h), rtol=1e-5, atol=1e-6)


def test_most_ufuncs_work():
    """How many of SciPy's ufuncs can be differentiated, by their names in `pb.special`."""
    assert len([name for name in UFUNCS if name in dir(pb.special)]) >= 110
