"""Kernels of the distance between points: RBF, Matérn, rational quadratic, periodic.

Distances are sums of squared differences, so that they are exactly 0 for equal points, and kernels are functions of the
squares: derivatives in the points, the second too, are right at distance 0 as far as the kernel has them.

Source: Rasmussen, Williams, Gaussian Processes for Machine Learning, 2006, section 4.2.
"""

from __future__ import annotations

import math
from typing import Any

from ...autograd import custom_vjp
from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from .base import WIDE, Bounds, Kernel, number_like, points_of


def squared_distances(X: Value, Y: Value, length_scale: Any = 1.0) -> Any:
    """Σ_k ((x_ik − y_jk) / ℓ_k)², (n, m).

    Parameters
    ----------
    X, Y : array (n, d), (m, d)
    length_scale : float or array (d,)

    Raises
    ------
    ValueError
        If the numbers of features differ.
    """
    X, Y = points_of(X), points_of(Y)
    if X.shape[1] != Y.shape[1]:
        raise ValueError(f"kernel: points with {X.shape[1]} and with {Y.shape[1]} features")
    scale = number_like(length_scale, X)
    if getattr(scale, "ndim", 0) and scale.shape not in ((1,), (X.shape[1],)):
        raise ValueError(
            f"kernel: length_scale has shape {scale.shape}; give a number, or one for each of {X.shape[1]} features"
        )
    X, Y = X / scale, Y / scale
    # a common shift does not change distances, and small numbers keep the digits of the derivatives
    centre = xp.stop_gradient(xp.mean(X, axis=0))
    return _squared_distances(X - centre, Y - centre)


@custom_vjp
def _squared_distances(X: Any, Y: Any) -> Any:
    # differences, not ‖x‖² − 2 x·y + ‖y‖², which cancels for points that are near
    if X.shape[1] > _FEATURES:
        difference = xp.expand_dims(X, axis=1) - xp.expand_dims(Y, axis=0)
        return xp.sum(difference * difference, axis=-1)
    total: Any = 0.0
    for k in range(X.shape[1]):
        difference = xp.expand_dims(X[:, k], axis=1) - Y[:, k]
        total = total + difference * difference
    return total


def _distances_pull(points: Any, ct: Any) -> tuple[Any, Any]:
    """x̄_i = 2 Σ_j c_ij (x_i − y_j), ȳ_j = 2 Σ_i c_ij (y_j − x_i): products with C, no array of n × m × d."""
    X, Y = points
    rows, columns = (xp.expand_dims(xp.sum(ct, axis=axis), axis=1) for axis in (1, 0))
    return 2 * (rows * X - ct @ Y), 2 * (columns * Y - xp.matrix_transpose(ct) @ X)


_squared_distances.defvjp(lambda X, Y: (_squared_distances.f(X, Y), (X, Y)), _distances_pull)
# The number of features up to which they are taken one after the other, in a third of the time.
_FEATURES = 16


