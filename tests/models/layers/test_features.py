"""Feature maps against scikit-learn, formulas and central differences."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(2)
X = RNG.standard_normal((5, 3))


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("inputs", [1, 2, 4])
@pytest.mark.parametrize("interaction_only", [False, True])
@pytest.mark.parametrize("include_bias", [False, True])
def test_polynomials_against_scikit_learn(degree, inputs, interaction_only, include_bias):
    preprocessing = pytest.importorskip("sklearn.preprocessing", reason="its order is ours")
    if degree == 0 and not include_bias:
        return
    x = RNG.standard_normal((6, inputs))
    options = {"interaction_only": interaction_only, "include_bias": include_bias}
    theirs = preprocessing.PolynomialFeatures(degree, **options).fit_transform(x)
    ours = M.PolynomialFeatures(degree, **options)(x)
    np.testing.assert_allclose(pb.to_numpy(ours), theirs, rtol=1e-13)
    np.testing.assert_allclose(
        pb.to_numpy(M.PolynomialFeatures(degree, **options)(x[0])), theirs[0], rtol=1e-13
    )


with pb.backend.use("numpy"):
    MAPS = {
        "polynomial": M.PolynomialFeatures(3),
        "interactions": M.PolynomialFeatures(3, interaction_only=True),
        "fourier": M.FourierFeatures.init(3, 6, width=2.0, seed=1, dtype="float64"),
        "radial": M.RadialBasis(RNG.standard_normal((4, 3)), 1.3),
        "radial with widths": M.RadialBasis(RNG.standard_normal((4, 3)), RNG.uniform(1, 2, 4)),
    }


@pytest.mark.parametrize("name", MAPS)
def test_gradients_against_central_differences(name):
    features = MAPS[name]
    pb.check_grads(lambda x: features(x), (X,), order=2)
    if name.startswith("radial"):
        pb.check_grads(lambda m: m(X), (features,), order=2)
    for g in pb.tree.leaves(pb.grad(lambda m: xp.sum(m(X) ** 2))(features)):
        assert g.any() != (name == "fourier")  # drawn once, not learnt


@pytest.mark.parametrize("name", MAPS)
def test_dtypes_shapes_and_libraries(name, lib):
    small = pb.tree.map(lambda p: lib.asarray(p, np.float32), MAPS[name])
    x = lib.asarray(X, np.float32)
    y = small(x)
    assert lib.is_raw(y.value)
    assert lib.to_numpy(y.value).dtype == np.float32
    np.testing.assert_allclose(
        lib.to_numpy(y.value), pb.to_numpy(MAPS[name](X)), rtol=2e-5, atol=1e-5
    )
    wide = pb.to_numpy(MAPS[name](X[:4].reshape(2, 2, 3)))
    np.testing.assert_allclose(wide.reshape(4, -1), pb.to_numpy(MAPS[name](X[:4])), rtol=1e-12)


def test_fourier_features_approach_the_kernel():
    features = M.FourierFeatures.init(3, 20000, width=1.5, seed=0, dtype="float64")
    z = pb.to_numpy(features(X))
    distance = ((X[:, None] - X[None]) ** 2).sum(-1)
    np.testing.assert_allclose(z @ z.T, np.exp(-distance / (2 * 1.5**2)), atol=5 / np.sqrt(20000))


def test_radial_basis_is_its_formula():
    centres, width = RNG.standard_normal((4, 3)), RNG.uniform(1, 2, 4)
    distance = ((X[:, None] - centres[None]) ** 2).sum(-1)
    np.testing.assert_allclose(
        pb.to_numpy(M.RadialBasis(centres, width)(X)),
        np.exp(-distance / (2 * width**2)),
        rtol=1e-12,
    )
    far = M.RadialBasis(centres + 1e6, 1.0)(centres + 1e6)  # no cancellation at a centre
    np.testing.assert_allclose(np.diag(pb.to_numpy(far)), 1, rtol=1e-15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: M.PolynomialFeatures(-1), "degree=-1"),
        (lambda: M.PolynomialFeatures(1.5), "degree=1.5"),
        (lambda: M.PolynomialFeatures(0, include_bias=False), "no features"),
        (lambda: M.FourierFeatures.init(0, 3), "inputs=0"),
        (lambda: M.FourierFeatures.init(2, 3, width=0), "width=0"),
        (lambda: M.RadialBasis(np.ones(3)), r"\(K, inputs\), not of shape \(3,\)"),
        (lambda: M.RadialBasis(np.ones((3, 2)), -1.0), "width=-1.0"),
        (lambda: M.RadialBasis(np.ones((3, 2)), np.ones(2)), r"\(3,\), not of shape \(2,\)"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_linear_model_of_features_learns_a_curve():
    x = np.linspace(-1, 1, 40)[:, None]
    y = 2 - x + 3 * x**3
    model = M.Sequential(
        M.PolynomialFeatures(3, include_bias=False), M.Linear.init(3, 1, dtype="float64")
    )
    found = pb.optim.minimize(lambda m: M.squared_error(m(x), y), model, method="l-bfgs")
    np.testing.assert_allclose(found.x.layers[1].W[:, 0], [-1, 0, 3], atol=1e-3)
