"""The base of distributions of one variable: parameters, support, location and scale, and SciPy's methods.

A distribution is a record of formulas for the standard variable y = (x − loc)/scale within its support. The methods
choose by `where` twice, once before and once behind each formula, so that neither a value outside of the support nor
an invalid parameter makes NaN of a gradient: there, the density is 0 (its logarithm −∞) with derivative 0, as is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...core.array import Array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ...functions.creation import zeros_on_device_of
from ..operands import constant, floating_arrays, host, on_active

Formula = Callable[..., Any]


def log_or_minus_infinity(p: Array) -> Array:
    """log p; −∞ with derivative 0 where p is 0."""
    positive = p > 0
    out = generated.log(generated.where(positive, p, 1.0))
    return generated.where(positive, out, generated.where(p == p, -math.inf, p))


def pick(inside: Any, value: Array, *cases: tuple[Any, Any]) -> Array:
    """`value` where `inside`, elsewhere that of the first case whose condition holds, or NaN."""
    out: Any = zeros_on_device_of((), value) + math.nan
    for condition, other in reversed(cases):
        out = generated.where(condition, other, out)
    return generated.where(inside, value, out)


def log_of_larger(p: Array, rest: Array) -> Array:
    """log p from p and 1 − p: by log1p(−rest) where p is above one half, where it has the digits that p has lost."""
    above = p > 0.5
    by_rest = generated.log1p(-generated.where(above, rest, 0.5))
    return generated.where(above, by_rest, log_or_minus_infinity(generated.where(above, 0.5, p)))


@dataclass(frozen=True, eq=False)
class Distribution:
    """The base of continuous and discrete distributions.

    Attributes
    ----------
    name : str
        SciPy's.
    shapes : tuple of str
        The names of the shape parameters.
    log_density : callable
        ``log_density(y, *shapes)`` within the support.
    cdf_of, sf_of : callable
        Distribution function and its complement within the support.
    valid : callable
        ``valid(*shapes)``: where the shapes are allowed.
    safe : tuple of float
        Shapes that are allowed.
    support_of : callable
        ``support_of(*shapes) -> (low, high)``.
    inside_at : float
        A number within every support.
    """

    name: str
    shapes: tuple[str, ...]
    log_density: Formula
    cdf_of: Formula
    sf_of: Formula | None = None
    logcdf_of: Formula | None = None
    logsf_of: Formula | None = None
    ppf_of: Formula | None = None
    isf_of: Formula | None = None
    mean_of: Formula | None = None
    var_of: Formula | None = None
    entropy_of: Formula | None = None
    valid: Formula = field(default=lambda *shapes: True)
    safe: tuple[float, ...] = ()
    support_of: Formula = field(default=lambda *shapes: (-math.inf, math.inf))
    inside_at: float = 0.5

    discrete = False

    def __call__(self, *args: Any, **kwargs: Any) -> Frozen:
        """The distribution with its parameters fixed."""
        self._bind(args, kwargs)
        return Frozen(self, args, kwargs)

    def __repr__(self) -> str:
        return f"<distribution {self.name}({', '.join(self._names())})>"

    def _names(self) -> tuple[str, ...]:
        return (*self.shapes, "loc") if self.discrete else (*self.shapes, "loc", "scale")

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Shapes, location and scale in order.

        Raises
        ------
        TypeError
            If a shape is missing, or there is something else.
        """
        names = self._names()
        given: dict[str, Any] = {"loc": 0.0, "scale": 1.0}
        if len(args) > len(names):
            raise TypeError(f"{self.name}: {len(args)} parameters; there are {', '.join(names)}")
        twice = set(names[: len(args)]) & set(kwargs)
        unknown = set(kwargs) - set(names)
        if twice or unknown:
            raise TypeError(
                f"{self.name}: {', '.join(sorted(twice | unknown))} "
                f"{'given twice' if twice else 'unknown'}; the parameters are {', '.join(names)}"
            )
        given |= dict(zip(names, args, strict=False)) | kwargs
        missing = [name for name in self.shapes if name not in given]
        if missing:
            raise TypeError(f"{self.name}: the shape {', '.join(missing)} is missing")
        return [given[name] for name in (*self.shapes, "loc", "scale")]

    def _parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any], *first: Any) -> Any:
        """The first values, valid shapes, location, scale, and the mask of where the parameters given are valid."""
        values = floating_arrays(*first, *self._bind(args, kwargs))
        n = len(first)
        lead, shapes, loc, scale = values[:n], values[n:-2], values[-2], values[-1]
        valid: Any = scale > 0
        if shapes:
            allowed = self.valid(*shapes)
            shapes = [
                generated.where(allowed, s, safe) for s, safe in zip(shapes, self.safe, strict=True)
            ]
            valid = valid & allowed
        scale = generated.where(scale > 0, scale, 1.0)
        return (*lead, shapes, loc, scale, valid)

    # ── moments ──

    def mean(self, *args: Any, **kwargs: Any) -> Array:
        """The mean."""
        shapes, loc, scale, valid = self._parameters(args, kwargs)
        return self._checked(scale * self._formula("mean")(*shapes) + loc, valid)

    def var(self, *args: Any, **kwargs: Any) -> Array:
        """The variance."""
        shapes, _, scale, valid = self._parameters(args, kwargs)
        return self._checked(scale * scale * self._formula("var")(*shapes), valid)

    def std(self, *args: Any, **kwargs: Any) -> Array:
        """The standard deviation."""
        return generated.sqrt(self.var(*args, **kwargs))

    def stats(self, *args: Any, moments: str = "mv", **kwargs: Any) -> Any:
        """Mean ("m") and variance ("v"), as the letters of `moments` ask."""
        by_letter = {"m": self.mean, "v": self.var}
        unknown = set(moments) - set(by_letter)
        if unknown:
            raise NotImplementedError(
                f"{self.name}.stats(moments={moments!r}): 'm' and 'v' are there; for {', '.join(sorted(unknown))} of "
                "constants use scipy.stats"
            )
        found = tuple(by_letter[letter](*args, **kwargs) for letter in moments)
        return found if len(found) > 1 else found[0]

    def support(self, *args: Any, **kwargs: Any) -> tuple[Array, Array]:
        """The ends of the support."""
        shapes, loc, scale, valid = self._parameters(args, kwargs)
        zero = zeros_on_device_of((), loc + scale)
        low, high = (self._checked(zero + e, valid) for e in self._ends(shapes, loc, scale))
        return low, high

    def _ends(self, shapes: Any, loc: Array, scale: Array) -> list[Any]:
        """The ends of the support; infinite ones are constants, of which ∞ · 0 would be made."""
        ends = self.support_of(*shapes)
        return [e if type(e) is float and math.isinf(e) else e * scale + loc for e in ends]

    def _formula(self, name: str) -> Formula:
        found = getattr(self, f"{name}_of")
        if found is None:
            raise NotImplementedError(
                f"{self.name}.{name}: there is no formula for it here; scipy.stats has it for constants"
            )
        return found

    def _checked(self, out: Any, valid: Any) -> Array:
        return generated.where(valid, out, math.nan)

    # ── samples ──

    def rvs(self, *args: Any, size: Any = None, random_state: Any = None, **kwargs: Any) -> Any:
        """Samples by SciPy, of constant parameters; there is no derivative of a sample.

        Raises
        ------
        TypeError
            If a parameter is traced: a sample as a function of its parameters is written with `pb.random`, as in
            ``loc + scale * pb.random.normal(key, shape)``.
        """
        import scipy.stats  # takes half a second

        advice = (
            "write the sample as a function of its parameters, as in loc + scale * pb.random.normal(key, shape), "
            "or give it pb.stop_gradient(x)"
        )
        args, kwargs = host((args, kwargs), f"{self.name}.rvs", advice)
        theirs = getattr(scipy.stats, self.name)
        return on_active(
            theirs.rvs(*args, size=1 if size is None else size, random_state=random_state, **kwargs)
        )


