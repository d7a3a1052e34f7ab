"""Convolution and its transpose, in one, two or three dimensions."""

from __future__ import annotations

from typing import Any

from ...autograd.core.array import Array
from ...autograd.core.generated import xp as primitives
from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp
from .arguments import (
    PaddingLike,
    check_fits,
    images,
    integer,
    lengths,
    padding_pairs,
    remembered,
)


def conv(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: int | tuple[int, ...] = 1,
    padding: PaddingLike = "valid",
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
    channels_last: bool = False,
) -> Array:
    """The convolution of neural networks, which is a correlation, in as many dimensions as the kernel has: 1, 2 or 3.

    ``out[n, o, p] = b[o] + Σ_{c, k} W[o, c, k] x[n, c, stride · p + dilation · k − low]``, where c runs over the
    channels of o's group, k over the kernel, and x is 0 outside. Differentiable by x, W and b, to any order.

    Parameters
    ----------
    x : array (N, C, *spatial) or (C, *spatial)
        Inputs, one, two or three spatial dimensions; with `channels_last` (N, *spatial, C).
    W : array (O, C / groups, *kernel)
        As PyTorch has them, also with `channels_last`.
    b : array (O,), optional
        What is added to each channel of the outputs.
    stride, dilation : int or tuple of int
        Steps between the windows, and between the elements of a window: one for all dimensions, or one for each.
    padding : {"valid", "same"}, int, tuple of int, or tuple of pairs of int
        Zeros around x: none; as many as ⌈n / stride⌉ outputs take (one more above than below where that is odd); on
        both sides; or a pair (low, high) for each dimension.
    groups : int
        Channels are split into so many groups, and each group of outputs sees one: 1 sees all, C is a depthwise
        convolution.
    channels_last : bool
        Whether channels are the last axis of x and of the result.

    Returns
    -------
    Array (N, O, *lengths)
        ⌊(n + low + high − dilation · (k − 1) − 1) / stride⌋ + 1 elements along each axis.

    Raises
    ------
    ValueError
        For shapes that do not fit each other, settings outside their ranges, and kernels larger than the padded inputs.

    Notes
    -----
    The pullback is x_bar = the transposed convolution of ct by W (`conv_transpose`), W_bar[o, c, k] =
    Σ_{n, p} ct[n, o, p] x[n, c, stride · p + dilation · k − low], b_bar = Σ_{n, p} ct[n, o, p].

    References
    ----------
    Dumoulin, Visin, A guide to convolution arithmetic for deep learning, 2016. ``torch.nn.functional.conv2d``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x = np.asarray([[[1.0, 2.0, 4.0, 8.0]]])
    >>> pb.models.conv(x, np.asarray([[[-1.0, 1.0]]]))
    Array([[[1., 2., 4.]]], dtype=float64, device='cpu')
    >>> images = np.ones((2, 3, 8, 8), "float32")
    >>> pb.models.conv(images, np.ones((4, 3, 3, 3), "float32"), stride=2, padding="same").shape
    (2, 4, 4, 4)
    """
    W = xp.asarray(W)
    _check_weights("conv", W, "outputs, inputs / groups")
    given = images("conv", x, W.ndim - 2, channels_last)
    settings = _conv_settings(
        tuple(given.x.shape[1:]), given.last, tuple(W.shape), stride, padding, dilation, groups
    )
    if b is None:
        return given.back(primitives.convolution(given.x, W, **settings))
    b = _checked_bias("conv", b, W.shape[0])
    return given.back(primitives.convolution(given.x, W, b, **settings))


