"""What ``make gpu`` runs on a machine with a GPU: the suite on CuPy, NCCL, the benchmarks, within eight minutes.

    python tools/gpu.py [--folder FOLDER] [--tests SECONDS] [--nccl SECONDS] [--benchmarks SECONDS]

Installs nothing. Failures are in ``FOLDER/failures.txt`` as they come, results of benchmarks in ``benchmarks/results``.
At the end stand the ratios, and below them what passed, what failed and what was skipped for which reason.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {
    "PULLBACK_BACKEND": "cupy",
    # JAX takes three quarters of the memory otherwise, and everything beside it fails
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "CUPY_GPU_MEMORY_LIMIT": str(4 << 30),  # of each worker
    "OMP_NUM_THREADS": "1",
}


def run(command: list[str], seconds: float, environment: dict[str, str]) -> int:
    """The exit code of a command; 124 where it was stopped."""
    started = time.monotonic()
    try:
        code = subprocess.run(command, cwd=ROOT, env=environment, timeout=seconds, check=False).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        code = 124
    print(f"\n{' '.join(command[1:4])} …: {code} after {time.monotonic() - started:.0f} s\n", flush=True)  # fmt: skip
    return code


def summary(folder: Path) -> str:
    """What the tests came to."""
    counts = json.loads((folder / "tests.json").read_text())
    outcomes = counts["outcomes"]
    lines = ["tests with PULLBACK_BACKEND=cupy" + ("" if outcomes.get("finished") else " (cut off)")]  # fmt: skip
    lines += [f"{outcomes.get(name, 0):8d}  {name}" for name in ("passed", "failed", "errors")]
    lines.append(f"{outcomes.get('skipped', 0):8d}  skipped, of these:")
    by_number = sorted(counts["skipped"].items(), key=lambda pair: -pair[1])
    lines += [f"{number:12d}  {reason[:150]}" for reason, number in by_number]
    return "\n".join(lines)


def main() -> int:
    """Test, measure, say what came out; the first exit code that is not 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / ".gpu-run")
    parser.add_argument("--tests", type=float, default=200, help="seconds for the suite")
    parser.add_argument("--nccl", type=float, default=45, help="seconds for what NCCL costs")
    parser.add_argument("--benchmarks", type=float, default=235, help="seconds for the benchmarks")
    parser.add_argument("--jobs", type=int, default=max(1, len(os.sched_getaffinity(0)) - 1))
    options = parser.parse_args()
    folder = options.folder.resolve()
    path = os.pathsep.join([str(ROOT / "tools"), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | ENVIRONMENT | {"PYTHONPATH": path}
    pytest = [
        sys.executable, "-P", "-m", "pytest", "-q", "-n", str(options.jobs), "-p", "no:cacheprovider",
        "-p", "no:benchmark",  # where it is installed, it warns beside xdist, and warnings are errors
        "-p", "live_failures", f"--live-failures={folder}", "-r", "N", "--tb=short", "--show-capture=no", "tests",
    ]  # fmt: skip
    status = run(pytest, options.tests, environment)
    # NCCL's tests were in the suite: what it costs, alone on the devices; one rank for each of them
    alone = {k: v for k, v in environment.items() if k not in ("CUPY_GPU_MEMORY_LIMIT", "OMP_NUM_THREADS")}  # fmt: skip
    nccl = [sys.executable, "tools/gpu_nccl.py", "--no-tests", "--folder", str(folder)]
    status = run(nccl, options.nccl, alone) or status
    # the benchmarks' workers are alone on the device, too
    budget = options.benchmarks - 45  # the part that is begun last has to end too
    bench = [sys.executable, "benchmarks/gpu.py", "--budget", f"{budget:.0f}"]
    code = run(bench, options.benchmarks, alone)
    print(summary(folder) if (folder / "tests.json").exists() else "no test ran", flush=True)
    print(f"failures: {folder / 'failures.txt'}", flush=True)
    return status or code


if __name__ == "__main__":
    sys.exit(main())
