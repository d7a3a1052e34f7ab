"""NCCL's communicator on the stand-in for CuPy: ranks are threads, their hosts speak as `simulate`'s do."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
import types
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.backend.cuda.collectives.nccl import Library
from pullback.distributed import DistributedError, simulate, world
from pullback.distributed.communicators import mpi, nccl, threads

from ... import standin
from ...conftest import ONLY_CUPY
from ...standin import cuda
from ...standin import nccl as standin_nccl
from ...standin.memory import SYNCHRONISATIONS
from .._nccl import ONE_DEVICE, devices, made, on_ranks
from .._ranks import run_ranks
from .._table import ROWS

pytestmark = pytest.mark.skipif(ONLY_CUPY, reason="PULLBACK_BACKEND=cupy tests the GPU")
xp = pb.xp


def everything(make):
    """Every collective, its results on the host, and what was counted."""
    w = world()
    x = make(np.arange(6.0).reshape(2, 3) + 10 * w.rank)
    part = make(np.full((1 + w.rank, 2), w.rank))
    group = w.split(w.rank % 2)
    outs = [
        w.all_reduce(x), w.all_reduce(x, "mean"), w.all_gather(x, 1), w.all_gather(part),
        w.reduce_scatter(x, axis=1), w.reduce_scatter(x, "mean", axis=0, length=[0, 2, 0][w.rank]),
        w.broadcast(x, 1), w.reduce(x, 2), w.reduce(x, 0, "mean"), group.all_reduce(x),
        w.start_all_reduce(make(np.ones(4)), "mean").wait(),
    ]  # fmt: skip
    w.barrier()
    told = w.broadcast_object({"rank": w.rank}, 2)
    found = [pb.to_numpy(o) for o in outs]
    return found, told, (group.rank, group.size), w.traffic.counts, group.traffic.counts


def test_every_collective_is_that_of_threads():
    ours, theirs = on_ranks(everything, 3, made), simulate(everything, 3, np.asarray)
    for one, other in zip(ours, theirs, strict=True):
        for a, b in zip(one[0], other[0], strict=True):
            np.testing.assert_array_equal(a, b)
        assert one[1:] == other[1:]


def test_the_results_are_fresh_arrays_of_cupy_and_no_host_waits():
    def f():
        w = world()
        x = made(np.ones((3, 2)) * w.rank)
        before = SYNCHRONISATIONS[0]
        outs = [w.all_reduce(x), w.all_gather(x), w.reduce_scatter(x), w.broadcast(x), w.reduce(x)]
        started = w.start_all_reduce(made(np.ones(3)))
        outs.append(started.wait())
        assert started.test()
        assert all(type(o) is standin.ndarray and o is not x for o in outs)
        w.agree("all ranks are here")  # without their devices
        return SYNCHRONISATIONS[0] - before

    assert on_ranks(f, 3) == [0, 0, 0]


# ── derivatives and programs ──────────────────────────────────────────────────────────────────

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


def derivatives(row, make, dtype):
    """Value, gradient and a product with the Hessian of a function through one collective."""
    w = world()
    z = np.random.default_rng(w.rank).standard_normal((2, 2, *row.shape(w.rank, w.size)))
    z = z[0] + 1j * z[1] if dtype[0] == "c" else z[0]
    x, v = (make(a.astype(dtype)) for a in z)

    def loss(x):
        y = row.call(xp.sin(x)) + (0.3 - 0.2 * w.rank)
        return xp.sum(xp.real(y * y * y) * (1.0 + w.rank)) + xp.sum(xp.abs(y) ** 2)

    value, slope = pb.value_and_grad(loss)(x)
    second = pb.grad(lambda x: xp.sum(xp.real(pb.grad(loss)(x) * v)))(x)
    return [pb.to_numpy(a) for a in (value, slope, second)]


@each_row
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_derivatives_are_those_of_threads(row, dtype):
    """Which are held against central differences in `autograd/rules/test_collectives.py`."""
    ours = on_ranks(derivatives, 3, row, made, dtype)
    theirs = simulate(derivatives, 3, row, np.asarray, dtype)
    for one, other in zip(ours, theirs, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.dtype == b.dtype
            close = {"rtol": 2e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-12}  # fmt: skip
            np.testing.assert_allclose(a, b, **close)


@each_row
def test_a_collective_is_a_step_of_a_compiled_program(row):
    def rank():
        w = world()
        shape = row.shape(w.rank, w.size)

        def loss(x):
            return xp.sum(row.call(xp.sin(x) * 2) ** 2 * (w.rank + 1))

        step = pb.compile(pb.value_and_grad(loss))
        found = []
        for turn in range(3):
            x = made(np.arange(float(np.prod(shape))).reshape(shape) + turn + w.rank)
            before = w.calls
            value, slope = step(x)
            calls = w.calls - before
            expected = pb.value_and_grad(loss)(x)
            found.append((value.get(), slope.get(), expected[0].get(), expected[1].get(), calls))
        return found

    for found in on_ranks(rank, 2):
        for turn, (value, slope, eager, eager_slope, calls) in enumerate(found):
            np.testing.assert_allclose(value, eager, rtol=1e-13)
            np.testing.assert_allclose(slope, eager_slope, rtol=1e-12, atol=1e-12)
            assert calls >= 2  # forward and backward; no rank records other ones
            assert not turn or calls == found[1][4]


# ── what is refused ───────────────────────────────────────────────────────────────────────────


def test_numpy_s_arrays_are_refused_with_advice():
    def f():
        w = world()
        for call in (w.all_reduce, w.all_gather, w.broadcast, w.start_all_reduce):
            with pytest.raises(TypeError, match=r"NCCL sends CuPy arrays.*numpy.*init\(\"mpi\"\)"):
                call(np.ones(2))
        with pytest.raises(TypeError, match="convert it first"):
            w.all_reduce([1.0])
        with pytest.raises(TypeError, match="bool"):
            w.all_reduce(made([True]))

    on_ranks(f, 1)


def test_ranks_that_ask_for_different_things_are_told_before_nccl_is():
    def f():
        w = world()
        for ask in (
            lambda: w.all_reduce(made(np.ones(2 + w.rank))),
            lambda: w.all_gather(made(np.ones(2))) if w.rank else w.all_reduce(made(np.ones(2))),
            lambda: w.broadcast(made(np.ones(2, "float32" if w.rank else "float64"))),
        ):
            with pytest.raises(DistributedError, match="the ranks ask for different things"):
                ask()
        return w.all_reduce(made([1.0])).get()

    np.testing.assert_array_equal(on_ranks(f, 2), [[2], [2]])


def test_a_rank_that_does_not_come_ends_the_wait_of_the_others():
    def f():
        if world().rank:
            time.sleep(0.5)
            return
        world().all_reduce(made([1.0]))

    with pytest.raises(DistributedError, match=r"has waited 0\.2 s in all_reduce"):
        on_ranks(f, 2, timeout=0.2)


def test_a_rank_that_fails_ends_all():
    def f():
        if world().rank:
            raise RuntimeError("in the middle")
        world().all_reduce(made([1.0]))

    with pytest.raises(RuntimeError, match="in the middle"):
        on_ranks(f, 3)


def until_it_fails(w):
    """Do nothing that could raise until the watch has seen what is wrong, then go on."""
    end = time.monotonic() + 10
    while w.link.lane.error is None and w.host.hub.failed is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    w.agree("the next step")


def test_what_is_started_and_never_joined_ends_all(capfd):
    def f():
        w = world()
        w.link.lane.timeout = 0.2
        w.agree("one all_reduce")
        if w.rank == 0:
            w.start_all_reduce(made([1.0]))  # rank 1 was to start it, too
        until_it_fails(w)

    with pytest.raises(DistributedError, match="start_all_reduce is not done after"):
        on_ranks(f, 2)
    assert "rank 0 of 2: start_all_reduce is not done" in capfd.readouterr().err


def test_an_error_of_nccl_s_ends_all(capfd):
    def f():
        w = world()
        if w.rank:
            standin_nccl.fail(w.link.comm)
        until_it_fails(w)

    with pytest.raises(DistributedError, match="NCCL reports: NCCL_ERROR_REMOTE_ERROR"):
        on_ranks(f, 2)


def test_abort_ends_all_ranks_and_their_communicators():
    def f():
        w = world()
        if w.rank:
            comm = w.link.comm
            with pytest.raises(ValueError, match="stop"):
                w.abort(ValueError("stop"))
            assert not comm.comm
            raise ValueError("stop")
        w.agree("something")

    with pytest.raises(ValueError, match="stop"):
        on_ranks(f, 2)


def test_a_barrier_waits_for_the_device_and_what_is_done_is_forgotten():
    def f():
        w = world()
        w.agree("one start_all_reduce")
        request = w.start_all_reduce(made(np.ones(3)))
        w.barrier()
        done = request.started.flight.event.at[1].done
        out = [w.all_reduce(made(np.ones(2))) for _ in range(5)]
        return done, len(w.link.lane.flights), float(out[-1].get().sum())

    assert on_ranks(f, 2) == [(True, 1, 4.0)] * 2


def test_close_ends_it():
    def f():
        w = world()
        out = w.all_reduce(made([1.0]))
        w.close()
        assert not w.link.comm.comm
        return out.get()

    np.testing.assert_array_equal(on_ranks(f, 2), [[2], [2]])


# ── how a world begins ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def alone(monkeypatch):
    """No MPI, one device, and no world after the test."""

    def no_mpi(timeout):
        raise DistributedError("init('mpi') needs mpi4py")

    monkeypatch.setattr(mpi, "start", no_mpi)
    monkeypatch.setattr(nccl.atexit, "register", lambda *_: None)
    for name in (*nccl.WORLD_SIZE, *nccl.LOCAL_RANK):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PULLBACK_DEVICE", "0")
    with devices(), pb.backend.use("numpy"):
        yield
    while threads.STARTED:
        threads.STARTED.pop().close()


def test_init_makes_a_world_of_one_where_nothing_started_more(alone):
    w = pb.distributed.init("nccl")
    assert (w.name, w.rank, w.size) == ("nccl", 0, 1)
    assert pb.distributed.init("nccl") is w is world()
    assert pb.backend.current() is standin.backend()  # "cupy" is the active one
    x = xp.asarray([1.0, 2.0])
    slope = pb.grad(lambda x: xp.sum(pb.distributed.all_reduce(x) ** 2))(x)
    np.testing.assert_array_equal(pb.to_numpy(slope), [2.0, 4.0])
    with pytest.raises(DistributedError, match="nccl"):
        pb.distributed.init("mpi")


def test_init_without_mpi_of_several_processes_says_what_is_missing(alone, monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    with pytest.raises(DistributedError, match="needs mpi4py"):
        pb.distributed.init("nccl")


def test_a_launcher_without_mpi_is_refused(alone, monkeypatch):
    monkeypatch.setattr(mpi, "start", lambda timeout: threads.alone())
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(DistributedError, match=r"4 processes were started.*mpirun.*torchrun"):
        pb.distributed.init("nccl")


def test_the_end_of_the_program_ends_the_devices_part(alone, capfd):
    w = pb.distributed.init("nccl")
    nccl._at_exit(w, -1)  # a process that was forked
    assert w.link.comm.comm
    nccl._at_exit(w, os.getpid())
    assert not w.link.comm.comm
    w = threads.STARTED[0] = nccl.start()
    w.link.start_sum(made([1.0]))
    w.link.lane.error = DistributedError("gone")
    nccl._at_exit(w, os.getpid())
    assert not capfd.readouterr().err  # it was told before


def test_a_rank_that_started_more_than_the_others_is_told_at_the_end():
    def f():
        w = world()
        w.agree("some")
        if w.rank:
            w.start_all_reduce(made(np.ones(2)))
        nccl._at_exit(
            w, os.getpid()
        )  # which does not wait for a device that waits for a rank that has ended

    start = time.monotonic()
    with pytest.raises(DistributedError, match="rank 1: the end of the program, after 1 started"):
        on_ranks(f, 2)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("variables", "before", "device"),
    [
        ({}, 2, 2),
        ({"LOCAL_RANK": "1"}, 0, 1),
        ({"OMPI_COMM_WORLD_LOCAL_RANK": "3", "SLURM_LOCALID": "0"}, 0, 3),
        ({"PULLBACK_DEVICE": "5", "LOCAL_RANK": "1"}, 0, None),
        ({"PULLBACK_DEVICE": " ", "LOCAL_RANK": "1"}, 0, 1),
        ({"CUDA_VISIBLE_DEVICES": "4,5", "LOCAL_RANK": "1"}, 0, 1),
        ({"CUDA_VISIBLE_DEVICES": "GPU-af3", "LOCAL_RANK": "1"}, 0, 0),
    ],
)
def test_the_device_is_that_of_the_rank_on_its_machine(variables, before, device):
    assert nccl.local_device(variables, before) == device


def test_a_rank_beyond_the_devices_is_told_how_many_there_are():
    def f():
        with pytest.raises(DistributedError) as raised:
            nccl.connect(world(), {})
        return str(raised.value)

    with devices():
        found = simulate(f, 2)
    assert found[0] == found[1]  # every rank is told, that which has a device too
    assert "rank 1: BackendError: the rank with number 1 on its machine takes CUDA device 1" in found[0]  # fmt: skip
    assert "there are CUDA devices 0" in found[0]


def test_two_ranks_with_one_device_are_refused():
    undo = standin.activate("cupy")
    try:
        with pytest.raises(DistributedError, match=r"ranks 0, 1 have the same GPU \(0000:00:00\.0"):
            simulate(lambda: nccl.connect(world(), ONE_DEVICE), 2)
    finally:
        undo()


def test_a_cupy_without_nccl_is_told_on_every_rank(monkeypatch):
    def f():
        with pytest.raises(DistributedError, match=r"ranks 0, 1: BackendError: .*libnccl"):
            nccl.connect(world(), ONE_DEVICE)

    library = Library(cuda.cupy, lambda: types.SimpleNamespace(available=False))
    standing = dataclasses.replace(standin.backend(), collectives=library)
    with devices():
        monkeypatch.setattr(pb.backend, "resolve", lambda name, device: standing)
        simulate(f, 2)


def test_an_nccl_that_gives_no_name_is_told_on_every_rank(monkeypatch):
    def broken():
        raise standin_nccl.NcclError(2)

    monkeypatch.setattr(cuda.nccl, "get_unique_id", broken)

    def f():
        with pytest.raises(DistributedError, match="NCCL cannot start: NCCL_ERROR_SYSTEM_ERROR"):
            nccl.connect(world(), ONE_DEVICE)

    with devices():
        simulate(f, 2)


# Processes of MPI whose devices are stand-ins: arrays that lie on the hosts, NCCL's all-reduce by MPI.
_PROCESSES = """
import ctypes
from mpi4py import MPI
from pullback.distributed.communicators import nccl
result = {}
sys.modules["cupy"] = None  # as where it is not installed
try:
    nccl.connect(world)
