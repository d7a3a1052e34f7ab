"""Sweeps of many cotangents at once against sweeps of one after the other."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.cotangents import DEFERRED
from pullback.autograd.core.dtypes import as_numpy
from pullback.autograd.core.levels.batched import Batched
from pullback.autograd.core.sweep import empty_cotangents, sweep
from pullback.autograd.transforms.batching import sweep as batched_sweep
from pullback.autograd.transforms.vjp import recorded

from ...._each import each
from ....cases._table import collect, inexact_leaves
from ....conftest import Lib
from ._sweep import K

xp = pb.xp
CASES = collect()
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


@each(CASES)
def test_every_row_of_the_table(case, lib):
    if lib.name in case.skip:
        pytest.skip(case.skip[lib.name])
    compare(recording_of(case, [lib.asarray(a) for a in case.arrays()]), lib)


@each(c for c in CASES if c.order >= 2 and c.makers())
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
