"""NCCL on real GPUs, each driven by a thread: a world of one on one GPU, two ranks where there are two.

Everything here runs on a machine with one GPU in a few seconds; `tools/gpu_nccl.py` measures beside it.
"""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import pullback as pb
from pullback import distributed as d
from pullback.backend.generic.rounding import loaded, stored
from pullback.distributed import DistributedError
from pullback.distributed.communicators import nccl
from pullback.distributed.communicators.threads import SIMULATED, simulate

from .._table import ROWS

pytestmark = pytest.mark.gpu
xp = pb.xp


@pytest.fixture(scope="module")
def cupy():
    """CuPy, where it finds NCCL."""
    import cupy

    try:
        pb.backend.resolve("cupy").collectives.version()
    except pb.backend.BackendError as error:
        pytest.skip(str(error))
    return cupy


@pytest.fixture(scope="module")
def size(cupy):
    """The number of ranks: two at most, one for each GPU."""
    return min(2, cupy.cuda.runtime.getDeviceCount())


def on_ranks(f, size, *args, timeout=30.0):
    """``f(*args)`` on each rank, a thread with a GPU of its own."""

    def rank(*args):
        hosts = d.world()
        world = nccl.connect(hosts, {})
        SIMULATED.set(world)
        try:
            return f(*args)
        finally:
            SIMULATED.set(hosts)
            if world.link.lane.error is None:
                world.link.close()

    return simulate(rank, size, *args, timeout=timeout)


