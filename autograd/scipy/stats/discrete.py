"""Distributions of whole numbers: binomial, Bernoulli, geometric, negative binomial, Poisson.

Their parameters p and mu are differentiable in the probabilities and in the distribution functions, which are
incomplete beta and gamma functions (Johnson, Kemp and Kotz, Univariate Discrete Distributions, 3rd edition, 2005); n
is differentiable in the probabilities alone.
"""

from __future__ import annotations

import math
from typing import Any

from ...core.generated import xp as generated
from ...functions import special as S
from .distribution import Discrete


def _probability(p: Any) -> Any:
    return (p >= 0) & (p <= 1)


def _log_choose(n: Any, k: Any) -> Any:
    """log n!/(k! (n−k)!) = −log(n + 1) − log B(k + 1, n − k + 1), without the difference of large logarithms."""
    return -generated.log1p(n) - S.betaln(k + 1.0, n - k + 1.0)


binom = Discrete(
    "binom", ("n", "p"),
    log_density=lambda k, n, p: _log_choose(n, k) + S.xlogy(k, p) + S.xlog1py(n - k, -p),
    cdf_of=lambda k, n, p: S.betaincc(k + 1.0, n - k, p),
    sf_of=lambda k, n, p: S.betainc(k + 1.0, n - k, p),
    mean_of=lambda n, p: n * p,
    var_of=lambda n, p: n * p * (1.0 - p),
    valid=lambda n, p: (n >= 0) & (generated.floor(n) == n) & _probability(p), safe=(1.0, 0.5),
    support_of=lambda n, p: (0.0, n),
)  # fmt: skip

bernoulli = Discrete(
    "bernoulli", ("p",),
    log_density=lambda k, p: S.xlogy(k, p) + S.xlog1py(1.0 - k, -p),
    cdf_of=lambda k, p: 1.0 - p + 0.0 * k,
    sf_of=lambda k, p: p + 0.0 * k,
    mean_of=lambda p: p,
    var_of=lambda p: p * (1.0 - p),
    entropy_of=lambda p: S.entr(p) + S.entr(1.0 - p),
    valid=_probability, safe=(0.5,), support_of=lambda p: (0.0, 1.0),
)  # fmt: skip

geom = Discrete(
    "geom", ("p",),
    log_density=lambda k, p: S.xlog1py(k - 1.0, -p) + generated.log(p),
    cdf_of=lambda k, p: -generated.expm1(k * generated.log1p(-p)),
    sf_of=lambda k, p: generated.exp(k * generated.log1p(-p)),
    mean_of=lambda p: 1.0 / p,
    var_of=lambda p: (1.0 - p) / (p * p),
    entropy_of=lambda p: -generated.log(p) - generated.log1p(-p) * (1.0 - p) / p,
    valid=lambda p: (p > 0) & (p <= 1), safe=(0.5,), support_of=lambda p: (1.0, math.inf),
)  # fmt: skip

nbinom = Discrete(
    "nbinom", ("n", "p"),
    log_density=lambda k, n, p: (
        -generated.log(n + k) - S.betaln(n, k + 1.0) + S.xlogy(n, p) + S.xlog1py(k, -p)
    ),
    cdf_of=lambda k, n, p: S.betainc(n, k + 1.0, p),
    sf_of=lambda k, n, p: S.betaincc(n, k + 1.0, p),
    mean_of=lambda n, p: n * (1.0 - p) / p,
    var_of=lambda n, p: n * (1.0 - p) / (p * p),
    valid=lambda n, p: (n > 0) & (p > 0) & (p <= 1), safe=(1.0, 0.5),
    support_of=lambda n, p: (0.0, math.inf),
)  # fmt: skip

poisson = Discrete(
    "poisson", ("mu",),
    log_density=lambda k, mu: S.xlogy(k, mu) - S.gammaln(k + 1.0) - mu,
    cdf_of=lambda k, mu: S.gammaincc(k + 1.0, mu),
    sf_of=lambda k, mu: S.gammainc(k + 1.0, mu),
    mean_of=lambda mu: mu,
    var_of=lambda mu: mu,
    valid=lambda mu: mu >= 0, safe=(1.0,), support_of=lambda mu: (0.0, math.inf),
)  # fmt: skip
