"""A training with kernels that goes on from a checkpoint ends with the bits of one that was never interrupted.

Also where the first batch that it meets is the short one.
"""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import pullback as pb
from pullback.train import loop, replay
from pullback.train.fitting import snapshot

pytest.importorskip("safetensors", reason="checkpoints need safetensors, of the extra 'train'")
pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

M = pb.models
RNG = np.random.default_rng(7)
X = RNG.normal(size=(23, 3)).astype("float32")
Y = np.sin(X[:, :1]) - X[:, 1:2]


def trained(**more):
    model = M.MLP([3, 5, 1], activation="tanh", dtype="float32")
    return pb.train.fit(
        model, M.squared_error, (X, Y), (X[:9], Y[:9]), pb.optim.Adam(0.05), batch_size=8, epochs=3, seed=3,
        fast=True, **more,
    )  # fmt: skip


def bits(run):
    return [pb.to_numpy(leaf).tobytes() for leaf in pb.tree.leaves(run.model)], repr(run.history)


def test_from_before_and_after_the_short_batch(tmp_path, monkeypatch, kernels):
    monkeypatch.setenv("PULLBACK_CACHE", str(kernels))
    monkeypatch.setattr(replay, "_WORTH", 0)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    path, count = tmp_path / "c.safetensors", 0

    def write(path, state, home):
        nonlocal count
        snapshot.write(path, state, home)
        count += 1
        shutil.copy(path, tmp_path / f"{count}")

    whole = trained()
    assert not whole.eager
    monkeypatch.setattr(loop, "write", write)
    assert bits(trained(checkpoint=path, every=0)) == bits(whole)
    # 8, 8 and 7 rows, then measured: the step after the second checkpoint is of the short batch, the first that is met
    for point in (1, 2, 3, 4, 6):
        shutil.copy(tmp_path / f"{point}", path)
        on = trained(checkpoint=path, resume=True)
        assert on.resumed is not None
        assert not on.eager
        assert bits(on) == bits(whole)
