"""Products of batches in programs for a CUDA device: one step each, of matrices as they lie or copied by a kernel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.tracing import tracer_namespace as space
from pullback.backend import backend_of, register
from pullback.backend.common.launches import Launch, Product

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS, EmulatedRuntime
from ._assemble import (
    normal,
    runtime,  # noqa: F401 - a fixture
    same,
)

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)
xp = pb.xp


def heads(x):
    """``(batch, time, 2 heads of 3)`` as ``(batch, heads, time, 3)``: a view whose matrices are not evenly apart."""
    return xp.permute_dims(xp.reshape(x, (*x.shape[:2], 2, 3)), (0, 2, 1, 3))


# of a: (4, 5, 6) and b: (4, 6, 5); the number of kernels beside one product
BATCHES = {
    "as they lie": (lambda a, b: a @ b, 0),
    "transposed": (lambda a, b: a.mT @ b.mT, 0),
    "parts of rows": (lambda a, b: a[:, :, 1:4] @ b[:, 1:4, :], 0),
    "every other": (lambda a, b: a[::2] @ b[::2], 0),
    "the same": (lambda a, b: xp.broadcast_to(a[0], (4, 5, 6)) @ b, 0),
    "one matrix before": (lambda a, b: a[1] @ b, 0),
    "one matrix behind": (lambda a, b: xp.permute_dims(a, (1, 0, 2)) @ b[2], 0),
    "one of a batch": (lambda a, b: a[:1] @ b, 0),
    "heads": (lambda a, b: heads(a) @ heads(b.mT).mT, 2),
    "backwards": (lambda a, b: a[::-1] @ b, 1),
    "turned": (lambda a, b: a[:, ::-1] @ b[:, :, ::-1], 2),
    "columns apart": (lambda a, b: a[:, :, ::2] @ b[:, ::2], 1),
    "rows repeated": (lambda a, b: xp.broadcast_to(a[:, :1], (4, 5, 6)) @ b, 1),
    "a column": (lambda a, b: a @ b[:, :, :1], 0),
    "a row": (lambda a, b: a[:, :1] @ b, 0),
    "one batch of one": (lambda a, b: a[:1] @ b[:1], 0),
    "two matrices": (lambda a, b: a[0, ::2, ::2] @ b[0, ::2, ::2], 2),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", BATCHES)
def test_batches(runtime, name, dtype):  # noqa: F811 - a fixture
    f, kernels = BATCHES[name]
    a, b = normal(4, 5, 6, dtype=dtype), normal(4, 6, 5, dtype=dtype)
    compiled = same(f, a, b, rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-5)
    assert ": call" not in compiled.program()
    assert [isinstance(s, Product) for s in runtime.steps].count(True) == 1
    # copies of both operands are parts of one launch
    assert sum(isinstance(s, Launch) for s in runtime.steps) == min(kernels, 1)


@pytest.mark.parametrize("name", BATCHES)
def test_gradients_of_batches(runtime, name):  # noqa: F811 - a fixture
    f, _ = BATCHES[name]

    def both(a, b):
        loss = lambda a, b: xp.sum(xp.sin(f(a, b)))
        first = pb.grad(loss, argnums=(0, 1))(a, b)
        square = lambda a, b: sum(xp.sum(g * g) for g in pb.grad(loss, argnums=(0, 1))(a, b))
        return first, pb.grad(square, argnums=(0, 1))(a, b)

    same(both, normal(4, 5, 6), normal(4, 6, 5), rtol=1e-7)


OTHERS = {
    "partly broadcast": lambda a, b: a[:, None] @ xp.stack([b, b, b], axis=0)[None, :, 0],
    "a vector": lambda a, b: a @ b[0, :, 0],
    "whole numbers": lambda a, b: xp.astype(a, xp.int64) @ xp.astype(b, xp.int64),
    "complex numbers": lambda a, b: (a + 1j) @ b,
    "nothing": lambda a, b: a[:0] @ b[:0],
    "sums of nothing": lambda a, b: a[:, :, :0] @ b[:, :0],
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_batch_of_matrices(runtime, name):  # noqa: F811 - a fixture
    compiled = same(OTHERS[name], normal(4, 5, 6), normal(4, 6, 5))
    assert ": call" in compiled.program()


def test_what_follows_a_batch_is_a_kernel(runtime):  # noqa: F811 - a fixture
    """Epilogues belong to one product of two matrices; a batch has none, nor is it an update's start."""
    own = EmulatedRuntime(epilogues=True)
    register(np.ndarray, dataclasses.replace(backend_of(np.zeros(1)), programs=own))
    space._CLASSES.clear()

    def f(p, a, b, v):
        z = a @ b
        slope = pb.grad(lambda v: xp.sum(pb.models.relu(z + v) ** 2))(v)
        return p - 0.5 * (a.mT @ b.mT), pb.models.relu(z + v), slope

    args = [normal(*s, dtype="float32") for s in ((4, 6, 6), (4, 5, 6), (4, 6, 5), (5, 5))]
    compiled = same(f, *args, rtol=1e-5, atol=1e-5, donate_argnums=0)
    assert ": call" not in compiled.program()
    products = [s for s in own.steps if isinstance(s, Product)]
    assert [(p.batch, p.epilogue, p.beta) for p in products] == [(4, "", 0.0)] * 2
