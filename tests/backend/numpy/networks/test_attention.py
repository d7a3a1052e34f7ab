"""NumPy's blocks against the generic formulas, and what they hold in memory."""

from __future__ import annotations

import gc
import itertools
import tracemalloc

import numpy as np
import pytest

import pullback as pb
from pullback.backend.generic.networks import attention as generic
from pullback.backend.numpy.networks import attention as fast

RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.standard_normal(shape)


# leading axes, T, S
SHAPES = [((), 3, 4), ((2,), 1, 1), ((3, 2), 70, 130), ((2,), 130, 70), ((5, 1, 2), 65, 65)]


@pytest.mark.parametrize("elements", [64, 1 << 10, 1 << 17])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("causal", [False, True])
def test_blocks_are_the_generic_formulas(shape, causal, elements, monkeypatch):
    """Whatever the size of the blocks is: one head at a time, rows of a head, or many heads."""
    lead, T, S = shape
    monkeypatch.setattr(fast, "ELEMENTS", elements)
    q, keys, values = normal(*lead, T, 3), normal(*lead[1:], S, 3), normal(*lead, S, 2)
    bias, condition = normal(*lead, 1, S), RNG.random((T, S)) > 0.2
    settings = {"scale": 0.5, "causal": causal}
    expected = generic.attention(fast.PLAIN, q, keys, values, bias, condition, **settings)
    got = fast.attention(q, keys, values, bias, condition, **settings)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
    args = (normal(*got[0].shape), q, keys, values, bias, condition, *expected)
    expected = generic.attention_vjp(fast.PLAIN, *args, **settings)
    for a, b in zip(fast.attention_vjp(*args, **settings), expected, strict=True):
        assert a.flags.c_contiguous
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("elements", [1, 7, 64, 1000, 10**6])
def test_every_head_is_in_one_block(elements, monkeypatch):
    monkeypatch.setattr(fast, "ELEMENTS", elements)
    for lead in ((), (1,), (3,), (2, 3), (4, 1, 5), (0, 2)):
        count = np.zeros(lead, int)
        for heads in fast._heads(lead, 12):
            count[heads] += 1
            assert count[heads].size * 12 <= max(elements, 12)
        assert np.all(count == 1)


def test_transposed_operands_are_read_in_place():
    x = normal(2, 9, 3, 4, 5)
    q, keys, values = (np.moveaxis(x[:, :, i], 1, 2) for i in range(3))
    copies = [np.ascontiguousarray(part) for part in (q, keys, values)]
    for a, b in zip(fast.attention(q, keys, values), fast.attention(*copies), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


@pytest.mark.parametrize("compiled", [False, True])
def test_memory(compiled):
    """Beside inputs, outputs and gradients there is 15 % and 16 MiB; the weights would take 64 MiB twice.

    benchmarks/attention.py measures length 4096.
    """
    length, heads, width = 2048, 4, 16
    q, k, v, ct = (normal(heads, length, width).astype("float32") for _ in range(4))

    def step(q, k, v, ct):
        out, pull = pb.vjp(lambda *xs: pb.models.attention(*xs), q, k, v)
        return (out, *pull(ct))

    run = pb.compile(step) if compiled else step
    for _ in range(2):  # what is imported and compiled is no memory of the arrays
        run(*(x[:, :8] for x in (q, k, v, ct)))
    gc.collect()
    tracemalloc.start()
    results = ()
    for _ in range(3):
        del results
        tracemalloc.reset_peak()  # the first call of a compiled function records
        results = run(q, k, v, ct)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = sum(x.nbytes for x in itertools.chain((q, k, v, ct), results))
    inputs = q.nbytes * 4
    assert inputs + peak < 1.15 * size + (16 << 20)
    assert heads * length * length * 4 > 1.15 * size + (16 << 20)
