"""Layers of convolutions and transposed ones, with PyTorch's weights, defaults and initialisation."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

import numpy as np

from ...autograd.core.typing import DType, Value
from ...autograd.pytree.tree import static
from ...backend import current
from ..initialisation import check_sizes
from ..module import Module
from .arguments import PaddingLike, integer, lengths, padding_pairs
from .convolution import conv, conv_transpose


def _drawn(shape: tuple[int, ...], outputs: int, bias: bool, seed: Any, dtype: DType) -> list[Any]:
    """W and b, both uniform on ±1 / √fan_in: PyTorch's (He et al., 2015, with slope √5 of a leaky ReLU).

    Drawn on the host, so that a seed gives the same layer on every backend.
    """
    rng = np.random.default_rng(seed)
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    W = rng.uniform(-bound, bound, shape).astype(dtype)
    b = rng.uniform(-bound, bound, outputs).astype(dtype) if bias else None
    return [current().asarray(W), None if b is None else current().asarray(b)]


def _check_groups(name: str, groups: int, **channels: int) -> None:
    integer(name, "groups", groups, 1)
    for setting, n in channels.items():
        if n % groups:
            raise ValueError(
                f"{name}: {setting}={n} cannot be split into groups={groups} of equal size"
            )


class _Convolution(Module):
    """What `Conv1d`, `Conv2d` and `Conv3d` share."""

    _dims: ClassVar[int] = 0

    W: Any
    b: Value = None
    stride: int | tuple[int, ...] = static(default=1)
    padding: Any = static(default="valid")
    dilation: int | tuple[int, ...] = static(default=1)
    groups: int = static(default=1)
    channels_last: bool = static(default=False)

    @classmethod
    def init(
        cls,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, ...],
        *,
        stride: int | tuple[int, ...] = 1,
        padding: PaddingLike = "valid",
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        channels_last: bool = False,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> Self:
        """A layer with drawn weights, on the active backend.

        Parameters
        ----------
        inputs, outputs : int
            Channels.
        kernel : int or tuple of int
            Lengths of the kernel.
        stride, padding, dilation, groups, channels_last
            As for `conv`.
        bias : bool
            Whether there is a b.
        seed : int or numpy.random.Generator
            What W and b are drawn from, uniformly from ±1 / √fan_in with fan_in = inputs / groups · the elements of the
            kernel, as in PyTorch.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For settings outside their ranges, and channels that `groups` does not divide.
        """
        name, dims = f"{cls.__name__}.init", cls._dims
        check_sizes(name, inputs=inputs, outputs=outputs)
        _check_groups(name, groups, inputs=inputs, outputs=outputs)
        size = lengths(name, "kernel", kernel, dims)
        steps, spread = (
            lengths(name, "stride", stride, dims),
            lengths(name, "dilation", dilation, dims),
        )
        padding_pairs(name, padding, size, size, steps, spread)
        W, b = _drawn((outputs, inputs // groups, *size), outputs, bias, seed, dtype)
        kept = _frozen(padding)
        return cls(W, b, _frozen(stride), kept, _frozen(dilation), int(groups), bool(channels_last))

    def __call__(self, x: Value) -> Any:
        """`conv` of x (N, inputs, *spatial)."""
        return conv(
            x,
            self.W,
            self.b,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            channels_last=self.channels_last,
        )


def _frozen(setting: Any) -> Any:
    """Lists as tuples, which can be compared as settings of a pytree."""
    return tuple(map(_frozen, setting)) if isinstance(setting, list | tuple) else setting


class Conv1d(_Convolution):
    """A convolution along one dimension: `conv` of x (N, inputs, n) with W (outputs, inputs / groups, k).

    Attributes
    ----------
    W : array (outputs, inputs / groups, k)
    b : array (outputs,) or None
    stride, padding, dilation, groups, channels_last
        As for `conv`.

    Examples
    --------
    >>> import pullback as pb
    >>> layer = pb.models.Conv1d.init(3, 8, 5, padding="same")
    >>> layer(pb.xp.ones((2, 3, 16), dtype="float32")).shape
    (2, 8, 16)
    """

    _dims: ClassVar[int] = 1


class Conv2d(_Convolution):
    """A convolution of images: `conv` of x (N, inputs, h, w) with W (outputs, inputs / groups, k, l).

    Attributes
    ----------
    W : array (outputs, inputs / groups, k, l)
    b : array (outputs,) or None
    stride, padding, dilation, groups, channels_last
        As for `conv`.

    Examples
    --------
    >>> import pullback as pb
    >>> M = pb.models
    >>> net = M.Sequential(M.Conv2d.init(1, 4, 3), "relu", M.MaxPool2d(2), M.Flatten(), M.Linear.init(36, 10))
    >>> print(net.summary((2, 1, 8, 8)))
    layer     kind                output        parameters
    ------------------------------------------------------
    layers.0  Conv2d(4, 1, 3, 3)  (2, 4, 6, 6)          40
    layers.1  Activation('relu')  (2, 4, 6, 6)           0
    layers.2  MaxPool2d(2)        (2, 4, 3, 3)           0
    layers.3  Flatten(1)          (2, 36)                0
    layers.4  Linear(36, 10)      (2, 10)              370
    ------------------------------------------------------
    410 parameters
    """

    _dims: ClassVar[int] = 2


class Conv3d(_Convolution):
    """A convolution of volumes: `conv` of x (N, inputs, d, h, w) with W (outputs, inputs / groups, k, l, m).

    Attributes
    ----------
    W : array (outputs, inputs / groups, k, l, m)
    b : array (outputs,) or None
    stride, padding, dilation, groups, channels_last
        As for `conv`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.Conv3d.init(1, 2, 3, stride=2)(pb.xp.ones((2, 1, 7, 7, 7), dtype="float32")).shape
    (2, 2, 3, 3, 3)
    """

    _dims: ClassVar[int] = 3


class _Transposed(Module):
    """What `ConvTranspose1d`, `ConvTranspose2d` and `ConvTranspose3d` share."""

    _dims: ClassVar[int] = 0

    W: Any
    b: Value = None
    stride: int | tuple[int, ...] = static(default=1)
    padding: Any = static(default=0)
    output_padding: int | tuple[int, ...] = static(default=0)
    dilation: int | tuple[int, ...] = static(default=1)
    groups: int = static(default=1)
    channels_last: bool = static(default=False)

    @classmethod
    def init(
        cls,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, ...],
        *,
        stride: int | tuple[int, ...] = 1,
        padding: PaddingLike = 0,
        output_padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        channels_last: bool = False,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> Self:
        """A layer with drawn weights, on the active backend.

        Parameters
        ----------
        inputs, outputs : int
            Channels.
        kernel : int or tuple of int
            Lengths of the kernel.
        stride, padding, output_padding, dilation, groups, channels_last
            As for `conv_transpose`.
        bias : bool
            Whether there is a b.
        seed : int or numpy.random.Generator
            What W and b are drawn from, uniformly from ±1 / √fan_in with fan_in = outputs / groups · the elements of
            the kernel, as in PyTorch.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For settings outside their ranges, and channels that `groups` does not divide.
        """
        name, dims = f"{cls.__name__}.init", cls._dims
        check_sizes(name, inputs=inputs, outputs=outputs)
        _check_groups(name, groups, inputs=inputs, outputs=outputs)
        size = lengths(name, "kernel", kernel, dims)
        steps, spread = (
            lengths(name, "stride", stride, dims),
            lengths(name, "dilation", dilation, dims),
        )
        more = lengths(name, "output_padding", output_padding, dims, 0)
        padding_pairs(name, padding, size, size, steps, spread)
        if isinstance(padding, str) or any(
            extra >= max(s, d) for extra, s, d in zip(more, steps, spread, strict=True)
        ):
            raise ValueError(
                f"{name}: padding={padding!r} and output_padding={output_padding!r}; the first is an integer or a "
                "tuple, the second less than the stride or the dilation"
            )
        W, b = _drawn((inputs, outputs // groups, *size), outputs, bias, seed, dtype)
        return cls(
            W,
            b,
            _frozen(stride),
            _frozen(padding),
            _frozen(output_padding),
            _frozen(dilation),
            int(groups),
            bool(channels_last),
        )

    def __call__(self, x: Value) -> Any:
        """`conv_transpose` of x (N, inputs, *spatial)."""
        return conv_transpose(
            x,
            self.W,
            self.b,
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation,
            groups=self.groups,
            channels_last=self.channels_last,
        )


class ConvTranspose1d(_Transposed):
    """A transposed convolution along one dimension: `conv_transpose` of x (N, inputs, n).

    Attributes
    ----------
    W : array (inputs, outputs / groups, k)
    b : array (outputs,) or None
    stride, padding, output_padding, dilation, groups, channels_last
        As for `conv_transpose`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.ConvTranspose1d.init(3, 2, 4, stride=2, padding=1)(pb.xp.ones((5, 3, 8), dtype="float32")).shape
    (5, 2, 16)
    """

    _dims: ClassVar[int] = 1


class ConvTranspose2d(_Transposed):
    """A transposed convolution of images: `conv_transpose` of x (N, inputs, h, w).

    Attributes
    ----------
    W : array (inputs, outputs / groups, k, l)
    b : array (outputs,) or None
    stride, padding, output_padding, dilation, groups, channels_last
        As for `conv_transpose`.

    Examples
    --------
    >>> import pullback as pb
    >>> layer = pb.models.ConvTranspose2d.init(3, 2, 3, stride=2, padding=1, output_padding=1)
    >>> layer(pb.xp.ones((5, 3, 4, 4), dtype="float32")).shape
    (5, 2, 8, 8)
    """

    _dims: ClassVar[int] = 2


class ConvTranspose3d(_Transposed):
    """A transposed convolution of volumes: `conv_transpose` of x (N, inputs, d, h, w).

    Attributes
    ----------
    W : array (inputs, outputs / groups, k, l, m)
    b : array (outputs,) or None
    stride, padding, output_padding, dilation, groups, channels_last
        As for `conv_transpose`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.ConvTranspose3d.init(1, 2, 2, stride=2)(pb.xp.ones((2, 1, 3, 3, 3), dtype="float32")).shape
    (2, 2, 6, 6, 6)
    """

    _dims: ClassVar[int] = 3
