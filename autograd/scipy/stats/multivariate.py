"""Distributions of vectors: multivariate normal, Dirichlet, multinomial; called as SciPy's.

The normal density is by Cholesky's factor: log p = −(n log 2π + ‖z‖²)/2 − Σ log L_ii with L z = x − μ, for all rows
of x by one factor. With ``allow_singular=True`` the pseudo-inverse and the product of the eigenvalues that are not
zero stand for inverse and determinant; derivatives are those at constant rank.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.array import Array, backend_array
from ...core.defvjp import function_of
from ...core.generated import xp as generated
from ...core.registry import find
from ...core.typing import ArrayLike
from ...functions import special as S
from ...functions.linear_algebra import create_diagonal
from ...linalg import solve_triangular
from ...solve.errors import NotPositiveDefiniteError
from ..operands import constant, floating_arrays, host, on_active
from .distribution import Frozen, pick

LOG_TAU = math.log(2.0 * math.pi)


def _linalg(name: str) -> Any:
    return function_of(find(f"linalg.{name}"))


def _sampled(name: str, args: tuple[Any, ...], size: Any, random_state: Any) -> Any:
    """Samples by SciPy, of constants."""
    import scipy.stats  # takes half a second

    args = host(
        args,
        f"{name}.rvs",
        "write the sample with pb.random, as in mean + L @ pb.random.normal(key, (n,))",
    )
    theirs = getattr(scipy.stats, name)
    return on_active(theirs.rvs(*args, size=1 if size is None else size, random_state=random_state))


def _limit(dtype: Any) -> float:
    """SciPy's: up to which share of the largest eigenvalue one counts as 0."""
    return (1e3 if np.dtype(dtype) == np.float32 else 1e6) * float(np.finfo(dtype).eps)


