"""Classes of nodes from few labels: what a network sees along the edges of a graph, and without them.

Five nodes of each of four communities have a label. Features say little: their noise is as large as what tells the
classes apart. Most edges stay within a community, so the mean over a node's neighbours says more, and a graph
convolution

    H = relu(D^-1/2 (A + I) D^-1/2 X W + b)

takes it (Kipf and Welling, Semi-supervised classification with graph convolutional networks, 2017). A perceptron of the
same widths sees the same features and labels, and no edges.

    python examples/layers/graph_classes.py [picture.png]
"""

import functools
import sys

import numpy as np

import pullback as pb

M = pb.models
CLASSES, LABELLED = 4, 5


def communities(size=60, features=16, near=0.10, far=0.01, noise=1.0, seed=0):
    """Features, edges in both directions, and classes of a graph of communities."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(CLASSES), size)
    same = y[:, None] == y
    close = rng.random(same.shape) < np.where(same, near, far)
    i, j = np.nonzero(np.triu(close, 1))
    edges = np.stack([np.concatenate([i, j]), np.concatenate([j, i])])
    means = rng.standard_normal((CLASSES, features)) * 0.5
    x = means[y] + noise * rng.standard_normal((len(y), features))
    return x.astype("float32"), edges, y


class WithoutEdges(M.Module):
    """A perceptron, called as a network of graphs is."""

    layers: M.MLP

    def __call__(self, x, graph):
        """Logits of each node from its own features."""
        return self.layers(x)


def train(model, x, graph, y, known, steps, seed=0):
    """The model after the steps, and the accuracy on all other nodes after each."""
    opt = pb.optim.AdamW(0.01, weight_decay=0.05, mask="matrices")
    key, hidden = pb.random.key(seed), np.setdiff1d(np.arange(len(y)), known)

    # without numba's kernels, which take longer to compile than this does to train
    @functools.partial(pb.compile, fast=False)
    def step(model, state, key):
        def loss(model):
            left_out = isinstance(model, M.GCN)
            out = model.training(x, graph, key=key)[0] if left_out else model(x, graph)
            return M.cross_entropy(pb.xp.take(out, known, axis=0), y[known])

        value, grads = pb.value_and_grad(loss)(model)
        return *opt.step(model, grads, state), value

    state, right = opt.init(model), []
    for t in range(steps):
        model, state, _ = step(model, state, pb.random.fold_in(key, t))
        guess = pb.to_numpy(model(x, graph)).argmax(axis=1)
        right.append(float(np.mean(guess[hidden] == y[hidden])))
    return guess, right


def main(picture="graph_classes.png", size=60, steps=150):
    x, edges, y = communities(size)
    rng = np.random.default_rng(1)
    known = np.concatenate(
        [rng.choice(np.flatnonzero(y == c), LABELLED, False) for c in range(CLASSES)]
    )
    # made once: every layer of every step goes along the edges by this matrix
    along = M.normalised_adjacency(edges, len(y))
    sizes = [x.shape[1], 16, CLASSES]
    found = {
        "perceptron, without edges": train(WithoutEdges(M.MLP(sizes)), x, along, y, known, steps),
        "graph convolutions": train(M.GCN(sizes, dropout=0.5), x, along, y, known, steps),
    }
    print(f"{len(y)} nodes, {edges.shape[1] // 2} edges, {len(known)} labels")
    for name, (_, right) in found.items():
        print(f"{name:26s} {100 * right[-1]:5.1f} % of the other nodes right")
    draw(picture, edges, y, known, found)
    return {name: right for name, (_, right) in found.items()}


def draw(picture, edges, y, known, found):
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    rng = np.random.default_rng(2)
    angle = 2 * np.pi * y / CLASSES + 0.6
    at = np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.3 * rng.standard_normal((len(y), 2))
    colours = np.asarray(["#1f5fa8", "#d1701c", "#2a8f4f", "#8c4fa8"])
    once = edges[:, edges[0] < edges[1]]
    figure = Figure(figsize=(13, 4.4), dpi=110, layout="constrained")
    *graphs, curves = figure.subplots(1, 3)
    for axes, (name, (guess, right)) in zip(graphs, found.items(), strict=True):
        axes.add_collection(LineCollection(at[once.T], colors="#999999", linewidths=0.3, alpha=0.5))
        wrong = guess != y
        axes.scatter(*at.T, s=22, c=colours[guess], zorder=2)
        axes.scatter(
            *at[wrong].T, s=60, facecolors="none", edgecolors="#cc0000", zorder=3, label="wrong"
        )
        axes.scatter(
            *at[known].T,
            s=70,
            marker="*",
            c=colours[y[known]],
            edgecolors="k",
            zorder=4,
            label="labelled",
        )
        axes.set_title(f"{name}: {100 * right[-1]:.0f} %")
        axes.axis("off")
        curves.plot(100 * np.asarray(right), label=name)
    graphs[0].legend(
        title="filled as predicted", frameon=False, loc="upper left", bbox_to_anchor=(0, 0), ncols=2
    )
    curves.set(xlabel="step", ylabel="nodes without a label that are right, %")
    curves.grid(alpha=0.3)
    curves.legend(frameon=False)
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:2])
