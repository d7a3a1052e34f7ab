"""Layers that pool, flatten and enlarge; they have no parameters."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ..module import Module
from .arguments import PaddingLike, lengths, padding_pairs
from .pooling import avg_pool, global_avg_pool, max_pool
from .resampling import check_mode, target, upsample


class _Pool(Module):
    """What the layers of windows share."""

    _dims: ClassVar[int] = 0

    window: int | tuple[int, ...] = static()
    stride: int | tuple[int, ...] | None = static(default=None)
    padding: PaddingLike = static(default="valid")

    def __post_init__(self) -> None:
        name, dims = type(self).__name__, self._dims
        window = lengths(name, "window", self.window, dims)
        if self.stride is not None:
            lengths(name, "stride", self.stride, dims)
        padding_pairs(name, self.padding, window, window, window, (1,) * dims)

    def _window(self) -> tuple[int, ...]:
        """A length for each dimension, so that one image without a batch is known as one."""
        return lengths(type(self).__name__, "window", self.window, self._dims)


class _MaxPool(_Pool):
    """What `MaxPool1d`, `MaxPool2d` and `MaxPool3d` share."""

    dilation: int | tuple[int, ...] = static(default=1)
    ceil_mode: bool = static(default=False)
    channels_last: bool = static(default=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        lengths(type(self).__name__, "dilation", self.dilation, self._dims)

    def __call__(self, x: Value) -> Any:
        """`max_pool` of x (N, C, *spatial)."""
        return max_pool(
            x,
            self._window(),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
            channels_last=self.channels_last,
        )


class MaxPool1d(_MaxPool):
    """The maximum of each window along one dimension.

    Parameters
    ----------
    window, stride, padding, dilation, ceil_mode, channels_last
        As for `max_pool`.

    Raises
    ------
    ValueError
        For settings outside their ranges.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.MaxPool1d(2)(np.asarray([[[3.0, 1.0, 2.0, 5.0]]]))
    Array([[[3., 5.]]], dtype=float64, device='cpu')
    """

    _dims: ClassVar[int] = 1


class MaxPool2d(_MaxPool):
    """The maximum of each window of images.

    Parameters
    ----------
    window, stride, padding, dilation, ceil_mode, channels_last
        As for `max_pool`.

    Raises
    ------
    ValueError
        For settings outside their ranges.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.MaxPool2d(3, stride=2, padding=1)(np.ones((2, 4, 8, 8))).shape
    (2, 4, 4, 4)
    """

    _dims: ClassVar[int] = 2


class MaxPool3d(_MaxPool):
    """The maximum of each window of volumes.

    Parameters
    ----------
    window, stride, padding, dilation, ceil_mode, channels_last
        As for `max_pool`.

    Raises
    ------
    ValueError
        For settings outside their ranges.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.MaxPool3d((1, 2, 2))(np.ones((2, 4, 3, 8, 8))).shape
    (2, 4, 3, 4, 4)
    """

    _dims: ClassVar[int] = 3


class _AvgPool(_Pool):
    """What `AvgPool1d`, `AvgPool2d` and `AvgPool3d` share."""

    ceil_mode: bool = static(default=False)
    count_include_pad: bool = static(default=True)
    channels_last: bool = static(default=False)

    def __call__(self, x: Value) -> Any:
        """`avg_pool` of x (N, C, *spatial)."""
        return avg_pool(
            x,
            self._window(),
            stride=self.stride,
            padding=self.padding,
            ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
            channels_last=self.channels_last,
        )


class AvgPool1d(_AvgPool):
    """The mean of each window along one dimension.

    Parameters
    ----------
    window, stride, padding, ceil_mode, count_include_pad, channels_last
        As for `avg_pool`.

    Raises
    ------
    ValueError
        For settings outside their ranges.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.AvgPool1d(2)(np.asarray([[[3.0, 1.0, 2.0, 6.0]]]))
    Array([[[2., 4.]]], dtype=float64, device='cpu')
    """

    _dims: ClassVar[int] = 1


class AvgPool2d(_AvgPool):
    """The mean of each window of images.

    Parameters
    ----------
    window, stride, padding, ceil_mode, count_include_pad, channels_last
        As for `avg_pool`.

    Raises
    ------
    ValueError
        For settings outside their ranges.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.AvgPool2d(2)(np.ones((2, 4, 8, 8))).shape
    (2, 4, 4, 4)
    """

    _dims: ClassVar[int] = 2


class AvgPool3d(_AvgPool):
    """The mean of each window of volumes.

    Parameters
    ----------
    window, stride, padding, ceil_mode, count_include_pad, channels_last
        As for `avg_pool`.

    Raises
    ------
    ValueError
        For settings outside their ranges.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.AvgPool3d(2)(np.ones((2, 4, 4, 8, 8))).shape
    (2, 4, 2, 4, 4)
    """

    _dims: ClassVar[int] = 3


class GlobalAvgPool(Module):
    """The mean of each channel over all spatial axes, of any number of them.

    Parameters
    ----------
    keepdims, channels_last
        As for `global_avg_pool`.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.GlobalAvgPool()(np.ones((2, 4, 8, 8))).shape
    (2, 4)
    """

    keepdims: bool = static(default=False)
    channels_last: bool = static(default=False)

    def __call__(self, x: Value) -> Any:
        """`global_avg_pool` of x (N, C, *spatial)."""
        return global_avg_pool(x, keepdims=self.keepdims, channels_last=self.channels_last)


class Flatten(Module):
    """Several axes as one, in the order of their elements: from images to the inputs of a `Linear`.

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last of these axes; by default all but the batch.

    Raises
    ------
    ValueError
        When called, for inputs that do not have the axes in this order.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.Flatten()(np.ones((2, 4, 3, 3))).shape
    (2, 36)
    """

    start_dim: int = static(default=1)
    end_dim: int = static(default=-1)

    def __call__(self, x: Value) -> Any:
        """The reshaped inputs."""
        x = xp.asarray(x)
        first, last = (d + x.ndim if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < x.ndim:
            raise ValueError(
                f"Flatten: inputs of shape {tuple(x.shape)} have no axes from {self.start_dim} to {self.end_dim}"
            )
        shape = tuple(x.shape)
        size = math.prod(shape[first : last + 1])
        return xp.reshape(x, (*shape[:first], size, *shape[last + 1 :]))


class Upsample(Module):
    """Images of other lengths: the nearest element, or linear interpolation between neighbours.

    Parameters
    ----------
    scale, size, mode, channels_last
        As for `upsample`.

    Raises
    ------
    ValueError
        For both of `scale` and `size` or none, and unknown modes.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.Upsample(2, mode="bilinear")(np.ones((2, 4, 3, 3))).shape
    (2, 4, 6, 6)
    """

    scale: float | tuple[float, ...] | None = static(default=None)
    size: int | tuple[int, ...] | None = static(default=None)
    mode: str = static(default="nearest")
    channels_last: bool = static(default=False)

    def __post_init__(self) -> None:
        given = self.scale if self.size is None else self.size
        dims = len(given) if isinstance(given, tuple | list) else 1
        target("Upsample", (1 << 20,) * dims, self.scale, self.size)
        check_mode("Upsample", self.mode)

    def __call__(self, x: Value) -> Any:
        """`upsample` of x (N, C, *spatial)."""
        return upsample(
            x, scale=self.scale, size=self.size, mode=self.mode, channels_last=self.channels_last
        )
