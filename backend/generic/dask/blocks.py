"""Functions of whole blocks: Dask's graph holds their names, and each block's own library computes them.

The functions that stand in graphs are those of this file, with names, settings and arrays as arguments, so that graphs
can be sent to other processes and machines. There, importing this file imports the package, and `OF.find` is set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from .shapes import refuse_unknown, told


class _Libraries:
    """How the namespace of a block's library is found; `backend/select.py` sets it, which imports this folder."""

    find: Callable[[Any], Any]


OF = _Libraries()


Function: TypeAlias = str | Callable[..., Any]
"""A name in the namespace of the blocks' library, ``"linalg.qr"``, or a function of that namespace and the blocks."""


def run(*blocks: Any, function: Function, settings: dict[str, Any]) -> Any:
    """One function of blocks, in the library of the first array among them."""
    arrays = [_single(x) for x in blocks]
    xp = OF.find(next(x for x in arrays if hasattr(x, "dtype"))).xp
    with np.errstate(all="ignore"):
        if not isinstance(function, str):
            return function(xp, *arrays, **settings)
        found = xp
        for part in function.split("."):
            found = getattr(found, part)
        return found(*arrays, **settings)


def _single(x: Any) -> Any:
    """A block out of the lists that Dask puts around those that are the only ones along their axes."""
    while type(x) is list and len(x) == 1:
        x = x[0]
    return np.asarray(x) if isinstance(x, np.generic) else x


def blockwise(
    function: Function,
    out: tuple[Any, ...],
    *operands: Any,
    dtype: Any,
    meta: Any,
    call: Any = run,
    align: bool = False,
    settings: dict[str, Any] | None = None,
    part: int | None = None,
    **layout: Any,
) -> Any:
    """`da.blockwise` of a function in the blocks' library; axes that are not in `out` are in one chunk."""
    import dask.array as da  # the arrays are Dask's: it is there

    known: dict[str, Any] = {"function": function, "settings": settings or {}}
    if part is not None:
        known["part"] = part
    made = da.blockwise(
        call, out, *operands, dtype=dtype, meta=meta, concatenate=None, align_arrays=align, **layout, **known
    )  # fmt: skip
    return told(made)


def run_part(*blocks: Any, function: Function, settings: dict[str, Any], part: int) -> Any:
    """One of the results of a function of blocks."""
    return run(*blocks, function=function, settings=settings)[part]


def library_of(x: Any) -> Any:
    """The namespace of the library of a Dask array's blocks."""
    return OF.find(np.asarray(x._meta) if isinstance(x._meta, np.generic) else x._meta).xp


def ones(x: Any, shape: tuple[int, ...]) -> Any:
    """Ones of a shape, of the library and dtype of the blocks of a Dask array; what is no array as it is."""
    if not hasattr(x, "_meta"):
        return x
    meta = np.asarray(x._meta) if isinstance(x._meta, np.generic) else x._meta
    xp = library_of(x)
    return xp.astype(xp.zeros_on_device_of(shape, meta) + 1, meta.dtype)


def zeros(shape: Any, like: Any, chunks: Any = "auto") -> Any:
    """A Dask array of zeros, of the library and dtype of the blocks of `like`."""
    import dask.array as da  # the arrays are Dask's: it is there

    shape = tuple(shape)
    if 0 in shape:
        chunks = shape
    return da.zeros_like(like, shape=shape, chunks=chunks, dtype=like.dtype)


def empty(x: Any, ndim: int, dtype: Any) -> Any:
    """A block without elements, of the library of the blocks of a Dask array."""
    xp, like = library_of(x), ones(x, ())
    like = xp.real(like) if xp.isdtype(like.dtype, "complex floating") else like
    return xp.astype(xp.zeros_on_device_of((0,) * ndim, like), dtype)


def meta_of(out: Any) -> Any:
    """A block without elements, of the library, dtype and number of axes of `out`."""
    return out[(slice(0, 0),) * out.ndim]


def elementwise(function: Function, *args: Any, parts: int | None = None, **settings: Any) -> Any:
    """A function of elements, block by block, with broadcasting; a tuple of `parts` arrays for several results."""
    args = tuple(x for x in args if x is not None)  # which stand at the end
    dummies = [ones(x, (1,) * getattr(x, "ndim", 0)) for x in args]
    probe = run(*dummies, function=function, settings=settings)
    ndim = max((x.ndim for x in args if hasattr(x, "ndim")), default=0)
    index = tuple(range(ndim))
    operands: list[Any] = []
    for x in args:
        n = getattr(x, "ndim", None)
        operands += [x, None if n is None else index[ndim - n :]]
    if parts is None:
        return blockwise(
            function, index, *operands, dtype=probe.dtype, meta=meta_of(probe), settings=settings, align=True
        )  # fmt: skip
    return tuple(
        blockwise(
            function, index, *operands, dtype=probe[i].dtype, meta=meta_of(probe[i]), settings=settings, align=True,
            call=run_part, part=i,
        )
        for i in range(parts)
    )  # fmt: skip


def check_whole(name: str, x: Any, axes: Sequence[int]) -> None:
    """Refuse an array that is in several chunks along one of the axes.

    Raises
    ------
    NotImplementedError
        If it is.
    ValueError
        If a length along one of the axes is unknown.
    """
    axes = [a % x.ndim for a in axes]
    refuse_unknown(name, [x.shape[a] for a in axes])
    several = [a for a in axes if x.numblocks[a] > 1]
    if several:
        told_axes = ", ".join(f"{a}: -1" for a in several)
        raise NotImplementedError(
            f"{name}: the Dask array of shape {x.shape} has several chunks along axis "
            f"{', '.join(map(str, several))}, {tuple(x.chunks[a] for a in several)}, of which the function needs all "
            f"elements at once; x.rechunk({{{told_axes}}}) puts them into one chunk, if it fits into memory"
        )


