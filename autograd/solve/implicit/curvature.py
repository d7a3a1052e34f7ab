"""The quadratic model of a function at a point: its Hessian, and the steps that minimise the model within a radius.

Up to some hundred unknowns the Hessian is written out and its eigenvalues are taken on the host, in double precision;
then the step of a trust region is exact, the *hard case* included, where the gradient has no part along the most
negative curvature (Moré and Sorensen, Computing a trust region step, 1983). Beyond, only products with the Hessian are
used: conjugate gradients cut off at the radius or at negative curvature (Steihaug, 1983), and Lanczos' method for the
lowest eigenvalue, asked for only where the gradient is small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ....backend import backend_of
from ...core.dtypes import as_numpy
from ...core.namespaces import namespace_of
from ...core.typing import XP, RawArray
from ..iterative.iteration import numbers

PRODUCTS = 200  # of conjugate gradients for one step
VECTORS = 60  # of Lanczos' method
BISECTIONS = 120


class Curvature(Protocol):
    """The model g·d + ½ d·H d at a point.

    Attributes
    ----------
    lowest, largest : float
        The lowest eigenvalue, as far as it is known, and the largest size of one.
    flattest : array or None
        The direction that belongs to the lowest eigenvalue.
    """

    lowest: float
    largest: float
    flattest: Any

    def negative(self) -> bool:
        """Whether the lowest eigenvalue is below zero, by more than rounding."""

    def newton_length(self) -> float:
        """The length of Newton's step, how far the minimum of the model is."""

    def first_radius(self, length: float) -> float:
        """A first guess of how far the model holds; `length` is the size of the vector."""

    def step(self, radius: float) -> tuple[Any, float, float]:
        """The step that minimises the model within the radius, what it promises, and its length."""


# ── the Hessian written out ───────────────────────────────────────────────────────────────────


class Spectrum:
    """The curvature by all eigenvalues, on the host. Those of rounding size are set to a small positive number."""

    def __init__(
        self, values: np.ndarray, vectors: np.ndarray, g: np.ndarray, eps: float, like: RawArray
    ) -> None:
        self.vectors, self.like = vectors, like
        self.g = vectors.T @ g
        self.largest = float(np.max(np.abs(values)))
        self.lowest = float(values[0])
        rounding = 10 * len(g) * eps * self.largest
        self.values = np.where(np.abs(values) <= rounding, eps**0.5 * self.largest, values)
        order = np.argsort(self.values, kind="stable")
        self.values, self.g, self.vectors = self.values[order], self.g[order], vectors[:, order]
        self.flattest = self._on_device(_signed(vectors[:, 0]))

    def _on_device(self, x: np.ndarray) -> Any:
        xp, like = namespace_of(self.like), self.like
        x = x.astype(as_numpy(like.dtype))
        return xp.asarray(backend_of(like).asarray(x), dtype=like.dtype, device=like.device)

    def negative(self) -> bool:
        """See `Curvature`."""
        return bool(self.values[0] < 0)

    def newton_length(self) -> float:
        """See `Curvature`."""
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            parts = np.where(self.g == 0, 0.0, self.g / np.abs(self.values))
        return _size(parts)

    def first_radius(self, length: float) -> float:
        """See `Curvature`."""
        if self.values[0] > 0:
            return self.newton_length() or length or 1.0
        slope = _size(self.g)
        if slope == 0:
            return 0.1 * (length or 1.0)
        unit = self.g / slope
        bend = abs(float(unit @ (self.values * unit)))
        return slope / bend if bend > 0 and slope / bend < math.inf else length or 1.0

    def step(self, radius: float) -> tuple[Any, float, float]:
        """See `Curvature`."""
        values, g = self.values, self.g
        part = -g / values if values[0] > 0 else None
        if part is None or not _size(part) <= radius:
            part = self._at(radius)
        # written so that neither g nor the values are squared: both may be tiny
        promised = -float(np.sum(part * (g + 0.5 * values * part)))
        return self._on_device(self.vectors @ part), promised, _size(part)

    def _at(self, radius: float) -> np.ndarray:
        """The step of that length: −(H + μ)⁻¹ g with μ ≥ max(0, −lowest), by bisection of what μ is above that."""
        values, g = self.values, self.g
        beyond = values - min(values[0], 0.0)
        upper = _size(g) / radius

        def step(extra: float) -> np.ndarray:
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                return np.where(g == 0, 0.0, -g / (beyond + extra))

        low, high = upper * 1e-20, upper
        if upper > 0 and _size(step(low)) > radius:
            for _ in range(BISECTIONS):
                middle = math.sqrt(low) * math.sqrt(high)
                low, high = (middle, high) if _size(step(middle)) > radius else (low, middle)
            return step(high)
        # the hard case: what is left of the radius goes along the lowest eigenvector
        flat = beyond <= 1e-12 * self.largest
        part = np.where(flat, 0.0, -g / np.where(flat, 1.0, beyond))
        rest = math.sqrt(max(radius * radius - _size(part) ** 2, 0.0))
        lean = self.vectors[:, 0]
        sign = -np.sign(g[0]) if g[0] != 0 else np.sign(lean[np.argmax(np.abs(lean))])
        part[0] = sign * rest
        return part