class RBF(Kernel):
    """``exp(−½ Σ_k ((x_k − y_k) / ℓ_k)²)``, the squared exponential kernel.

    Parameters
    ----------
    length_scale : float or array (d,)
        ℓ; one for each feature makes it anisotropic (automatic relevance determination).
    length_scale_bounds : pair of float or "fixed"
        For `GaussianProcessRegressor`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.kernels.RBF(2.0)(pb.xp.asarray([[0.0], [2.0]]))
    Array([[1.        , 0.60653066],
           [0.60653066, 1.        ]], dtype=float64, device='cpu')
    """

    length_scale: Any = 1.0
    length_scale_bounds: Bounds = static(default=WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        return xp.exp(-0.5 * squared_distances(X, Y, self.length_scale))

    def bounds(self) -> list[tuple[str, Any]]:
        """The names of the parameters, and their bounds: see `Kernel.bounds`."""
        return [("length_scale", self.length_scale_bounds)]


# ── Matérn's kernels, as functions of s = 2 ν d² ──────────────────────────────────────────────
# With r = √s: m₁ = e^{−r}, m₃ = (1 + r) e^{−r}, m₅ = (1 + r + s/3) e^{−r}, and m₃' = −½ m₁, m₅' = −⅙ m₃: derivatives in
# s that have no r in a denominator, where those of the formulas cancel near 0. m₁' = −e^{−r} / (2 r) is not finite at 0
# and counts as 0 there: for m₁ it is the kink of the kernel, in the second derivative of m₃ a factor of (ds/dx)² = 0.


def _roots(s: Any) -> tuple[Any, Any]:
    """√s, by a root of what is not 0, and where s is positive."""
    positive = s > 0
    return xp.where(positive, xp.sqrt(xp.where(positive, s, xp.ones_like(s))), 0 * s), positive


def _m1(s: Any) -> Any:
    return xp.exp(-_roots(s)[0])


@custom_vjp
def _m3(s: Any) -> Any:
    r, _ = _roots(s)
    return (1 + r) * xp.exp(-r)


_m3.defvjp(lambda s: (_m3.f(s), s), lambda s, ct: (-0.5 * ct * _m1(s),))


@custom_vjp
def _m5(s: Any) -> Any:
    r, _ = _roots(s)
    return (1 + r + s / 3) * xp.exp(-r)


_m5.defvjp(lambda s: (_m5.f(s), s), lambda s, ct: (-ct * _m3(s) / 6,))

_MATERN: dict[float, Any] = {0.5: _m1, 1.5: _m3, 2.5: _m5}


class Matern(Kernel):
    """Matérn's kernel with ν = ½, 3/2, 5/2, or ∞, which is `RBF`.

    With ``r = √(2 ν) d`` and d the distance in units of the length scales: ``e^{−r}``, ``(1 + r) e^{−r}``,
    ``(1 + r + r²/3) e^{−r}``: functions with 0, 1 and 2 derivatives.

    Parameters
    ----------
    length_scale : float or array (d,)
    length_scale_bounds : pair of float or "fixed"
    nu : float
        0.5, 1.5, 2.5 or infinity.

    Raises
    ------
    NotImplementedError
        For another ν, whose kernel is a Bessel function of order ν.

    Notes
    -----
    The derivatives in the points at distance 0 are right as far as they exist: the first and the second for ν = 3/2,
    four for 5/2. For ν = ½ the kernel has a kink there; its derivatives at distance 0 count as 0. Those in the length
    scales exist for each.

    Examples
    --------
    >>> import pullback as pb
    >>> k = pb.models.kernels.Matern(nu=1.5)
    >>> k(pb.xp.asarray([[0.0], [1.0]]))
    Array([[1.        , 0.48335772],
           [0.48335772, 1.        ]], dtype=float64, device='cpu')
    >>> x = pb.xp.asarray([[0.3]])
    >>> pb.to_numpy(pb.hessian(lambda y: pb.xp.sum(k(x, y)))(x)).round(6).ravel()  # −3 / ℓ²
    array([-3.])
    """

    length_scale: Any = 1.0
    length_scale_bounds: Bounds = static(default=WIDE)
    nu: float = static(default=1.5)

    def __post_init__(self) -> None:
        if self.nu not in _MATERN and self.nu != math.inf:
            raise NotImplementedError(
                f"Matern: nu={self.nu!r}; there are 0.5, 1.5, 2.5 and inf: others are Bessel functions of that order"
            )

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        square = squared_distances(X, Y, self.length_scale)
        if self.nu == math.inf:
            return xp.exp(-0.5 * square)
        return _MATERN[self.nu](2 * self.nu * square)

    def bounds(self) -> list[tuple[str, Any]]:
        """The names of the parameters, and their bounds: see `Kernel.bounds`."""
        return [("length_scale", self.length_scale_bounds)]


class RationalQuadratic(Kernel):
    """``(1 + d² / (2 α ℓ²))^−α``: a mixture of `RBF` kernels of many length scales.

    Parameters
    ----------
    length_scale, alpha : float
        ℓ and α.
    length_scale_bounds, alpha_bounds : pair of float or "fixed"

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.kernels.RationalQuadratic(1.0, 0.5)(pb.xp.asarray([[0.0], [3.0]]))
    Array([[1.        , 0.31622777],
           [0.31622777, 1.        ]], dtype=float64, device='cpu')
    """

    length_scale: Any = 1.0
    alpha: Any = 1.0
    length_scale_bounds: Bounds = static(default=WIDE)
    alpha_bounds: Bounds = static(default=WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        square = squared_distances(X, Y, self.length_scale)
        alpha = number_like(self.alpha, square)
        return xp.exp(-alpha * xp.log1p(square / (2 * alpha)))

    def bounds(self) -> list[tuple[str, Any]]:
        """The names of the parameters, in scikit-learn's order, and their bounds: see `Kernel.bounds`."""
        return [("alpha", self.alpha_bounds), ("length_scale", self.length_scale_bounds)]


# ── a sine of the distance, as a function of its square ───────────────────────────────────────


@custom_vjp
def _sine_squared(z: Any) -> Any:
    return xp.sin(_roots(z)[0]) ** 2


@custom_vjp
def _sine_over(z: Any) -> Any:
    return xp.sinc(2 * _roots(z)[0] / math.pi)


def _sine_over_slope(z: Any) -> Any:
    """d/dz of sin(2 √z) / (2 √z): (cos(2r) − sin(2r) / (2r)) / (2 z), and −⅔ + 4 z / 15 near 0."""
    small = z < 1e-4
    far = xp.where(small, xp.ones_like(z), z)
    root = xp.sqrt(far)
    away = (xp.cos(2 * root) - xp.sin(2 * root) / (2 * root)) / (2 * far)
    return xp.where(small, -2 / 3 + z * (4 / 15 - z * (4 / 105)), away)


# d/dz sin²√z = sin(2 √z) / (2 √z) = sinc(2 √z / π), which is even in √z; its own derivative is a limit at 0
_sine_squared.defvjp(lambda z: (_sine_squared.f(z), z), lambda z, ct: (ct * _sine_over(z),))
_sine_over.defvjp(lambda z: (_sine_over.f(z), z), lambda z, ct: (ct * _sine_over_slope(z),))


class Periodic(Kernel):
    """``exp(−2 sin²(π d / p) / ℓ²)``: functions that repeat with period p; scikit-learn's `ExpSineSquared`.

    Parameters
    ----------
    length_scale, periodicity : float
        ℓ and p.
    length_scale_bounds, periodicity_bounds : pair of float or "fixed"

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.kernels.Periodic(1.0, 2.0)(pb.xp.asarray([[0.0], [1.0], [2.0]]))[0]
    Array([1.        , 0.13533528, 1.        ], dtype=float64, device='cpu')
    """

    length_scale: Any = 1.0
    periodicity: Any = 1.0
    length_scale_bounds: Bounds = static(default=WIDE)
    periodicity_bounds: Bounds = static(default=WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        square = squared_distances(X, Y)
        period, scale = (
            number_like(self.periodicity, square),
            number_like(self.length_scale, square),
        )
        return xp.exp(-2 * _sine_squared(square * (math.pi / period) ** 2) / scale**2)

    def bounds(self) -> list[tuple[str, Any]]:
        """The names of the parameters, and their bounds: see `Kernel.bounds`."""
        return [
            ("length_scale", self.length_scale_bounds), ("periodicity", self.periodicity_bounds)
        ]  # fmt: skip
