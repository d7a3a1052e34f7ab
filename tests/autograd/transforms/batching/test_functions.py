"""Tests of `autograd/transforms/batching/functions.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.levels.batched import Batched
from pullback.autograd.core.namespaces import NAMESPACES, namespace_of

from ._sweep import K

xp = pb.xp


BATCHED = NAMESPACES[Batched]


M, V = np.random.default_rng(1).standard_normal((2, K, 3, 3)), np.arange(3.0 * K).reshape(K, 3)


SAME = np.random.default_rng(2).standard_normal((3, 3))  # for all rows


PLACES = np.array([2, 0, 2])


CALLS = {
    "outer, which is not in the table": (lambda xp, m, v: xp.linalg.outer(v, v), [M[0], V]),
    "setitem of an array": (lambda xp, m, v: xp.setitem(m, v, 1), [M[0], V]),
    "setitem at an array": (lambda xp, m, v: xp.setitem(m, 0.0, PLACES), [M[0], V]),
    "getitem at an array": (lambda xp, m, v: xp.getitem(m, (PLACES, slice(1, 3))), [M[0], V]),
    "getitem of a mask": (lambda xp, m, v: xp.getitem(m, SAME > 0), [M[0], V]),
    "scatter_add": (lambda xp, m, v: xp.scatter_add((4,), (PLACES,), v), [M[0], V]),
    "take of a vector": (lambda xp, m, v: xp.take(v, PLACES), [M[0], V]),
    "cumulative_sum, flat": (lambda xp, m, v: xp.cumulative_sum(v, axis=None), [M[0], V]),
    "fft, last axis": (lambda xp, m, v: xp.real(xp.fft.fft(m)), [M[0], V]),
    "roll, flat": (lambda xp, m, v: xp.roll(m, 2), [M[0], V]),
    "concat, flat": (lambda xp, m, v: xp.concat([m, SAME], axis=None), [M[0], V]),
    "stack with one for all": (lambda xp, m, v: xp.stack([SAME, m], axis=-1), [M[0], V]),
    "tensordot, number of axes": (lambda xp, m, v: xp.tensordot(m, SAME, axes=1), [M[0], V]),
    "tensordot, second": (lambda xp, m, v: xp.tensordot(SAME, m, axes=((0,), (1,))), [M[0], V]),
    "tensordot of both": (lambda xp, m, n: xp.tensordot(m, n, axes=((1,), (0,))), [M[0], M[1]]),
    "matmul of both": (lambda xp, m, n: xp.matmul(m, n), [M[0], M[1]]),
    "matmul, one for all": (lambda xp, m, v: SAME @ m @ SAME, [M[0], V]),
    "matmul with vectors": (lambda xp, m, v: m @ v + v @ m + SAME @ v + v @ SAME, [M[0], V]),
    "product of vectors": (lambda xp, m, v: v @ v + v @ SAME[0], [M[0], V]),
    "solve, one for all": (lambda xp, m, v: xp.linalg.solve(SAME, m), [M[0], V]),
    "solve for a vector": (lambda xp, m, v: xp.linalg.solve(SAME, v), [M[0], V]),
    "solve of both": (lambda xp, m, n: xp.linalg.solve(m, n), [M[0], M[1]]),
    "several outputs": (lambda xp, m, v: xp.linalg.eigh(m + xp.matrix_transpose(m))[0], [M[0], V]),
    "einsum": (lambda xp, m, v: xp.einsum([m, SAME], subscripts="ij,jk->ki"), [M[0], V]),
    "broadcasting": (lambda xp, m, v: xp.where(v > 4, m - 1, 2.0 / (1 + v * v)), [M[0], V]),
    "no batched argument": (lambda xp, m, v: xp.exp(SAME) + 0 * m, [M[0], V]),
    "a constant": (lambda xp, m, v: xp.where(m > xp.inf, m, v), [M[0], V]),
    "operators": (lambda xp, m, v: (-m % 2 + abs(v) // 2) ** 2 * ~(v < 3) + SAME, [M[0], V]),
    "indices": (lambda xp, m, v: m[..., 0, :] + m[1] + m.mT[:, 2], [M[0], V]),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("level", [0, 1])
def test_functions_on_batched_arrays(name, level):
    """On raw arrays, and on `Array`s."""
    call, args = CALLS[name]
    wrap = pb.Array if level else np.asarray
    got = call(BATCHED, *(Batched(wrap(a)) for a in args))
    assert type(got) is Batched
    assert type(got.value) is (pb.Array if level else np.ndarray)
    plain = namespace_of(SAME)
    expected = np.stack([call(plain, *(a[k] for a in args)) for k in range(K)])
    assert got.shape == expected.shape[1:]
    np.testing.assert_allclose(pb.to_numpy(got.value), expected, rtol=1e-12, atol=1e-13)
