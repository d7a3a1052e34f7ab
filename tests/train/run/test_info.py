"""Tests of `train/run/info.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb

from ..cli import _cli

folder = _cli.folder


pullback = _cli.pullback


def test_info_tells_backend_device_memory_versions_and_threads(pullback):
    code, out, err = pullback("info")
    assert (code, err) == (0, [])
    told = dict(line.split(None, 1) for line in out if len(line.split(None, 1)) == 2)
    active = pb.backend.current()
    assert told["pullback"] == pb.__version__
    assert told["backend"] == active.name
    assert told["why"] == active.reason
    assert told["numpy"] == np.__version__
    assert {"Python", "device", "memory", "scipy", "optree", "cupy", "BLAS"} <= set(told)
    assert {"Dask", "MPI", "NCCL", "ranks"} <= set(told)
    assert "thread" in "\n".join(out)


def test_why_auto_chose_is_told(pullback):
    code, out, _ = pullback("info", "--backend", "auto")
    assert code == 0
    assert any(line.startswith("why") and "auto" in line for line in out)
