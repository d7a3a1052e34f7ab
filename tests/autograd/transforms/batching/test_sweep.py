"""Sweeps of many cotangents at once against sweeps of one after the other."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.cotangents import DEFERRED
from pullback.autograd.core.dtypes import as_numpy
from pullback.autograd.core.namespaces import NAMESPACES, namespace_of
from pullback.autograd.core.sweep import empty_cotangents, sweep
from pullback.autograd.transforms.batching import sweep as batched_sweep
from pullback.autograd.transforms.batching.array import Batched
from pullback.autograd.transforms.vjp import recorded

from ....cases._table import collect, inexact_leaves
from ....conftest import Lib

xp = pb.xp
CASES = collect()
K = 3
HOST = Lib("numpy", np, "cpu")


def recording_of(case, arrays):
    inputs = tuple(arrays[i] for i in case.places())
    return recorded(lambda *xs: inexact_leaves(case.of_inputs(arrays)(*xs)), inputs)[0]


def random_cotangents(recording, lib):
    """K random cotangents for each output, stacked; a seed in one dtype per output."""
    rng = np.random.default_rng(11)
    seeds = []
    for y in recording.out_leaves:
        values = rng.uniform(0.5, 1.5, (K, *y.shape))
        if y.dtype.kind == "c":
            values = values + 1j * rng.uniform(0.5, 1.5, values.shape)
        seeds.append(lib.asarray(values, dtype=y.dtype))
    return seeds


def looped(recording, seeds):
    """For each input, K cotangents from K sweeps."""
    tape = recording.tape
    rows = [[] for _ in recording.values]
    for k in range(K):
        cts = empty_cotangents(tape)
        for y, seed in zip(recording.out_leaves, seeds, strict=True):
            cts[y.slot] = seed[k, ...]
        sweep(tape, cts, consume=False)
        for i, row in enumerate(rows):
            row.append(cts[i].materialize() if type(cts[i]) in DEFERRED else cts[i])
    return rows


def batched(recording, seeds):
    tape = recording.tape
    cts = empty_cotangents(tape)
    for y, seed in zip(recording.out_leaves, seeds, strict=True):
        cts[y.slot] = Batched(seed)
    batched_sweep.sweep_batched(tape, cts, K, len(recording.values))
    return [c.materialize() if type(c) in DEFERRED else c for c in cts[: len(recording.values)]]


def compare(recording, lib):
    seeds = random_cotangents(recording, lib)
    together = batched(recording, seeds)
    for ct, rows, x in zip(together, looped(recording, seeds), recording.values, strict=True):
        if rows[0] is None:
            assert ct is None
            continue
        assert type(ct) is Batched
        assert (ct.shape, as_numpy(ct.dtype)) == (x.shape, as_numpy(x.dtype))
        wanted = np.stack([lib.to_numpy(row) for row in rows])
        np.testing.assert_allclose(lib.to_numpy(ct.value), wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_every_row_of_the_table(case, lib):
    if lib.name in case.skip:
        pytest.skip(case.skip[lib.name])
    compare(recording_of(case, [lib.asarray(a) for a in case.arrays()]), lib)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.order >= 2 and c.makers()], ids=lambda c: c.id
)
def test_every_row_under_a_gradient(case):
    """Rules on `Batched` of traced arrays: the gradient of a function of all K cotangents."""
    arrays = case.arrays()
    inputs = [arrays[i] for i in case.places()]

    def of_cotangents(sweeps):
        def f(*xs):
            every = list(arrays)
            for place, x in zip(case.places(), xs, strict=True):
                every[place] = x
            recording = recording_of(case, every)
            seeds = [pb.Array(s) for s in random_cotangents(recording, HOST)]
            return sum(xp.sum(xp.abs(ct + 3) ** 2) for ct in sweeps(recording, seeds))

        return pb.grad(f, argnums=tuple(range(len(inputs))))(*inputs)

    together = of_cotangents(
        lambda recording, seeds: [ct.value for ct in batched(recording, seeds) if ct is not None]
    )
    each = of_cotangents(
        lambda recording, seeds: [
            row for rows in looped(recording, seeds) for row in rows if row is not None
        ]
    )
    for a, b in zip(together, each, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


# ── functions on `Batched`, against a call for each row ───────────────────────────────────────

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


def test_a_batched_array_shows_one_and_has_no_truth():
    x = Batched(np.ones((K, 2, 5)))
    assert (x.shape, x.ndim, x.size, x.dtype, x.device) == ((2, 5), 2, 10, np.float64, "cpu")
    assert repr(x) == "<Batched, 3 of shape (2, 5)>"
    with pytest.raises(TypeError, match="differs from row to row"):
        bool(x == x)