@dataclass(frozen=True, eq=False)
class Frozen:
    """A distribution with its parameters: ``norm(loc, scale).logpdf(x)``."""

    dist: Any
    args: tuple[Any, ...]
    kwds: dict[str, Any]

    def _call(self, method: str, *first: Any, **settings: Any) -> Any:
        return getattr(self.dist, method)(*first, *self.args, **settings, **self.kwds)

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        """Samples by SciPy, of constant parameters."""
        return self._call("rvs", size=size, random_state=random_state)

    def stats(self, moments: str = "mv") -> Any:
        """Mean and variance."""
        return self._call("stats", moments=moments)

    def interval(self, confidence: ArrayLike) -> tuple[Array, Array]:
        """The ends of the middle interval that has that probability."""
        return self._call("interval", confidence)


def _of_x(name: str) -> Callable[..., Any]:
    def method(self: Frozen, x: ArrayLike) -> Any:
        return self._call(name, x)

    method.__name__, method.__doc__ = name, f"`{name}` of the distribution, at x."
    return method


def _of_nothing(name: str) -> Callable[..., Any]:
    def method(self: Frozen) -> Any:
        return self._call(name)

    method.__name__, method.__doc__ = name, f"`{name}` of the distribution."
    return method


for _name in ("logpdf", "pdf", "logpmf", "pmf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf"):
    setattr(Frozen, _name, _of_x(_name))
