"""`data_parallel` on NCCL, on the stand-in for CuPy: the gradients that ranks of threads get of NumPy's arrays."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback import distributed as d

from ... import standin
from ...conftest import ONLY_CUPY
from ...repository._tools import load
from ...standin.functions import cupy
from ...standin.memory import SYNCHRONISATIONS
from .._nccl import made, on_ranks
from ..test_data_parallel import CASES, CUTS, PARAMS, X, Y, loss, parts

pytestmark = pytest.mark.skipif(ONLY_CUPY, reason="PULLBACK_BACKEND=cupy tests the GPU")
xp = pb.xp


def on_device(values):
    """A tree of NumPy's arrays on the stand-in."""
    return pb.tree.map(lambda x: made(x) if isinstance(x, np.ndarray) else x, values)


def on_host(values):
    """The other way round."""
    return pb.tree.map(lambda x: pb.to_numpy(x) if hasattr(x, "dtype") else x, values)


def assert_same(ours, theirs, atol=1e-13):
    """Each rank's result is the other library's, and all ranks have the same bits of gradients."""
    for one, other in zip(ours, theirs, strict=True):
        for a, b in zip(pb.tree.leaves(one), pb.tree.leaves(other), strict=True):
            single = np.asarray(b).dtype in (np.float32, np.complex64)
            np.testing.assert_allclose(a, b, rtol=1e-6 if single else 1e-12, atol=atol)
            assert np.asarray(a).dtype == np.asarray(b).dtype
    for found in ours[1:]:
        for a, b in zip(pb.tree.leaves(found), pb.tree.leaves(ours[0]), strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.parametrize("cuts", CUTS, ids=str)
@pytest.mark.parametrize("bucket_bytes", [1, 100, 2**20])
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_the_gradient_of_the_whole_batch(cuts, bucket_bytes, compiled):
    def rank(move):
        both = d.data_parallel(loss, bucket_bytes=bucket_bytes)
        both = pb.compile(both, fast=False) if compiled else both
        both(move(PARAMS), *move(parts(cuts, 2 * X, Y)))
        return on_host(both(move(PARAMS), *move(parts(cuts, X, Y))))

    size = len(cuts) + 1
    assert_same(on_ranks(rank, size, on_device), d.simulate(rank, size, lambda x: x))


@pytest.mark.parametrize("case", CASES)
def test_what_value_and_grad_takes(case):
    f, argnums, args = CASES[case]

    def rank(move):
        for cuts in ([4, 4], [0, 9]):  # rank 1 or rank 2 have no rows
            given = [parts(cuts, a)[0] if a is X else a for a in args]
            given = pb.tree.map(lambda x: pb.to_numpy(x) if isinstance(x, pb.Array) else x, given)
            found = d.data_parallel(f, argnums)(*move(given))
        return on_host(found)

    assert_same(on_ranks(rank, 3, on_device), d.simulate(rank, 3, lambda x: x))


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_training_in_one_program(compiled):
    opt = pb.optim.Adam(0.01)

    def rank(move):
        both = d.data_parallel(loss, bucket_bytes=64)

        def step(p, state, x, y):
            value, grads = both(p, x, y)
            return *opt.step(p, grads, state), value

        if compiled:
            step = pb.compile(step, donate_argnums=(0, 1), fast=False)
        p = move(pb.tree.map(np.copy, PARAMS))
        state = opt.init(p)
        for i in range(8):
            p, state, value = step(p, state, *move(parts([5 + i % 2], X + 0.1 * i, Y)))
        return on_host((value, p))

    assert_same(on_ranks(rank, 2, on_device), d.simulate(rank, 2, lambda x: x), atol=1e-11)


def test_no_host_waits_for_its_device_during_a_step():
    def rank():
        both = d.data_parallel(loss, bucket_bytes=64)
        args = on_device((PARAMS, *parts([4], X, Y)))
        both(*args)
        d.world().barrier()
        before = SYNCHRONISATIONS[0]
        found = both(*args)
        d.world().agree("all ranks have begun their step")
        after = SYNCHRONISATIONS[0]
        assert all(type(g) is standin.ndarray for g in pb.tree.leaves(found))
        return after - before

    assert on_ranks(rank, 2) == [0, 0]


def test_one_agreement_a_step_and_the_bytes_of_the_formula():
    def rank():
        both = d.data_parallel(loss, bucket_bytes=2**20)
        args = on_device((PARAMS, *parts([2, 5, 5], X, Y)))
        both(*args)
        d.world().traffic.reset()
        both(*args)
        return d.world().traffic

    n = sum(p.nbytes for p in pb.tree.leaves(PARAMS)) + 8
    for traffic in on_ranks(rank, 4):
        assert traffic["agree"].calls == 1
        assert (traffic["all_reduce"].calls, traffic["all_reduce"].bytes) == (1, 2 * 3 * n // 4)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_gradients_travel_as_bfloat16(compiled):
    single = pb.tree.map(lambda p: p.astype(np.float32), PARAMS)
    x, y = X.astype(np.float32), Y.astype(np.float32)

    def rank():
        both = d.data_parallel(loss, travel="bfloat16", bucket_bytes=2**20)
        both = pb.compile(both, fast=False) if compiled else both
        args = on_device((single, *parts([2, 5, 5], x, y)))
        both(*args)
        d.world().traffic.reset()
        return on_host(both(*args)), d.world().traffic

    value, gradient = pb.value_and_grad(loss)(single, x, y)
    results = on_ranks(rank, 4)
    n = sum(p.size for p in pb.tree.leaves(PARAMS))
    for (found, gradients), traffic in results:
        np.testing.assert_allclose(found, value, rtol=1e-6)  # the value is not rounded
        assert traffic["all_reduce"].bytes == 2 * 3 * (2 * n) // 4 + 2 * 3 * 4 // 4
        leaves = (
            pb.tree.leaves(gradients),
            pb.tree.leaves(gradient),
            pb.tree.leaves(results[0][0][1]),
        )
        for g, exact, first in zip(*leaves, strict=True):
            np.testing.assert_allclose(
                g, exact, atol=2**-6 * max(np.abs(exact).max(), 1e-30), rtol=0
            )
            assert g.tobytes() == first.tobytes()
            assert not np.any(g.view(np.uint32) & 0xFFFF)  # bfloat16 numbers


def test_buckets_start_beside_the_sweep():
    """The first bucket is on its way, on a stream of its own, before the sweep is at the first layer."""
    seen = []

    @pb.custom_vjp
    def first(x):
        return x

    def at_first(res, ct):
        flights = d.world().link.lane.flights
        seen.append([f.what for f in flights])
        return (ct,)

    first.defvjp(lambda x: (x, None), at_first)

    def rank():
        def of(p, x):
            return xp.mean((xp.tanh(first(x @ p[0])) @ p[1]) ** 2)

        both = d.data_parallel(of, bucket_bytes=1)
        args = on_device(([PARAMS["layer"]["W"], PARAMS["V"]], parts([4], X)[0]))
        both(*args)
        d.world().barrier()
        seen.clear()
        d.world().agree("cleared")
        both(*args)

    on_ranks(rank, 2)
    assert len(seen) == 2
    assert all("start_all_reduce" in flights for flights in seen)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("reduced", [False, True], ids=["shares", "reduced"])
def test_an_optimiser_s_state_in_parts(reduced, compiled):
    def rank(move):
        opt = d.sharded(pb.optim.Clipped(pb.optim.Adam(0.05), norm=0.5), reduced=reduced)
        both = d.data_parallel(loss, reduce=reduced)

        def step(p, state, x, y):
            value, grads = both(p, x, y)
            return *opt.step(p, grads, state), value

        step = pb.compile(step, fast=False) if compiled else step
        p = move(PARAMS)
        state = opt.init(p)
        for _ in range(4):
            p, state, value = step(p, state, *move(parts([2, 5], X, Y)))
        return on_host((value, p))

    assert_same(on_ranks(rank, 3, on_device), d.simulate(rank, 3, lambda x: x), atol=1e-11)


def test_what_make_gpu_nccl_runs(monkeypatch, capsys, tmp_path):
    """The tool for the day on which there is a GPU."""
    tool = load("gpu_nccl")
    monkeypatch.setattr(tool, "SIZES", [1 << 10, 1 << 12])

    def rank():
        return tool.measured(d.world(), cupy), [
            tool.trained(d.world(), t) for t in (None, "bfloat16")
        ]

    for found, losses in on_ranks(rank, 2):
        assert set(found["sizes"]) == {1 << 10, 1 << 12}
        assert "2 ranks as threads" in tool.table("threads", found)
        assert all(x < 0.5 for x in losses)

    def no_device(*_):
        raise pb.backend.BackendError("no CUDA device answers")

    monkeypatch.setattr(tool, "ranks_in_threads", no_device)
    monkeypatch.setattr("sys.argv", ["gpu_nccl", "--no-tests", "--folder", str(tmp_path)])
    assert tool.main() == 1
    assert "NCCL was not measured: no CUDA device answers" in capsys.readouterr().out
    assert "no CUDA device" in (tmp_path / "nccl.json").read_text()
