"""Tests of the files of `autograd/functions/special_functions/`, against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

S, xp = pb.special, pb.xp
X = np.asarray([-1.3, 0.2, 0.7, 2.4, 30.0])
POSITIVE = np.asarray([0.1, 0.4, 1.7, 2.6])

# (name, arguments): arrays are differentiated, numbers are settings
ROWS = [
    ("exprel", (X,)),
    ("exprel", (np.asarray([0.0, 1e-9, 0.999, 1.001]),)),
    ("cosm1", (X,)),
    ("powm1", (POSITIVE, X[:4])),
    ("cbrt", (X,)),
    ("exp2", (X,)),
    ("exp10", (X,)),
    ("sindg", (X,)),
    ("cosdg", (X,)),
    ("tandg", (X,)),
    ("cotdg", (X,)),
    ("radian", (X, X, X)),
    ("diric", (X, 4)),
    ("diric", (X, 5)),
    ("huber", (1.0, X)),
    ("huber", (POSITIVE, X[:4])),
    ("pseudo_huber", (1.0, POSITIVE)),
    ("pseudo_huber", (POSITIVE, POSITIVE)),
    *(
        (name, (POSITIVE, lmbda))
        for name in ("boxcox", "boxcox1p", "inv_boxcox", "inv_boxcox1p")
        for lmbda in (0.5, -0.3, np.full(4, 1e-9), np.zeros(4))
    ),
    ("gammasgn", (X,)),
    ("multigammaln", (POSITIVE + 1, 3)),
    ("factorial", (POSITIVE,)),
    ("comb", (X[3:] + 1, POSITIVE[:2])),
    ("perm", (X[3:] + 1, POSITIVE[:2])),
    ("chdtr", (3.0, POSITIVE)),
    ("chdtrc", (3.0, POSITIVE)),
    ("gdtr", (2.0, 3.0, POSITIVE)),
    ("gdtrc", (POSITIVE, POSITIVE, POSITIVE)),
    ("fdtr", (2.0, 3.0, POSITIVE)),
    ("fdtrc", (2.0, 3.0, POSITIVE)),
    ("pdtr", (2.0, POSITIVE)),
    ("pdtrc", (2.0, POSITIVE)),
    ("bdtr", (2.0, 5.0, POSITIVE[:2])),
    ("bdtrc", (2.0, 5.0, POSITIVE[:2])),
    ("nbdtr", (2.0, 5.0, POSITIVE[:2])),
    ("nbdtrc", (2.0, 5.0, POSITIVE[:2])),
    ("voigt_profile", (X[:3], POSITIVE[:3], POSITIVE[:3])),
]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(ROWS)]
every = pytest.mark.parametrize(("name", "args"), ROWS, ids=IDS)
# made of special functions that have kernels
WITH_KERNELS = {
    "multigammaln",
    "factorial",
    "comb",
    "perm",
    "chdtr",
    "chdtrc",
    "gdtr",
    "gdtrc",
    "fdtr",
    "fdtrc",
    "pdtr",
    "pdtrc",
    "bdtr",
    "bdtrc",
    "nbdtr",
    "nbdtrc",
    "voigt_profile",
}
WHOLE = {"bdtr", "bdtrc", "nbdtr", "nbdtrc"}  # SciPy's take integers


def _theirs(name, args):
    if name in WHOLE:
        args = [int(a) if isinstance(a, float) else a for a in args]
    return getattr(sps, name)(*args)


def _of_arrays(name, args):
    places = [i for i, a in enumerate(args) if isinstance(a, np.ndarray)]

    def f(*arrays):
        every = list(args)
        for place, x in zip(places, arrays, strict=True):
            every[place] = x
        return getattr(S, name)(*every)

    return f, [args[i] for i in places]


@every
def test_values(name, args):
    np.testing.assert_allclose(
        pb.to_numpy(getattr(S, name)(*args)), _theirs(name, args), rtol=2e-13, atol=1e-15
    )


@every
def test_gradients(name, args):
    f, arrays = _of_arrays(name, args)
    arrays = [a if a is not X else X[:4] for a in arrays]
    pb.check_grads(f, tuple(arrays), order=2)


@every
def test_float32_stays(name, args):
    f, arrays = _of_arrays(name, args)
    low = [a.astype(np.float32) for a in arrays]
    assert f(*low).dtype == np.float32
    assert pb.grad(lambda x: xp.sum(f(x, *low[1:])))(low[0]).dtype == np.float32


@every
def test_on_every_library(name, args, lib):
    if lib.name == "array_api_strict" and name in WITH_KERNELS:
        pytest.skip("no kernel: special functions are NumPy's and CuPy's")
    if lib.name.startswith("cupy") and name == "voigt_profile":
        pytest.skip("SciPy alone has its kernel")
    f, arrays = _of_arrays(name, args)
    got = pb.grad(lambda *xs: xp.sum(f(*xs)), argnums=tuple(range(len(arrays))))(
        *map(lib.asarray, arrays)
    )
    wanted = pb.grad(lambda *xs: xp.sum(f(*xs)), argnums=tuple(range(len(arrays))))(*arrays)
    for g, w in zip(got, wanted, strict=True):
        assert lib.is_raw(g)
        np.testing.assert_allclose(lib.to_numpy(g), w, rtol=1e-10, atol=1e-12)


def test_edges_are_scipy_s():
    x = np.asarray([0.0, -0.0, -1.0, -2.0, -0.5, -1.5, 3.0, np.nan])
    np.testing.assert_array_equal(pb.to_numpy(S.gammasgn(x)), sps.gammasgn(x))
    degrees = np.asarray([0.0, 90.0, 180.0, 270.0, 360.0, -90.0, -180.0, 30.0, 60.0, 1e6])
    for name in ("sindg", "cosdg"):
        np.testing.assert_allclose(
            pb.to_numpy(getattr(S, name)(degrees)),
            getattr(sps, name)(degrees),
            rtol=1e-12,
            atol=1e-18,
        )
    for name in ("huber", "pseudo_huber"):
        for delta in (-1.0, 0.0):
            np.testing.assert_array_equal(
                pb.to_numpy(getattr(S, name)(delta, POSITIVE)), getattr(sps, name)(delta, POSITIVE)
            )
    for lmbda in (0.5, 0.0, -0.5):
        np.testing.assert_array_equal(
            pb.to_numpy(S.boxcox(np.asarray([0.0]), lmbda)), sps.boxcox([0.0], lmbda)
        )
    for name in ("comb", "perm"):
        for n, k in ((3.0, 5.0), (3.0, -1.0), (5.0, 2.0)):
            assert float(getattr(S, name)(n, k)) == getattr(sps, name)(n, k)
    assert float(S.factorial(-1.0)) == sps.factorial(-1)
    np.testing.assert_allclose(
        pb.to_numpy(S.diric(np.asarray([0.0, 2 * np.pi, 4 * np.pi]), 4)),
        sps.diric(np.asarray([0.0, 2 * np.pi, 4 * np.pi]), 4),
    )
    assert S.comb(5, 2, exact=True) == 10
    assert S.perm(5, 2, exact=True) == 20
    assert S.factorial(5, exact=True) == 120
    assert float(S.comb(4.0, 2.0, repetition=True)) == sps.comb(4, 2, repetition=True)


def test_what_is_refused():
    with pytest.raises(ValueError, match="a positive integer"):
        S.multigammaln(2.0, 0.5)
    with pytest.raises(TypeError, match="integers alone"):
        S.comb(2.5, 1, exact=True)


def test_second_derivatives_where_formulas_cancel():
    """Of (eˣ − 1)/x near 0: 1/3; of Box and Cox's transform in λ at 0: (log x)³/3."""
    np.testing.assert_allclose(pb.grad(pb.grad(S.exprel))(1e-6), 1 / 3 + 0.25e-6, rtol=1e-11)
    np.testing.assert_allclose(
        pb.grad(pb.grad(lambda v: S.boxcox(2.0, v)))(1e-7), np.log(2) ** 3 / 3, rtol=1e-6
    )
