"""Programs on several processes of MPI, for tests: each rank's result comes back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Run:
    """What one run came to.

    Attributes
    ----------
    code : int
        The exit code of ``mpirun``.
    results : list
        What each rank left in `result`, by rank; None of a rank that did not come so far.
    out, err : str
        What all ranks printed.
    """

    code: int
    results: list[Any]
    out: str
    err: str


def mpirun() -> str:
    """Where ``mpirun`` is; skips the test where there is none, or no mpi4py."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed (extra `mpi`)")
    beside = Path(sys.executable).with_name("mpirun")
    found = str(beside) if beside.exists() else shutil.which("mpirun")
    if found is None:
        pytest.skip("there is no mpirun (extra `mpi`)")
    return found


def command(n: int, *program: str) -> list[str]:
    """The command that starts a program on `n` ranks of this machine."""
    return [mpirun(), "--oversubscribe", "-n", str(n), sys.executable, "-P", *program]


def environment(**more: str) -> dict[str, str]:
    """The environment of such a command: one BLAS thread for each rank, root allowed, a short timeout."""
    return {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PULLBACK_DISTRIBUTED_TIMEOUT": "20",
        **more,
    }


_START = """
import json, os, sys
import numpy as np
import pullback as pb
from pullback import distributed as d
world = d.init("mpi")
result = None
"""
_END = """
with open(os.path.join(os.environ["RANKS_FOLDER"], f"{d.rank()}.json"), "w") as file:
    json.dump(result, file)
"""


def run_ranks(n: int, source: str, timeout: float = 60, **variables: str) -> Run:
    """Run a program on `n` ranks of MPI and collect what each leaves in the variable `result`.

    Parameters
    ----------
    n : int
        How many ranks.
    source : str
        The program, behind ``import numpy as np, pullback as pb``, ``from pullback import distributed as d``, ``world =
        d.init("mpi")``. What it puts into `result` has to be JSON.
    timeout : float
        Seconds after which the run is killed, and the test fails.
    **variables : str
        Of the environment, besides those of `environment`.

    Returns
    -------
    Run
    """
    with tempfile.TemporaryDirectory(prefix="ranks") as folder:
        path = Path(folder, "program.py")
        path.write_text(_START + source + _END)
        started = command(n, str(path))
        # mpirun passes SIGTERM on to its ranks, a killed one leaves them to their fate
        process = subprocess.Popen(
            started,
            env=environment(RANKS_FOLDER=folder, **variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=folder,
        )
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                out, err = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
            pytest.fail(f"{n} ranks did not end within {timeout:g} s\n{out}\n{err}")
        results = []
        for rank in range(n):
            file = Path(folder, f"{rank}.json")
            results.append(json.loads(file.read_text()) if file.exists() else None)
    return Run(process.returncode, results, out, err)
