"""Normalisation of each row by its own mean and variance: over its features, or over groups of its channels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd.core.typing import DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ...backend import current
from ..initialisation import check_sizes
from ..module import Module


def filled(value: float, shape: Any, dtype: DType) -> Any:
    """One number everywhere, on the active backend."""
    return current().asarray(np.full(shape, value, dtype))


def check_eps(name: str, eps: float) -> None:
    """Refuse an ε that is negative or not finite.

    Raises
    ------
    ValueError
        With it.
    """
    if not 0 <= eps < math.inf:
        raise ValueError(f"{name}: eps={eps!r}; it has to be finite and at least 0")


def _check_features(module: Any, x: Value, shape: tuple[int, ...]) -> Any:
    x = xp.asarray(x)
    if tuple(x.shape[-len(shape) :]) != shape:
        raise ValueError(
            f"{type(module).__name__}: inputs of shape {tuple(x.shape)}; their last axes have to be {shape}"
        )
    return x


def along(x: Any, axis: int, ndim: int) -> Any:
    """A vector as what broadcasts along one of `ndim` axes."""
    return x if axis == ndim - 1 else xp.reshape(x, (x.shape[0], *(1,) * (ndim - 1 - axis)))


def scaled(y: Value, scale: Any, shift: Any) -> Any:
    """``γ y + β``, without what is None."""
    y = y if scale is None else y * scale
    return y if shift is None else y + shift


class LayerNorm(Module):
    """``y = γ (x − μ) / √(σ² + ε) + β`` with each row's own mean and variance (Ba, Kiros, Hinton, 2016).

    Attributes
    ----------
    scale, shift : array of shape `shape`, or None
        γ and β.
    shape : tuple of int
        Of the last axes, over which μ and σ² are taken.
    eps : float

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.LayerNorm.init(2, eps=0.0, dtype="float64")(pb.asarray([[1.0, 3.0]]))
    Array([[-1.,  1.]], dtype=float64, device='cpu')
    """

    scale: Any
    shift: Any
    shape: tuple[int, ...] = static()
    eps: float = static(default=1e-5)

    @staticmethod
    def init(
        shape: int | tuple[int, ...],
        *,
        eps: float = 1e-5,
        affine: bool = True,
        bias: bool = True,
        dtype: DType = "float32",
    ) -> LayerNorm:
        """A layer with γ = 1 and β = 0, on the active backend.

        Parameters
        ----------
        shape : int or tuple of int
            Of the last axes.
        eps : float
            ε.
        affine, bias : bool
            Whether there are γ and β; β only with γ.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For settings outside their ranges.
        """
        sizes = shape if isinstance(shape, tuple) else (shape,)
        for size in sizes or (0,):
            check_sizes("LayerNorm.init", shape=size)
        check_eps("LayerNorm.init", eps)
        scale = filled(1, sizes, dtype) if affine else None
        shift = filled(0, sizes, dtype) if affine and bias else None
        return LayerNorm(scale, shift, tuple(int(n) for n in sizes), float(eps))

    def __call__(self, x: Value) -> Any:
        """The normalised rows."""
        x = _check_features(self, x, self.shape)
        axes = tuple(range(x.ndim - len(self.shape), x.ndim))
        centred = x - xp.mean(x, axis=axes, keepdims=True)
        var = xp.mean(centred * centred, axis=axes, keepdims=True)
        return scaled(centred / xp.sqrt(var + self.eps), self.scale, self.shift)


class RMSNorm(Module):
    """``y = γ x / √(mean x² + ε)`` with each row's own mean square (Zhang, Sennrich, 2019).

    Attributes
    ----------
    scale : array (features,)
        γ.
    eps : float

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.RMSNorm.init(2, eps=0.0, dtype="float64")(pb.asarray([[1.0, 7.0]]))
    Array([[0.2, 1.4]], dtype=float64, device='cpu')
    """

    scale: Any
    eps: float = static(default=1e-6)

    @staticmethod
    def init(features: int, *, eps: float = 1e-6, dtype: DType = "float32") -> RMSNorm:
        """A layer with γ = 1, on the active backend.

        Parameters
        ----------
        features : int
            Length of the last axis.
        eps : float
            ε.
        dtype : dtype
            Of γ.

        Raises
        ------
        ValueError
            For settings outside their ranges.
        """
        check_sizes("RMSNorm.init", features=features)
        check_eps("RMSNorm.init", eps)
        return RMSNorm(filled(1, features, dtype), float(eps))

    def __call__(self, x: Value) -> Any:
        """The scaled rows."""
        x = _check_features(self, x, tuple(self.scale.shape))
        return x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + self.eps) * self.scale


class GroupNorm(Module):
    """``y = γ (x − μ) / √(σ² + ε) + β`` with the mean and variance of each image's groups of channels (Wu, He, 2018).

    With one group for each channel it is instance normalisation (Ulyanov, Vedaldi, Lempitsky, 2016).

    Attributes
    ----------
    scale, shift : array (channels,) or None
        γ and β, of each channel.
    groups : int
        How many groups of neighbouring channels there are.
    channels : int
    eps : float

    Examples
    --------
    >>> import pullback as pb
    >>> norm = pb.models.GroupNorm.init(1, 2, eps=0.0, dtype="float64")
    >>> norm(pb.asarray([[[1.0, 3.0], [3.0, 1.0]]]))
    Array([[[-1.,  1.],
            [ 1., -1.]]], dtype=float64, device='cpu')
    """

    scale: Any
    shift: Any
    groups: int = static()
    channels: int = static()
    eps: float = static(default=1e-5)

    @staticmethod
    def init(
        groups: int,
        channels: int,
        *,
        eps: float = 1e-5,
        affine: bool = True,
        dtype: DType = "float32",
    ) -> GroupNorm:
        """A layer with γ = 1 and β = 0, on the active backend.

        Parameters
        ----------
        groups, channels : int
            How many of each; the first divides the second.
        eps : float
            ε.
        affine : bool
            Whether there are γ and β.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For settings outside their ranges.
        """
        check_sizes("GroupNorm.init", groups=groups, channels=channels)
        check_eps("GroupNorm.init", eps)
        if channels % groups:
            raise ValueError(
                f"GroupNorm.init: {channels} channels cannot be split into {groups} groups of equal size"
            )
        scale = filled(1, channels, dtype) if affine else None
        shift = filled(0, channels, dtype) if affine else None
        return GroupNorm(scale, shift, int(groups), int(channels), float(eps))

    def __call__(self, x: Value) -> Any:
        """The normalised images x (N, channels, *spatial)."""
        x = xp.asarray(x)
        shape = tuple(x.shape)
        if x.ndim < 2 or shape[1] != self.channels:
            raise ValueError(
                f"GroupNorm: inputs of shape {shape}; they are (batch, {self.channels}, *spatial)"
            )
        size = self.channels // self.groups * math.prod(shape[2:])
        rows = xp.reshape(x, (shape[0], self.groups, size))
        centred = rows - xp.mean(rows, axis=-1, keepdims=True)
        var = xp.mean(centred * centred, axis=-1, keepdims=True)
        y = xp.reshape(centred / xp.sqrt(var + self.eps), shape)
        scale = None if self.scale is None else along(self.scale, 1, x.ndim)
        shift = None if self.shift is None else along(self.shift, 1, x.ndim)
        return scaled(y, scale, shift)
