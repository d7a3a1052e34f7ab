"""Tests of `backend/generic/special.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb
from pullback.backend.generic import special as _special
from pullback.backend.numpy import backend as _numpy

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ...cases.special import FORMULAS

S = pb.xp.special


xp = pb.xp


@pytest.mark.cupy
@pytest.mark.parametrize("name", sorted(set(dir(S)) - {"iv", "ive", "stdtr"}))
def test_every_kernel_is_cupy_s(name):
    """What CuPy lacks is written out, and tested here on NumPy arrays."""
    cupyx_special = pytest.importorskip("cupyx.scipy.special", reason="CuPy is an extra")
    assert hasattr(cupyx_special, name)


def test_other_libraries_have_the_formulas_alone(lib):
    x = xp.asarray(lib.asarray([0.25, 0.5]))
    for name in FORMULAS - {"xlogy", "xlog1py", "rel_entr", "kl_div"}:
        np.testing.assert_allclose(
            pb.to_numpy(getattr(S, name)(x)), getattr(sps, name)([0.25, 0.5]), rtol=1e-14
        )
    if lib.name == "array_api_strict":
        with pytest.raises(
            NotImplementedError, match=r"special\.erf: array_api_strict has no such function"
        ):
            S.erf(x)
        with pytest.raises(NotImplementedError, match=r"special\.beta"):
            S.beta(x, x)
    else:
        np.testing.assert_allclose(pb.to_numpy(S.erf(x)), sps.erf([0.25, 0.5]))


def test_formulas_on_a_library_without_kernels():
    """The same values as SciPy's at the edges, where `where` has to choose."""
    xs = np.asarray([0.0, 0.0, 0.0, 1.0, 1.0, -1.0, np.nan, 2.0, 0.0])
    ys = np.asarray([0.0, 1.0, np.nan, 0.0, 3.0, 1.0, 1.0, np.inf, -1.0])
    for name in ("xlogy", "rel_entr", "kl_div"):
        with np.errstate(divide="ignore", invalid="ignore"):
            got = getattr(_special, name)(_numpy.XP, xs, ys)
        np.testing.assert_allclose(got, getattr(sps, name)(xs, ys), rtol=1e-14, err_msg=name)
    np.testing.assert_allclose(_special.entr(_numpy.XP, xs), sps.entr(xs))
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(
            _special.xlog1py(_numpy.XP, xs, ys[::-1]), sps.xlog1py(xs, ys[::-1])
        )
