"""Estimated times: by arithmetic for products, by bytes for all else."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.autograd.compile.optimise.costs import CALL, FLOP, SLOW, arithmetic, seconds
from pullback.models.convolution import conv

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._recompute import Laid, xp


def of(f, *args):
    """The operations of a function by their names."""
    return {op.name: op for op in Laid(f, *args).program.ops}


def test_products_by_their_arithmetic():
    a, b = np.ones((5, 7)), np.ones((7, 3))
    assert np.isclose(arithmetic(of(lambda a, b: a @ b, a, b)["matmul"]), FLOP * 2 * 5 * 7 * 3)
    stacked = of(lambda a, b: a @ b, np.ones((4, 5, 7)), np.ones((4, 7, 3)))["matmul"]
    assert np.isclose(arithmetic(stacked), FLOP * 2 * 4 * 5 * 7 * 3)
    x, W = np.ones((2, 3, 8, 8)), np.ones((4, 3, 3, 3))
    convolution = of(lambda x, W: conv(x, W), x, W)["convolution"]
    assert np.isclose(arithmetic(convolution), FLOP * 2 * (2 * 6 * 6) * W.size)


def test_the_rest_by_bytes():
    x = np.ones((64, 64))
    ops = of(lambda x: xp.sum(xp.tanh(x) + xp.abs(x)), x)
    assert arithmetic(ops["abs"]) == 0
    assert np.isclose(arithmetic(ops["tanh"]), SLOW * x.size)
    assert CALL < seconds(ops["abs"]) < seconds(ops["add"]) < seconds(ops["tanh"])


def test_a_loop_by_its_steps():
    def loop(n):
        f = lambda x: pb.scan(lambda c, _: (xp.tanh(c @ c), None), x, length=n)[0]
        ops = of(f, np.eye(8))
        return next(op for name, op in ops.items() if name.startswith("scan"))

    assert arithmetic(loop(100)) > 5 * arithmetic(loop(10)) > 0