def _size(x: np.ndarray) -> float:
    """‖x‖, without overflow or underflow of the squares."""
    largest = float(np.max(np.abs(x)))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(x / largest))


def _signed(x: np.ndarray) -> np.ndarray:
    """The vector with its largest element made positive, so that all libraries agree on its sign."""
    return -x if x[np.argmax(np.abs(x))] < 0 else x


class NoCurvature:
    """The curvature of a Hessian that holds NaN or infinity; nothing but `largest` is read of it."""

    lowest = largest = math.nan
    flattest = None

    def negative(self) -> bool:
        """See `Curvature`."""
        return False

    def newton_length(self) -> float:
        """See `Curvature`."""
        return math.nan

    def first_radius(self, length: float) -> float:
        """See `Curvature`."""
        return math.nan

    def step(self, radius: float) -> tuple[Any, float, float]:
        """See `Curvature`."""
        raise FloatingPointError("argmin: the Hessian holds NaN or infinity")


def dense_curvature(
    hessian: Callable[[Any], Any], v: RawArray, g: RawArray, forcing: float
) -> Curvature:
    """The curvature by the Hessian itself."""
    H = hessian(v)
    backend = backend_of(H)
    H, g = (np.asarray(backend.to_numpy(x), np.float64) for x in (H, g))
    if not np.isfinite(H).all():
        return NoCurvature()
    values, vectors = np.linalg.eigh(0.5 * (H + H.T))
    return Spectrum(values, vectors, g, float(np.finfo(as_numpy(v.dtype)).eps), v)


# ── products with the Hessian ─────────────────────────────────────────────────────────────────


