"""Functions that move elements, make arrays, or work along whole lines: sorting, transforms, repeats."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...common.lengths import same_shape, unknown
from ...common.typing import XP
from . import blocks
from .blocks import zeros
from .indexing import expand_dims
from .shapes import Shape, refuse_unknown


def broadcast_to(x: Any, /, shape: Any) -> Any:
    """`x` broadcast to a shape; to one with unknown lengths, by the blocks of the array that has it."""
    import dask.array as da  # the arrays are Dask's: it is there

    if not unknown(shape):
        chunks = getattr(shape, "chunks", None)
        return (
            da.broadcast_to(x, tuple(shape))
            if chunks is None or 0 in shape
            else _in_chunks(x, shape, chunks)
        )
    if same_shape(shape, x.shape):
        return x
    if type(shape) is not Shape:
        refuse_unknown("broadcast_to", shape)
    return blocks.elementwise(_first_spread, x, shape.like)


def _in_chunks(x: Any, shape: Any, chunks: Any) -> Any:
    """`x` broadcast to a shape, in these chunks, of which each task is told the size of its own."""
    from dask.layers import ArrayChunkShapeDep

    if x.shape == shape:
        return x
    lead = len(shape) - x.ndim
    wanted = tuple(
        x.chunks[i - lead] if i >= lead and x.shape[i - lead] == n != 1 else c
        for i, (n, c) in enumerate(zip(shape, chunks, strict=True))
    )
    index = tuple(range(len(shape)))
    return blocks.blockwise(
        _stretched, index, ArrayChunkShapeDep(wanted), index, x, index[lead:], dtype=x.dtype,
        meta=blocks.meta_of(blocks.ones(x, (1,) * len(shape))),
    )  # fmt: skip


def _stretched(xp: Any, shape: Any, x: Any) -> Any:
    """A block broadcast to a shape."""
    return xp.broadcast_to(x, tuple(shape))


def _first_spread(xp: Any, x: Any, like: Any) -> Any:
    """A block broadcast to the shape of another one."""
    return xp.broadcast_to(x, np.broadcast_shapes(x.shape, like.shape))


def reshape(x: Any, /, shape: Any, *, copy: bool | None = None) -> Any:
    """Dask's `reshape`; where lengths are unknown, only axes of length 1 come and go."""
    import dask.array as da  # the arrays are Dask's: it is there

    if copy is False:
        raise ValueError("reshape: Dask's arrays have no views: copy=False cannot be had")
    shape_of = shape
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if not unknown(x.shape) and not unknown(shape):
        if shape == x.shape:
            return x
        size = x.size
        if size == 0 or (-1 in shape and math.prod(n for n in shape if n != -1) == 0):
            target = np.empty(x.shape, np.int8).reshape(shape).shape
            return zeros(target, x)
        if size == 1 and math.prod(shape) in (1, -1):
            target = tuple(1 for _ in shape)
            flat = x[(0,) * x.ndim] if x.ndim else x
            return (
                da.broadcast_to(flat, target, chunks=tuple((1,) for _ in target))
                if target
                else flat
            )
        try:
            return da.reshape(x, shape)
        except NotImplementedError:  # axes that are split unevenly: by way of one line
            return da.reshape(da.reshape(x, (-1,)), shape)
    rest, wanted = ([n for n in lengths if n != 1] for lengths in (x.shape, shape))
    if len(rest) == len(wanted) and all(map(_agree, rest, wanted)):
        ones = tuple(i for i, n in enumerate(x.shape) if n == 1)
        out = da.squeeze(x, axis=ones) if ones else x
        new = tuple(i for i, n in enumerate(shape) if n == 1)
        return expand_dims(out, new) if new else out
    rows_alone = max(x.numblocks[1:], default=1) == 1
    if shape == (-1,) and x.ndim and rows_alone:
        return _by_rows(_flat, x, (0,), x)
    like = getattr(shape_of, "like", None)
    if (
        like is not None
        and x.ndim == 1
        and like.numblocks == (*x.numblocks, *like.ndim * (1,))[: like.ndim]
    ):
        return _by_rows(_as_rows, x, tuple(range(like.ndim)), like)
    refuse_unknown(f"reshape to {shape}", x.shape, shape)
    return x


def _agree(n: Any, m: Any) -> bool:
    """Whether a length may become another one, of which −1 is what an unknown one (NaN) is called in a target."""
    return bool(n == m or m != m or (n != n and m == -1))


