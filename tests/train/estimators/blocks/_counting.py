"""Rows in memory and on Dask; Dask arrays whose blocks are counted, and how often Dask computes."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import dask
import dask.array as da
import numpy as np

RNG = np.random.default_rng(0)
N, D = 240, 4
X = RNG.normal(size=(N, D)) * np.linspace(1, 2, D) + 1
Y = X @ RNG.normal(size=(D, 2)) + RNG.normal(size=(N, 2))
LABELS = np.asarray(["a", "b", "c"])[
    np.argmax(X @ RNG.normal(size=(D, 3)) / 9 + RNG.gumbel(size=(N, 3)), axis=1)
]
WEIGHTS = RNG.uniform(0, 2, size=N)
LAZY = da.from_array(X, chunks=(100, 3))


def lazily(a):
    return None if a is None else da.from_array(a, chunks=(70, *a.shape[1:]))


class Alive:
    """Blocks made from a seed, and how many of them were made and were alive at once."""

    def __init__(self):
        self.made, self.now, self.most, self.lock = 0, 0, 0, threading.Lock()

    def born(self):
        with self.lock:
            self.made, self.now = self.made + 1, self.now + 1
            self.most = max(self.most, self.now)

    def gone(self):
        with self.lock:
            self.now -= 1


class Block(np.ndarray):
    """An array that tells when its memory is freed."""

    def __array_finalize__(self, of):
        self.alive = None

    def __del__(self):
        if self.alive is not None:
            self.alive.gone()


def counted(alive, blocks, rows, columns):
    """A lazy array of normal numbers, each block of which is made where it is needed."""

    def make(block_info=None):
        number = block_info[None]["chunk-location"][0]
        out = np.random.default_rng(number).normal(size=(rows, columns)).view(Block)
        out.alive = alive
        alive.born()
        return out

    chunks = ((rows,) * blocks, (columns,))
    return da.map_blocks(make, chunks=chunks, dtype=float, meta=np.empty((0, 0)))


@contextmanager
def computations():
    """How often Dask was asked to compute, on one thread."""
    times = []

    def get(graph, keys, **settings):
        times.append(1)
        return dask.get(graph, keys, **settings)

    with dask.config.set(scheduler=get):
        yield times