class MultivariateNormal:
    """`multivariate_normal`: mean μ (n,), covariance (n, n), the variances (n,) alone, or one number."""

    name = "multivariate_normal"

    def __call__(
        self, mean: ArrayLike = None, cov: ArrayLike = 1, allow_singular: bool = False
    ) -> Frozen:
        """The distribution with its parameters fixed."""
        return Frozen(self, (mean, cov, allow_singular), {})

    def _parameters(self, mean: Any, cov: Any, *first: Any) -> tuple[Any, ...]:
        *lead, mean, cov = floating_arrays(*first, 0.0 if mean is None else mean, cov)
        n = cov.shape[0] if cov.ndim else 1
        if mean.ndim and mean.shape[0] != n and cov.ndim < 2 and n == 1:
            n = mean.shape[0]
        if cov.ndim < 2:
            cov = create_diagonal(generated.broadcast_to(generated.reshape(cov, (-1,)), (n,)))
        if mean.ndim < 2 and mean.size in (1, n):
            mean = generated.broadcast_to(generated.reshape(mean, (-1,)), (n,))
        if mean.shape != (n,) or cov.shape != (n, n):
            raise ValueError(
                f"multivariate_normal: mean of shape {mean.shape} and cov of shape {cov.shape} have to be (n,) "
                f"and (n, n)"
            )
        return (*lead, mean, cov)

    def logpdf(
        self, x: ArrayLike, mean: ArrayLike = None, cov: ArrayLike = 1, allow_singular: bool = False
    ) -> Array:
        """The logarithm of the density of x (…, n).

        Parameters
        ----------
        x
            Points (…, n); of one dimension, (…,).
        mean
            (n,), 0 by default.
        cov
            (n, n), variances (n,), or one number.
        allow_singular : bool
            Whether the covariance may be singular: then the density within the space that it spans, −∞ outside.

        Returns
        -------
        Array
            (…).

        Raises
        ------
        NotPositiveDefiniteError
            If the covariance is not positive definite and `allow_singular` is not set.

        Examples
        --------
        >>> import numpy as np, pullback as pb
        >>> from pullback.scipy.stats import multivariate_normal
        >>> pb.grad(lambda m: multivariate_normal.logpdf([1.0, 0.0], m, np.eye(2)))(np.zeros(2))
        array([1., 0.])
        """
        x, mean, cov = self._parameters(mean, cov, x)
        n = mean.shape[0]
        if x.ndim == 0:
            x = generated.reshape(x, (1,))
        elif x.ndim == 1 and n == 1:
            x = generated.expand_dims(x, axis=-1)
        if x.shape[-1] != n:
            raise ValueError(f"multivariate_normal: x of shape {x.shape} does not end with n = {n}")
        d = x - mean
        if allow_singular:
            return self._singular(d, cov, n)
        L = self._factor(cov)
        columns = generated.matrix_transpose(generated.reshape(d, (-1, n)))
        z = solve_triangular(L, columns, lower=True, check=False)
        log_size = generated.sum(generated.log(_linalg("diagonal")(L)))
        out = -0.5 * (n * LOG_TAU + generated.sum(z * z, axis=0)) - log_size
        return generated.reshape(out, d.shape[:-1])

    def _factor(self, cov: Array) -> Array:
        """L with L Lᵀ = cov; on the host, pivots are looked at as SciPy looks at eigenvalues."""
        try:
            L = _linalg("cholesky")(cov)
        except np.linalg.LinAlgError as error:
            raise NotPositiveDefiniteError(
                f"multivariate_normal: the covariance is not positive definite ({error}); use "
                f"allow_singular=True if it is "
                "meant to be singular"
            ) from None
        value = backend_array(L)
        if isinstance(value, np.ndarray) and value.size:
            pivots = np.diagonal(value) ** 2
            if pivots.min() < _limit(value.dtype) * pivots.max():
                raise NotPositiveDefiniteError(
                    "multivariate_normal: the covariance is singular to working precision; use "
                    "allow_singular=True if it is "
                    "meant to be"
                )
        return L

    def _eigenvalues(self, cov: Array) -> tuple[Array, Array, float]:
        """The eigenvalues, those that are not 0 (by SciPy's limit), and the limit over the largest."""
        s = _linalg("eigvalsh")(cov)
        relative = _limit(s.dtype)
        limit = relative * generated.max(generated.abs(constant(s)))
        if bool(generated.any(constant(s) < -limit)):
            raise NotPositiveDefiniteError(
                "multivariate_normal: the covariance has negative eigenvalues"
            )
        return s, constant(s) > limit, relative

    def _singular(self, d: Array, cov: Array, n: int) -> Array:
        s, kept, relative = self._eigenvalues(cov)
        rank = int(generated.sum(generated.astype(kept, s.dtype)))
        log_size = generated.sum(generated.log(generated.where(kept, s, 1.0)))
        inverse = _linalg("pinv")(cov, rtol=relative)
        out = -0.5 * (rank * LOG_TAU + generated.sum((d @ inverse) * d, axis=-1) + log_size)
        off = constant(d) - constant(d) @ constant(inverse) @ constant(cov)
        outside = generated.sqrt(generated.sum(off * off, axis=-1)) > 1e3 * relative
        return generated.where(outside, -math.inf, out)

    def pdf(
        self, x: ArrayLike, mean: ArrayLike = None, cov: ArrayLike = 1, allow_singular: bool = False
    ) -> Array:
        """The density."""
        return generated.exp(self.logpdf(x, mean, cov, allow_singular))

    def entropy(
        self, mean: ArrayLike = None, cov: ArrayLike = 1, allow_singular: bool = False
    ) -> Array:
        """``(n (1 + log 2π) + log det)/2``."""
        mean, cov = self._parameters(mean, cov)
        if allow_singular:
            s, kept, _ = self._eigenvalues(cov)
            rank = int(generated.sum(generated.astype(kept, s.dtype)))
            log_size = generated.sum(generated.log(generated.where(kept, s, 1.0)))
            return 0.5 * (rank * (1.0 + LOG_TAU) + log_size)
        L = self._factor(cov)
        log_size = generated.sum(generated.log(_linalg("diagonal")(L)))
        return 0.5 * mean.shape[0] * (1.0 + LOG_TAU) + log_size

    def cdf(self, x: ArrayLike, *args: Any, **kwargs: Any) -> Any:
        """The distribution function by SciPy, of constants."""
        import scipy.stats  # takes half a second

        x, args, kwargs = host(
            (x, args, kwargs), "multivariate_normal.cdf", "it is computed by random numbers"
        )
        return on_active(scipy.stats.multivariate_normal.cdf(x, *args, **kwargs))

    def rvs(
        self,
        mean: ArrayLike = None,
        cov: ArrayLike = 1,
        allow_singular: bool = True,
        size: Any = None,
        random_state: Any = None,
    ) -> Any:
        """Samples by SciPy, of constants."""
        return _sampled(self.name, (mean, cov), size, random_state)