def _by_rows(function: Callable[..., Any], x: Any, out: tuple[int, ...], like: Any) -> Any:
    """A function of each chunk of rows, and of that of an array beside it."""
    return blocks.blockwise(
        function, out, x, tuple(range(x.ndim)), like, tuple(range(like.ndim)), dtype=x.dtype,
        meta=blocks.meta_of(blocks.ones(x, (1,) * len(out))),
        adjust_chunks={0: like.chunks[0] if len(out) > 1 else tuple(math.nan for _ in like.chunks[0])},
    )  # fmt: skip


def _flat(xp: Any, x: Any, like: Any) -> Any:
    return xp.reshape(x, (-1,))


def _as_rows(xp: Any, x: Any, like: Any) -> Any:
    return xp.reshape(x, like.shape)


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    """The block's own `clip`."""
    given = {name: bound for name, bound in (("min", min), ("max", max)) if bound is not None}
    return blocks.elementwise(_clip, x, *given.values(), names=tuple(given))


def _clip(xp: Any, x: Any, *bounds: Any, names: tuple[str, ...]) -> Any:
    return xp.clip(x, **dict(zip(names, bounds, strict=True)))


def roll(x: Any, /, shift: Any, *, axis: Any = None) -> Any:
    """Dask's `roll`, along axes that are known."""
    import dask.array as da  # the arrays are Dask's: it is there

    if axis is None or not unknown(x.shape):
        refuse_unknown("roll", x.shape)
        return da.roll(x, shift, axis=axis)
    axes = axis if isinstance(axis, tuple) else (axis,)
    shifts = shift if isinstance(shift, tuple) else (shift,) * len(axes)
    for a, s in zip(axes, shifts, strict=True):
        n = x.shape[a]
        refuse_unknown("roll", (n,))
        before = (slice(None),) * (a % x.ndim)
        start = (n - s % n) % n if n else 0
        if start:
            x = concat([x[(*before, slice(start, None))], x[(*before, slice(0, start))]], axis=a)
    return x


def concat(arrays: Any, /, *, axis: int | None = 0) -> Any:
    """Dask's `concatenate`, and of flattened arrays."""
    import dask.array as da  # the arrays are Dask's: it is there

    if axis is None:
        arrays, axis = [reshape(x, (-1,)) for x in arrays], 0
    return da.concatenate(arrays, axis=axis, allow_unknown_chunksizes=True)


def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Any:
    """Elements repeated by a number, or by numbers that are known."""
    import dask.array as da  # the arrays are Dask's: it is there

    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    axis %= x.ndim
    if hasattr(repeats, "shape"):
        repeats = getattr(repeats, "known", repeats)
        if not isinstance(repeats, np.ndarray):
            raise NotImplementedError(
                "repeat: numbers of repeats in a Dask array give a result of unknown length; pass them as a NumPy "
                "array, repeats.compute()"
            )
        counts = np.broadcast_to(repeats, (x.shape[axis],))
        return da.take(x, np.repeat(np.arange(x.shape[axis]), counts), axis=axis)
    if repeats == 0 or x.size == 0:
        return zeros((*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1 :]), x)
    return da.repeat(x, repeats, axis=axis)


def tile(x: Any, repetitions: Any, /) -> Any:
    """Copies of `x` beside each other."""
    import dask.array as da  # the arrays are Dask's: it is there

    counts = (repetitions,) if isinstance(repetitions, int) else tuple(repetitions)
    ndim = max(len(counts), x.ndim)
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - x.ndim) + x.shape
    if 0 in counts or 0 in shape:
        return zeros(tuple(n * k for n, k in zip(shape, counts, strict=True)), x)
    return da.tile(x, counts)


def sorted_lines(name: str) -> Callable[..., Any]:
    """`sort` or `argsort`, of lines that are put into one chunk."""

    def call(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
        import dask.array as da  # the arrays are Dask's: it is there

        out = blocks.along(
            name, "(n)->(n)", blocks.gathered(name, da.moveaxis(x, axis, -1)), axis=-1,
            descending=descending, stable=stable,
            dtype=np.dtype(np.int64) if name == "argsort" else x.dtype,
        )  # fmt: skip
        return da.moveaxis(out, -1, axis)

    return call


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None
) -> Any:
    """Dask's `arange`, whose bounds are numbers."""
    import dask.array as da  # the arrays are Dask's: it is there

    for name, x in (("start", start), ("stop", stop), ("step", step)):
        if isinstance(x, da.Array):
            raise TypeError(
                f"arange: {name} is a Dask array, whose value the length depends on; int({name}.compute()) is a number"
            )
    if stop is None:
        start, stop = 0, start
    return da.arange(start, stop, step, dtype=dtype)


