"""Continuous distributions, a record of formulas each, of the standard variable within the support.

Logarithms of densities as in Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1 and 2, 1994-1995.
The tails of distribution functions are computed in the tail, never as 1 minus the other one. Derivatives by the
shapes of the beta distribution and of Student's are there for densities, not for the distribution functions and
quantiles, where they are refused.
"""

from __future__ import annotations

import math
from typing import Any

from ...core.generated import xp as generated
from ...functions import special as S
from ...functions.creation import zeros_on_device_of
from .distribution import Continuous

EULER = 0.5772156649015329
LOG_ROOT_TAU = 0.5 * math.log(2.0 * math.pi)
LOG_2 = math.log(2.0)
INF = math.inf


def _positive(*shapes: Any) -> Any:
    """All shapes are above 0."""
    out = shapes[0] > 0
    for s in shapes[1:]:
        out = out & (s > 0)
    return out


def _up(*_: Any) -> tuple[float, float]:
    return 0.0, INF


def _unit(*_: Any) -> tuple[float, float]:
    return 0.0, 1.0


def _where(condition: Any, first: Any, second: Any) -> Any:
    return generated.where(condition, first, second)


def _tan_from_the_middle(q: Any) -> Any:
    """tan(π (q − ½)), in the tails by −1/tan(πq)."""
    near = generated.abs(q - 0.5) < 0.25
    middle = generated.tan(math.pi * (q - 0.5))
    return _where(near, middle, -1.0 / generated.tan(math.pi * _where(near, 0.25, q)))


# ── on the whole line ─────────────────────────────────────────────────────────────────────────

norm = Continuous(
    "norm", (),
    log_density=lambda y: -0.5 * (y * y) - LOG_ROOT_TAU,
    cdf_of=S.ndtr,
    sf_of=lambda y: S.ndtr(-y),
    logcdf_of=S.log_ndtr,
    logsf_of=lambda y: S.log_ndtr(-y),
    ppf_of=S.ndtri,
    isf_of=lambda q: -S.ndtri(q),
    mean_of=lambda: 0.0,
    var_of=lambda: 1.0,
    entropy_of=lambda: LOG_ROOT_TAU + 0.5,
)  # fmt: skip


def _student(y: Any, df: Any) -> Any:
    """−(df+1)/2 log(1 + y²/df) − log(√df B(df/2, 1/2)); the normal density for df = ∞."""
    normal = df == INF
    df = _where(normal, 1.0, df)
    log_scale = S.betaln(0.5 * df, 0.5) + 0.5 * generated.log(df)
    out = -0.5 * (df + 1.0) * generated.log1p(y * y / df) - log_scale
    return _where(normal, -0.5 * (y * y) - LOG_ROOT_TAU, out)


t = Continuous(
    "t", ("df",),
    log_density=_student,
    cdf_of=lambda y, df: S.stdtr(df, y),
    sf_of=lambda y, df: S.stdtr(df, -y),
    ppf_of=lambda q, df: S.stdtrit(df, q),
    isf_of=lambda q, df: -S.stdtrit(df, q),
    mean_of=lambda df: _where(df > 1, 0.0 * df, INF),
    var_of=lambda df: _where(
        df > 2, df / (_where(df > 2, df, 3.0) - 2.0), _where(df > 1, INF, zeros_on_device_of((), df) + math.nan)
    ),
    entropy_of=lambda df: (
        0.5 * (df + 1.0) * (S.digamma(0.5 * (df + 1.0)) - S.digamma(0.5 * df))
        + 0.5 * generated.log(df)
        + S.betaln(0.5 * df, 0.5)
    ),
    valid=_positive, safe=(1.0,),
)  # fmt: skip

laplace = Continuous(
    "laplace", (),
    log_density=lambda y: -generated.abs(y) - LOG_2,
    cdf_of=lambda y: _where(
        y > 0, 1.0 - 0.5 * generated.exp(-generated.abs(y)), 0.5 * generated.exp(-generated.abs(y))
    ),
    sf_of=lambda y: laplace.cdf_of(-y),
    logcdf_of=lambda y: _where(
        y > 0,
        generated.log1p(-0.5 * generated.exp(-generated.abs(y))),
        -generated.abs(y) - LOG_2,
    ),
    logsf_of=lambda y: laplace.logcdf_of(-y),
    ppf_of=lambda q: _where(
        q > 0.5, -generated.log(2.0 * _where(q > 0.5, 1.0 - q, q)), generated.log(2.0 * _where(q > 0.5, 1.0 - q, q))
    ),
    isf_of=lambda q: -laplace.ppf_of(q),
    mean_of=lambda: 0.0, var_of=lambda: 2.0, entropy_of=lambda: LOG_2 + 1.0,
)  # fmt: skip

