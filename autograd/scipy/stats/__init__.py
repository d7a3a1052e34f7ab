"""`pullback.scipy.stats`: distributions called as SciPy's, differentiable in the variable and in every parameter.

`norm`, `t`, `gamma`, `beta`, … have `logpdf`, `pdf`, `cdf`, `logcdf`, `sf`, `logsf`, `ppf`, `isf`, `entropy`, `mean`,
`var`; `poisson`, `binom`, … `logpmf` and `pmf`; with parameters fixed, ``norm(loc, scale).logpdf(x)``. Samples
(`rvs`) are SciPy's, of constants; a sample that is to be differentiated by its parameters is written with
`pb.random`.

Examples
--------
>>> import numpy as np, pullback as pb
>>> from pullback.scipy import stats
>>> x = np.asarray([0.5, 1.0, 2.0])
>>> pb.grad(lambda mu: pb.xp.sum(stats.norm.logpdf(x, mu, 2.0)))(np.asarray(0.0))
array(0.875)
>>> stats.norm(0.0, 1.0).cdf(0.0)
Array(0.5, dtype=float64, device='cpu')
"""

from __future__ import annotations

from typing import Any

from ..operands import on_constants
from .continuous import (
    beta,
    cauchy,
    chi2,
    expon,
    gamma,
    halfnorm,
    invgamma,
    laplace,
    logistic,
    lognorm,
    norm,
    pareto,
    rayleigh,
    t,
    truncnorm,
    uniform,
    weibull_min,
)
from .discrete import bernoulli, binom, geom, nbinom, poisson
from .multivariate import dirichlet, multinomial, multivariate_normal

__all__ = [
    "bernoulli", "beta", "binom", "cauchy", "chi2", "dirichlet", "expon", "gamma", "geom", "halfnorm", "invgamma",
    "laplace", "logistic", "lognorm", "multinomial", "multivariate_normal", "nbinom", "norm", "pareto", "poisson",
    "rayleigh", "t", "truncnorm", "uniform", "weibull_min",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import scipy.stats  # takes half a second

    theirs = getattr(scipy.stats, name, None)
    if not callable(theirs):
        raise AttributeError(f"pullback.scipy.stats has no {name!r}, nor has SciPy")
    if isinstance(theirs, type) or hasattr(theirs, "rvs"):
        found = theirs  # a class, or a distribution, whose methods refuse traced arrays themselves
    else:
        advice = "with SCIPY_ARRAY_API=1 many of scipy.stats's statistics take pullback's arrays: docs/guide/scipy.md"
        found = on_constants("scipy.stats", name, advice)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
