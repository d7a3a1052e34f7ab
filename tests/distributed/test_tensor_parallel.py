"""The example of tensor-parallel layers: the gradient of the dense network in parts, and what each step sends."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

matplotlib = pytest.importorskip("matplotlib", reason="the example draws a picture (extra `plot`)")
dist = pb.distributed
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "programs" / "tensor_parallel.py"


@pytest.fixture(scope="module")
def module():
    """What the example defines; running it checks that the ranks' training is that of one process."""
    matplotlib.use("Agg")
    names = runpy.run_path(str(EXAMPLE))
    names["plt"].close("all")
    return SimpleNamespace(**names)


def data(rows, n_in, n_out):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((rows, n_in))
    return x, np.sin(x @ rng.standard_normal((n_in, n_out)))


def dense(blocks, x, y):
    for block in blocks:
        x = pb.xp.tanh(x @ block["A"] + block["a"]) @ block["B"] + block["b"]
    return pb.xp.mean((x - y) ** 2)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_tensor_parallel_gradients_are_parts_of_the_dense_one(module, size):
    blocks, (x, y) = module.network([(3, 5), (5, 4), (4, 2)], 9), data(6, 3, 2)
    value, gradient = pb.value_and_grad(dense)(blocks, x, y)

    def rank():
        found, mine = module.value_and_grad(module.part(blocks), x, y)
        return found, mine, module.part(gradient)

    for found, mine, expected in dist.simulate(rank, size):
        np.testing.assert_allclose(found, value, rtol=1e-13)
        for a, b in zip(pb.tree.leaves(mine), pb.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_tensor_parallel_training_is_that_of_one_process(module):
    blocks, (x, y) = module.network([(3, 5), (5, 2)], 8), data(6, 3, 2)
    opt = pb.optim.Adam(0.01)
    p, state = blocks, opt.init(blocks)
    for _ in range(20):
        _, g = pb.value_and_grad(dense)(p, x, y)
        p, state = opt.step(p, g, state)

    def rank():
        values, mine = module.train(blocks, x, y, 20)
        return values, mine, module.part(p)

    results = dist.simulate(rank, 4)
    for values, found, expected in results:
        assert values == results[0][0]
        for block, first in zip(found, results[0][1], strict=True):
            assert block["b"].tobytes() == first["b"].tobytes()
        for a, b in zip(pb.tree.leaves(found), pb.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_tensor_parallel_sends_the_outputs_of_each_block_twice_and_the_shares_of_b(module):
    sizes, rows, size = [(3, 5), (5, 4), (4, 2)], 6, 4
    blocks, (x, y) = module.network(sizes, 8), data(rows, 3, 2)

    def rank():
        mine = module.part(blocks)
        dist.world().traffic.reset()
        module.value_and_grad(mine, x, y)
        return dist.world().traffic["all_reduce"]

    outputs = sum(n for _, n in sizes)
    for count in dist.simulate(rank, size):
        # a number of 8 bytes travels 2 (P − 1)/P times; forward and backward of each block, and the gradients of b
        assert count.calls == 2 * 3 + 3
        assert count.messages == 2 * (size - 1) * count.calls
        assert count.bytes == 2 * (size - 1) * 8 * (2 * rows * outputs + outputs) // size
