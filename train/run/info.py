"""The machine and the parts of it that are used, as `pullback info` prints them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ... import backend
from ...autograd.compile import kernels_on_disk
from ..errors import counted
from ..parallel.launch import launched

_LIBRARIES = (
    "numpy", "scipy", "array-api-compat", "optree",
    "scikit-learn", "rich", "typer", "safetensors", "matplotlib", "numba", "threadpoolctl",
)  # fmt: skip
_CUPY = ("cupy-cuda12x", "cupy-cuda13x", "cupy")
_MPI = ("mpi4py", "openmpi", "mpich", "impi-rt")
_DASK = ("dask", "distributed")
_NCCL = ("nvidia-nccl-cu13", "nvidia-nccl-cu12")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "OPENBLAS_THREAD_TIMEOUT",
)  # fmt: skip


def info_lines(backend_name: str = "") -> list[tuple[str, str]]:
    """Labels and texts: backend, device, memory, why, libraries, BLAS and its threads, kernels on disk.

    Raises
    ------
    BackendError
        If the backend cannot be had.
    """
    active = backend.resolve(backend_name) if backend_name else backend.current()
    lines = [
        ("pullback", str(sys.modules[__name__.partition(".")[0]].__version__)),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        ("backend", active.name),
        ("why", active.reason),
        ("device", str(active.device) if active.device is not None else "the library's default"),
        ("memory", _memory(active)),
    ]
    taken = {label.lower() for label, _ in lines} | {"numpy"}
    lines += [(label, text) for label, text in active.info().items() if label.lower() not in taken]
    lines += [(name, _version(name)) for name in _LIBRARIES]
    cupy = [f"{name} {_version(name)}" for name in _CUPY if _version(name) != _ABSENT]
    lines.append(("cupy", ", ".join(cupy) or _ABSENT))
    lines += _distributed()
    lines += _blas_threads()
    given = [f"{name}={os.environ[name]}" for name in _THREAD_VARIABLES if name in os.environ]
    lines.append(("kernel cache", kernels_on_disk()))
    lines.append(("threads asked for", ", ".join(given) or f"nothing set; {os.cpu_count()} CPUs"))
    return lines


_ABSENT = "not installed"


def _distributed() -> list[tuple[str, str]]:
    """What `--dask` and `--distributed` need, and how many processes a launcher has started.

    By the packages' versions: importing mpi4py would start MPI.
    """
    dask, mpi, nccl = (
        ", ".join(f"{name} {_version(name)}" for name in names if _version(name) != _ABSENT)
        for names in (_DASK, _MPI, _NCCL)
    )
    rank, size = launched()
    return [
        ("Dask", dask or f"{_ABSENT}: pip install 'pullback[dask]'"),
        ("MPI", mpi or f"{_ABSENT}: pip install 'pullback[mpi]'"),
        ("NCCL", nccl or f"{_ABSENT} as a package"),
        ("ranks", f"this is rank {rank} of {size}" if size > 1 else "1, by no launcher of more"),
    ]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return _ABSENT


def _memory(active: Any) -> str:
    found = active.memory()
    return ", ".join(f"{size / 2**30:.1f} GiB {what}" for what, size in found.items()) or "unknown"


def _blas_threads() -> list[tuple[str, str]]:
    """The BLAS libraries that are loaded, and their threads; else what NumPy was built with."""
    np.ones((2, 2)) @ np.ones((2, 2))
    try:
        import threadpoolctl
    except ModuleNotFoundError:
        built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        text = f"{built.get('name')} {built.get('version')} (threads: install threadpoolctl to see)"
        return [("BLAS of NumPy", text)]
    lines = []
    for pool in threadpoolctl.threadpool_info():
        # The wheels' libraries lie in numpy.libs and scipy.libs, and are called alike.
        owner = Path(pool["filepath"]).parent.name.partition(".")[0]
        whose = f" of {owner}" if owner in ("numpy", "scipy") else ""
        label = {"blas": "BLAS", "openmp": "OpenMP"}.get(pool["user_api"], pool["user_api"]) + whose
        kernel = f", {pool['architecture']}" if pool.get("architecture") else ""
        details = f"{pool['internal_api']} {pool.get('version') or ''}".strip()
        lines.append((label, f"{details}{kernel}, {counted(pool['num_threads'], 'thread')}"))
    return lines
