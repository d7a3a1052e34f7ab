"""Graphs: segments, messages along edges, layers, readouts, graphs in one batch.

A graph of n nodes is an array of edges (2, E): in its column k the message of node ``edges[0, k]`` goes to node
``edges[1, k]``, as in PyTorch Geometric. Layers are called ``layer(x, graph)``, with features x (n, F) and for `graph`
such an array, a pair ``(edges, weights)``, a `Graph`, or a sparse matrix whose element (i, j) weighs the edge from j to
i, so that ``A @ x`` adds up what arrives.
"""

from .attention import GraphAttention
from .convolutions import GraphConv, SAGEConv
from .gcn import GCN
from .graph import Graph, batch_graphs, normalised_adjacency
from .messages import message_passing
from .readouts import global_max_pool, global_mean_pool, global_sum_pool
from .segments import segment_max, segment_mean, segment_softmax, segment_sum

__all__ = [
    "GCN",
    "Graph",
    "GraphAttention",
    "GraphConv",
    "SAGEConv",
    "batch_graphs",
    "global_max_pool",
    "global_mean_pool",
    "global_sum_pool",
    "message_passing",
    "normalised_adjacency",
    "segment_max",
    "segment_mean",
    "segment_softmax",
    "segment_sum",
]