class Products:
    """The curvature by conjugate gradients and Lanczos' method."""

    def __init__(
        self, times: Callable[[Any], Any], g: RawArray, forcing: float, eps: float
    ) -> None:
        self.times, self.g, self.forcing, self.eps = times, g, forcing, eps
        self.xp = namespace_of(g)
        self.lowest, self.largest = math.inf, 0.0
        self.flattest: Any = None
        self._bent = False  # whether conjugate gradients met negative curvature
        self._searched = False
        (largest,) = numbers(self.xp, self.xp.max(self.xp.abs(g)))
        self.unit = largest or 1.0  # the gradient is divided by it, that no square underflows
        self._inner = self._steihaug(math.inf)

    def negative(self) -> bool:
        """See `Curvature`."""
        if not self._bent and not self._searched:
            self._searched = True
            self._lanczos()
        return self._bent or self.lowest < -10 * self.g.shape[0] * self.eps * self.largest

    def newton_length(self) -> float:
        """See `Curvature`."""
        return self._inner[2]

    def first_radius(self, length: float) -> float:
        """See `Curvature`."""
        if 0 < self._inner[2] < math.inf and not self._bent:
            return self._inner[2]
        slope = numbers(self.xp, self.xp.linalg.vector_norm(self.g / self.unit))[0] * self.unit
        if slope == 0 or self.largest == 0:
            return 0.1 * (length or 1.0)
        return slope / self.largest

    def step(self, radius: float) -> tuple[Any, float, float]:
        """See `Curvature`."""
        (slope,) = numbers(self.xp, self.xp.max(self.xp.abs(self.g)))
        if slope == 0 or (
            not self._bent and self._searched and self.lowest < 0 and self.negative()
        ):
            return self._along(radius)
        if self._inner[2] <= radius and not self._bent:
            return self._inner
        return self._steihaug(radius)

    def _along(self, radius: float) -> tuple[Any, float, float]:
        """Down the direction of negative curvature that Lanczos' method found."""
        (slope,) = numbers(self.xp, self.xp.vecdot(self.g, self.flattest))
        step = (-radius if slope > 0 else radius) * self.flattest
        return step, radius * abs(slope) - 0.5 * radius * radius * self.lowest, radius

    def _steihaug(self, radius: float) -> tuple[Any, float, float]:
        """Conjugate gradients from 0, to the radius, to negative curvature, or to a small residual."""
        xp, unit = self.xp, self.unit
        r = -self.g / unit
        z, Hz, d = xp.zeros_like(r), xp.zeros_like(r), r
        (rr,) = numbers(xp, xp.vecdot(r, r))
        wanted = self.forcing**2 * rr
        for _ in range(min(PRODUCTS, 2 * r.shape[0])):
            if not rr > wanted:
                break
            q = self.times(d)
            bend, dd, qq = numbers(xp, xp.vecdot(d, q), xp.vecdot(d, d), xp.vecdot(q, q))
            if not math.isfinite(bend):
                self.largest = math.nan
                break
            self.largest = max(self.largest, math.sqrt(qq / dd))
            if bend / dd < self.lowest:
                self.lowest, self.flattest = bend / dd, d / math.sqrt(dd)
            rounding = 10 * r.shape[0] * self.eps * self.largest * dd
            if abs(bend) <= rounding:
                bend = self.eps**0.5 * self.largest * dd
            if bend <= 0:
                self._bent = self._bent or bend < 0
                if math.isinf(radius):
                    return z * unit, 0.0, math.inf
                z, Hz = _to_radius(xp, z, Hz, d, q, radius / unit)
                break
            alpha = rr / bend
            if (
                not math.isinf(radius)
                and numbers(xp, xp.linalg.vector_norm(z + alpha * d))[0] >= radius / unit
            ):
                z, Hz = _to_radius(xp, z, Hz, d, q, radius / unit)
                break
            z, Hz, r = z + alpha * d, Hz + alpha * q, r - alpha * q
            (new,) = numbers(xp, xp.vecdot(r, r))
            d, rr = r + (new / rr) * d, new
        slope, bend, length = numbers(
            xp, xp.vecdot(self.g, z), xp.vecdot(z, Hz), xp.linalg.vector_norm(z)
        )
        return z * unit, -(slope * unit + 0.5 * bend * unit * unit), length * unit

    def _lanczos(self) -> None:
        """The lowest eigenvalue and its direction, from a fixed start, with every vector made orthogonal to all."""
        xp, n = self.xp, self.g.shape[0]
        positions = xp.astype(xp.arange_like(n, self.g), self.g.dtype)
        w = 1.5 + xp.cos(positions * 2.399963)  # no multiple of it is orthogonal to simple patterns
        basis: list[Any] = []
        alphas: list[float] = []
        betas: list[float] = []
        beta = numbers(xp, xp.linalg.vector_norm(w))[0]
        for _ in range(min(n, VECTORS)):
            q = w / beta
            basis.append(q)
            w = self.times(q)
            alphas.append(numbers(xp, xp.vecdot(q, w))[0])
            for _twice in range(2):
                for old in basis:
                    w = w - xp.vecdot(old, w) * old
            (beta,) = numbers(xp, xp.linalg.vector_norm(w))
            if (
                not math.isfinite(beta)
                or beta <= 10 * self.eps * max(map(abs, alphas), default=0.0)
                or beta == 0
            ):
                break
            betas.append(beta)
        k = len(alphas)
        if not np.isfinite(alphas).all():
            self.largest = math.nan
            return
        values, vectors = np.linalg.eigh(
            np.diag(alphas) + np.diag(betas[: k - 1], 1) + np.diag(betas[: k - 1], -1)
        )
        self.largest = max(self.largest, float(np.max(np.abs(values))))
        if values[0] < self.lowest:
            self.lowest = float(values[0])
            self.flattest = sum(
                float(c) * q for c, q in zip(_signed(vectors[:, 0]), basis, strict=True)
            )


def _to_radius(xp: XP, z: Any, Hz: Any, d: Any, q: Any, radius: float) -> tuple[Any, Any]:
    """z + τ d on the sphere, τ > 0, and its product with H."""
    zz, zd, dd = numbers(xp, xp.vecdot(z, z), xp.vecdot(z, d), xp.vecdot(d, d))
    root = math.sqrt(max(zd * zd + dd * (radius * radius - zz), 0.0))
    tau = (radius * radius - zz) / (zd + root) if zd > 0 else (root - zd) / dd
    return z + tau * d, Hz + tau * q


def by_products(
    times: Callable[[Any, Any], Any], v: RawArray, g: RawArray, forcing: float
) -> Curvature:
    """The curvature by products with the Hessian alone, ``times(v, w)``."""
    eps = float(np.finfo(as_numpy(v.dtype)).eps)
    return Products(lambda w: times(v, w), g, max(forcing, 10 * eps), eps)
