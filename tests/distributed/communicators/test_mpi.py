"""Tests of distributed/communicators/mpi.py and job.py: what processes of MPI do, in a few runs of ``mpirun``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .._ranks import command, environment, mpirun, run_ranks

TESTS = Path(__file__).resolve().parents[2]

# Everything that one run can show, the last steps being such that end the job.
PROGRAM = """
import hashlib, os, threading, time
from pullback.distributed import DistributedError
from pullback.distributed.communicators import buffers

result, r, P = {}, world.rank, world.size
def told(f):
    try:
        f()
    except (DistributedError, TypeError, ValueError) as error:
        return str(error)

# the same numbers and the same traffic as threads, on every collective, array and limit of pieces
def arrays(k):
    x = np.random.default_rng(k).normal(size=(6, 4)) * 8
    return [x, x.astype("f4"), x.astype("f2"), (x + 1j * x[::-1]).astype("c8"), np.asfortranarray(x), x[::2, 1:],
            x.astype(">f8"), x[:0], x[0, 0], x.astype("i4"), x.astype("longdouble"), x[3]]

def everything():
    w, mine, found = d.world(), arrays(d.rank()), []
    mine[5].flags.writeable = False
    for x in mine:
        found.append(w.all_reduce(x))
        found.append(w.broadcast(x, 1))
        found.append(w.reduce(x, 2))
        if x.ndim:
            found.append(w.all_gather(x))
            found.append(w.all_gather(x, -1))
            found.append(w.all_gather(x[: d.rank()]))
            whole = np.concatenate([x] * w.size)
            found.append(w.reduce_scatter(whole))
            found.append(w.reduce_scatter(whole, axis=0, length=len(whole) if d.rank() == 1 else 0))
        if x.ndim > 1:
            found.append(w.reduce_scatter(np.concatenate([x] * w.size, 1), axis=1))
    found.append(w.all_gather(mine[0] > 0))
    found.append(w.all_reduce(mine[0], "mean"))
    b = mine[0].copy()
    w.agree("one")
    found.append(w.start_all_reduce(b, "mean").wait())
    g = w.split(int(d.rank() == 1), -d.rank())
    found.append(g.all_gather(mine[0][:1]))
    loss = lambda x: pb.xp.sum(d.all_gather(d.all_reduce(x) ** 2) * (1 + d.rank()))
    f = pb.compile(pb.value_and_grad(loss), fast=False)
    for k in range(2):
        found += f(mine[0] + k)
    return [np.asarray(x) for x in found], {k: vars(c) for k, c in w.traffic.counts.items()}

expected, traffic = d.simulate(everything, P)[r]
result["different"] = []
for most in (2**30, 5):
    buffers.MOST_ELEMENTS = most
    world.traffic.reset()
    found, counted = everything()
    for i, (x, y) in enumerate(zip(found, expected)):
        if x.dtype != y.dtype or x.shape != y.shape or not np.allclose(x, y, rtol=1e-2 if x.dtype == "f2" else 1e-5):
            result["different"].append([most, i, str(x), str(y)])
    if counted != traffic:
        result["different"].append([most, counted, traffic])
buffers.MOST_ELEMENTS = 2**30

# bits of sums: of many lengths, in many magnitudes
bits = []
for n in (1, 2, 3, 17, 1000, 4097, 100_000):
    rng = np.random.default_rng([r, n])
    x = rng.normal(size=n) * 10.0 ** rng.integers(-9, 9, size=n)
    bits.append(hashlib.sha1(world.all_reduce(x)).hexdigest())
result["bits"] = bits
result["object"] = world.broadcast_object({"from": r}, 2)
result["again"] = d.init("mpi") is world
result["kinds"] = told(lambda: d.init("nccl"))
result["array"] = told(lambda: d.all_reduce(pb.xp.asarray(1.0)) and world.all_reduce([1.0]))
result["mismatch"] = told(lambda: world.all_reduce(np.ones(2)) if r else world.all_gather(np.ones(2)))
result["goes on"] = float(world.all_reduce(np.asarray(1.0)))

# a fork of a rank takes no part (and must not end MPI when it ends, so that it leaves by os._exit)
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.write(write, (told(lambda: world.barrier()) or "nothing").encode())
    os._exit(7)
os.close(write)
result["fork"] = os.fdopen(read).read()
result["fork ended"] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

# another thread of the rank may use a group of its own
g = world.split(0)
thread = threading.Thread(target=lambda: result.update(thread=float(g.all_reduce(np.asarray(1.0)))))
thread.start()
result["main"] = float(world.all_reduce(np.asarray(2.0)))
thread.join()
g.close()
result["closed"] = told(lambda: g.barrier())

world.start_all_reduce(np.ones(3))  # nobody waits for it

# what ends the job: a wait that was given up, and a circle
h = world.split(0)
h.timeout = 0.2
if r == 1:
    time.sleep(0.6)
