"""Convolution and its two cotangents: bilinear functions, the rules of each of which are the two others.

out[n, o, p] = b[o] + Σ_{c, k} W[o, c, k] x[n, c, s p + d k − low], so with F(x, W, ȳ) = Σ ȳ · out the cotangents are
x̄ = ∂F/∂x (the transposed convolution of ȳ), W̄ = ∂F/∂W (the correlation of x and ȳ), b̄ = Σ_{n, p} ȳ. F is linear in
each of its three arguments: the derivative of ∂F/∂x by W or ȳ along x' is ∂F/∂W or ∂F/∂ȳ at x = x', and so on; any
order of derivatives follows (Dumoulin, Visin, A guide to convolution arithmetic for deep learning, 2016).
"""

from __future__ import annotations

from typing import Any

from ...core.defvjp import library_defvjp as defvjp
from ...core.typing import XP, Cotangent, Value


def _sum_to_bias(ct: Cotangent, xp: XP) -> Value:
    """The sum over all but the channels."""
    return xp.sum(ct, axis=(0, *range(2, ct.ndim)))


def _settings(stride: Any, padding: Any, dilation: Any, groups: int) -> dict[str, Any]:
    return {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


defvjp(
    "convolution",
    x=lambda ct, W, x_shape, stride, padding, dilation, groups, xp: xp.convolution_vjp_x(
        ct, W, spatial=tuple(x_shape[2:]), **_settings(stride, padding, dilation, groups)
    ),
    W=lambda ct, x, W_shape, stride, padding, dilation, groups, xp: xp.convolution_vjp_W(
        x, ct, spatial=tuple(W_shape[2:]), **_settings(stride, padding, dilation, groups)
    ),
    b=lambda ct, xp: _sum_to_bias(ct, xp),
)
defvjp(
    "convolution_vjp_x",
    y=lambda ct, W, stride, padding, dilation, groups, xp: xp.convolution(
        ct, W, **_settings(stride, padding, dilation, groups)
    ),
    W=lambda ct, y, W_shape, stride, padding, dilation, groups, xp: xp.convolution_vjp_W(
        ct, y, spatial=tuple(W_shape[2:]), **_settings(stride, padding, dilation, groups)
    ),
)
defvjp(
    "convolution_vjp_W",
    x=lambda ct, y, x_shape, stride, padding, dilation, groups, xp: xp.convolution_vjp_x(
        y, ct, spatial=tuple(x_shape[2:]), **_settings(stride, padding, dilation, groups)
    ),
    y=lambda ct, x, stride, padding, dilation, groups, xp: xp.convolution(
        x, ct, **_settings(stride, padding, dilation, groups)
    ),
)
