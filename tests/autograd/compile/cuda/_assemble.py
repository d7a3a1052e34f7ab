"""Helpers of `test_assemble.py` and the test files split from it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.tracing import tracer_namespace as space
from pullback.backend import backend_of, register
from pullback.backend import select as _select

from ....cuda.emulator import EmulatedRuntime

RNG = np.random.default_rng(11)


xp = pb.xp


@pytest.fixture
def runtime():
    """NumPy's arrays stand for a device's; what is compiled runs as kernels on the emulator."""
    numpy, runtime = backend_of(np.zeros(1)), EmulatedRuntime()
    before = dict(space._CLASSES)
    space._CLASSES.clear()
    register(np.ndarray, dataclasses.replace(numpy, programs=runtime))
    yield runtime
    del _select._registered[np.ndarray]
    _select._of_type.cache_clear()
    space._CLASSES.clear()
    space._CLASSES.update(before)


def same(f, *args, calls=2, rtol=1e-9, atol=1e-11, **options):
    """Compiled and eager agree, call after call; the compiled function."""
    compiled = pb.compile(f, **options)
    for _ in range(calls):
        expected = pb.tree.leaves(f(*args))
        given = pb.tree.map(lambda x: x.copy() if isinstance(x, np.ndarray) else x, args)
        for ours, eager in zip(pb.tree.leaves(compiled(*given)), expected, strict=True):
            a, b = (pb.to_numpy(xp.asarray(v)) for v in (ours, eager))
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
    return compiled


def normal(*shape, dtype="float64"):
    """Normal variates."""
    return RNG.standard_normal(shape).astype(dtype)


def step_of(optimiser):
    """A training step."""

    def step(model, state, x, y):
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        model, state = optimiser.step(model, grads, state)
        return model, state, loss

    return step
