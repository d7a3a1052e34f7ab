"""What the functions of this folder are asked for, as lengths for each spatial dimension, and refusals of the rest."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ...autograd.core.array import Array
from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp

# "valid", "same", an integer, one for each dimension, or pairs of what is added below and above.
PaddingLike = str | int | tuple[int, ...] | tuple[tuple[int, int], ...]


Result = TypeVar("Result")


def remembered(checks: Callable[..., Result]) -> Callable[..., Result]:
    """A function of shapes and settings whose results are kept: of layers called again and again they are the same."""
    known = functools.lru_cache(maxsize=512, typed=True)(checks)

    def call(*args: Any) -> Result:
        try:
            hash(args)
        except TypeError:  # settings in lists
            return checks(*args)
        return known(*args)

    return call


class Images(NamedTuple):
    """Inputs (N, C, *spatial), and how to give results the form of what was given.

    Attributes
    ----------
    x : Array
    alone : bool
        Whether there was one image, without the axis N.
    last : bool
        Whether channels were the last axis.
    """

    x: Array
    alone: bool
    last: bool

    def back(self, y: Array) -> Array:
        """The results for these inputs, in their form."""
        y = xp.moveaxis(y, 1, -1) if self.last else y
        return y[0] if self.alone else y


def images(name: str, x: ArrayLike, dims: int, channels_last: bool) -> Images:
    """Inputs with or without the axis of the batch, channels first or last, as (N, C, *spatial).

    Raises
    ------
    ValueError
        For another number of axes.
    """
    x = xp.asarray(x)
    if x.ndim not in (dims + 1, dims + 2):
        axes = ", ".join(f"n{i + 1}" for i in range(dims))
        form = f"{axes}, channels" if channels_last else f"channels, {axes}"
        raise ValueError(
            f"{name}: inputs of shape {tuple(x.shape)}; in {dims} dimension{'s' * (dims > 1)} they are (batch, {form}) "
            f"or ({form}) for one alone"
        )
    alone = x.ndim == dims + 1
    x = xp.expand_dims(x, axis=0) if alone else x
    return Images(xp.moveaxis(x, -1, 1) if channels_last else x, alone, bool(channels_last))


def integer(name: str, setting: str, value: Any, least: int) -> int:
    """An integer of at least `least`.

    Raises
    ------
    ValueError
        For anything else.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        found = operator.index(value)
    except TypeError:
        found = least - 1
    if found < least:
        raise ValueError(
            f"{name}: {setting}={value!r}; it has to be an integer of at least {least}"
        )
    return found


def lengths(name: str, setting: str, value: Any, dims: int, least: int = 1) -> tuple[int, ...]:
    """An integer for each dimension, from one for all or one for each.

    Raises
    ------
    ValueError
        For another number of them, or one that is less than `least`.
    """
    if not isinstance(value, tuple | list):
        return (integer(name, setting, value, least),) * dims
    if len(value) != dims:
        raise ValueError(
            f"{name}: {setting}={value!r} has {len(value)} entries, and there are {dims} spatial dimensions; give one "
            "integer for all, or one for each"
        )
    return tuple(integer(name, f"{setting}[{i}]", n, least) for i, n in enumerate(value))


def padding_pairs(
    name: str,
    padding: Any,
    spatial: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[tuple[int, int], ...]:
    """What is added below and above each axis.

    "same" makes ⌈n / stride⌉ outputs, and adds one more above than below where the number is odd (as JAX; as PyTorch,
    which has it for strides of 1).

    Raises
    ------
    ValueError
        For what is none of the forms, and for negative numbers.
    """
    dims = len(spatial)
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * dims
        if padding == "same":
            totals = [
                max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
                for n, k, s, d in zip(spatial, kernel, stride, dilation, strict=True)
            ]
            return tuple((total // 2, total - total // 2) for total in totals)
    elif not isinstance(padding, tuple | list):
        n = integer(name, "padding", padding, 0)
        return ((n, n),) * dims
    elif len(padding) == dims:
        pairs = []
        for i, part in enumerate(padding):
            if isinstance(part, tuple | list) and len(part) == 2:
                low, high = (integer(name, f"padding[{i}]", n, 0) for n in part)
            elif isinstance(part, tuple | list):
                break
            else:
                low = high = integer(name, f"padding[{i}]", part, 0)
            pairs.append((low, high))
        else:
            return tuple(pairs)
    raise ValueError(
        f"{name}: padding={padding!r}; it is 'valid', 'same', an integer of at least 0, or a tuple of {dims}: an "
        "integer or a pair (low, high) for each spatial dimension"
    )


def check_fits(
    name: str,
    what: str,
    kernel: tuple[int, ...],
    spatial: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
) -> None:
    """Refuse windows that are larger than the padded inputs.

    Raises
    ------
    ValueError
        With both sizes.
    """
    reach = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    whole = tuple(n + low + high for n, (low, high) in zip(spatial, padding, strict=True))
    if any(r > n for r, n in zip(reach, whole, strict=True)):
        spread = f", {reach} with dilation={dilation}" if any(d > 1 for d in dilation) else ""
        raise ValueError(
            f"{name}: a {what} of {kernel}{spread} does not fit into inputs of {spatial}, {whole} with their padding; "
            f"make the {what} or dilation smaller, or pad more"
        )