class Dirichlet:
    """`dirichlet`: concentrations alpha (k,); points x (k, …) or (k − 1, …)."""

    name = "dirichlet"

    def __call__(self, alpha: ArrayLike) -> Frozen:
        """The distribution with its parameters fixed."""
        return Frozen(self, (alpha,), {})

    def _log_norm(self, alpha: Array) -> Array:
        """log B(α)."""
        return generated.sum(S.gammaln(alpha)) - S.gammaln(generated.sum(alpha))

    def _alpha(self, alpha: Array) -> Array:
        if alpha.ndim != 1:
            raise ValueError(f"dirichlet: alpha of shape {alpha.shape}; a vector is wanted")
        return alpha

    def logpdf(self, x: ArrayLike, alpha: ArrayLike) -> Array:
        """The logarithm of the density, ``Σ (α − 1) log x − log B(α)``; x_k by 1 − Σ x where it is left out.

        Raises
        ------
        ValueError
            If x does not lie within the simplex (looked at where x is on the host).

        Examples
        --------
        >>> import numpy as np, pullback as pb
        >>> from pullback.scipy.stats import dirichlet
        >>> pb.grad(lambda a: dirichlet.logpdf([0.25, 0.75], a))(np.asarray([1.0, 1.0]))
        array([-0.38629436,  0.71231793])
        """
        x, alpha = floating_arrays(x, alpha)
        k = self._alpha(alpha).shape[0]
        if x.shape[0] == k - 1:
            x = generated.concat([x, 1.0 - generated.sum(x, axis=0, keepdims=True)], axis=0)
        if x.shape[0] != k:
            raise ValueError(
                f"dirichlet: x of shape {x.shape} and alpha of length {k}: the first axis has to have length "
                f"{k} or {k - 1}"
            )
        value = backend_array(x)
        if isinstance(value, np.ndarray) and (
            value.min(initial=0) < 0 or np.abs(value.sum(axis=0) - 1).max(initial=0) > 1e-5
        ):
            raise ValueError(
                "dirichlet: x has to lie within the simplex: x ≥ 0, Σ x = 1 along the first axis"
            )
        column = generated.reshape(alpha, (k, *(1,) * (x.ndim - 1)))
        return generated.sum(S.xlogy(column - 1.0, x), axis=0) - self._log_norm(alpha)

    def pdf(self, x: ArrayLike, alpha: ArrayLike) -> Array:
        """The density."""
        return generated.exp(self.logpdf(x, alpha))

    def mean(self, alpha: ArrayLike) -> Array:
        """``α/Σα``."""
        (alpha,) = floating_arrays(alpha)
        return self._alpha(alpha) / generated.sum(alpha)

    def var(self, alpha: ArrayLike) -> Array:
        """The variances."""
        (alpha,) = floating_arrays(alpha)
        total = generated.sum(self._alpha(alpha))
        return alpha * (total - alpha) / (total * total * (total + 1.0))

    def entropy(self, alpha: ArrayLike) -> Array:
        """The differential entropy."""
        (alpha,) = floating_arrays(alpha)
        total = generated.sum(self._alpha(alpha))
        k = alpha.shape[0]
        return (
            self._log_norm(alpha)
            + (total - k) * S.digamma(total)
            - generated.sum((alpha - 1.0) * S.digamma(alpha))
        )

    def rvs(self, alpha: ArrayLike, size: Any = None, random_state: Any = None) -> Any:
        """Samples by SciPy, of constants."""
        return _sampled(self.name, (alpha,), size, random_state)


class Multinomial:
    """`multinomial`: n draws with probabilities p (…, k); counts x (…, k)."""

    name = "multinomial"

    def __call__(self, n: ArrayLike, p: ArrayLike) -> Frozen:
        """The distribution with its parameters fixed."""
        return Frozen(self, (n, p), {})

    def logpmf(self, x: ArrayLike, n: ArrayLike, p: ArrayLike) -> Array:
        """``log n! + Σ (x log p − log x!)``; −∞ where x are not counts of n draws.

        As in SciPy, the last probability is 1 minus the others.

        Examples
        --------
        >>> import numpy as np, pullback as pb
        >>> from pullback.scipy.stats import multinomial
        >>> pb.grad(lambda p: multinomial.logpmf([1, 2], 3, p))(np.asarray([0.5, 0.5]))
        array([-2.,  0.])
        """
        x, n, p = floating_arrays(x, n, p)
        x, n = constant(x), constant(n)
        rest = 1.0 - generated.sum(p[..., :-1], axis=-1, keepdims=True)
        p = generated.concat([p[..., :-1], rest], axis=-1)
        whole = (x >= 0) & (generated.floor(x) == x)
        inside = generated.all(whole, axis=-1) & (generated.sum(x, axis=-1) == n)
        safe = generated.where(whole, x, 0.0)
        terms = generated.sum(S.xlogy(safe, p) - S.gammaln(safe + 1.0), axis=-1)
        allowed = generated.all((constant(p) >= 0) & (constant(p) <= 1), axis=-1) & (n >= 0)
        out = S.gammaln(generated.where(n >= 0, n, 0.0) + 1.0) + terms
        return pick(inside & allowed, out, (allowed, -math.inf))

    def pmf(self, x: ArrayLike, n: ArrayLike, p: ArrayLike) -> Array:
        """The probability of the counts."""
        return generated.exp(self.logpmf(x, n, p))

    def mean(self, n: ArrayLike, p: ArrayLike) -> Array:
        """``n p``."""
        n, p = floating_arrays(n, p)
        return generated.expand_dims(n, axis=-1) * p if n.ndim else n * p

    def cov(self, n: ArrayLike, p: ArrayLike) -> Array:
        """``n (diag p − p pᵀ)``, for one n."""
        n, p = floating_arrays(n, p)
        outer = generated.expand_dims(p, axis=-1) * generated.expand_dims(p, axis=-2)
        return n * (create_diagonal(p) - outer)

    def rvs(self, n: ArrayLike, p: ArrayLike, size: Any = None, random_state: Any = None) -> Any:
        """Samples by SciPy, of constants."""
        return _sampled(self.name, (n, p), size, random_state)


multivariate_normal = MultivariateNormal()
dirichlet = Dirichlet()
multinomial = Multinomial()
