"""Helpers of `test_emulator.py` and the test files split from it."""

from __future__ import annotations

import ctypes
import math

import numpy as np
import pytest

from pullback.backend.cuda import kernels

from .emulator import guarded


@pytest.fixture(params=kernels.DTYPES)
def dtype(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["forward", "backward"])
def backward(request):
    """The order in which threads take turns: no number may depend on it."""
    return request.param


def pointer(x):
    return ctypes.c_void_p(x.ctypes.data)


def unwritten(shape, dtype):
    inside, _ = guarded(math.prod(shape) * np.dtype(dtype).itemsize)
    return inside.view(dtype).reshape(shape)


def kernel(body, parameters="float* x, float* y"):
    return f'extern "C" __global__ void k({parameters}) {{ const int i = threadIdx.x; {body} }}'
