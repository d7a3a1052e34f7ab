"""Code that nobody here wrote, differentiated as it stands: a row is a function of SciPy or scikit-learn and a point.

Run in a process of its own, since SciPy reads SCIPY_ARRAY_API when it is imported:

    SCIPY_ARRAY_API=1 python tests/foreign/functions.py

prints a line of JSON: {"row": "" or the error}. Each gradient is checked against central differences of the same
function on plain NumPy arrays, which do not pass through pullback at all.
"""

import json
import sys
import warnings

import numpy as np
import scipy.cluster.vq
import scipy.differentiate
import scipy.fft
import scipy.integrate
import scipy.linalg
import scipy.optimize
import scipy.signal
import scipy.spatial.transform
import scipy.special
import scipy.stats
import sklearn
import sklearn.linear_model
import sklearn.metrics
import sklearn.preprocessing
from scipy.optimize import elementwise

import pullback as pb

X = np.asarray([0.5, 1.2, 2.2, 3.1, 0.9])
Y = np.asarray([1.5, 0.2, 1.2, 3.3, 0.4])
RNG = np.random.default_rng(0)
A, B = RNG.standard_normal((6, 3)), RNG.standard_normal((5, 3))
T = RNG.standard_normal(6)
P = np.asarray([0.3, 0.6, 0.2, 0.7, 0.9, 0.4])


def like(x, constant):
    """A constant as an array of the class of `x`: SciPy refuses to mix namespaces."""
    return constant if isinstance(x, np.ndarray) else pb.xp.asarray(constant)


def module(x):
    return np if isinstance(x, np.ndarray) else pb.xp


def total(x):
    """Σ x w with fixed weights, so that no derivative cancels."""
    xp = module(x)
    weights = np.cos(np.arange(x.size, dtype=float)).reshape(x.shape)
    return xp.sum(x * like(x, weights))


def rotate(v):
    return total(
        scipy.spatial.transform.Rotation.from_rotvec(v).apply(like(v, np.asarray([1.0, 2.0, 3.0])))
    )


def root_of(x):
    found = elementwise.find_root(lambda t, p: t**2 - p, (0 * x, x + 3), args=(x,))
    return total(found.x)


def ridge(a):
    fitted = sklearn.linear_model.Ridge(alpha=0.7, solver="svd").fit(a, like(a, T))
    return total(fitted.coef_)


def in_parts(a):
    scaler = sklearn.preprocessing.StandardScaler().partial_fit(like(a, 2 * A + 1)).partial_fit(a)
    return total(scaler.transform(a))


def weighted(a):
    weights = like(a, np.arange(1.0, 7.0))
    return total(sklearn.preprocessing.StandardScaler().fit_transform(a, sample_weight=weights))


st, sp, sg, si = scipy.stats, scipy.special, scipy.signal, scipy.integrate
pairwise = sklearn.metrics.pairwise

