"""A training step of graph networks beside PyTorch Geometric: loss and gradients by all parameters, over all nodes.

    python benchmarks/graph_network.py [--rounds 15] [--json FILE]

*GCN* is two graph convolutions with relu between them, *GAT* two layers of graph attention. "by edges" normalises the
edges in every step, as one does for graphs that change; "by matrix" has the normalised adjacency once, as for a graph
that stays (PyTorch Geometric's ``cached=True``). The small graph has the sizes of the citation network Cora; the large
one has 20,000 nodes with 10 edges each. Drawn edges, float32, cross-entropy; in one process, in turns.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import numpy as np
from _report import environment, microseconds, save, table, wait_for_kernels
from _turns import Run, in_turns

# nodes, edges, features, units of the hidden layer, classes
SIZES = {
    "2,708 nodes, 10,556 edges, 1433-16-7": (2708, 10_556, 1433, 16, 7),
    "20,000 nodes, 200,000 edges, 128-64-10": (20_000, 200_000, 128, 64, 10),
}
HEADS = 8


def data(size: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, edges without loops, labels."""
    n, edges, features, _, classes = SIZES[size]
    rng = np.random.default_rng(0)
    source = rng.integers(0, n, edges)
    target = (source + rng.integers(1, n, edges)) % n
    x = rng.standard_normal((n, features), dtype=np.float32)
    return x, np.stack([source, target]), rng.integers(0, classes, n)


def gcn_of_pullback(size: str, matrix: bool, compiled: bool) -> Run:
    """Loss and gradients of `pb.models.GCN`."""
    import pullback as pb

    x, edges, y = data(size)
    model = pb.models.GCN([x.shape[1], *SIZES[size][3:]], seed=0)
    graph = pb.models.normalised_adjacency(edges, len(x), dtype="float32") if matrix else edges

    def step(model: Any, x: Any, y: Any) -> Any:
        return pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x, graph), y))(model)

    run = pb.compile(step) if compiled else step
    return lambda: run(model, x, y)


def gcn_of_torch(size: str, cached: bool) -> Run:
    """The same with `torch_geometric.nn.GCNConv` and our first weights."""
    import torch
    import torch_geometric.nn as geometric

    import pullback as pb

    x, edges, y = data(size)
    ours = pb.models.GCN([x.shape[1], *SIZES[size][3:]], seed=0)
    layers = [geometric.GCNConv(*layer.W.shape, cached=cached) for layer in ours.layers]
    with torch.no_grad():
        for layer, own in zip(layers, ours.layers, strict=True):
            layer.lin.weight.copy_(torch.from_numpy(own.W.T))
            layer.bias.copy_(torch.from_numpy(own.b))
    return _torch_step(layers, lambda h: torch.relu(h), x, edges, y)


def gat_of_pullback(size: str, compiled: bool) -> Run:
    """Two layers of `pb.models.GraphAttention`: several heads side by side, then one."""
    import pullback as pb

    x, edges, y = data(size)
    model = _attention(pb, size)

    def loss(model: Any, x: Any, y: Any) -> Any:
        first, second = model
        return pb.models.cross_entropy(second(pb.models.relu(first(x, edges)), edges), y)

    step = pb.value_and_grad(loss)
    run = pb.compile(step) if compiled else step
    return lambda: run(model, x, y)


def _attention(pb: Any, size: str) -> tuple[Any, Any]:
    _, _, features, hidden, classes = SIZES[size]
    first = pb.models.GraphAttention.init(features, hidden // HEADS, heads=HEADS, seed=0)
    return first, pb.models.GraphAttention.init(hidden, classes, seed=1)


def gat_of_torch(size: str) -> Run:
    """The same with `torch_geometric.nn.GATConv` and our first weights."""
    import torch
    import torch_geometric.nn as geometric

    import pullback as pb

    x, edges, y = data(size)
    ours = _attention(pb, size)
    layers = [
        geometric.GATConv(own.W.shape[0], own.a_source.shape[1], heads=len(own.a_source))
        for own in ours
    ]
    with torch.no_grad():
        for layer, own in zip(layers, ours, strict=True):
            layer.lin.weight.copy_(torch.from_numpy(own.W.T))
            layer.att_src.copy_(torch.from_numpy(own.a_source)[None])
            layer.att_dst.copy_(torch.from_numpy(own.a_target)[None])
            layer.bias.copy_(torch.from_numpy(own.b))
    return _torch_step(layers, lambda h: torch.relu(h), x, edges, y)


def _torch_step(
    layers: list[Any], between: Callable[[Any], Any], x: Any, edges: Any, y: Any
) -> Run:
    import torch

    rows, along, labels = (torch.from_numpy(a) for a in (x, edges, y))
    parameters = [p for layer in layers for p in layer.parameters()]

    def step() -> Any:
        h = layers[1](between(layers[0](rows, along)), along)
        loss = torch.nn.functional.cross_entropy(h, labels)
        return loss.detach(), torch.autograd.grad(loss, parameters)

    return step


def cases(size: str) -> dict[str, dict[str, Callable[[], Run]]]:
    """Peers by case; the compiled step comes first."""
    return {
        "GCN by edges": {
            "pullback compiled": lambda: gcn_of_pullback(size, False, True),
            "pullback": lambda: gcn_of_pullback(size, False, False),
            "torch_geometric": lambda: gcn_of_torch(size, False),
        },
        "GCN by matrix": {
            "pullback compiled": lambda: gcn_of_pullback(size, True, True),
            "pullback": lambda: gcn_of_pullback(size, True, False),
            "torch_geometric": lambda: gcn_of_torch(size, True),
        },
        "GAT": {
            "pullback compiled": lambda: gat_of_pullback(size, True),
            "pullback": lambda: gat_of_pullback(size, False),
            "torch_geometric": lambda: gat_of_torch(size),
        },
    }


def _agree(name: str, ours: Any, first: Any) -> None:
    a, b = float(ours[0]), float(first[0])
    if not abs(a - b) <= 1e-4 * abs(b):
        raise RuntimeError(f"{name}: the loss is {a}, pullback's {b}")


def measure(rounds: int = 15, block: float = 0.05) -> dict[str, Any]:
    """Seconds of each, and their ratios to PyTorch Geometric's; losses have to agree first."""
    return {
        "cases": {
            f"{kind}, {size}": in_turns(
                makers, rounds=rounds, block=block, over="torch_geometric", agree=_agree
            )
            for size in SIZES
            for kind, makers in cases(size).items()
        }
    }


def show(found: dict[str, Any]) -> str:
    """A table."""
    rows = []
    for case, result in found["cases"].items():
        for name, row in result["peers"].items():
            t = row["seconds"]
            ratio = row.get("over_torch_geometric")
            spread = f"{microseconds(t['low'])}-{microseconds(t['high'])}"
            rows.append(
                [case, name, microseconds(t["median"]), spread, f"{ratio['median']:.2f}" if ratio else ""]
            )  # fmt: skip
        rows += [[case, name, "left out", why, ""] for name, why in result["left out"].items()]
    head = ["case", "peer", "µs a step", "quartiles", "over torch_geometric"]
    return table("graph networks, loss and gradients, float32", head, rows)


def main() -> None:
    """Measure, print, and write JSON where asked."""
    wait_for_kernels()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    found = measure(options.rounds)
    print(show(found))
    if options.json:
        save("graph_network", {"environment": environment(), "graph_network": found}, options.json)


if __name__ == "__main__":
    main()