@remembered
def _conv_settings(
    shape: tuple[int, ...],
    channels_last: bool,
    W_shape: tuple[int, ...],
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> dict[str, Any]:
    """The settings of the primitive, for images of shape (C, *spatial)."""
    channels, *lengths_of_x = shape
    spatial, kernel, dims = tuple(lengths_of_x), W_shape[2:], len(lengths_of_x)
    stride = lengths("conv", "stride", stride, dims)
    dilation = lengths("conv", "dilation", dilation, dims)
    groups = integer("conv", "groups", groups, 1)
    pairs = padding_pairs("conv", padding, spatial, kernel, stride, dilation)
    if channels != W_shape[1] * groups:
        raise ValueError(
            f"conv: inputs of {channels} channels, and W of shape {W_shape} with groups={groups} takes "
            f"{W_shape[1]} · {groups} = {W_shape[1] * groups}"
            f"{_other_layout(shape, channels_last, W_shape[1] * groups)}"
        )
    if W_shape[0] % groups:
        raise ValueError(
            f"conv: {W_shape[0]} outputs, W.shape[0], cannot be split into groups={groups} of equal size"
        )
    check_fits("conv", "kernel", kernel, spatial, pairs, dilation)
    return {"stride": stride, "padding": pairs, "dilation": dilation, "groups": groups}


def conv_transpose(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: int | tuple[int, ...] = 1,
    padding: PaddingLike = 0,
    output_padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
    channels_last: bool = False,
) -> Array:
    """The transposed convolution: what pulls a cotangent back through `conv` with the same W and settings.

    ``out[n, o, stride · p + dilation · k − low] += W[c, o, k] x[n, c, p]`` over all c of o's group, p and k, and b[o]
    added. It makes images larger by `stride`. Differentiable by x, W and b, to any order.

    Parameters
    ----------
    x : array (N, C, *spatial) or (C, *spatial)
        Inputs; with `channels_last` (N, *spatial, C).
    W : array (C, O / groups, *kernel)
        As PyTorch has them: inputs first.
    b : array (O,), optional
        What is added to each channel of the outputs.
    stride, dilation, groups, channels_last
        As for `conv`.
    padding : int, tuple of int, or tuple of pairs of int
        What is cut off the outputs, as `conv` with this padding would have added to them.
    output_padding : int or tuple of int
        How many elements more there are above: `conv` makes one shape of several, and this says of which. Less than
        the stride or the dilation.

    Returns
    -------
    Array (N, O, *lengths)
        (n − 1) · stride − low − high + dilation · (k − 1) + output_padding + 1 elements along each axis.

    Raises
    ------
    ValueError
        For shapes that do not fit each other, settings outside their ranges, and outputs of no element.

    Notes
    -----
    The pullback is x_bar = conv(ct, W), and W_bar as that of `conv` with x and ct in each other's place.

    References
    ----------
    Dumoulin, Visin, A guide to convolution arithmetic for deep learning, 2016.
    ``torch.nn.functional.conv_transpose2d``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.conv_transpose(np.asarray([[[1.0, 2.0]]]), np.asarray([[[1.0, 10.0]]]), stride=2)
    Array([[[ 1., 10.,  2., 20.]]], dtype=float64, device='cpu')
    """
    W = xp.asarray(W)
    _check_weights("conv_transpose", W, "inputs, outputs / groups")
    given = images("conv_transpose", x, W.ndim - 2, channels_last)
    settings, beyond = _transposed_settings(
        tuple(given.x.shape[1:]),
        given.last,
        tuple(W.shape),
        stride,
        padding,
        output_padding,
        dilation,
        groups,
    )
    y = primitives.convolution_vjp_x(given.x, W, **settings)
    if any(beyond):
        y = xp.pad(y, ((0, 0), (0, 0), *((0, n) for n in beyond)))
    if b is not None:
        b = _checked_bias("conv_transpose", b, W.shape[1] * settings["groups"])
        y = y + xp.reshape(b, (b.shape[0], *(1,) * (W.ndim - 2)))
    return given.back(y)


@remembered
def _transposed_settings(
    shape: tuple[int, ...],
    channels_last: bool,
    W_shape: tuple[int, ...],
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: Any,
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """The settings of the primitive for images of shape (C, *spatial), and how many zeros stand above its result."""
    name = "conv_transpose"
    channels, *lengths_of_x = shape
    spatial, kernel, dims = tuple(lengths_of_x), W_shape[2:], len(lengths_of_x)
    stride = lengths(name, "stride", stride, dims)
    dilation = lengths(name, "dilation", dilation, dims)
    more = lengths(name, "output_padding", output_padding, dims, 0)
    groups = integer(name, "groups", groups, 1)
    if isinstance(padding, str):
        raise ValueError(
            f"{name}: padding={padding!r}; several shapes of outputs would do, so give what is cut off as an integer, "
            "or pairs (low, high), and output_padding"
        )
    pairs = padding_pairs(name, padding, spatial, kernel, stride, dilation)
    if channels != W_shape[0]:
        raise ValueError(
            f"{name}: inputs of {channels} channels, and W of shape {W_shape} takes {W_shape[0]}"
            f"{_other_layout(shape, channels_last, W_shape[0])}"
        )
    if channels % groups:
        raise ValueError(
            f"{name}: {channels} channels of the inputs cannot be split into groups={groups} of equal size"
        )
    for i, (extra, s, d) in enumerate(zip(more, stride, dilation, strict=True)):
        if extra >= max(s, d):
            raise ValueError(
                f"{name}: output_padding={output_padding!r} is not less than the stride or the dilation, {s} and {d}, "
                f"along dimension {i}"
            )
    out = tuple(
        (n - 1) * s - low - high + d * (k - 1) + extra + 1
        for n, k, s, (low, high), d, extra in zip(
            spatial, kernel, stride, pairs, dilation, more, strict=True
        )
    )
    if min(out) < 1 or 0 in spatial:
        raise ValueError(
            f"{name}: inputs of {spatial} with a kernel of {kernel} and padding={padding!r} make outputs of {out}, "
            "which have no element; cut off less"
        )
    kept, pairs, beyond = _within_reach(more, stride, pairs, out)
    settings = {"stride": stride, "padding": pairs, "dilation": dilation, "groups": groups}
    return {"spatial": kept, **settings}, beyond


def _within_reach(
    more: tuple[int, ...], stride: tuple[int, ...], pairs: Any, out: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...], tuple[int, ...]]:
    """The lengths and padding by which `conv` makes as many windows as there are inputs, and what is 0 above that.

    It would make more where output_padding is not less than the stride, as it may be with a dilation.
    """
    kept, padding, beyond = [], [], []
    for extra, s, (low, high), n in zip(more, stride, pairs, out, strict=True):
        if extra >= s:
            zeros = max(extra - high - (s - 1), 0)
            high = max(high - extra, 0)
        else:
            zeros = 0
        kept.append(n - zeros)
        padding.append((low, high))
        beyond.append(zeros)
    return tuple(kept), tuple(padding), tuple(beyond)


def _check_weights(name: str, W: Any, channels: str) -> None:
    if not 3 <= W.ndim <= 5 or 0 in W.shape[2:]:
        raise ValueError(
            f"{name}: W of shape {tuple(W.shape)}; it is ({channels}, *kernel), with one, two or three lengths of the "
            "kernel, each at least 1"
        )


def _checked_bias(name: str, b: Any, outputs: int) -> Any:
    b = xp.asarray(b)
    if tuple(b.shape) != (outputs,):
        raise ValueError(
            f"{name}: b of shape {tuple(b.shape)}; with {outputs} outputs it is ({outputs},)"
        )
    return b


def _other_layout(shape: tuple[int, ...], channels_last: bool, wanted: int) -> str:
    """A hint where the channels seem to stand at the other end."""
    if (shape[1] if channels_last else shape[-1]) != wanted:
        return ""
    if channels_last:
        return "; channels_last=False, the default, takes channels first"
    return "; channels_last=True takes inputs whose channels are the last axis"
