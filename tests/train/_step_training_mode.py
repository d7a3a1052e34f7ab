"""Helpers of `test_step.py`, and of other tests of models with a training mode."""

from __future__ import annotations

import dataclasses

import numpy as np

import pullback as pb

M = pb.models


SQUARED = M.squared_error


RNG = np.random.default_rng(3)


X = RNG.normal(size=(41, 3)) * 2 + 5


Y = X[:, :1] - X[:, 1:2]


def on_device(*arrays):
    return tuple(pb.backend.current().asarray(np.asarray(a)) for a in arrays)


def linear(n, m, seed=0):
    return M.Linear.init(n, m, seed=seed, dtype="float64")


def norm(n=4):
    return M.BatchNorm.init(n, dtype="float64")


class Wrapped(M.Module):
    """A module of one's own around others, in a list and a dict."""

    parts: list
    heads: dict

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return self.heads["y"](x)

    def training(self, x, *, key=None):
        keys, new = pb.random.split(key, len(self.parts)), []
        for part, own in zip(self.parts, keys, strict=True):
            x, part = part.training(x, key=own)
            new.append(part)
        return self.heads["y"](x), Wrapped(new, self.heads)


@dataclasses.dataclass
class Foreign:
    """A pytree that is no Module, with a training mode."""

    inner: M.Sequential

    def __call__(self, x):
        return self.inner(x)

    def training(self, x, *, key=None):
        y, inner = self.inner.training(x, key=key)
        return y, Foreign(inner)


@dataclasses.dataclass
class Silent:
    """A pytree that holds batch statistics and does not say how to train them."""

    inner: list

    def __call__(self, x):
        return self.inner[0](x)


MODELS = {
    "batch norm": lambda: M.Sequential(linear(3, 4), norm(), "relu", linear(4, 1)),
    "two": lambda: M.Sequential(norm(3), linear(3, 4), norm(), "tanh", linear(4, 1)),
    "nested": lambda: M.Sequential(
        linear(3, 4), M.Residual(M.Sequential(norm(), "relu", M.Sequential(norm()))), linear(4, 1)
    ),
    "with dropout": lambda: M.Sequential(linear(3, 4), norm(), M.Dropout(0.5), linear(4, 1)),
    "of one's own": lambda: Wrapped([linear(3, 4), norm(), M.Dropout(0.2)], {"y": linear(4, 1)}),
    "no Module": lambda: Foreign(M.Sequential(linear(3, 4), norm(), linear(4, 1))),
}


def fit(model, x=X, y=Y, opt=None, loss=SQUARED, **settings):
    data = on_device(x, y)
    settings = {"epochs": 3, "batch_size": 8, "patience": 0, **settings}
    return pb.train.fit(model, loss, data, data, opt or pb.optim.Adam(1e-3), **settings)


def leaves(model):
    return [pb.to_numpy(leaf) for leaf in pb.tree.leaves(model)]