logistic = Continuous(
    "logistic", (),
    log_density=lambda y: S.log_expit(y) + S.log_expit(-y),
    cdf_of=S.expit,
    sf_of=lambda y: S.expit(-y),
    logcdf_of=S.log_expit,
    logsf_of=lambda y: S.log_expit(-y),
    ppf_of=S.logit,
    isf_of=lambda q: -S.logit(q),
    mean_of=lambda: 0.0, var_of=lambda: math.pi**2 / 3.0, entropy_of=lambda: 2.0,
)  # fmt: skip

cauchy = Continuous(
    "cauchy", (),
    log_density=lambda y: -math.log(math.pi) - generated.log1p(y * y),
    cdf_of=lambda y: generated.atan2(y * 0.0 + 1.0, -y) / math.pi,
    sf_of=lambda y: generated.atan2(y * 0.0 + 1.0, y) / math.pi,
    ppf_of=lambda q: _tan_from_the_middle(q),
    isf_of=lambda q: -_tan_from_the_middle(q),
    mean_of=lambda: math.nan, var_of=lambda: math.nan, entropy_of=lambda: math.log(4.0 * math.pi),
)  # fmt: skip

# ── on the half line ──────────────────────────────────────────────────────────────────────────

expon = Continuous(
    "expon", (),
    log_density=lambda y: -y,
    cdf_of=lambda y: -generated.expm1(-y),
    sf_of=lambda y: generated.exp(-y),
    logsf_of=lambda y: -y,
    ppf_of=lambda q: -generated.log1p(-q),
    isf_of=lambda q: -generated.log(q),
    mean_of=lambda: 1.0, var_of=lambda: 1.0, entropy_of=lambda: 1.0,
    support_of=_up,
)  # fmt: skip

gamma = Continuous(
    "gamma", ("a",),
    log_density=lambda y, a: S.xlogy(a - 1.0, y) - y - S.gammaln(a),
    cdf_of=lambda y, a: S.gammainc(a, y),
    sf_of=lambda y, a: S.gammaincc(a, y),
    ppf_of=lambda q, a: S.gammaincinv(a, q),
    isf_of=lambda q, a: S.gammainccinv(a, q),
    mean_of=lambda a: a, var_of=lambda a: a,
    entropy_of=lambda a: a + S.gammaln(a) + (1.0 - a) * S.digamma(a),
    valid=_positive, safe=(1.0,), support_of=_up,
)  # fmt: skip

chi2 = Continuous(
    "chi2", ("df",),
    log_density=lambda y, df: (
        S.xlogy(0.5 * df - 1.0, y) - 0.5 * y - S.gammaln(0.5 * df) - 0.5 * LOG_2 * df
    ),
    cdf_of=lambda y, df: S.gammainc(0.5 * df, 0.5 * y),
    sf_of=lambda y, df: S.gammaincc(0.5 * df, 0.5 * y),
    ppf_of=lambda q, df: 2.0 * S.gammaincinv(0.5 * df, q),
    isf_of=lambda q, df: 2.0 * S.gammainccinv(0.5 * df, q),
    mean_of=lambda df: df, var_of=lambda df: 2.0 * df,
    entropy_of=lambda df: (
        0.5 * df + LOG_2 + S.gammaln(0.5 * df) + (1.0 - 0.5 * df) * S.digamma(0.5 * df)
    ),
    valid=_positive, safe=(2.0,), support_of=_up,
)  # fmt: skip

