"""Convolutions and pooling of all rows at once: the rows go into the batch, or into the channels as groups of them.

Where the weights are the same for all rows, the rows of images are one batch. Where they differ, the channels of all
rows stand side by side, and each row is a group of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.levels.batched import Batched
from ...core.namespaces import NAMESPACES, namespace_of
from .array import batch_size, spread_rows, values_of
from .rows import plain

# ── rows as part of an axis ───────────────────────────────────────────────────────────────────


def _in_batch(x: Any) -> Any:
    """(k, N, …) as (k N, …)."""
    return namespace_of(x).reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))


def _in_channels(x: Any) -> Any:
    """(k, N, C, …) as (N, k C, …)."""
    xp = namespace_of(x)
    k, N, C, *rest = x.shape
    moved = xp.permute_dims(x, (1, 0, *range(2, len(x.shape))))
    return xp.reshape(moved, (N, k * C, *rest))


def _out_of_batch(x: Any, k: int, n: int) -> Batched:
    """(k n, …) as rows of (n, …)."""
    return Batched(namespace_of(x).reshape(x, (k, n, *x.shape[1:])))


def _out_of_channels(x: Any, k: int) -> Batched:
    """(N, k C, …) as rows of (N, C, …)."""
    xp = namespace_of(x)
    N, C, *rest = x.shape
    split = xp.reshape(x, (N, k, C // k, *rest))
    return Batched(xp.permute_dims(split, (1, 0, *range(2, len(x.shape) + 1))))


# ── convolutions ──────────────────────────────────────────────────────────────────────────────


def _convolution(x: Any, W: Any, b: Any = None, *, groups: int, **settings: Any) -> Any:
    run = {"groups": groups, **settings}
    if type(W) is Batched:
        out = _by_groups("convolution", x, W, run)
    elif type(b) is Batched:
        out = (
            _convolution(x, W, None, **run) if type(x) is Batched else _plain_convolution(x, W, run)
        )
    else:
        values = values_of((x, W) if b is None else (x, W, b))
        rows = _in_batch(values[0])
        out = plain("convolution", values)(rows, *values[1:], **run)
        return _out_of_batch(out, *x.value.shape[:2])
    if b is None:
        return out
    xp = NAMESPACES[Batched]
    shape = (b.shape[0], *(1,) * (W.ndim - 2))
    b = xp.reshape(b, shape) if type(b) is Batched else namespace_of(b).reshape(b, shape)
    return xp.add(out, b)


def _plain_convolution(x: Any, W: Any, run: dict[str, Any]) -> Any:
    return plain("convolution", (x, W))(x, W, **run)


def _convolution_vjp_x(y: Any, W: Any, **run: Any) -> Any:
    if type(W) is Batched:
        return _by_groups("convolution_vjp_x", y, W, run)
    values = values_of((y, W))
    out = plain("convolution_vjp_x", values)(_in_batch(values[0]), values[1], **run)
    return _out_of_batch(out, *y.value.shape[:2])


def _by_groups(name: str, x: Any, W: Any, run: dict[str, Any]) -> Batched:
    """With weights of each row: images that all rows share stay as they are where each group sees all of them."""
    k = _some_rows(W.value.shape[0], name)
    groups = run["groups"]
    shared = groups == 1 and type(x) is not Batched
    values = values_of((x if shared else Batched(spread_rows(x, k)), W))
    if not shared:
        rows, weights = _in_channels(values[0]), _in_batch(values[1])
        run = {**run, "groups": k * groups}
    elif name == "convolution":
        rows, weights = values[0], _in_batch(values[1])
    else:
        rows, weights = values[0], _in_channels(values[1])
    out = plain(name, values)(rows, weights, **run)
    return _out_of_channels(out, k)


def _some_rows(k: int, name: str) -> int:
    if not k:
        raise ValueError(
            f"{name} runs with the rows as groups of channels under vmap, and there are no rows"
        )
    return k


def _convolution_vjp_W(x: Any, y: Any, *, groups: int, **settings: Any) -> Batched:
    k = _some_rows(batch_size((x, y)) or 0, "convolution_vjp_W")
    if groups == 1 and type(x) is not Batched:
        values = values_of((x, y))
        out = plain("convolution_vjp_W", values)(
            values[0], _in_channels(values[1]), groups=1, **settings
        )
        return _out_of_batch(out, k, y.shape[1])
    if groups == 1 and type(y) is not Batched:
        values = values_of((x, y))
        out = plain("convolution_vjp_W", values)(
            _in_channels(values[0]), values[1], groups=1, **settings
        )
        return _out_of_channels(out, k)
    values = values_of(Batched(spread_rows(part, k)) for part in (x, y))
    rows = [_in_channels(value) for value in values]
    out = plain("convolution_vjp_W", values)(*rows, groups=k * groups, **settings)
    return _out_of_batch(out, k, y.shape[1])


# ── pooling ───────────────────────────────────────────────────────────────────────────────────


def _by_batch(name: str) -> Callable[..., Any]:
    """A function of each image for itself."""

    def call(*args: Any, **settings: Any) -> Any:
        k, n = batch_size(args) or 0, args[0].shape[0]
        values = values_of(Batched(spread_rows(x, k)) for x in args)
        out = plain(name, values)(*map(_in_batch, values), **settings)
        if isinstance(out, tuple | list):
            return tuple(_out_of_batch(part, k, n) for part in out)
        return _out_of_batch(out, k, n)

    return call


NETWORKS: dict[str, Callable[..., Any]] = {
    "convolution": _convolution, "convolution_vjp_W": _convolution_vjp_W, "convolution_vjp_x": _convolution_vjp_x,
    **{name: _by_batch(name) for name in ("avg_pool", "avg_pool_vjp", "max_pool", "pool_gather", "pool_scatter")},
}  # fmt: skip