SCIPY = {
    "special.logsumexp": (sp.logsumexp, X),
    "special.softmax": (lambda x: total(sp.softmax(x)), X),
    "special.log_softmax": (lambda x: total(sp.log_softmax(x)), X),
    "special.expit": (lambda x: total(sp.expit(x)), X),
    "special.gammaln": (lambda x: total(sp.gammaln(x)), X),
    "special.rel_entr": (lambda x: total(sp.rel_entr(x, like(x, Y))), X),
    "special.erf": (lambda x: total(sp.erf(x)), X),
    "special.xlogy": (lambda x: total(sp.xlogy(x, x)), X),
    "special.betainc": (lambda x: total(sp.betainc(2.0, 3.0, x / 4.0)), X),
    "special.jv": (lambda x: total(sp.jv(0, x)), X),
    "special.multigammaln": (lambda x: total(sp.multigammaln(x + 2.0, 2)), X),
    "stats.zscore": (lambda x: total(st.zscore(x)), X),
    "stats.moment": (lambda x: st.moment(x, 3), X),
    "stats.tmean": (st.tmean, X),
    "stats.iqr": (st.iqr, X),
    "stats.ttest_1samp": (lambda x: st.ttest_1samp(x, 0.0).pvalue, X),
    "linalg.block_diag": (lambda x: total(scipy.linalg.block_diag(x, 2.0 * x)), A),
    "integrate.cumulative_simpson": (lambda x: total(si.cumulative_simpson(x, dx=1.0)), X),
    "fft.rfft": (lambda x: total(module(x).abs(scipy.fft.rfft(x)) ** 2), X),
    "fft.fht": (lambda x: total(scipy.fft.fht(x, 0.1, 0.0)), X),
    "cluster.vq.whiten": (lambda b: total(scipy.cluster.vq.whiten(b)), B),
    "stats.gmean": (st.gmean, X),
    "stats.hmean": (st.hmean, X),
    "stats.pmean": (lambda x: st.pmean(x, 3), X),
    "stats.skew": (st.skew, X),
    "stats.kurtosis": (st.kurtosis, X),
    "stats.variation": (st.variation, X),
    "stats.sem": (st.sem, X),
    "stats.entropy": (st.entropy, X),
    "stats.boxcox_llf": (lambda x: st.boxcox_llf(0.5, x), X),
    "stats.pearsonr": (lambda x: st.pearsonr(x, like(x, Y)).statistic, X),
    "stats.circmean": (st.circmean, X),
    "optimize.rosen": (scipy.optimize.rosen, X),
    "optimize.rosen_der": (lambda x: total(scipy.optimize.rosen_der(x)), X),
    "integrate.trapezoid": (si.trapezoid, X),
    "integrate.cumulative_trapezoid": (lambda x: total(si.cumulative_trapezoid(x)), X),
    "integrate.cubature": (
        lambda x: total(
            si.cubature(
                lambda t: module(x).exp(-x[0] * t[:, 0]),
                like(x, np.asarray([0.0])),
                like(x, np.asarray([1.0])),
            ).estimate
        ),
        X,
    ),
    "signal.fftconvolve": (lambda x: total(sg.fftconvolve(x, like(x, Y))), X),
    "signal.oaconvolve": (lambda x: total(sg.oaconvolve(x, like(x, Y))), X),
    "signal.hilbert": (lambda x: total(module(x).abs(sg.hilbert(x))), X),
    "spatial.transform.Rotation": (rotate, np.asarray([0.1, 0.2, 0.3])),
    "fft.fft": (lambda x: total(module(x).abs(scipy.fft.fft(x)) ** 2), X),
    "differentiate.derivative": (
        lambda x: total(scipy.differentiate.derivative(lambda t: module(t).sin(t), x).df),
        X,
    ),
}
SKLEARN = {
    "metrics.mean_squared_error": (
        lambda t: total(
            sklearn.metrics.mean_squared_error(like(t, A), t * like(t, A), multioutput="raw_values")
        ),
        A + 0.1,
    ),
    "metrics.r2_score": (
        lambda t: total(
            sklearn.metrics.r2_score(like(t, A), t * like(t, A), multioutput="raw_values")
        ),
        A + 0.1,
    ),
    "pairwise.cosine_similarity": (lambda a: total(pairwise.cosine_similarity(a, like(a, B))), A),
    "pairwise.rbf_kernel": (lambda a: total(pairwise.rbf_kernel(a, like(a, B))), A),
    "pairwise.polynomial_kernel": (lambda a: total(pairwise.polynomial_kernel(a, like(a, B))), A),
    "pairwise.linear_kernel": (lambda a: total(pairwise.linear_kernel(a, like(a, B))), A),
    "pairwise.euclidean_distances": (
        lambda a: total(pairwise.euclidean_distances(a, like(a, B))),
        A,
    ),
    "preprocessing.MinMaxScaler": (
        lambda a: total(sklearn.preprocessing.MinMaxScaler().fit_transform(a)),
        A,
    ),
    "preprocessing.Normalizer": (
        lambda a: total(sklearn.preprocessing.Normalizer().fit_transform(a)),
        A,
    ),
    "preprocessing.StandardScaler": (
        lambda a: total(sklearn.preprocessing.StandardScaler().fit_transform(a)),
        A,
    ),
    "preprocessing.StandardScaler.partial_fit": (in_parts, A),
    "preprocessing.StandardScaler.fit, sample_weight": (weighted, A),
    "preprocessing.MaxAbsScaler": (
        lambda a: total(sklearn.preprocessing.MaxAbsScaler().fit_transform(a)),
        A,
    ),
    "preprocessing.PolynomialFeatures": (
        lambda a: total(sklearn.preprocessing.PolynomialFeatures().fit_transform(a)),
        A,
    ),
    "preprocessing.minmax_scale": (lambda a: total(sklearn.preprocessing.minmax_scale(a)), A),
    "linear_model.Ridge.fit": (ridge, A),
}
ROWS = {
    **{f"scipy.{k}": v for k, v in SCIPY.items()},
    **{f"sklearn.{k}": v for k, v in SKLEARN.items()},
}


def check(f, x, eps=1e-6):
    """The gradient by pullback against central differences on plain NumPy arrays."""
    gradient = pb.grad(lambda x: pb.xp.asarray(f(x)))(x)
    v = np.random.default_rng(1).standard_normal(x.shape)
    numeric = (float(f(x + eps * v)) - float(f(x - eps * v))) / (2 * eps)
    analytic = float(np.sum(gradient * v))
    if not abs(numeric - analytic) <= 1e-6 + 1e-6 * abs(numeric):
        raise AssertionError(f"central differences {numeric!r}, pullback {analytic!r}")


def main() -> None:
    """Check every row."""
    sklearn.set_config(array_api_dispatch=True)
    results = {}
    for name, (f, x) in ROWS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # theirs, about experimental support
                check(f, x)
            results[name] = ""
        except Exception as error:  # any error of foreign code is this row's result
            results[name] = f"{type(error).__name__}: {error}"[:300]
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
