"""Convolution, pooling and resampling in one, two and three dimensions, and their layers."""

from __future__ import annotations

from .convolution import conv, conv_transpose
from .layers import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from .pooling import avg_pool, global_avg_pool, max_pool
from .pooling_layers import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    Flatten,
    GlobalAvgPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    Upsample,
)
from .resampling import upsample

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Flatten",
    "GlobalAvgPool",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Upsample",
    "avg_pool",
    "conv",
    "conv_transpose",
    "global_avg_pool",
    "max_pool",
    "upsample",
]
