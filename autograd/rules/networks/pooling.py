"""Maxima and means of windows.

The maximum of a window is one of its elements, and its cotangent is that element's: a scatter, whose own rule is to
gather, whose rule is the scatter. The mean is linear, and it and its cotangent are each other's rules.
"""

from __future__ import annotations

from typing import Any

from ...core.defvjp import library_defvjp as defvjp


def _windows(window: Any, stride: Any, padding: Any, dilation: Any) -> dict[str, Any]:
    return {"window": window, "stride": stride, "padding": padding, "dilation": dilation}


defvjp(
    "max_pool",
    residuals=("offsets",),
    x=lambda ct, offsets, x_shape, window, stride, padding, dilation, xp: xp.pool_scatter(
        ct, offsets, spatial=tuple(x_shape[2:]), **_windows(window, stride, padding, dilation)
    ),
)
defvjp(
    "pool_scatter",
    y=lambda ct, indices, window, stride, padding, dilation, xp: xp.pool_gather(
        ct, indices, **_windows(window, stride, padding, dilation)
    ),
)
defvjp(
    "pool_gather",
    x=lambda ct, indices, x_shape, window, stride, padding, dilation, xp: xp.pool_scatter(
        ct, indices, spatial=tuple(x_shape[2:]), **_windows(window, stride, padding, dilation)
    ),
)
defvjp(
    "avg_pool",
    x=lambda ct, x_shape, window, stride, padding, counted, xp: xp.avg_pool_vjp(
        ct,
        spatial=tuple(x_shape[2:]),
        window=window,
        stride=stride,
        padding=padding,
        counted=counted,
    ),
)
defvjp(
    "avg_pool_vjp",
    y=lambda ct, window, stride, padding, counted, xp: xp.avg_pool(
        ct, window=window, stride=stride, padding=padding, counted=counted
    ),
)
