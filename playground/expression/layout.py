"""Where the nodes of a graph stand in a picture, and how its edges lead from one to the other.

Layers from left to right (Sugiyama, Tagawa, Toda, 1981): a node stands to the right of all its operands; an edge that
spans several layers has a place of its own in each layer between, so that it passes beside the nodes; the order in a
layer is that of the neighbours' means, which leaves few crossings; heights are as close to the neighbours' as the
distances to be kept allow.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WIDTH, HEIGHT = 128.0, 66.0  # of a node's box, in pixels
GAP = 88.0  # from one layer's boxes to the next layer's
BEND = 26.0  # of it, in which an edge changes its height: what is left is level, and has a label
BETWEEN = 24.0  # from one box of a layer to the next
LANE = 14.0  # the height of an edge that passes through a layer
PORTS = 30.0  # between the two edges that come into a box
_SWEEPS = 12


@dataclass(frozen=True)
class Picture:
    """Places in pixels, x to the right and y upwards.

    Parameters
    ----------
    centres : numpy.ndarray (N, 2)
        Of the nodes' boxes.
    curves : tuple of numpy.ndarray (K, 2)
        Points along each edge, from the right side of its source to the left side of its target.
    ports : tuple of float
        How far above the middle of its target's left side each edge ends: where several come, the one from above ends
        above.
    width, height : float
        Of the whole.
    """

    centres: np.ndarray
    curves: tuple[np.ndarray, ...]
    ports: tuple[float, ...]
    width: float
    height: float


def layered(count: int, edges: Sequence[tuple[int, int]]) -> Picture:
    """Places for the nodes and edges of a graph without circles.

    Parameters
    ----------
    count : int
        The number N of nodes; a node's operands have smaller numbers.
    edges : sequence of pairs
        Source and target of each; at most two have the same target.

    Returns
    -------
    Picture
    """
    layer = [0] * count
    for source, target in sorted(edges, key=lambda e: e[1]):
        layer[target] = max(layer[target], layer[source] + 1)
    columns: list[list[int]] = [[] for _ in range(max(layer) + 1)]
    for node in range(count):
        columns[layer[node]].append(node)
    # lanes are numbered after the nodes
    chains, links, at = [], [], count
    for source, target in edges:
        chain = [source]
        for k in range(layer[source] + 1, layer[target]):
            columns[k].append(at)
            chain.append(at)
            at += 1
        chain.append(target)
        chains.append(chain)
        links += list(itertools.pairwise(chain))
    columns = _ordered(columns, links)
    heights = [HEIGHT if k < count else LANE for k in range(at)]
    y = _levels(columns, links, heights)
    x = {k: WIDTH / 2 + i * (WIDTH + GAP) for i, column in enumerate(columns) for k in column}
    low = min(y[k] - heights[k] / 2 for k in range(at))
    high = max(y[k] + heights[k] / 2 for k in range(at))
    margin = 14.0
    centres = np.asarray([[x[k] + margin, y[k] - low + margin] for k in range(count)])
    ports = _ports(chains, y)
    curves = []
    for chain, port in zip(chains, ports, strict=True):
        # what a chain comes into a column by, and leaves it by
        ins = [y[k] - low + margin for k in chain]
        ins[-1] += port
        curves.append(_curve([x[k] + margin for k in chain], ins))
    width = len(columns) * WIDTH + (len(columns) - 1) * GAP + 2 * margin
    return Picture(centres, tuple(curves), tuple(ports), width, high - low + 2 * margin)


def _ordered(columns: list[list[int]], links: list[tuple[int, int]]) -> list[list[int]]:
    """The order in each column with the fewest crossings that sweeps by means of neighbours' places find."""
    before: dict[int, list[int]] = {}
    after: dict[int, list[int]] = {}
    for a, b in links:
        before.setdefault(b, []).append(a)
        after.setdefault(a, []).append(b)
    best, fewest = columns, _crossings(columns, links)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        columns = [list(column) for column in columns]
        order = range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1)
        for i in order:
            place = {k: n for n, k in enumerate(columns[i - 1 if forward else i + 1])}
            neighbours = before if forward else after
            means = {
                k: float(np.mean([place[j] for j in neighbours[k]]))
                if k in neighbours
                else float(n)
                for n, k in enumerate(columns[i])
            }
            columns[i].sort(key=means.__getitem__)
        crossings = _crossings(columns, links)
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def _crossings(columns: list[list[int]], links: list[tuple[int, int]]) -> int:
    place = {k: (i, n) for i, column in enumerate(columns) for n, k in enumerate(column)}
    count = 0
    for i in range(len(columns) - 1):
        pairs = sorted((place[a][1], place[b][1]) for a, b in links if place[a][0] == i)
        for n, (a, b) in enumerate(pairs):
            count += sum(1 for c, d in pairs[n + 1 :] if c > a and d < b)
    return count


