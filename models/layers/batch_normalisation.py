"""Normalisation over the rows of a batch.

Features are the last axis; those of images, which are channels, may be the one behind the batch.
"""

from __future__ import annotations

import math
from typing import Any, Self

from ...autograd.core.typing import DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ..initialisation import check_sizes
from ..module import Module, state
from .normalisation import along, check_eps, filled, scaled
from .over_ranks import ranks_of_batch


class BatchNorm(Module):
    """Batch normalisation ``y = γ (x − μ) / √(σ² + ε) + β`` of each feature (Ioffe, Szegedy, 2015).

    In training μ and σ² are the mean and the (biased) variance over the rows of the batch, all axes but `axis`. The
    running ones, which inference takes, become ``(1 − momentum) · running + momentum · batch``, with the unbiased
    variance Σ (x − μ)² / (n − 1). All as in PyTorch. On the ranks of ``pb.train.fit(…, distributed=…)`` they are the
    statistics of all rows of the batch, as those of PyTorch's ``SyncBatchNorm``.

    Attributes
    ----------
    scale, shift : array (features,) or None
        γ and β.
    running_mean, running_var : array (features,)
        State: training does not read them, and no gradient reaches them.
    momentum, eps : float
    axis : int
        Of the features: the last one, or 1 for images (N, C, *spatial), as `BatchNorm2d` has it.

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
    axis: int = static(default=-1)

    @classmethod
    def init(
        cls,
        features: int,
        *,
        momentum: float = 0.1,
        eps: float = 1e-5,
        affine: bool = True,
        axis: int | None = None,
        dtype: DType = "float32",
    ) -> Self:
        """A layer with γ = 1, β = 0, running mean 0 and variance 1, on the active backend.

        Parameters
        ----------
        features : int
            How many there are.
        momentum : float
            Share of the newest batch in the running statistics, 0 to 1.
        eps : float
            ε.
        affine : bool
            Whether there are γ and β.
        axis : int, optional
            Of the features; by default the last one of a `BatchNorm`, and 1 of those with a number of dimensions.
        dtype : dtype
            Of the parameters and statistics.

        Raises
        ------
        ValueError
            For settings outside their ranges.
        """
        name = f"{cls.__name__}.init"
        check_sizes(name, features=features)
        check_eps(name, eps)
        if not 0 <= momentum <= 1:
            raise ValueError(f"{name}: momentum={momentum!r}; it has to be from 0 to 1")
        if axis is None:
            axis = cls.axis
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ValueError(f"{name}: axis={axis!r}; it is the number of an axis, as -1 or 1")
        one, zero = (lambda: filled(1, features, dtype)), (lambda: filled(0, features, dtype))
        scale, shift = (one(), zero()) if affine else (None, None)
        return cls(scale, shift, zero(), one(), float(momentum), float(eps), axis)

    def __call__(self, x: Value) -> Any:
        """The outputs of inference, by the running statistics, each row for itself."""
        x, axis = self._checked(x)
        # constants: a penalty or a gradient in inference mode does not move them either
        mean, var = xp.stop_gradient(self.running_mean), xp.stop_gradient(self.running_var)
        if axis != x.ndim - 1:
            # one factor and one summand for each channel: two passes over the images
            factor = 1 / xp.sqrt(var + self.eps)
            factor = factor if self.scale is None else factor * self.scale
            summand = -(factor * mean)
            summand = summand if self.shift is None else summand + self.shift
            return x * along(factor, axis, x.ndim) + along(summand, axis, x.ndim)
        return scaled((x - mean) / xp.sqrt(var + self.eps), self.scale, self.shift)

    def training(self, x: Value, *, key: Any = None) -> tuple[Any, Self]:
        """The outputs of training, by the batch's statistics, and the model with new running ones.

        Raises
        ------
        ValueError
            For a batch of one row or none, whose variance says nothing (as PyTorch), or another number of features.
        """
        x, axis = self._checked(x)
        axes = tuple(i for i in range(x.ndim) if i != axis)
        n, over = math.prod(x.shape[i] for i in axes), ranks_of_batch()
        if n < 2 and over is None:
            raise ValueError(
                f"{type(self).__name__}: a training batch of shape {tuple(x.shape)} has {n} values of each feature; "
                "the variance takes two or more (drop a last batch of one row, or use LayerNorm)"
            )
        count: Any = n
        if over is None:
            mean = xp.mean(x, axis=axes)
        else:
            mean, count = over.mean(x, axes, n)
        centred = x - along(mean, axis, x.ndim)
        squares = centred * centred
        var = xp.mean(squares, axis=axes) if over is None else over.mean(squares, axes, n)[0]
        if axis == x.ndim - 1:
            y = scaled(centred / xp.sqrt(var + self.eps), self.scale, self.shift)
        else:
            factor = 1 / xp.sqrt(var + self.eps)
            factor = factor if self.scale is None else factor * self.scale
            shift = None if self.shift is None else along(self.shift, axis, x.ndim)
            y = scaled(centred * along(factor, axis, x.ndim), None, shift)
        new = type(self)(
            self.scale,
            self.shift,
            self._moved(self.running_mean, mean, 1.0),
            self._moved(self.running_var, var, count / (count - 1)),
            self.momentum,
            self.eps,
            self.axis,
        )
        return y, new

    def _checked(self, x: Value) -> tuple[Any, int]:
        """The inputs, and which of their axes has the features."""
        x = xp.asarray(x)
        features, axis = self.running_mean.shape[0], self.axis % max(x.ndim, 1)
        if not -x.ndim <= self.axis < x.ndim or x.shape[axis] != features:
            where = (
                f"last axes have to be {(features,)}"
                if self.axis == -1
                else f"axis {self.axis} has to be {features}"
            )
            raise ValueError(
                f"{type(self).__name__}: inputs of shape {tuple(x.shape)}; their {where}"
            )
        return x, axis

    def _moved(self, running: Any, batch: Any, factor: Any) -> Any:
        """The running statistic with the batch's share; a constant, raw where no tape or program is near."""
        old, new = xp.stop_gradient(running), xp.stop_gradient(batch)
        moved = (1 - self.momentum) * old + (self.momentum * factor) * new
        return xp.astype(moved, running.dtype, copy=False).value


