"""Kernels by name, with scikit-learn's parameters: ``k(X, Y)`` is the matrix of k(x_i, y_j); pytrees of their parameters.

Kernels are added, multiplied and raised to powers as numbers are. Distances are sums of squared differences, so that they
are exact 0 for equal points, and kernels are functions of the squares: derivatives in the points, the second too, are
right at distance 0 as far as the kernel has them.

Source: Rasmussen, Williams, Gaussian Processes for Machine Learning, 2006, chapter 4.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd import custom_vjp
from ..autograd.core.typing import Value
from ..autograd.functions import namespace as xp
from ..autograd.pytree.tree import static
from .module import Module

__all__ = [
    "RBF",
    "Constant",
    "ConstantKernel",
    "DotProduct",
    "ExpSineSquared",
    "Exponentiation",
    "Kernel",
    "Linear",
    "Matern",
    "Periodic",
    "Polynomial",
    "Product",
    "RationalQuadratic",
    "Sum",
    "White",
    "WhiteKernel",
]

Bounds = Any  # (low, high), or "fixed"
_WIDE = (1e-5, 1e5)


def _points(X: Value) -> Any:
    """Points as (n, d).

    Raises
    ------
    ValueError
        If they are not.
    """
    X = xp.asarray(X)
    if X.ndim != 2:
        raise ValueError(
            f"kernel: points are an array (n, d), not of shape {X.shape}; one feature: X.reshape(-1, 1)"
        )
    return X


def _number(value: Any, like: Any) -> Any:
    """A parameter in the dtype of the points."""
    if not hasattr(value, "dtype"):
        return xp.asarray(value, dtype=like.dtype) if isinstance(value, list | tuple) else value
    value = xp.asarray(value)
    return value if value.dtype == like.dtype else xp.astype(value, like.dtype)


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
    X, Y = _points(X), _points(Y)
    if X.shape[1] != Y.shape[1]:
        raise ValueError(f"kernel: points with {X.shape[1]} and with {Y.shape[1]} features")
    scale = _number(length_scale, X)
    if getattr(scale, "ndim", 0) and scale.shape not in ((1,), (X.shape[1],)):
        raise ValueError(
            f"kernel: length_scale has shape {scale.shape}; give a number, or one for each of {X.shape[1]} features"
        )
    X, Y = X / scale, Y / scale
    # differences, not ‖x‖² − 2 x·y + ‖y‖², which cancels for points that are near
    difference = xp.expand_dims(X, axis=1) - xp.expand_dims(Y, axis=0)
    return xp.sum(difference * difference, axis=-1)


class Kernel(Module):
    """The base of kernels; one of your own has ``matrix(X, Y)`` and, where k(x, x) is not 1, ``diag(X)``."""

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        raise NotImplementedError(f"{type(self).__name__} has no matrix(X, Y)")

    def diag(self, X: Value) -> Any:
        """k(x_i, x_i), (n,)."""
        X = _points(X)
        return xp.ones_like(X[:, 0])

    def __call__(self, X: Value, Y: Value = None) -> Any:
        """The matrix (n, m) of points X (n, d) and Y (m, d); of X and X where Y is not given, with `White`'s noise."""
        X = _points(X)
        return self.matrix(X, X if Y is None else _points(Y)) + self._noise(X, Y)

    def _noise(self, X: Value, Y: Value) -> Any:
        """What is added where the points are the same ones, not others at the same place."""
        return 0.0

    def bounds(self) -> list[tuple[str, Any]]:
        """The names of the parameters, and their bounds for `GaussianProcessRegressor`: (low, high) or "fixed"."""
        return []

    def __add__(self, other: Any) -> Sum:
        return Sum(self, _kernel(other))

    def __radd__(self, other: Any) -> Sum:
        return Sum(_kernel(other), self)

    def __mul__(self, other: Any) -> Product:
        return Product(self, _kernel(other))

    def __rmul__(self, other: Any) -> Product:
        return Product(_kernel(other), self)

    def __pow__(self, exponent: float) -> Exponentiation:
        return Exponentiation(self, exponent)