def bind(xp: XP) -> dict[str, Callable[..., Any]]:
    """The functions of the main namespace."""
    return {
        "expand_dims": expand_dims, "clip": clip, "roll": roll, "broadcast_to": broadcast_to, "reshape": reshape,
        "concat": concat, "repeat": repeat, "tile": tile,
        "sort": sorted_lines("sort"), "argsort": sorted_lines("argsort"), "arange": arange,
        "arange_like": arange_like, "zeros_on_device_of": lambda shape, x: zeros(shape, x),
        "laid_out": laid_out,
    }  # fmt: skip


def arange_like(n: int, x: Any) -> Any:
    """The indices 0 … n − 1, of the library of the blocks of `x`."""
    import dask.array as da  # the arrays are Dask's: it is there

    refuse_unknown("arange_like", (n,))
    meta = getattr(x, "_meta", None)
    plain = meta is None or isinstance(meta, np.ndarray | np.generic)
    return da.arange(n) if plain else da.arange(n, like=meta)


def laid_out(x: Any, like: Any) -> Any:
    """`x` in the chunks of an array of its shape, but for those without elements."""
    pairs = enumerate(zip(x.chunks, like.chunks, strict=True))
    other = {i: new for i, (old, new) in pairs if old != new and not unknown((*old, *new))}
    x = x.rechunk(other) if other else x
    if not unknown(x.shape) or x.numblocks != like.numblocks:
        return x
    return blocks.elementwise(_checked, x, like)


def _checked(xp: Any, x: Any, like: Any) -> Any:
    """A block of a gradient, if it has the length of its argument's, which was not known before.

    Raises
    ------
    ValueError
        If one element was stretched to several.
    """
    if x.shape != like.shape:
        raise ValueError(
            f"a block of shape {like.shape} of a Dask array of unknown lengths was broadcast to {x.shape}: arrays with "
            "unknown lengths that meet have to have the same ones; x.compute_chunk_sizes() lets NumPy's rules decide"
        )
    return x


# ── Fourier transforms ────────────────────────────────────────────────────────────────────────


def fourier() -> dict[str, Callable[..., Any]]:
    """The transforms of lines that are in one chunk, by the blocks' library."""
    one = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
    several = ("fftn", "ifftn", "rfftn", "irfftn")
    return {name: _line(name) for name in one} | {name: _lines(name) for name in several}


def _line(name: str) -> Callable[..., Any]:
    def call(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
        import dask.array as da  # the arrays are Dask's: it is there

        refuse_unknown(f"fft.{name}", (x.shape[axis],))
        length = getattr(np.fft, name)(np.ones(x.shape[axis]), n=n).shape[0]
        out = blocks.along(
            f"fft.{name}", "(n)->(k)", da.moveaxis(x, axis, -1), sizes={"k": length}, n=n, axis=-1, norm=norm
        )  # fmt: skip
        return da.moveaxis(out, -1, axis)

    return call


def _lines(name: str) -> Callable[..., Any]:
    def call(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
        import dask.array as da  # the arrays are Dask's: it is there

        if axes is None:
            axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
        axes = tuple(a % x.ndim for a in axes)
        refuse_unknown(f"fft.{name}", [x.shape[a] for a in axes])
        last = tuple(range(-len(axes), 0))
        dummy = np.ones([x.shape[a] for a in axes])
        lengths = getattr(np.fft, name)(dummy, s=s, axes=last).shape
        ins = ",".join(f"n{i}" for i in range(len(axes)))
        outs = ",".join(f"k{i}" for i in range(len(axes)))
        out = blocks.along(
            f"fft.{name}", f"({ins})->({outs})", da.moveaxis(x, axes, last),
            sizes={f"k{i}": n for i, n in enumerate(lengths)}, s=s, axes=last, norm=norm,
        )  # fmt: skip
        return da.moveaxis(out, last, axes)

    return call