def _levels(
    columns: list[list[int]], links: list[tuple[int, int]], heights: list[float]
) -> dict[int, float]:
    """Heights of the middles: as near to the neighbours' mean as the distances in a column allow, top down."""
    neighbours: dict[int, list[int]] = {}
    for a, b in links:
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    y: dict[int, float] = {}
    for column in columns:
        down = 0.0
        for n, k in enumerate(column):
            if n:
                down += _distance(heights, column[n - 1], k)
            y[k] = -down
        for k in column:
            y[k] += down / 2
    for sweep in range(2 * _SWEEPS):
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            wanted = [
                float(np.mean([y[j] for j in neighbours[k]])) if k in neighbours else y[k]
                for k in column
            ]
            for k, level in zip(column, _apart(column, wanted, heights), strict=True):
                y[k] = level
    return y


def _ports(chains: list[list[int]], y: dict[int, float]) -> list[float]:
    """Where each edge ends: those into one box in the order of the places that they come from."""
    found = [0.0] * len(chains)
    for target in {chain[-1] for chain in chains}:
        coming = [k for k, chain in enumerate(chains) if chain[-1] == target]
        coming.sort(key=lambda k: -y[chains[k][-2]])
        for n, k in enumerate(coming):
            found[k] = PORTS * ((len(coming) - 1) / 2 - n)
    return found


def _distance(heights: list[float], above: int, below: int) -> float:
    return (heights[above] + heights[below]) / 2 + BETWEEN


def _apart(column: list[int], wanted: list[float], heights: list[float]) -> list[float]:
    """The heights nearest to those wanted, in least squares, that keep the distances: isotonic regression."""
    offsets = [0.0]
    for above, below in itertools.pairwise(column):
        offsets.append(offsets[-1] - _distance(heights, above, below))
    # heights less offsets must not increase; neighbours that violate it are pooled at their mean
    pools: list[tuple[float, int]] = []
    for level, offset in zip(wanted, offsets, strict=True):
        pools.append((level - offset, 1))
        while len(pools) > 1 and pools[-1][0] > pools[-2][0]:
            (b, m), (a, n) = pools.pop(), pools.pop()
            pools.append(((a * n + b * m) / (n + m), n + m))
    fitted = [mean for mean, n in pools for _ in range(n)]
    return [level + offset for level, offset in zip(fitted, offsets, strict=True)]


def _curve(x: list[float], y: list[float], points: int = 16) -> np.ndarray:
    """Points along an edge: an S at the beginning of each gap, and level from there to the next column's right side."""
    parts = []
    s = np.linspace(0, 1, points)
    smooth = s * s * (3 - 2 * s)
    for k in range(len(x) - 1):
        left, right = x[k] + WIDTH / 2, x[k + 1] - WIDTH / 2
        bend = np.stack([left + BEND * s, y[k] + (y[k + 1] - y[k]) * smooth], axis=1)
        parts += [bend, np.asarray([[right, y[k + 1]]])]
    return np.concatenate(parts)