def along(
    function: Function,
    signature: str,
    *args: Any,
    parts: int | None = None,
    dtype: Any = None,
    sizes: dict[str, int] | None = None,
    called: str = "",
    free: str = "",
    **settings: Any,
) -> Any:
    """A function of the last axes of its arrays, block by block along all axes before them.

    Parameters
    ----------
    function : str
        Its dotted name in the library of the blocks.
    signature : str
        As of NumPy's generalised ufuncs, ``"(m,n),(n,k)->(m,k)"``.
    *args
        Dask arrays.
    parts : int, optional
        How many results the function has.
    dtype
        Of the result, or a list of those of several; by default that of a call with small arrays.
    sizes
        The lengths of axes that no argument has.
    called : str
        The function's name in messages.
    free : str
        Letters of axes along which the function works separately, which may be in several chunks.
    **settings
        Keywords of the function.
    """  # fmt: skip
    import dask.array as da  # the arrays are Dask's: it is there

    name = called or str(function)
    left, _, right = signature.partition("->")
    core = [part.strip("()").split(",") if part.strip("()") else [] for part in left.split("),")]
    outs = [part.strip("()").split(",") if part.strip("()") else [] for part in right.split("),")]
    lengths = dict(sizes or {})
    for x, axes in zip(args, core, strict=True):
        check_whole(name, x, [x.ndim - len(axes) + i for i, a in enumerate(axes) if a not in free])
        for axis, n in zip(axes, x.shape[x.ndim - len(axes) :], strict=True):
            if lengths.setdefault(axis, n) != n and n == n:
                raise ValueError(f"{name}: lengths {n} and {lengths[axis]} of an axis differ")
    loops = max(x.ndim - len(axes) for x, axes in zip(args, core, strict=True))
    # Dask wants other names for two axes of one array
    core, outs = ([_apart(axes) for axes in group] for group in (core, outs))
    lengths |= {a: lengths[a.rstrip("'")] for axes in outs for a in axes if a.endswith("'")}
    letters = dict.fromkeys(a for axes in (*core, *outs) for a in axes)
    place = {a: loops + i for i, a in enumerate(letters)}
    operands: list[Any] = []
    for x, axes in zip(args, core, strict=True):
        n = x.ndim - len(axes)
        operands += [x, (*range(loops - n, loops), *(place[a] for a in axes))]
    shape_of = lambda x, axes: (1,) * (x.ndim - len(axes)) + x.shape[x.ndim - len(axes) :]
    if dtype is None:
        dummies = [ones(x, shape_of(x, axes)) for x, axes in zip(args, core, strict=True)]
        out = run(*dummies, function=function, settings=settings)
        dtype = [o.dtype for o in out] if parts else out.dtype
    if parts:  # computed once, and taken apart
        meta = np.empty((0,) * loops, object)
        index = tuple(range(loops))
        tuples = blockwise(
            function, index, *operands, dtype=object, meta=meta, settings=settings, align=True
        )
    results = []
    for i, axes in enumerate(outs):
        kind = dtype[i] if parts else dtype
        meta = empty(args[0], loops + len(axes), kind)
        new = {place[a]: lengths[a] for a in axes if parts or not any(a in c for c in core)}
        out = (*range(loops), *(place[a] for a in axes))
        if parts:
            made = da.blockwise(
                pick, out, tuples, index, dtype=kind, meta=meta, new_axes=new, part=i
            )
            results.append(told(made))
        else:
            results.append(
                blockwise(
                    function, out, *operands, dtype=kind, meta=meta, settings=settings, align=True, new_axes=new
                )
            )  # fmt: skip
    return tuple(results) if parts else results[0]


def _apart(axes: list[str]) -> list[str]:
    """The axes of one array, with a mark at those that were named before."""
    return [a + "'" * axes[:i].count(a) for i, a in enumerate(axes)]


def pick(results: Any, *, part: int) -> Any:
    """One of several results of a block."""
    return results[part]


def gathered(name: str, x: Any) -> Any:
    """`x` with its last axis in one chunk, and the others in smaller ones, so that chunks stay of one size."""
    refuse_unknown(name, x.shape[-1:])
    if x.numblocks[-1] == 1:
        return x
    if x.ndim > 1:
        refuse_unknown(name, x.shape)
    return x.rechunk({i: -1 if i == x.ndim - 1 else "auto" for i in range(x.ndim)})


def _one(x: Any) -> Any:
    return x.rechunk(-1) if max(x.numblocks, default=1) > 1 else x


def whole(
    function: Function,
    *args: Any,
    shape: tuple[int, ...],
    dtype: Any,
    gather: bool = False,
    called: str = "",
    **settings: Any,
) -> Any:
    """A function of arrays that are in one chunk each, as one task; with `gather` they are put together first.

    `args` may hold what is no array too.
    """  # fmt: skip
    import dask.array as da  # the arrays are Dask's: it is there

    operands: list[Any] = []
    axes = 0
    for x in args:
        if not isinstance(x, da.Array):
            operands += [x, None]
            continue
        if gather:
            refuse_unknown(called or str(function), x.shape)
            x = _one(x)
        check_whole(called or str(function), x, range(x.ndim))
        operands += [x, tuple(f"a{axes + i}" for i in range(x.ndim))]
        axes += x.ndim
    first = next(x for x in args if isinstance(x, da.Array))
    meta = empty(first, len(shape), dtype)
    out = tuple(f"o{i}" for i in range(len(shape)))
    return blockwise(
        function, out, *operands, dtype=dtype, meta=meta, settings=settings, new_axes=dict(zip(out, shape, strict=True))
    )  # fmt: skip