invgamma = Continuous(
    "invgamma", ("a",),
    log_density=lambda y, a: -(a + 1.0) * generated.log(y) - S.gammaln(a) - 1.0 / y,
    cdf_of=lambda y, a: S.gammaincc(a, 1.0 / y),
    sf_of=lambda y, a: S.gammainc(a, 1.0 / y),
    ppf_of=lambda q, a: 1.0 / S.gammainccinv(a, q),
    isf_of=lambda q, a: 1.0 / S.gammaincinv(a, q),
    mean_of=lambda a: _where(a > 1, 1.0 / (_where(a > 1, a, 2.0) - 1.0), INF),
    var_of=lambda a: _where(
        a > 2, 1.0 / ((_where(a > 2, a, 3.0) - 1.0) ** 2 * (_where(a > 2, a, 3.0) - 2.0)), INF
    ),
    entropy_of=lambda a: a - (a + 1.0) * S.digamma(a) + S.gammaln(a),
    valid=_positive, safe=(1.0,), support_of=lambda a: (5e-324, INF),
)  # fmt: skip

lognorm = Continuous(
    "lognorm", ("s",),
    log_density=lambda y, s: (
        -0.5 * (generated.log(y) / s) ** 2 - generated.log(s * y) - LOG_ROOT_TAU
    ),
    cdf_of=lambda y, s: S.ndtr(generated.log(y) / s),
    sf_of=lambda y, s: S.ndtr(-generated.log(y) / s),
    logcdf_of=lambda y, s: S.log_ndtr(generated.log(y) / s),
    logsf_of=lambda y, s: S.log_ndtr(-generated.log(y) / s),
    ppf_of=lambda q, s: generated.exp(s * S.ndtri(q)),
    isf_of=lambda q, s: generated.exp(-s * S.ndtri(q)),
    mean_of=lambda s: generated.exp(0.5 * s * s),
    var_of=lambda s: generated.expm1(s * s) * generated.exp(s * s),
    entropy_of=lambda s: 0.5 + LOG_ROOT_TAU + generated.log(s),
    valid=_positive, safe=(1.0,), support_of=lambda s: (5e-324, INF),
)  # fmt: skip

weibull_min = Continuous(
    "weibull_min", ("c",),
    log_density=lambda y, c: generated.log(c) + S.xlogy(c - 1.0, y) - _power(y, c),
    cdf_of=lambda y, c: -generated.expm1(-_power(y, c)),
    sf_of=lambda y, c: generated.exp(-_power(y, c)),
    logsf_of=lambda y, c: -_power(y, c),
    ppf_of=lambda q, c: generated.pow(-generated.log1p(-q), 1.0 / c),
    isf_of=lambda q, c: generated.pow(-generated.log(q), 1.0 / c),
    mean_of=lambda c: S.gamma(1.0 + 1.0 / c),
    var_of=lambda c: S.gamma(1.0 + 2.0 / c) - S.gamma(1.0 + 1.0 / c) ** 2,
    entropy_of=lambda c: EULER * (1.0 - 1.0 / c) - generated.log(c) + 1.0,
    valid=_positive, safe=(1.0,), support_of=_up,
)  # fmt: skip

pareto = Continuous(
    "pareto", ("b",),
    log_density=lambda y, b: generated.log(b) - (b + 1.0) * generated.log(y),
    cdf_of=lambda y, b: -generated.expm1(-b * generated.log(y)),
    sf_of=lambda y, b: generated.exp(-b * generated.log(y)),
    logsf_of=lambda y, b: -b * generated.log(y),
    ppf_of=lambda q, b: generated.exp(-generated.log1p(-q) / b),
    isf_of=lambda q, b: generated.exp(-generated.log(q) / b),
    mean_of=lambda b: _where(b > 1, b / (_where(b > 1, b, 2.0) - 1.0), INF),
    var_of=lambda b: _where(
        b > 2, b / ((_where(b > 2, b, 3.0) - 1.0) ** 2 * (_where(b > 2, b, 3.0) - 2.0)), INF
    ),
    entropy_of=lambda b: 1.0 + 1.0 / b - generated.log(b),
    valid=_positive, safe=(1.0,), support_of=lambda b: (1.0, INF), inside_at=2.0,
)  # fmt: skip

halfnorm = Continuous(
    "halfnorm", (),
    log_density=lambda y: -0.5 * (y * y) + 0.5 * math.log(2.0 / math.pi),
    cdf_of=lambda y: S.erf(y * math.sqrt(0.5)),
    sf_of=lambda y: 2.0 * S.ndtr(-y),
    logsf_of=lambda y: LOG_2 + S.log_ndtr(-y),
    ppf_of=lambda q: math.sqrt(2.0) * S.erfinv(q),
    isf_of=lambda q: -S.ndtri(0.5 * q),
    mean_of=lambda: math.sqrt(2.0 / math.pi), var_of=lambda: 1.0 - 2.0 / math.pi,
    entropy_of=lambda: 0.5 * math.log(0.5 * math.pi) + 0.5,
    support_of=_up,
)  # fmt: skip

