"""`fit` on NCCL's ranks, on the stand-in for CuPy: the training of one process on the host."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...conftest import ONLY_CUPY
from ...distributed._nccl import made, on_ranks
from ._ranks import numbers
from .test_fit import PAIR, Normed, mlp

pytestmark = pytest.mark.skipif(ONLY_CUPY, reason="PULLBACK_BACKEND=cupy tests the GPU")
M = pb.models


def trained(group, model, move, compile):
    data = tuple(move(a) for a in PAIR)
    return pb.train.fit(
        pb.tree.map(move, model), M.squared_error, data, data, pb.optim.SGD(0.05, momentum=0.9),
        score=pb.train.r_squared, epochs=3, batch_size=7, compile=compile, distributed=group,
    )  # fmt: skip


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("kind", ["an MLP", "batch statistics"])
def test_devices_train_as_one_process(kind, compile, monkeypatch):
    monkeypatch.setattr("pullback.train.replay._WORTH", 1)
    with pb.backend.use("numpy"):
        model = mlp() if kind == "an MLP" else Normed.init()
        alone = trained(None, model, np.asarray, compile)

    def rank():
        fit = trained(pb.distributed.world(), model, made, compile)
        return numbers(fit), [pb.to_numpy(leaf) for leaf in pb.tree.leaves(fit.model)], fit.eager

    found = on_ranks(rank, 3, timeout=60)
    for history, leaves, eager in found:
        np.testing.assert_allclose(history, numbers(alone), rtol=1e-10)
        for leaf, first, own in zip(leaves, found[0][1], pb.tree.leaves(alone.model), strict=True):
            np.testing.assert_array_equal(leaf, first)
            np.testing.assert_allclose(leaf, own, rtol=1e-10, atol=1e-13)
        assert eager == ("" if compile else "compile=False")