def _kernel(x: Any) -> Kernel:
    return x if isinstance(x, Kernel) else Constant(x)


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
    length_scale_bounds: Bounds = static(default=_WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        return xp.exp(-0.5 * squared_distances(X, Y, self.length_scale))

    def bounds(self) -> list[tuple[str, Any]]:
        """As `Kernel.bounds`."""
        return [("length_scale", self.length_scale_bounds)]


# ── Matérn's kernels, as functions of s = 2 ν d² ──────────────────────────────────────────────
# With r = √s: m₁ = e^{−r}, m₃ = (1 + r) e^{−r}, m₅ = (1 + r + s/3) e^{−r}, and m₃' = −½ m₁, m₅' = −⅙ m₃: derivatives in s
# that have no r in a denominator, where those of the formulas cancel near 0. m₁' = −e^{−r} / (2 r) is not finite at 0 and
# counts as 0 there: it is the kink of the kernel for m₁, and is multiplied by (ds/dx)² = 0 in the second derivative of m₃.


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

_MATERN = {0.5: _m1, 1.5: _m3, 2.5: _m5}


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
    The derivatives in the points at distance 0 are right as far as they exist: the first and the second for ν = 3/2, four
    for 5/2. For ν = ½ the kernel has a kink there; its derivatives at distance 0 count as 0. Those in the length scales
    exist for each.

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
    length_scale_bounds: Bounds = static(default=_WIDE)
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
        """As `Kernel.bounds`."""
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
    length_scale_bounds: Bounds = static(default=_WIDE)
    alpha_bounds: Bounds = static(default=_WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        square = squared_distances(X, Y, self.length_scale)
        alpha = _number(self.alpha, square)
        return xp.exp(-alpha * xp.log1p(square / (2 * alpha)))

    def bounds(self) -> list[tuple[str, Any]]:
        """As `Kernel.bounds`, in scikit-learn's order."""
        return [("alpha", self.alpha_bounds), ("length_scale", self.length_scale_bounds)]


# ── a sine of the distance, as a function of its square ───────────────────────────────────────


@custom_vjp
def _sine_squared(z: Any) -> Any:
    return xp.sin(_roots(z)[0]) ** 2


# d/dz sin²√z = sin(2 √z) / (2 √z) = sinc(2 √z / π), which is even in √z; its own derivative is a limit at 0
_sine_squared.defvjp(lambda z: (_sine_squared.f(z), z), lambda z, ct: (ct * _sine_over(z),))


@custom_vjp
def _sine_over(z: Any) -> Any:
    return xp.sinc(2 * _roots(z)[0] / math.pi)


def _sine_over_slope(z: Any) -> Any:
    """d/dz of sin(2 √z) / (2 √z): (cos(2r) − sin(2r) / (2r)) / (2 z), and −⅔ + 4 z / 15 near 0."""
    r, _ = _roots(z)
    small = z < 1e-4
    far = xp.where(small, xp.ones_like(z), z)
    root = xp.sqrt(far)
    away = (xp.cos(2 * root) - xp.sin(2 * root) / (2 * root)) / (2 * far)
    return xp.where(small, -2 / 3 + z * (4 / 15 - z * (4 / 105)), away)


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
    >>> pb.models.kernels.Periodic(1.0, 2.0)(pb.xp.asarray([[0.0], [1.0], [2.0]]))[0].round(6)
    Array([1.      , 0.135335, 1.      ], dtype=float64, device='cpu')
    """

    length_scale: Any = 1.0
    periodicity: Any = 1.0
    length_scale_bounds: Bounds = static(default=_WIDE)
    periodicity_bounds: Bounds = static(default=_WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        square = squared_distances(X, Y)
        period, scale = _number(self.periodicity, square), _number(self.length_scale, square)
        return xp.exp(-2 * _sine_squared(square * (math.pi / period) ** 2) / scale**2)

    def bounds(self) -> list[tuple[str, Any]]:
        """As `Kernel.bounds`."""
        return [
            ("length_scale", self.length_scale_bounds), ("periodicity", self.periodicity_bounds)
        ]  # fmt: skip


class Linear(Kernel):
    """``σ₀² + x · y``: linear functions with an intercept; scikit-learn's `DotProduct`.

    Parameters
    ----------
    sigma_0 : float
        σ₀; 0 for functions through the origin.
    sigma_0_bounds : pair of float or "fixed"

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.kernels.Linear(1.0)(pb.xp.asarray([[1.0, 2.0], [0.0, 1.0]]))
    Array([[6., 3.],
           [3., 2.]], dtype=float64, device='cpu')
    """

    sigma_0: Any = 1.0
    sigma_0_bounds: Bounds = static(default=_WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        return X @ xp.matrix_transpose(Y) + _number(self.sigma_0, X) ** 2

    def diag(self, X: Value) -> Any:
        """σ₀² + ‖x‖², (n,)."""
        X = _points(X)
        return xp.sum(X * X, axis=1) + _number(self.sigma_0, X) ** 2

    def bounds(self) -> list[tuple[str, Any]]:
        """As `Kernel.bounds`."""
        return [("sigma_0", self.sigma_0_bounds)]


class Polynomial(Kernel):
    """``(γ x · y + c)^degree``, with the parameters of scikit-learn's `KernelRidge` and `SVC`.

    Parameters
    ----------
    degree : int
        At least 1.
    gamma : float, optional
        γ; one over the number of features where it is not given.
    coef0 : float
        c.

    Raises
    ------
    ValueError
        For a degree that is no integer of at least 1.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.kernels.Polynomial(2, gamma=1.0)(pb.xp.asarray([[1.0, 2.0], [0.0, 1.0]]))
    Array([[36.,  9.],
           [ 9.,  4.]], dtype=float64, device='cpu')
    """

    degree: int = static(default=3)
    gamma: Any = None
    coef0: Any = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.degree, bool) or not isinstance(self.degree, int) or self.degree < 1:
            raise ValueError(
                f"Polynomial: degree={self.degree!r}; it has to be an integer of at least 1"
            )

    def _of(self, products: Any, features: int) -> Any:
        gamma = 1 / features if self.gamma is None else _number(self.gamma, products)
        return (gamma * products + _number(self.coef0, products)) ** self.degree

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        return self._of(X @ xp.matrix_transpose(Y), X.shape[1])

    def diag(self, X: Value) -> Any:
        """k(x, x), (n,)."""
        X = _points(X)
        return self._of(xp.sum(X * X, axis=1), X.shape[1])

    def bounds(self) -> list[tuple[str, Any]]:
        """Fixed: scikit-learn has no such kernel for Gaussian processes."""
        return [(name, "fixed") for name in ("gamma", "coef0") if getattr(self, name) is not None]


class Constant(Kernel):
    """The same number everywhere: a factor of another kernel, or the variance of an unknown mean.

    Parameters
    ----------
    constant_value : float
    constant_value_bounds : pair of float or "fixed"

    Examples
    --------
    >>> import pullback as pb
    >>> (2.0 * pb.models.kernels.RBF())(pb.xp.asarray([[0.0]]))
    Array([[2.]], dtype=float64, device='cpu')
    """

    constant_value: Any = 1.0
    constant_value_bounds: Bounds = static(default=_WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """The number, (n, m)."""
        ones = xp.expand_dims(xp.ones_like(X[:, 0]), axis=1) * xp.ones_like(Y[:, 0])
        return _number(self.constant_value, X) * ones

    def diag(self, X: Value) -> Any:
        """The number, (n,)."""
        X = _points(X)
        return _number(self.constant_value, X) * xp.ones_like(X[:, 0])

    def bounds(self) -> list[tuple[str, Any]]:
        """As `Kernel.bounds`."""
        return [("constant_value", self.constant_value_bounds)]


class White(Kernel):
    """Independent noise: its variance on the diagonal of k(X), nothing in k(X, Y).

    Parameters
    ----------
    noise_level : float
        The variance.
    noise_level_bounds : pair of float or "fixed"

    Examples
    --------
    >>> import pullback as pb
    >>> X = pb.xp.asarray([[0.0], [0.0]])
    >>> k = pb.models.kernels.White(0.5)
    >>> k(X), k(X, X)
    (Array([[0.5, 0. ],
           [0. , 0.5]], dtype=float64, device='cpu'), Array([[0., 0.],
           [0., 0.]], dtype=float64, device='cpu'))
    """

    noise_level: Any = 1.0
    noise_level_bounds: Bounds = static(default=_WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """Zeros, (n, m)."""
        return xp.expand_dims(xp.zeros_like(X[:, 0]), axis=1) * xp.zeros_like(Y[:, 0])

    def _noise(self, X: Value, Y: Value) -> Any:
        return 0.0 if Y is not None else xp.create_diagonal(self.diag(X))

    def diag(self, X: Value) -> Any:
        """The variance, (n,)."""
        X = _points(X)
        return _number(self.noise_level, X) * xp.ones_like(X[:, 0])

    def bounds(self) -> list[tuple[str, Any]]:
        """As `Kernel.bounds`."""
        return [("noise_level", self.noise_level_bounds)]


# ── kernels of kernels ────────────────────────────────────────────────────────────────────────


class Sum(Kernel):
    """``k1(x, y) + k2(x, y)``: written k1 + k2."""

    k1: Any
    k2: Any

    def __call__(self, X: Value, Y: Value = None) -> Any:
        """The sum of both matrices."""
        return self.k1(X, Y) + self.k2(X, Y)

    def diag(self, X: Value) -> Any:
        """The sum of both diagonals."""
        return self.k1.diag(X) + self.k2.diag(X)


class Product(Kernel):
    """``k1(x, y) · k2(x, y)``: written k1 * k2."""

    k1: Any
    k2: Any

    def __call__(self, X: Value, Y: Value = None) -> Any:
        """The elementwise product of both matrices."""
        return self.k1(X, Y) * self.k2(X, Y)

    def diag(self, X: Value) -> Any:
        """The product of both diagonals."""
        return self.k1.diag(X) * self.k2.diag(X)


class Exponentiation(Kernel):
    """``k(x, y)^exponent``: written k ** exponent."""

    kernel: Any
    exponent: float = static()

    def __call__(self, X: Value, Y: Value = None) -> Any:
        """The power of each element."""
        return self.kernel(X, Y) ** self.exponent

    def diag(self, X: Value) -> Any:
        """The power of the diagonal."""
        return self.kernel.diag(X) ** self.exponent


# scikit-learn's names
ExpSineSquared, DotProduct, ConstantKernel, WhiteKernel = Periodic, Linear, Constant, White


def __dir__() -> list[str]:
    return sorted(__all__)