DTYPES = ["float32", "float64", "float16", "complex64", "int64", "int16", "uint8"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(cupy, size, dtype):
    given = [np.arange(12).reshape(3, 4).astype(dtype) + r for r in range(size)]
    total = np.sum(given, 0, dtype=dtype)

    def rank():
        w = d.world()
        x = cupy.asarray(given[w.rank])
        outs = (
            w.all_reduce(x), w.all_gather(x, 1), w.broadcast(x, size - 1), w.reduce(x, 0),
            w.reduce_scatter(x, axis=1), w.start_all_reduce(x.copy()).wait(),
            w.all_gather(x[: 1 + w.rank]), w.reduce_scatter(x, length=[3, 0][w.rank] if size == 2 else 3),
        )  # fmt: skip
        return [cupy.asnumpy(o) for o in outs]

    for r, found in enumerate(on_ranks(rank, size)):
        half = 4 // size
        expected = (
            total, np.concatenate(given, 1), given[-1], total * (r == 0), total[:, r * half : (r + 1) * half], total,
            np.concatenate([x[: 1 + s] for s, x in enumerate(given)]), total[: 0 if r else 3],
        )  # fmt: skip
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.dtype == dtype
            np.testing.assert_array_equal(ours, theirs)


def test_large_arrays_beside_a_busy_device(cupy, size):
    """Collectives return before the device has come to them; what is started goes on beside the current stream."""

    def rank():
        w = d.world()
        a = cupy.ones((4096, 4096), dtype="float32")
        x = cupy.full(1 << 24, 1.0 + w.rank, dtype="float32")
        w.all_reduce(x), a @ a  # connections and libraries are made at the first call
        w.barrier()
        event = cupy.cuda.Event(disable_timing=True)
        for _ in range(20):
            a @ a
        out = w.all_reduce(x)
        event.record()
        early = not event.done
        request = w.start_all_reduce(x, "mean")
        b = a @ a
        again = request.wait()
        return early, float(out.sum()) / x.size, float(again.sum()) / x.size, float(b[0, 0])

    for early, total, mean, one in on_ranks(rank, size):
        assert early
        assert total == sum(range(1, size + 1))
        assert mean == total / size
        assert one == 4096


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_numbers_travel_as_bfloat16(cupy, size, dtype):
    r = np.random.default_rng(0)
    real = np.zeros(0, dtype).real.dtype
    given = [r.standard_normal((64, 48)).astype(real).view(dtype) for _ in range(size)]
    total = sum(loaded(stored(x.view(real).astype("f4"), "bfloat16"), "bfloat16") for x in given)

    def rank():
        x = cupy.asarray(given[d.rank()])
        return cupy.asnumpy(d.world().start_all_reduce(x, travel="bfloat16").wait())

    found = on_ranks(rank, size)
    for ours in found:
        assert ours.tobytes() == found[0].tobytes()
        flat = ours.view(real)
        np.testing.assert_allclose(flat, total, rtol=2**-8, atol=2**-8)
        np.testing.assert_array_equal(flat, loaded(stored(flat.astype("f4"), "bfloat16"), "bfloat16"))  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_derivatives_eager_and_compiled(cupy, size, row):
    if row.settings.get("root", 0) >= size:
        pytest.skip("there is no rank 1")
    arrays = [np.random.default_rng(r).standard_normal(row.shape(r, size)) for r in range(size)]

    def loss(x):
        return xp.sum(xp.sin(row.call(xp.tanh(x) * 2.0)) * (1.0 + d.rank()))

    def rank(move):
        both, x = pb.value_and_grad(loss), move(arrays[d.rank()])
        step = pb.compile(both)
        found = [both(x)]
        for k in range(12):  # past the calls in which ways of running are timed, graphs included
            found.append(step(x + 0.0 * k))
        return [[pb.to_numpy(v) for v in pair] for pair in found]

    theirs = simulate(rank, size, np.asarray)
    for one, other in zip(on_ranks(rank, size, cupy.asarray), theirs, strict=True):
        for pair in one:
            for a, b in zip(pair, other[0], strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_a_step_of_training(cupy, size):
    r = np.random.default_rng(1)
    x, y = r.standard_normal((64, 20)).astype("f4"), r.integers(0, 5, 64)
    model = pb.models.MLP([20, 32, 5], seed=0, dtype="float32")
    model = pb.tree.map(pb.to_numpy, model)
    opt = pb.optim.SGD(0.1)

    def loss(model, x, y):
        return pb.models.cross_entropy(model(x), y)

    def rank(move, travel):
        w, n = d.world(), 64 // d.size()
        mine = slice(w.rank * n, (w.rank + 1) * n)
        both = d.data_parallel(loss, bucket_bytes=2048, travel=travel)

        def step(model, state, x, y):
            loss, grads = both(model, x, y)
            return *opt.step(model, grads, state), loss

        if w.size == 1:  # the libraries of compiled products are made for one device of a process
            step = pb.compile(step)
        p = pb.tree.map(move, model)
        state = opt.init(p)
        for _ in range(15):
            p, state, value = step(p, state, move(x[mine]), move(y[mine]))
        return [pb.to_numpy(a) for a in pb.tree.leaves((value, p))]

    theirs = simulate(rank, 1, np.asarray, None)[0]
    for travel, close in ((None, 1e-4), ("bfloat16", 2e-2)):
        found = on_ranks(rank, size, cupy.asarray, travel)
        for one in found:
            for a, b, first in zip(one, theirs, found[0], strict=True):
                np.testing.assert_allclose(a, b, rtol=close, atol=close)
                assert a.tobytes() == first.tobytes()


def test_groups_and_the_end(cupy, size):
    def rank():
        w = d.world()
        group = w.split(w.rank)
        out = group.all_reduce(cupy.ones(3))
        w.barrier()
        group.link.close()
        told = w.broadcast_object("said", 0)
        return float(out.sum()), group.size, float(w.all_reduce(cupy.ones(()))), told

    assert on_ranks(rank, size) == [(3.0, 1, float(size), "said")] * size


def test_an_aborted_world_raises_and_leaves_the_device_usable(cupy, size):
    def rank():
        w = d.world()
        w.all_reduce(cupy.ones(3))
        w.barrier()
        w.link.lane.on_failure = lambda error: None
        w.link.lane.fail("for the test")
        with pytest.raises(DistributedError, match="for the test"):
            w.all_reduce(cupy.ones(3))
        return float(cupy.ones(3).sum())

    assert on_ranks(rank, size) == [3.0] * size


def test_a_rank_that_never_comes_is_given_up(cupy, size):
    """The kernel of rank 0 waits on its device for rank 1; the watch takes it off."""
    if size < 2:
        pytest.skip("one GPU")

    def rank():
        w = d.world()
        w.all_reduce(cupy.ones(3))
        w.barrier()
        lane = w.link.lane
        lane.on_failure = lambda error: None
        if w.rank == 0:
            lane.timeout = 2.0
            w.start_all_reduce(cupy.ones(3))
        start = time.monotonic()
        while lane.error is None and w.rank == 0:
            assert time.monotonic() < start + 20
            time.sleep(0.01)
        w.host.barrier()
        cupy.cuda.Device().synchronize()
        if w.rank == 0:
            with pytest.raises(DistributedError, match="start_all_reduce is not done after 2 s"):
                w.all_reduce(cupy.ones(3))
        else:
            w.link.lane.abort()
            w.link.lane.error = DistributedError("ended")
        return threading.current_thread().name

    assert on_ranks(rank, size) == ["rank 0", "rank 1"]
