"""The example of tensor-parallel layers: the gradient of the dense network in parts, and what each step sends."""

import numpy as np
import pytest

import pullback as pb

from ..repository.examples._examples import example

dist = pb.distributed


def dense(blocks, x, y):
    for block in blocks:
        x = pb.xp.tanh(x @ block["A"] + block["a"]) @ block["B"] + block["b"]
    return pb.xp.mean((x - y) ** 2)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_tensor_parallel_gradients_are_parts_of_the_dense_one(size):
    module = example("tensor_parallel")
    blocks, (x, y) = module.network((3, 5, 4, 2), 9), module.data(6, 3, 2)
    value, gradient = pb.value_and_grad(dense)(blocks, x, y)

    def rank():
        found, mine = module.value_and_grad(module.part(blocks), x, y)
        return found, mine, module.part(gradient)

    for found, mine, expected in dist.simulate(rank, size):
        np.testing.assert_allclose(found, value, rtol=1e-13)
        for a, b in zip(pb.tree.leaves(mine), pb.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_tensor_parallel_training_is_that_of_one_process():
    module = example("tensor_parallel")
    blocks, (x, y) = module.network((3, 5, 2), 8), module.data(6, 3, 2)
    opt = pb.optim.Adam(0.01)
    p, state = blocks, opt.init(blocks)
    for _ in range(20):
        _, g = pb.value_and_grad(dense)(p, x, y)
        p, state = opt.step(p, g, state)
    results = dist.simulate(lambda: module.train(blocks, x, y, 20)[1], 4)
    for found in results:
        for a, b, first in zip(*map(pb.tree.leaves, (found, p, results[0])), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
            assert a.tobytes() == first.tobytes()


def test_tensor_parallel_sends_the_outputs_of_each_block_twice_and_the_shares_of_b():
    module = example("tensor_parallel")
    widths, rows, size = (3, 5, 4, 2), 6, 4
    blocks, (x, y) = module.network(widths, 8), module.data(rows, 3, 2)

    def rank():
        mine = module.part(blocks)
        dist.world().traffic.reset()
        module.value_and_grad(mine, x, y)
        return dist.world().traffic["all_reduce"]

    outputs = sum(widths[1:])
    for count in dist.simulate(rank, size):
        # a number of 8 bytes travels 2 (P − 1)/P times; forward and backward of each block, and the gradients of b
        assert count.calls == 2 * 3 + 3
        assert count.messages == 2 * (size - 1) * count.calls
        assert count.bytes == 2 * (size - 1) * 8 * (2 * rows * outputs + outputs) // size


def test_tensor_parallel_runs(capsys):
    values = dist.simulate(lambda: example("tensor_parallel").main(steps=30, hidden=8, rows=16), 2)
    assert values[0] == values[1]
    assert values[0][-1] < 0.8 * values[0][0]
    assert "2 ranks, each with" in capsys.readouterr().out
