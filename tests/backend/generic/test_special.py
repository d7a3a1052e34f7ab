"""Tests of `backend/generic/special.py`."""

from __future__ import annotations

import types

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb
from pullback.autograd.core.signatures import DIFFERENTIABLE
from pullback.backend.generic import special as _special
from pullback.backend.numpy import backend as _numpy

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ...cases.special import FORMULAS

S = pb.xp.special


xp = pb.xp


# What CuPy lacks and is written out, and what is refused there.
WRITTEN_OUT = {"iv", "ive", "stdtr", "stdtrit", "betaincc", "betainccinv"}
OF_SCIPY = {
    *_special.OF_SCIPY_ALONE, "kn", "hankel1", "hankel1e", "hankel2", "hankel2e", "hyp0f1", "hyp1f1",
    "hyp2f1", "jv", "kv", "kve", "owens_t", "yv", *(name for name in dir(S) if name.startswith("eval_")),
}  # fmt: skip
KERNELS = {name.removeprefix("special.") for name in DIFFERENTIABLE if name.startswith("special.")}


@pytest.mark.cupy
@pytest.mark.parametrize("name", sorted(KERNELS - WRITTEN_OUT - OF_SCIPY))
def test_every_kernel_is_cupy_s(name):
    """What CuPy lacks is written out, and tested here on NumPy arrays, or refused."""
    cupyx_special = pytest.importorskip("cupyx.scipy.special", reason="CuPy is an extra")
    assert hasattr(cupyx_special, name)


@pytest.mark.cupy
def test_what_is_refused_is_not_there():
    cupyx_special = pytest.importorskip("cupyx.scipy.special", reason="CuPy is an extra")
    assert not [name for name in OF_SCIPY if hasattr(cupyx_special, name)]


@pytest.mark.parametrize("name", sorted(OF_SCIPY))
def test_a_library_without_it_says_so(name):
    with pytest.raises(
        NotImplementedError, match=rf"special\.{name}: cupyx\.scipy\.special has no such function"
    ):
        getattr(
            _special.special_of(
                _numpy.XP,
                types.SimpleNamespace(__name__="cupyx.scipy.special"),
                **{
                    n: _special.weak(types.SimpleNamespace(__name__="cupyx.scipy.special"), n)
                    for n in _special.OF_SCIPY_ALONE
                },
            ),
            name,
        )(np.asarray(0.5), np.asarray(0.5))


def test_what_cupy_lacks_by_other_functions():
    a, b, x = np.asarray([0.7, 3.0]), np.asarray([2.0, 0.6]), np.asarray([0.2, 0.8])
    for name in ("betaincc", "betainccinv"):
        np.testing.assert_allclose(
            getattr(_special, name)(_numpy.XP, a, b, x), getattr(sps, name)(a, b, x), rtol=1e-11
        )
    for df in (1.0, 3.5):
        p = np.asarray([1e-6, 0.2, 0.5, 0.9])
        np.testing.assert_allclose(
            _special.stdtrit(_numpy.XP, df, p), sps.stdtrit(df, p), rtol=1e-9, atol=1e-9
        )


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
