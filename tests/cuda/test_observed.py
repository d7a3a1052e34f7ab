"""The observer of what a piece of work asks of CuPy, on pieces of which that is known."""

from __future__ import annotations

import numpy as np
import pytest

from ..standin import observed
from ..standin.functions import cupy

X = np.ones((3, 4), "float32")


ONE = "float32[1]"
CASES = {
    "product": (lambda x: x * x, [f"multiply({ONE}, {ONE}) -> {ONE}"]),
    "number": (lambda x: cupy.multiply(x, 2.0), [f"multiply({ONE}, float) -> {ONE}"]),
    "broadcast": (lambda x: x + x[0], [f"add({ONE}, {ONE}, broadcast to 2) -> {ONE}"]),
    "strided": (lambda x: x[:, ::2] + 1, [f"add(float32[2], int) -> {ONE}"]),
    "cast": (lambda x: x.astype("int64"), [f"copy({ONE}) -> int64[1]"]),
    "copy": (lambda x: x.astype("float32"), []),
    "nothing": (cupy.asarray, []),
    "sum": (lambda x: x.sum(axis=0), [f"reduction sum({ONE}, broadcast to 1) -> {ONE}"]),
    "comparison": (
        lambda x: cupy.where(x > 0, x, x),
        [f"greater({ONE}, int) -> bool[1]", f"where(bool[1], {ONE}, {ONE}) -> {ONE}"],
    ),
    "indices": (
        lambda x: x[cupy.asarray([0, 2])],
        [f"take({ONE}, int64[1], broadcast to 2) -> {ONE}"],
    ),
    "fill": (lambda x: x.fill(3.0), ["fill -> float32"]),
    "zero": (lambda x: x.__setitem__(..., 0.0), []),
    "set": (lambda x: x.__setitem__(0, x[1]), [f"copy({ONE}) -> float32"]),
    "view": (lambda x: x.reshape(4, 3).T, []),
    "reshaped": (lambda x: x[:, 1:].reshape(-1), [f"copy(float32[2], broadcast to 1) -> {ONE}"]),
    "matrices": (lambda x: x @ x.T, []),
}


@pytest.mark.parametrize("case", CASES)
def test_kernels(case):
    work, kernels = CASES[case]
    x = cupy.asarray(X)
    with observed.observe() as found:
        work(x)
    assert sorted(found.kernels) == kernels


def test_waits_and_copies():
    with observed.observe() as found:
        x = cupy.asarray(X)
        float(x[0, 0])
        x.get()
        cupy.cuda.Stream().synchronize()
        cupy.cuda.Event().synchronize()
    assert sum(found.waits.values()) == 4
    assert sum(found.uploads.values()) == 1
    assert not found.kernels


def test_masks_are_waited_for():
    """CuPy counts the elements of one that is an index."""
    x = cupy.asarray(X)
    mask = x > 1
    with observed.observe() as found:
        x[mask]
        x[mask, ...] = 2.0
        x[1:], x[cupy.asarray([0])]
    assert sum(found.waits.values()) == 2


def test_modules():
    with observed.observe() as found:
        module = cupy.RawModule(code="the source")
        run = module.get_function("mean")
        run((1, 1, 1), (32, 1, 1), (cupy.asarray(X), cupy.empty((), "float32"), np.int64(12)))
    assert found.modules == {"the source": 1}
    assert found.launches == 1
