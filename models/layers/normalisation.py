"""Normalisation: over the rows of a batch, or over the features of each row. Features are the last axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd.core.typing import DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ...backend import current
from ..initialisation import check_sizes
from ..module import Module, state


def _filled(value: float, shape: Any, dtype: DType) -> Any:
    return current().asarray(np.full(shape, value, dtype))


def _check_eps(name: str, eps: float) -> None:
    if not 0 <= eps < math.inf:
        raise ValueError(f"{name}: eps={eps!r}; it has to be finite and at least 0")


def _check_features(module: Any, x: Value, shape: tuple[int, ...]) -> Any:
    x = xp.asarray(x)
    if tuple(x.shape[-len(shape) :]) != shape:
        raise ValueError(
            f"{type(module).__name__}: inputs of shape {tuple(x.shape)}; their last axes have to be {shape}"
        )
    return x


def _affine(y: Value, scale: Any, shift: Any) -> Any:
    y = y if scale is None else y * scale
    return y if shift is None else y + shift


class BatchNorm(Module):
    """Batch normalisation ``y = γ (x − μ) / √(σ² + ε) + β`` of each feature (Ioffe, Szegedy, 2015).

    In training μ and σ² are the mean and the (biased) variance over the rows of the batch, all axes but the last. The
    running ones, which inference takes, become ``(1 − momentum) · running + momentum · batch``, with the unbiased
    variance Σ (x − μ)² / (n − 1). All as in PyTorch.

    Attributes
    ----------
    scale, shift : array (features,) or None
        γ and β.
    running_mean, running_var : array (features,)
        State: training does not read them, and no gradient reaches them.
    momentum, eps : float

    Examples
    --------
    >>> import pullback as pb
    >>> norm = pb.models.BatchNorm.init(1, dtype="float64")
    >>> y, norm = norm.training(pb.asarray([[1.0], [3.0]]))
    >>> [round(float(v), 3) for v in y[:, 0]]
    [-1.0, 1.0]
    >>> norm.running_mean, norm.running_var
    (array([0.2]), array([1.1]))
    """

    scale: Any
    shift: Any
    running_mean: Any = state()
    running_var: Any = state()
    momentum: float = static(default=0.1)
    eps: float = static(default=1e-5)

    @staticmethod
    def init(
        features: int,
        *,
        momentum: float = 0.1,
        eps: float = 1e-5,
        affine: bool = True,
        dtype: DType = "float32",
    ) -> BatchNorm:
        """A layer with γ = 1, β = 0, running mean 0 and variance 1, on the active backend.

        Parameters
        ----------
        features : int
            Length of the last axis.
        momentum : float
            Share of the newest batch in the running statistics, 0 to 1.
        eps : float
            ε.
        affine : bool
            Whether there are γ and β.
        dtype : dtype
            Of the parameters and statistics.

        Raises
        ------
        ValueError
            For settings outside their ranges.
        """
        check_sizes("BatchNorm.init", features=features)
        _check_eps("BatchNorm.init", eps)
        if not 0 <= momentum <= 1:
            raise ValueError(f"BatchNorm.init: momentum={momentum!r}; it has to be from 0 to 1")
        one, zero = (lambda: _filled(1, features, dtype)), (lambda: _filled(0, features, dtype))
        scale, shift = (one(), zero()) if affine else (None, None)
        return BatchNorm(scale, shift, zero(), one(), float(momentum), float(eps))

    def __call__(self, x: Value) -> Any:
        """The outputs of inference, by the running statistics, each row for itself."""
        x = _check_features(self, x, tuple(self.running_mean.shape))
        # constants: a penalty or a gradient in inference mode does not move them either
        mean, var = xp.stop_gradient(self.running_mean), xp.stop_gradient(self.running_var)
        return _affine((x - mean) / xp.sqrt(var + self.eps), self.scale, self.shift)

    def training(self, x: Value, *, key: Any = None) -> tuple[Any, BatchNorm]:
        """The outputs of training, by the batch's statistics, and the model with new running ones.

        Raises
        ------
        ValueError
            For a batch of one row or none, whose variance says nothing (as PyTorch), or another number of features.
        """
        x = _check_features(self, x, tuple(self.running_mean.shape))
        axes, n = tuple(range(x.ndim - 1)), math.prod(x.shape[:-1])
        if n < 2:
            raise ValueError(
                f"BatchNorm: a training batch of shape {tuple(x.shape)} has {n} values of each feature; the variance "
                "takes two or more (drop a last batch of one row, or use LayerNorm)"
            )
        mean = xp.mean(x, axis=axes)
        centred = x - mean
        var = xp.mean(centred * centred, axis=axes)
        y = _affine(centred / xp.sqrt(var + self.eps), self.scale, self.shift)
        return y, BatchNorm(
            self.scale,
            self.shift,
            self._moved(self.running_mean, mean, 1.0),
            self._moved(self.running_var, var, n / (n - 1)),
            self.momentum,
            self.eps,
        )

    def _moved(self, running: Any, batch: Any, factor: float) -> Any:
        """The running statistic with the batch's share; a constant, raw where no tape or program is near."""
        old, new = xp.stop_gradient(running), xp.stop_gradient(batch)
        moved = (1 - self.momentum) * old + (self.momentum * factor) * new
        return xp.astype(moved, running.dtype, copy=False).value


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
        _check_eps("LayerNorm.init", eps)
        scale = _filled(1, sizes, dtype) if affine else None
        shift = _filled(0, sizes, dtype) if affine and bias else None
        return LayerNorm(scale, shift, tuple(int(n) for n in sizes), float(eps))

    def __call__(self, x: Value) -> Any:
        """The normalised rows."""
        x = _check_features(self, x, self.shape)
        axes = tuple(range(x.ndim - len(self.shape), x.ndim))
        centred = x - xp.mean(x, axis=axes, keepdims=True)
        var = xp.mean(centred * centred, axis=axes, keepdims=True)
        return _affine(centred / xp.sqrt(var + self.eps), self.scale, self.shift)


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
        _check_eps("RMSNorm.init", eps)
        return RMSNorm(_filled(1, features, dtype), float(eps))

    def __call__(self, x: Value) -> Any:
        """The scaled rows."""
        x = _check_features(self, x, tuple(self.scale.shape))
        return x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + self.eps) * self.scale
