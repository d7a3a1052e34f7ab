"""Rows for the primitives of networks: convolutions and pooling, against loops over windows."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from pullback.autograd.core.generated import xp as primitives

from .._table import Case, K, R, X, Z, row


def _windows(
    x: Any, window: Any, stride: Any, padding: Any, dilation: Any, fill: float | None
) -> Any:
    """Places and windows of x (N, C, *spatial), by slices of the padded array; of x itself if `fill` is None."""
    around = x if fill is None else np.pad(x, ((0, 0), (0, 0), *padding), constant_values=fill)
    lengths = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(around.shape[2:], window, stride, dilation, strict=True)
    ]
    for place in itertools.product(*map(range, lengths)):
        key = tuple(
            slice(s * i, s * i + d * (k - 1) + 1, d)
            for i, k, s, d in zip(place, window, stride, dilation, strict=True)
        )
        yield lengths, place, around[(..., *key)]


def _convolution(
    x: Any, W: Any, b: Any = None, *, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    outputs, per_group = W.shape[0] // groups, W.shape[1]
    out: Any = None
    for lengths, place, window in _windows(x, W.shape[2:], stride, padding, dilation, 0.0):
        if out is None:
            out = np.zeros((x.shape[0], W.shape[0], *lengths), np.result_type(x, W))
        for g in range(groups):
            seen = window[:, g * per_group : (g + 1) * per_group]
            rows = slice(g * outputs, (g + 1) * outputs)
            axes = list(range(1, W.ndim))
            out[(slice(None), rows, *place)] = np.tensordot(seen, W[rows], (axes, axes))
    return out if b is None else out + b.reshape(-1, *(1,) * (W.ndim - 2))


def _taken_off(x: Any, padding: Any) -> Any:
    return x[
        (..., *(slice(low, n - high) for n, (low, high) in zip(x.shape[2:], padding, strict=True)))
    ]


def _padded_zeros(y: Any, channels: int, spatial: Any, padding: Any, dtype: Any) -> Any:
    whole = [n + low + high for n, (low, high) in zip(spatial, padding, strict=True)]
    return np.zeros((y.shape[0], channels, *whole), dtype)


def _convolution_vjp_x(
    y: Any, W: Any, *, spatial: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    out = _padded_zeros(y, W.shape[1] * groups, spatial, padding, np.result_type(y, W))
    none = ((0, 0),) * len(spatial)
    for _, place, window in _windows(out, W.shape[2:], stride, none, dilation, None):
        for g in range(groups):
            rows = slice(g * W.shape[0] // groups, (g + 1) * W.shape[0] // groups)
            share = np.tensordot(y[(slice(None), rows, *place)], W[rows], (1, 0))
            window[:, g * W.shape[1] : (g + 1) * W.shape[1]] += share
    return _taken_off(out, padding)


def _convolution_vjp_W(
    x: Any, y: Any, *, spatial: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    per_group = x.shape[1] // groups
    out = np.zeros((y.shape[1], per_group, *spatial), np.result_type(x, y))
    for _, place, window in _windows(x, spatial, stride, padding, dilation, 0.0):
        for g in range(groups):
            rows = slice(g * y.shape[1] // groups, (g + 1) * y.shape[1] // groups)
            seen = window[:, g * per_group : (g + 1) * per_group]
            out[rows] += np.tensordot(y[(slice(None), rows, *place)], seen, (0, 0))
    return out


def _max_pool(x: Any, *, window: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    axes = tuple(range(2, x.ndim))
    out: Any = None
    for lengths, place, seen in _windows(x, window, stride, padding, dilation, -np.inf):
        out = np.zeros((*x.shape[:2], *lengths), x.dtype) if out is None else out
        out[(..., *place)] = seen.max(axis=axes)
    return out


def _pool_gather(
    x: Any, indices: Any, *, window: Any, stride: Any, padding: Any, dilation: Any
) -> Any:
    out = np.zeros(indices.shape, x.dtype)
    for _, place, seen in _windows(x, window, stride, padding, dilation, 0.0):
        flat = seen.reshape(*x.shape[:2], -1)
        at = indices[(..., *place)].astype(int)[..., None]
        out[(..., *place)] = np.take_along_axis(flat, at, -1)[..., 0]
    return out


def _pool_scatter(
    y: Any, indices: Any, *, spatial: Any, window: Any, stride: Any, padding: Any, dilation: Any
) -> Any:
    out = _padded_zeros(y, y.shape[1], spatial, padding, y.dtype)
    none = ((0, 0),) * len(spatial)
    for _, place, seen in _windows(out, window, stride, none, dilation, None):
        for n, c in np.ndindex(y.shape[:2]):
            at = np.unravel_index(int(indices[(n, c, *place)]), window)
            seen[(n, c, *at)] += y[(n, c, *place)]
    return _taken_off(out, padding)


def _counts(spatial: Any, window: Any, stride: Any, padding: Any, counted: Any) -> Any:
    ones = (1,) * len(spatial)
    around = counted or padding
    inside = np.pad(np.ones(spatial), around, constant_values=1.0)[None, None]
    rest = tuple((p[0] - a[0], p[1] - a[1]) for p, a in zip(padding, around, strict=True))
    for *_, seen in _windows(inside, window, stride, rest, ones, 0.0):
        yield 1.0 if counted is None else seen.sum()


def _avg_pool(x: Any, *, window: Any, stride: Any, padding: Any, counted: Any) -> Any:
    axes, ones = tuple(range(2, x.ndim)), (1,) * (x.ndim - 2)
    counts = _counts(x.shape[2:], window, stride, padding, counted)
    out: Any = None
    for lengths, place, seen in _windows(x, window, stride, padding, ones, 0.0):
        out = np.zeros((*x.shape[:2], *lengths), x.dtype) if out is None else out
        out[(..., *place)] = seen.sum(axis=axes) / next(counts)
    return out


def _avg_pool_vjp(
    y: Any, *, spatial: Any, window: Any, stride: Any, padding: Any, counted: Any
) -> Any:
    out = _padded_zeros(y, y.shape[1], spatial, padding, y.dtype)
    none, ones = ((0, 0),) * len(spatial), (1,) * len(spatial)
    counts = _counts(spatial, window, stride, padding, counted)
    for _, place, seen in _windows(out, window, stride, none, ones, None):
        share = y[(..., *place)] / next(counts)
        seen += share.reshape(*share.shape, *ones)
    return _taken_off(out, padding)


_REFERENCES = {
    "convolution": _convolution, "convolution_vjp_x": _convolution_vjp_x, "convolution_vjp_W": _convolution_vjp_W,
    "max_pool": _max_pool, "pool_gather": _pool_gather, "pool_scatter": _pool_scatter, "avg_pool": _avg_pool,
    "avg_pool_vjp": _avg_pool_vjp,
}  # fmt: skip


def _of(name: str, label: str, *args: Any, **settings: Any) -> Case:
    return row(
        name, label, *args, _call=getattr(primitives, name), _ref=_REFERENCES[name], **settings
    )


def _settings(dims: int, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> dict[str, Any]:
    pairs = padding if isinstance(padding, tuple) else ((padding, padding),) * dims
    return {"stride": (stride,) * dims, "padding": pairs, "dilation": (dilation,) * dims}


# label, x, W, settings, groups, lengths of the result
CONVOLUTIONS: list[tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any], int, tuple[int, ...]]] = [
    ("one dimension", (2, 2, 5), (3, 2, 3), _settings(1), 1, (3,)),
    ("strides and padding", (1, 1, 5, 4), (2, 1, 3, 2), _settings(2, 2, ((1, 2), (0, 1))), 1, (3, 2)),
    ("groups and dilation", (1, 4, 5), (2, 2, 2), _settings(1, 1, 1, 2), 2, (5,)),
    ("depthwise", (1, 2, 3, 3), (2, 1, 2, 2), _settings(2, 1, 1), 2, (4, 4)),
    ("dilated strides", (1, 2, 6), (2, 1, 2), _settings(1, 2, 1, 3), 2, (3,)),
    ("side by side", (1, 1, 4, 4), (2, 1, 2, 2), _settings(2, 2), 1, (2, 2)),
    ("strides past the kernel", (1, 1, 7), (2, 1, 2), _settings(1, 3), 1, (2,)),
    ("three dimensions", (1, 1, 2, 3, 2), (1, 1, 2, 2, 1), _settings(3, 1, ((0, 1), (0, 0), (0, 0))), 1, (2, 2, 2)),
    ("more padding than kernel", (1, 1, 2), (1, 1, 2), _settings(1, 1, 3), 1, (7,)),
    ("one by one", (2, 2, 2, 2), (1, 2, 1, 1), _settings(2), 1, (2, 2)),
    ("no image", (0, 2, 4), (1, 2, 2), _settings(1), 1, (3,)),
]  # fmt: skip

CASES = [
    *(
        case
        for label, x, W, settings, groups, lengths in CONVOLUTIONS
        for y in [(x[0], W[0], *lengths)]
        for case in (
            _of("convolution", label, R(*x), R(*W), R(W[0]), **settings, groups=groups),
            _of("convolution_vjp_x", label, R(*y), R(*W), spatial=x[2:], **settings, groups=groups),
            _of("convolution_vjp_W", label, R(*x), R(*y), spatial=W[2:], **settings, groups=groups),
        )
        if 0 not in x or case.name == "convolution_vjp_W"
    ),
    _of("convolution", "without b", R(1, 2, 4), R(3, 2, 2), **_settings(1), groups=1),
    _of("convolution", "complex", Z(1, 2, 4), Z(2, 2, 2), Z(2), **_settings(1, 2, 1), groups=1),
    _of("convolution", "complex and real", Z(1, 1, 3), R(2, 1, 2), **_settings(1), groups=1),
    _of("convolution_vjp_x", "complex", Z(1, 2, 3), Z(2, 1, 2), spatial=(4,), **_settings(1), groups=1),
    _of("convolution_vjp_W", "complex", Z(1, 2, 4), Z(1, 2, 3), spatial=(2,), **_settings(1), groups=1),
    _of("max_pool", "side by side", R(1, 2, 4, 5), window=(2, 2), **_settings(2, 2)),
    _of("max_pool", "overlapping, padded", R(1, 1, 5, 4), window=(3, 3), **_settings(2, 2, 1)),
    _of("max_pool", "dilated", R(2, 1, 7), window=(3,), **_settings(1, 1, 0, 2)),
    _of("max_pool", "three dimensions", R(1, 1, 2, 2, 4), window=(1, 2, 2), **_settings(3, 2)),
    _of("max_pool", "no image", R(0, 2, 4), window=(2,), **_settings(1, 2)),
    _of("pool_gather", "overlapping", R(1, 1, 4), K([[[0, 1, 1]]]), window=(2,), **_settings(1)),
    _of("pool_gather", "padding too", R(1, 1, 2, 2), K([[[[0, 3], [2, 1]]]]), window=(2, 2),
        **_settings(2, 2, 1)),
    _of("pool_scatter", "overlapping", R(1, 1, 3), K([[[1, 0, 1]]]), spatial=(4,), window=(2,), **_settings(1)),
    _of("pool_scatter", "side by side", R(1, 1, 2, 2), K([[[[0, 3], [2, 1]]]]), spatial=(5, 4), window=(2, 2),
        **_settings(2, 2)),
    _of("pool_scatter", "padding too", R(1, 1, 2), K([[[0, 1]]]), spatial=(2,), window=(2,), **_settings(1, 2, 1)),
    *(
        case
        for label, x, y, settings in (
            ("side by side", (1, 2, 4, 5), (1, 2, 2, 2), {"window": (2, 2), "stride": (2, 2),
             "padding": ((0, 0), (0, 0)), "counted": ((0, 0), (0, 0))}),
            ("padding counted", (2, 1, 5), (2, 1, 3), {"window": (3,), "stride": (2,), "padding": ((1, 1),),
             "counted": ((1, 1),)}),
            ("padding not counted", (1, 1, 3, 4), (1, 1, 4, 3), {"window": (2, 3), "stride": (1, 2),
             "padding": ((1, 1), (1, 2)), "counted": ((0, 0), (0, 0))}),
            ("sums", (1, 1, 4), (1, 1, 3), {"window": (2,), "stride": (1,), "padding": ((0, 0),), "counted": None}),
        )
        for case in (
            _of("avg_pool", label, R(*x), **settings),
            _of("avg_pool_vjp", label, R(*y), spatial=x[2:], **settings),
        )
    ),
    _of("avg_pool", "complex", Z(1, 1, 4), window=(2,), stride=(2,), padding=((0, 0),), counted=((0, 0),)),
    _of("max_pool", "equal elements", X([[[1.0, 1.0, 0.0, 0.0]]]), _skip={"differences": "a kink"}, window=(2,),
        **_settings(1, 2)),
]  # fmt: skip