for _name in ("mean", "var", "std", "median", "entropy", "support"):
    setattr(Frozen, _name, _of_nothing(_name))


# ── continuous distributions ──────────────────────────────────────────────────────────────────


class Continuous(Distribution):
    """A distribution with a density; called as SciPy's of that name."""

    def _standard(self, x: Any, args: Any, kwargs: Any) -> Any:
        """The standard variable, moved into the support where it is outside, and masks of where it lies."""
        x, shapes, loc, scale, valid = self._parameters(args, kwargs, x)
        given = (constant(x) - constant(loc)) / constant(scale)
        y = (generated.where(generated.isfinite(x), x, 0.0) - loc) / scale
        low, high = (constant(end) for end in self.support_of(*shapes))
        inside = (given >= low) & (given <= high) & generated.isfinite(given) & valid
        y = generated.where(inside, y, self.inside_at)
        return y, given, shapes, scale, valid, given < low, given > high, inside

    def logpdf(self, x: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The logarithm of the density; −∞ outside of the support."""
        y, given, shapes, scale, valid, _, _, inside = self._standard(x, args, kwargs)
        out = self.log_density(y, *shapes) - generated.log(scale)
        outside = valid & (given == given)
        return pick(inside, out, (outside, -math.inf))

    def pdf(self, x: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The density; 0 outside of the support."""
        y, given, shapes, scale, valid, _, _, inside = self._standard(x, args, kwargs)
        out = generated.exp(self.log_density(y, *shapes)) / scale
        return pick(inside, out, (valid & (given == given), 0.0))

    def _by(
        self, x: ArrayLike, args: Any, kwargs: Any, formula: Formula, at: tuple[float, float]
    ) -> Array:
        y, given, shapes, _, valid, below, above, inside = self._standard(x, args, kwargs)
        out = formula(y, *shapes)
        low = valid & (below | (given == -math.inf))
        high = valid & (above | (given == math.inf))
        return pick(inside, out, (low, at[0]), (high, at[1]))

    def _survival(self) -> Formula:
        return self.sf_of or (lambda y, *shapes: 1.0 - self.cdf_of(y, *shapes))

    def cdf(self, x: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The distribution function."""
        return self._by(x, args, kwargs, self.cdf_of, (0.0, 1.0))

    def sf(self, x: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """1 minus the distribution function, accurate in the right tail."""
        return self._by(x, args, kwargs, self._survival(), (1.0, 0.0))

    def logcdf(self, x: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The logarithm of the distribution function."""
        survival = self._survival()
        formula = self.logcdf_of or (
            lambda y, *shapes: log_of_larger(self.cdf_of(y, *shapes), survival(y, *shapes))
        )
        return self._by(x, args, kwargs, formula, (-math.inf, 0.0))

    def logsf(self, x: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The logarithm of 1 minus the distribution function."""
        survival = self._survival()
        formula = self.logsf_of or (
            lambda y, *shapes: log_of_larger(survival(y, *shapes), self.cdf_of(y, *shapes))
        )
        return self._by(x, args, kwargs, formula, (0.0, -math.inf))

    def _quantile(self, q: Any, args: Any, kwargs: Any, formula: Formula, turned: bool) -> Array:
        q, shapes, loc, scale, valid = self._parameters(args, kwargs, q)
        inside = (q > 0) & (q < 1) & valid
        out = formula(generated.where(inside, q, 0.5), *shapes) * scale + loc
        ends = self._ends(shapes, loc, scale)
        first, last = ends[::-1] if turned else ends
        return pick(inside, out, (valid & (q == 0), first), (valid & (q == 1), last))

    def ppf(self, q: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The quantile: the inverse of `cdf`."""
        return self._quantile(q, args, kwargs, self._formula("ppf"), False)

    def isf(self, q: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The inverse of `sf`."""
        if self.isf_of is not None:
            return self._quantile(q, args, kwargs, self.isf_of, True)
        ppf = self._formula("ppf")
        return self._quantile(q, args, kwargs, lambda q, *shapes: ppf(1.0 - q, *shapes), True)

    def median(self, *args: Any, **kwargs: Any) -> Array:
        """The median."""
        return self.ppf(0.5, *args, **kwargs)

    def interval(self, confidence: ArrayLike, *args: Any, **kwargs: Any) -> tuple[Array, Array]:
        """The ends of the middle interval that has that probability."""
        (tail,) = floating_arrays(confidence)
        tail = 0.5 * (1.0 - tail)
        return self.ppf(tail, *args, **kwargs), self.isf(tail, *args, **kwargs)

    def entropy(self, *args: Any, **kwargs: Any) -> Array:
        """The differential entropy."""
        shapes, _, scale, valid = self._parameters(args, kwargs)
        return self._checked(self._formula("entropy")(*shapes) + generated.log(scale), valid)


# ── discrete distributions ────────────────────────────────────────────────────────────────────


class Discrete(Distribution):
    """A distribution of whole numbers; called as SciPy's of that name. There is no derivative by k."""

    discrete = True

    def _standard(self, k: Any, args: Any, kwargs: Any) -> Any:
        k, shapes, loc, _, valid = self._parameters(args, kwargs, k)
        y = constant(k - loc)
        return y, shapes, valid, self.support_of(*shapes)

    def logpmf(self, k: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The logarithm of the probability of k; −∞ for what is not whole or outside of the support."""
        y, shapes, valid, (low, high) = self._standard(k, args, kwargs)
        inside = (
            (y >= low) & (y <= high) & (generated.floor(y) == y) & generated.isfinite(y) & valid
        )
        out = self.log_density(generated.where(inside, y, low), *shapes)
        return pick(inside, out, (valid & (y == y), -math.inf))

    def pmf(self, k: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The probability of k."""
        return generated.exp(self.logpmf(k, *args, **kwargs))

    def _by(
        self, k: Any, args: Any, kwargs: Any, formula: Formula, at: tuple[float, float]
    ) -> Array:
        y, shapes, valid, (low, high) = self._standard(k, args, kwargs)
        y = generated.floor(y)
        inside = (y >= low) & (y < high) & valid
        out = formula(generated.where(inside, y, low), *shapes)
        return pick(inside, out, (valid & (y < low), at[0]), (valid & (y >= high), at[1]))

    def _survival(self) -> Formula:
        return self.sf_of or (lambda y, *shapes: 1.0 - self.cdf_of(y, *shapes))

    def cdf(self, k: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The distribution function."""
        return self._by(k, args, kwargs, self.cdf_of, (0.0, 1.0))

    def sf(self, k: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """1 minus the distribution function."""
        return self._by(k, args, kwargs, self._survival(), (1.0, 0.0))

    def logcdf(self, k: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The logarithm of the distribution function."""
        return log_of_larger(self.cdf(k, *args, **kwargs), self.sf(k, *args, **kwargs))

    def logsf(self, k: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The logarithm of 1 minus the distribution function."""
        return log_of_larger(self.sf(k, *args, **kwargs), self.cdf(k, *args, **kwargs))

    def entropy(self, *args: Any, **kwargs: Any) -> Array:
        """The entropy."""
        shapes, _, _, valid = self._parameters(args, kwargs)
        return self._checked(self._formula("entropy")(*shapes), valid)

    def _constant(self, method: str, args: Any, kwargs: Any) -> Any:
        import scipy.stats  # takes half a second

        args, kwargs = host(
            (args, kwargs),
            f"{self.name}.{method}",
            "quantiles of whole numbers are constants: give it pb.stop_gradient(x)",
        )
        return on_active(getattr(getattr(scipy.stats, self.name), method)(*args, **kwargs))

    def ppf(self, *args: Any, **kwargs: Any) -> Any:
        """The quantile, by SciPy, of constants."""
        return self._constant("ppf", args, kwargs)

    def isf(self, *args: Any, **kwargs: Any) -> Any:
        """The inverse of `sf`, by SciPy, of constants."""
        return self._constant("isf", args, kwargs)

    def median(self, *args: Any, **kwargs: Any) -> Any:
        """The median, by SciPy, of constants."""
        return self._constant("median", args, kwargs)

    def interval(self, *args: Any, **kwargs: Any) -> Any:
        """The ends of the middle interval of a probability, by SciPy, of constants."""
        return self._constant("interval", args, kwargs)
