"""Tests of `train/run/info.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb

from ...conftest import WITHOUT_STANDIN
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


def test_the_kernels_on_disk_are_told(pullback, tmp_path, monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    monkeypatch.setenv("PULLBACK_CACHE_MB", "7")
    (tmp_path / f"kernel_{0:024x}.py").write_bytes(b"x" * 200_000)
    (tmp_path / "mine.py").write_bytes(b"x" * 400_000)
    _, out, _ = pullback("info")
    told = " ".join(" ".join(out).split())
    assert f"kernel cache {tmp_path}: 1 kernel, 0.2 MB, at most 7 MB (PULLBACK_CACHE_MB)" in told


@WITHOUT_STANDIN
def test_why_auto_chose_is_told(pullback):
    code, out, _ = pullback("info", "--backend", "auto")
    assert code == 0
    assert any(line.startswith("why") and "auto" in line for line in out)