result["deadline"] = told(h.barrier)
result["unusable"] = told(h.barrier)
a, b = world.split(0), world.split(0)
result["circle"] = told((b if r == 2 else a).barrier)
"""


def test_processes_are_as_threads_and_tell_what_is_wrong():
    run = run_ranks(3, PROGRAM)
    assert all(result is not None for result in run.results), run.err
    for r, result in enumerate(run.results):
        assert result["different"] == []
        assert result["bits"] == run.results[0]["bits"]
        assert result["object"] == {"from": 2}
        assert result["again"]
        assert "init" in result["kinds"]  # of another kind than the world has
        assert "MPI sends NumPy arrays, and this is builtins.list" in result["array"]
        assert "rank 0: all_gather(axis=0) of float64 (·,)" in result["mismatch"]
        assert "ranks 1, 2: all_reduce(op='sum') of float64 (2,)" in result["mismatch"]
        assert result["goes on"] == 3
        assert "a fork of the rank" in result["fork"]
        assert result["fork ended"] == 7
        assert (result["thread"], result["main"]) == (3, 6)
        assert "it is closed" in result["closed"]
        if r != 1:
            assert f"rank {r} has waited 0.2 s in barrier()" in result["deadline"]
            assert "was given up" in result["unusable"]
        assert "rank 2 waits for rank " in result["circle"]
    assert run.code == 1  # since waits were given up
    assert "was given up" in run.err


def test_an_exception_ends_all_ranks_with_its_traceback():
    source = """
import time
for k in range(10**6):
    if k == 20 and d.rank() == 1:
        raise ValueError("boom on one rank")
    if k == 20 and d.rank() == 2:
        time.sleep(60)  # busy with something else, while rank 0 waits for both
    d.all_reduce(np.ones(2))
"""
    run = run_ranks(3, source, timeout=30)
    assert run.code == 1
    assert run.results == [None] * 3
    assert "[rank 1] ValueError: boom on one rank" in run.err


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL, and no mpirun of Open MPI")
def test_ranks_end_when_their_launcher_was_killed(tmp_path):
    """Rank 1 sleeps and rank 0 waits for it: neither would be told otherwise, for as long as the timeout."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, time\n"
        "from pullback import distributed as d\n"
        "d.init('mpi')\n"
        "open(f'{d.rank()}.part', 'w').write(str(os.getpid()))\n"
        "os.rename(f'{d.rank()}.part', f'{d.rank()}.pid')\n"
        "time.sleep(600) if d.rank() else d.all_reduce(1.0)\n"
    )
    process = subprocess.Popen(
        command(2, str(program)),
        env=environment(PULLBACK_DISTRIBUTED_TIMEOUT="600"),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    files, ranks = [tmp_path / f"{r}.pid" for r in range(2)], []
    try:
        _until(lambda: all(f.exists() for f in files) or process.poll() is not None, 60)
        ranks = [int(f.read_text()) for f in files]
        process.kill()
        process.wait()
        _until(lambda: not any(map(_alive, ranks)), 20)
        assert not any(map(_alive, ranks))
    finally:
        process.kill()
        for rank in filter(_alive, ranks):
            os.kill(rank, signal.SIGKILL)


def _until(done, seconds):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)


def _alive(process):
    """Whether a process runs; one that nobody has waited for, where no `init` does, has ended."""
    state = Path(f"/proc/{process}/stat")
    if state.parent.parent.joinpath("self").exists():
        return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_process_without_mpirun():
    mpirun()  # or skip
    program = """
import numpy as np, pullback as pb
w = pb.distributed.init("mpi", timeout=5)
assert (w.name, w.rank, w.size) == ("mpi", 0, 1), w
assert pb.distributed.all_reduce(np.ones(2)).tolist() == [1, 1]
"""
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_without_mpi4py_the_error_says_what_to_install(monkeypatch):
    import pullback as pb

    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(pb.distributed.DistributedError, match=r"pip install 'pullback\[mpi\]'"):
        pb.distributed.init("mpi")


CAUGHT = """
failing = True
@pb.custom_vjp
def scaled(x):
    return 2 * x
def backward(kept, ct):
    if failing and world.rank == 1:
        raise ValueError("in the sweep")
    return (2 * ct,)
scaled.defvjp(lambda x: (2 * x, None), backward)
def loss(w, x):
    return pb.xp.mean(scaled(w["a"]) * x) + pb.xp.sum(w["b"] ** 2)
both = d.data_parallel(loss, bucket_bytes=1000)
w, x = {"a": np.ones((4, 3000)), "b": np.ones(3000)}, np.ones((4, 3000))
told = []
for _ in range(2):
    try:
        both(w, x)
        told.append("")
    except (ValueError, d.DistributedError) as error:
        told.append(str(error))
print(world.rank, "|".join(told).replace("\\n", " "), flush=True)
"""


def test_a_rank_that_has_left_a_sweep_by_an_exception_that_it_caught_is_told_of():
    run = run_ranks(2, CAUGHT)
    assert run.code != 0  # the communicator cannot be used any more
    lines = sorted(line for line in run.out.splitlines() if line[:2] in ("0 ", "1 "))
    assert len(lines) == 2, run.out + run.err
    for line in lines:
        assert "rank 0 waits for rank 1" in line
        assert "left it by an exception that was caught" in line
    assert lines[1].startswith("1 in the sweep|ranks wait")