class BatchNorm1d(BatchNorm):
    """`BatchNorm` of features (N, C), or of channels along one dimension (N, C, n).

    Attributes
    ----------
    scale, shift, running_mean, running_var, momentum, eps, axis
        As for `BatchNorm`; the axis is 1.

    Examples
    --------
    >>> import pullback as pb
    >>> y, norm = pb.models.BatchNorm1d.init(3).training(pb.xp.ones((2, 3, 5), dtype="float32"))
    >>> y.shape
    (2, 3, 5)
    """

    axis: int = static(default=1)


class BatchNorm2d(BatchNorm):
    """`BatchNorm` of the channels of images (N, C, h, w).

    Attributes
    ----------
    scale, shift, running_mean, running_var, momentum, eps, axis
        As for `BatchNorm`; the axis is 1.

    Examples
    --------
    >>> import pullback as pb
    >>> y, norm = pb.models.BatchNorm2d.init(3).training(pb.xp.ones((2, 3, 5, 5), dtype="float32"))
    >>> y.shape
    (2, 3, 5, 5)
    """

    axis: int = static(default=1)


class BatchNorm3d(BatchNorm):
    """`BatchNorm` of the channels of volumes (N, C, d, h, w).

    Attributes
    ----------
    scale, shift, running_mean, running_var, momentum, eps, axis
        As for `BatchNorm`; the axis is 1.

    Examples
    --------
    >>> import pullback as pb
    >>> y, norm = pb.models.BatchNorm3d.init(3).training(pb.xp.ones((2, 3, 5, 5, 5), dtype="float32"))
    >>> y.shape
    (2, 3, 5, 5, 5)
    """

    axis: int = static(default=1)