rayleigh = Continuous(
    "rayleigh", (),
    log_density=lambda y: S.xlogy(1.0, y) - 0.5 * (y * y),
    cdf_of=lambda y: -generated.expm1(-0.5 * (y * y)),
    sf_of=lambda y: generated.exp(-0.5 * (y * y)),
    logsf_of=lambda y: -0.5 * (y * y),
    ppf_of=lambda q: generated.sqrt(-2.0 * generated.log1p(-q)),
    isf_of=lambda q: generated.sqrt(-2.0 * generated.log(q)),
    mean_of=lambda: math.sqrt(0.5 * math.pi), var_of=lambda: 2.0 - 0.5 * math.pi,
    entropy_of=lambda: 0.5 * EULER + 1.0 - 0.5 * LOG_2,
    support_of=_up,
)  # fmt: skip


def _power(y: Any, c: Any) -> Any:
    """y^c; of y = 0 without a derivative, where that by c would be 0 · ∞."""
    zero = y == 0
    return _where(zero, 0.0, generated.pow(_where(zero, 1.0, y), c))


# ── on an interval ────────────────────────────────────────────────────────────────────────────

uniform = Continuous(
    "uniform", (),
    log_density=lambda y: 0.0 * y,
    cdf_of=lambda y: y,
    sf_of=lambda y: 1.0 - y,
    ppf_of=lambda q: q,
    isf_of=lambda q: 1.0 - q,
    mean_of=lambda: 0.5, var_of=lambda: 1.0 / 12.0, entropy_of=lambda: 0.0,
    support_of=_unit,
)  # fmt: skip

beta = Continuous(
    "beta", ("a", "b"),
    log_density=lambda y, a, b: S.xlogy(a - 1.0, y) + S.xlog1py(b - 1.0, -y) - S.betaln(a, b),
    cdf_of=lambda y, a, b: S.betainc(a, b, y),
    sf_of=lambda y, a, b: S.betaincc(a, b, y),
    ppf_of=lambda q, a, b: S.betaincinv(a, b, q),
    isf_of=lambda q, a, b: S.betainccinv(a, b, q),
    mean_of=lambda a, b: a / (a + b),
    var_of=lambda a, b: a * b / ((a + b) ** 2 * (a + b + 1.0)),
    entropy_of=lambda a, b: (
        S.betaln(a, b) - (a - 1.0) * S.digamma(a) - (b - 1.0) * S.digamma(b)
        + (a + b - 2.0) * S.digamma(a + b)
    ),
    valid=_positive, safe=(1.0, 1.0), support_of=_unit,
)  # fmt: skip


def _log_mass(a: Any, b: Any) -> Any:
    """log(Φ(b) − Φ(a)), from the tail that is nearer."""
    turned = a > 0
    low, high = _where(turned, -b, a), _where(turned, -a, b)
    top, bottom = S.log_ndtr(high), S.log_ndtr(low)
    return top + generated.log(-generated.expm1(bottom - top))


truncnorm = Continuous(
    "truncnorm", ("a", "b"),
    log_density=lambda y, a, b: -0.5 * (y * y) - LOG_ROOT_TAU - _log_mass(a, b),
    cdf_of=lambda y, a, b: _where(
        y > a, generated.exp(_log_mass(a, _where(y > a, y, 0.5 * (a + b))) - _log_mass(a, b)), 0.0
    ),
    sf_of=lambda y, a, b: _where(
        y < b, generated.exp(_log_mass(_where(y < b, y, 0.5 * (a + b)), b) - _log_mass(a, b)), 0.0
    ),
    mean_of=lambda a, b: (
        generated.exp(-0.5 * a * a - LOG_ROOT_TAU - _log_mass(a, b))
        - generated.exp(-0.5 * b * b - LOG_ROOT_TAU - _log_mass(a, b))
    ),
    valid=lambda a, b: a < b, safe=(-1.0, 1.0), support_of=lambda a, b: (a, b),
)  # fmt: skip
