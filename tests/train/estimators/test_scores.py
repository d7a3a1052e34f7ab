"""Scores and predictions of every estimator, wherever data, labels and weights are; as those of NumPy's data."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import pullback as pb

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
K = pb.models.kernels

_RNG = np.random.default_rng(0)
X, Z = _RNG.normal(size=(40, 3)), _RNG.normal(size=(6, 3))
Y = X @ np.asarray([1.0, 2.0, -1.0]) + 0.1 * _RNG.normal(size=40)
CLASSES = np.digitize(Y, [-1, 1])
WEIGHTS = _RNG.uniform(0.5, 2.0, size=40)
_SHORT = {"max_iter": 5, "random_state": 0, "dtype": "float64"}

REGRESSORS = {
    "LinearRegression": lambda: pb.train.LinearRegression(),
    "Ridge": lambda: pb.train.Ridge(0.5),
    "Lasso": lambda: pb.train.Lasso(0.1),
    "ElasticNet": lambda: pb.train.ElasticNet(0.1),
    "KernelRidge": lambda: pb.train.KernelRidge(0.5, kernel="rbf"),
    "GaussianProcessRegressor": lambda: pb.train.GaussianProcessRegressor(
        K.RBF(np.ones(3)) + K.White(0.1)
    ),
    "MLPRegressor": lambda: pb.train.MLPRegressor(hidden_layer_sizes=(8,), **_SHORT),
    "MLPRegressor-lbfgs": lambda: pb.train.MLPRegressor(
        hidden_layer_sizes=(8,), solver="lbfgs", **_SHORT
    ),
    "NetworkRegressor": lambda: pb.train.NetworkRegressor(**_SHORT),
}
CLASSIFIERS = {
    "LogisticRegression": lambda: pb.train.LogisticRegression(random_state=0),
    "SoftmaxRegression": lambda: pb.train.SoftmaxRegression(solver="newton-cg", random_state=0),
    "MLPClassifier": lambda: pb.train.MLPClassifier((8,), **_SHORT),
    "MLPClassifier-lbfgs": lambda: pb.train.MLPClassifier((8,), solver="lbfgs", **_SHORT),
    "NetworkClassifier": lambda: pb.train.NetworkClassifier(**_SHORT),
    "TreeReductionClassifier": lambda: pb.train.TreeReductionClassifier(
        pb.train.LogisticRegression(), random_state=0
    ),
    "OneVersusAllClassifier": lambda: pb.train.OneVersusAllClassifier(
        pb.train.LogisticRegression(), random_state=0
    ),
}
ALL = REGRESSORS | CLASSIFIERS
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "claims", "shares")


def target(name):
    return Y if name in REGRESSORS else CLASSES


def on_numpy(name, x=X, y=None, **weights):
    with pb.backend.use("numpy"):
        return ALL[name]().fit(x, target(name) if y is None else y, **weights)


def weighted(name):
    return {} if name == "GaussianProcessRegressor" else {"sample_weight": WEIGHTS}


def same(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", ALL)
def test_a_devices_data_give_a_devices_results_and_numpys_give_numpys(lib, name):
    fitted = on_numpy(name, **weighted(name))
    model = ALL[name]().fit(
        lib.asarray(X),
        lib.asarray(target(name)),
        **{key: lib.asarray(value) for key, value in weighted(name).items()},
    )
    for method in (m for m in METHODS if hasattr(model, m)):
        wanted = getattr(fitted, method)(Z)
        there, here = getattr(model, method)(lib.asarray(Z)), getattr(model, method)(Z)
        assert lib.is_raw(there), method
        assert type(here) is np.ndarray, method
        same(lib.to_numpy(there), wanted)
        same(here, wanted)


@pytest.mark.parametrize("name", ALL)
def test_scores_are_those_of_numpys_data(lib, name):
    y = target(name)
    wanted = on_numpy(name).score(X, y, WEIGHTS)
    model = ALL[name]().fit(lib.asarray(X), lib.asarray(y))
    there = lib.asarray
    for x, targets, weights in (
        (there(X), there(y), there(WEIGHTS)),
        (there(X), y.tolist(), WEIGHTS),
        (X, there(y), there(WEIGHTS)),
        (X, y, WEIGHTS.tolist()),
    ):
        found = model.score(x, targets, weights)
        assert type(found) is float
        assert found == pytest.approx(wanted, rel=2e-3)


@pytest.mark.parametrize("active", ["numpy", "auto"])
@pytest.mark.parametrize("name", ALL)
def test_host_targets_and_weights_go_where_the_data_are(lib, name, active):
    y = target(name)
    wanted = on_numpy(name, **weighted(name)).predict(Z)
    lists = {key: value.tolist() for key, value in weighted(name).items()}
    with pb.backend.use(active):
        model = ALL[name]().fit(lib.asarray(X), y.tolist(), **lists)
        same(lib.to_numpy(model.predict(lib.asarray(Z))), wanted)
        same(model.predict(Z), wanted)


@pytest.mark.parametrize("name", ALL)
def test_a_fit_on_the_host_predicts_for_a_device_and_the_other_way(lib, name):
    wanted = on_numpy(name)
    with pb.backend.use("numpy"):
        same(lib.to_numpy(wanted.predict(lib.asarray(Z))), wanted.predict(Z))
    with pb.backend.use(pb.backend.backend_of(lib.asarray(0.0))):
        same(wanted.predict(Z), on_numpy(name).predict(Z))
        model = ALL[name]().fit(X, target(name))
    with pb.backend.use("numpy"):
        same(model.predict(Z), wanted.predict(Z))


@pytest.mark.parametrize("name", ALL)
def test_integers_of_a_device_are_fitted_as_numpys_are(lib, name):
    whole = np.round(3 * X).astype("int64")
    model = ALL[name]().fit(lib.asarray(whole), lib.asarray(target(name)))
    same(lib.to_numpy(model.predict(lib.asarray(whole))), on_numpy(name, whole).predict(whole))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_labels_that_are_no_numbers_stay_numpys(lib, name):
    labels = np.asarray(["low", "middle", "high"])[CLASSES]
    model = ALL[name]().fit(lib.asarray(X), labels)
    found = model.predict(lib.asarray(Z))
    assert type(found) is np.ndarray
    wanted = on_numpy(name, y=labels)
    assert found.tolist() == wanted.predict(Z).tolist()
    assert model.score(lib.asarray(X), labels) == wanted.score(X, labels)


@pytest.mark.parametrize("name", ALL)
def test_a_pickle_holds_no_array_of_a_device_and_goes_on_anywhere(lib, backend, name):
    model = ALL[name]().fit(X, target(name))
    bytes_of = pickle.dumps(model)
    module = type(lib.asarray(0.0)).__module__.encode()
    assert lib.name == "numpy" or module not in bytes_of
    wanted = model.predict(Z)
    same(pickle.loads(bytes_of).predict(Z), wanted)
    same(lib.to_numpy(copy.deepcopy(model).predict(lib.asarray(Z))), wanted)
    with pb.backend.use("numpy"):
        same(pickle.loads(bytes_of).predict(Z), wanted)


@pytest.mark.parametrize("name", [n for n in ALL if hasattr(ALL[n](), "partial_fit")])
def test_training_goes_on_where_the_active_backend_is(lib, backend, name):
    y = target(name)
    settings = {"classes": np.unique(y)} if name in CLASSIFIERS else {}
    model, wanted = ALL[name](), ALL[name]()
    if settings:
        model.partial_fit(lib.asarray(X), lib.asarray(y), lib.asarray(settings["classes"]))
    else:
        model.partial_fit(lib.asarray(X), lib.asarray(y))
    with pb.backend.use("numpy"):
        model.partial_fit(X, y)
        for _ in range(3):
            wanted.partial_fit(X, y, **settings)
            settings = {}
    model.partial_fit(lib.asarray(X), y)
    same(model.predict(Z), wanted.predict(Z))
    with pb.backend.use("numpy"):
        for each in (model, wanted):
            each.set_params(warm_start=True).fit(X, y)
    same(model.predict(Z), wanted.predict(Z))


@pytest.mark.parametrize("name", ALL)
def test_targets_of_another_library_or_with_nan_are_refused_by_name(lib, name):
    y = target(name)
    other = pytest.importorskip("array_api_strict", reason="there is no second library")
    here = other.Device("CPU_DEVICE" if lib.name == "array_api_strict" else "device1")
    if lib.name != "numpy":
        elsewhere = other.asarray(y, device=here)
        if name not in ("TreeReductionClassifier", "OneVersusAllClassifier"):
            with pytest.raises(TypeError, match=r"\.fit: X is an array of .*, y one of .*: pass y"):
                ALL[name]().fit(lib.asarray(X), elsewhere)
    bad = np.where(Y > 1, np.nan, Y)
    with pytest.raises(ValueError, match=r"y contains NaN"):
        ALL[name]().fit(lib.asarray(X), lib.asarray(bad))
    with pytest.raises(ValueError, match=r"y contains NaN"):
        ALL[name]().fit(lib.asarray(X), bad)


_ON_HOST = ("MLP", "Network", "Logistic", "Softmax", "Tree", "OneVersus")


@pytest.mark.parametrize("name", [n for n in ALL if n.startswith(_ON_HOST)])
def test_no_gradient_is_cut_in_silence(name):
    model = on_numpy(name)
    with pytest.raises(TypeError, match="a gradient would be cut"):
        pb.grad(lambda z: pb.xp.sum(pb.xp.asarray(model.predict(z))))(Z)
