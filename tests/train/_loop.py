"""Helpers of `test_loop.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

import pullback as pb

SQUARED = pb.models.squared_error


def on_device(*arrays):
    return tuple(pb.backend.current().asarray(np.asarray(a)) for a in arrays)


def parabola(n=64, dtype="float64"):
    x = np.linspace(-1, 1, n, dtype=dtype)[:, None]
    return on_device(x, x**2)


def network(*sizes, **settings):
    return pb.models.MLP(sizes, **{"activation": "tanh", "dtype": "float64", **settings})


def weights(model):
    return [pb.to_numpy(leaf) for leaf in pb.tree.leaves(model)]


def run(opt=None, *, data=None, validation=None, model=None, **settings):
    data = data or parabola()
    model = model or network(1, 8, 1)
    opt = opt or pb.optim.Adam(0.01)
    return pb.train.fit(model, SQUARED, data, validation or data, opt, **settings)
