"""What NCCL costs on this machine's GPUs, and whether it is right, within a minute.

    python tools/gpu_nccl.py [--folder FOLDER] [--no-tests]

There is one rank for each GPU: a thread, and where mpirun is installed a process.

Prints, and writes to ``FOLDER/nccl.json``: what was found, the outcome of the tests on the device, the time of an
all-reduce by size with its bandwidth, what a call costs its host, and what an agreement of the hosts adds. ``make gpu``
runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TESTS = "tests/distributed/communicators/test_nccl_on_device.py"
SIZES = [1 << k for k in range(10, 29, 3)]  # bytes
CALLS = 20


def measured(communicator: Any, cupy: Any) -> dict[str, Any]:
    """Seconds of all-reduces by bytes, on the device and on the host, and of an agreement; on every rank."""
    event = cupy.cuda.Event
    out: dict[str, Any] = {"ranks": communicator.size, "sizes": {}}
    for nbytes in SIZES:
        x = cupy.ones(nbytes // 4, dtype="float32")
        for _ in range(3):
            communicator.link.sum(x)
        communicator.barrier()
        begin, end = event(), event()
        begin.record()
        start = time.perf_counter()
        for _ in range(CALLS):
            communicator.link.sum(x)
        host = (time.perf_counter() - start) / CALLS
        end.record()
        end.synchronize()
        device = cupy.cuda.get_elapsed_time(begin, end) / 1e3 / CALLS
        ring = 2 * (communicator.size - 1) / communicator.size * nbytes
        out["sizes"][nbytes] = {"device_s": device, "host_s": host, "bytes_per_s": ring / device}
    communicator.barrier()
    start = time.perf_counter()
    for _ in range(200):
        communicator.agree("measured")
    out["agree_s"] = (time.perf_counter() - start) / 200
    return out


def ranks_in_threads() -> dict[str, Any]:
    """One rank for each GPU, as threads of this process."""
    import cupy

    import pullback as pb
    from pullback.distributed.communicators import nccl

    def rank() -> dict[str, Any]:
        group = nccl.connect(pb.distributed.world(), {})
        try:
            return measured(group, cupy)
        finally:
            group.link.close()

    library = pb.backend.resolve("cupy").collectives
    devices = cupy.cuda.runtime.getDeviceCount()
    found = pb.distributed.simulate(rank, devices, timeout=30.0)[0]
    return {"nccl": library.version(), "cupy": cupy.__version__, "devices": devices, **found}


def trained(world: Any, travel: str | None) -> float:
    """The last loss of some compiled steps on all ranks' rows; the parameters have equal bits on all ranks."""
    import hashlib

    import numpy as np

    import pullback as pb

    draw = np.random.default_rng(0)
    x = draw.standard_normal((64 * world.size, 20)).astype("float32")
    y = np.argmax(x[:, :5], axis=1)
    mine = slice(64 * world.rank, 64 * (world.rank + 1))
    model = pb.models.MLP([20, 64, 5], seed=0, dtype="float32")
    opt = pb.optim.Adam(1e-2)
    both = pb.distributed.data_parallel(
        lambda model, x, y: pb.models.cross_entropy(model(x), y), bucket_bytes=4096, travel=travel
    )

    @pb.compile
    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        loss, grads = both(model, x, y)
        return *opt.step(model, grads, state), loss

    state = opt.init(model)
    x, y = pb.backend.current().asarray(x[mine]), pb.backend.current().asarray(y[mine])
    for _ in range(40):
        model, state, loss = step(model, state, x, y)
    digest = hashlib.blake2b(digest_size=7)
    for leaf in pb.tree.leaves(model):
        digest.update(pb.to_numpy(leaf).tobytes())
    found = world.agree("the parameters", int.from_bytes(digest.digest(), "little"))
    if len(set(found)) > 1:
        raise RuntimeError(f"the ranks' parameters differ: {found}")
    if not float(loss) < 0.5:
        raise RuntimeError(f"the loss is {float(loss)} after 40 steps")
    return float(loss)


def one_of_mpi() -> None:
    """What each process of ``mpirun`` does."""
    import cupy

    import pullback as pb

    world = pb.distributed.init("nccl", timeout=30.0)
    found = measured(world, cupy)
    x = cupy.full(5, 1.0 + world.rank)
    value = float(pb.distributed.all_reduce(x)[0])
    if value != world.size * (world.size + 1) / 2:
        raise RuntimeError(f"the sum of 1 … {world.size} is {value}")
    found["losses"] = [trained(world, travel) for travel in (None, "bfloat16")]
    if world.rank == 0:
        print("MPI " + json.dumps(found), flush=True)


def ranks_of_mpi(devices: int) -> Any:
    """One rank for each GPU, as processes of MPI; in words why not."""
    beside = Path(sys.executable).with_name("mpirun")
    mpirun = str(beside) if beside.exists() else shutil.which("mpirun")
    if mpirun is None:
        return "there is no mpirun"
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    command = [mpirun, "-n", str(devices), sys.executable, __file__, "--rank"]
    try:
        done = subprocess.run(
            command, env=os.environ | allowed, capture_output=True, text=True, timeout=40, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "stopped after 40 s"
    lines = [line[4:] for line in done.stdout.splitlines() if line.startswith("MPI ")]
    return json.loads(lines[0]) if lines and not done.returncode else done.stderr[-2000:]


def table(name: str, found: dict[str, Any]) -> str:
    """The figures in words."""
    agree = 1e6 * found["agree_s"]
    lines = [f"NCCL, {found['ranks']} ranks as {name}; an agreement of the hosts {agree:.0f} µs"]
    for nbytes, row in found["sizes"].items():
        lines.append(
            f"{int(nbytes):>12d} B  {1e6 * row['device_s']:9.1f} µs  host {1e6 * row['host_s']:6.1f} µs  "
            f"{row['bytes_per_s'] / 1e9:7.1f} GB/s"
        )
    return "\n".join(lines)


def main() -> int:
    """Test, measure, say what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / ".gpu-run")
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--no-tests", action="store_true", help="measure alone")
    options = parser.parse_args()
    if options.rank:
        one_of_mpi()
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    out: dict[str, Any] = {}
    status = 0
    if not options.no_tests:
        tests = [
            sys.executable,
            "-P",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--tb=short",
            TESTS,
        ]
        environment = os.environ | {"PULLBACK_BACKEND": "cupy"}
        status = subprocess.run(
            tests, cwd=ROOT, env=environment, timeout=60, check=False
        ).returncode
        out["tests"] = status
    try:
        out["threads"] = ranks_in_threads()
        print(table("threads", out["threads"]), flush=True)
        out["mpi"] = ranks_of_mpi(out["threads"]["devices"])
        print(
            table("processes", out["mpi"]) if isinstance(out["mpi"], dict) else out["mpi"],
            flush=True,
        )
    except RuntimeError as error:  # no device, no NCCL: of the backend or of a rank
        out["error"] = str(error)
        print(f"NCCL was not measured: {error}", flush=True)
        status = status or 1
    (options.folder / "nccl.json").write_text(json.dumps(out, indent=1))
    return status


if __name__ == "__main__":
    sys.exit(main())