except d.DistributedError as error:
    result["without cupy"] = str(error)
del sys.modules["cupy"]

sys.path.append(ROOT)
from tests import standin
from tests.standin import cuda
from tests.standin import nccl as standing

class Communicator:
    def __init__(self, size, unique_id, rank):
        self.mpi, self.comm = MPI.COMM_WORLD.Dup(), 1
        assert len(set(self.mpi.allgather(unique_id))) == 1

    def check_async_error(self):
        pass

    def destroy(self):
        self.comm = 0

    def allReduce(self, send, recv, count, datatype, op, stream):
        dtype = np.dtype(standing.TYPES[datatype])
        a, b = (
            np.frombuffer((ctypes.c_char * (dtype.itemsize * count)).from_address(at), dtype)
            for at in (send, recv)
        )
        b[...] = self.mpi.allreduce(a.copy())

standing.module.NcclCommunicator = Communicator
undo = standin.activate("cupy")
cuda.runtime.deviceGetPCIBusId = lambda i: str(world.rank)
from pullback.distributed.communicators.threads import STARTED
STARTED[:] = [nccl.connect(world, {"PULLBACK_DEVICE": "0"})]
pb.distributed.init("nccl")

def loss(w, x):
    return pb.xp.mean((x @ w) ** 2)

x = np.arange(24.0).reshape(8, 3)[4 * world.rank : 4 * world.rank + 4]
move = pb.backend.current().asarray
step = pb.compile(d.data_parallel(loss, bucket_bytes=8), fast=False)
for _ in range(3):
    value, slope = step(move([1.0, -2.0, 0.5]), move(x))
result["value"], result["slope"] = float(value), pb.to_numpy(slope).tolist()
result["name"] = d.world().name
d.world().barrier()
nccl._at_exit(d.world(), os.getpid())
STARTED[:] = [world]
"""


def test_processes_of_mpi():
    run = run_ranks(2, f"ROOT = {str(Path(__file__).parents[3])!r}\n" + _PROCESSES)
    assert run.code == 0, run.err
    text = "init('nccl') failed:\n  ranks 0, 1: BackendError: backend 'cupy' needs CuPy"
    value, slope = pb.value_and_grad(lambda w: xp.mean((np.arange(24.0).reshape(8, 3) @ w) ** 2))(
        np.asarray([1.0, -2.0, 0.5])
    )
    for found in run.results:
        assert text in found["without cupy"]
        assert found["name"] == "nccl"
        np.testing.assert_allclose(found["value"], value, rtol=1e-13)
        np.testing.assert_allclose(found["slope"], slope, rtol=1e-13)


def test_the_watch_of_a_rank_ends_with_it():
    on_ranks(lambda: world().all_reduce(made([1.0])), 2)
    end = time.monotonic() + 10
    while any(t.name == "pullback: watches NCCL" for t in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)
