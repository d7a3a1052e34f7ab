"""Graphs for the tests of the folder: edges that come twice, loops, nodes without edges; and dense matrices of them."""

from __future__ import annotations

import numpy as np

RNG = np.random.default_rng(5)
N, F = 7, 3
X = RNG.standard_normal((N, F))
# node 6 is alone, 1 → 2 comes twice, 4 has an edge to itself
EDGES = np.asarray([[0, 1, 2, 1, 3, 4, 5, 0, 2], [1, 2, 1, 2, 0, 4, 3, 5, 5]])
WEIGHTS = RNG.uniform(0.5, 2.0, EDGES.shape[1])
NONE = np.zeros((2, 0), int)


def dense(edges, n=N, weights=None):
    """A[i, j], the sum of the weights of the edges from j to i."""
    A = np.zeros((n, n))
    for k, (j, i) in enumerate(edges.T):
        A[i, j] += 1.0 if weights is None else weights[k]
    return A


def kipf(A):
    A = A + np.eye(len(A))
    root = np.diag(A.sum(axis=1) ** -0.5)
    return root @ A @ root


def renamed(edges, order):
    """The edges of the graph whose node k is node ``order[k]`` of the old one."""
    return np.argsort(order)[edges]
