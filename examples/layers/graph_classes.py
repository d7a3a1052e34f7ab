r"""
A graph network on a club that splits
=====================================

In a club of 34 members two groups form; all that is known is who is a friend of whom, and which side the two leaders
take. The data are made here, like those of Zachary's karate club: friends are mostly on the same side. The features of
a node are its name alone (the identity matrix), so that a perceptron cannot know a side that it was not told. A layer

.. math:: H = \mathrm{relu}\bigl(D^{-1/2} (A + I)\, D^{-1/2}\, X W + b\bigr)

with the edges A, and the degrees D of A + I, mixes the features of a member and of friends; two of them reach friends
of friends, and find the sides from two labels (Kipf and Welling, *Semi-supervised classification with graph
convolutional networks*, 2017). Circles and squares are the true sides, the large ones the leaders; what is ringed is
said wrongly.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from scipy.sparse.csgraph import shortest_path

import pullback as pb

xp, M = pb.xp, pb.models
MEMBERS, LEADERS, STEPS = 34, np.asarray([0, 33]), 150

random = np.random.default_rng(1)
y = np.repeat([0, 1], MEMBERS // 2)
chance = np.where(y[:, None] == y, 0.24, 0.03)
chance[LEADERS] = np.where(y[LEADERS, None] == y, 0.7, 0.05)  # a leader has many friends
friends = np.triu(random.random((MEMBERS, MEMBERS)) < np.maximum(chance, chance.T), 1)
edges = np.stack(np.nonzero(friends | friends.T))
along = M.normalised_adjacency(pb.asarray(edges), MEMBERS)
x = xp.eye(MEMBERS, dtype="float32")


def train(model, inputs):
    """The probabilities of side 1 after each step, learnt from the leaders' sides alone."""
    opt = pb.optim.AdamW(0.02, weight_decay=0.05, mask="matrices")
    leaders, sides = pb.asarray(LEADERS), pb.asarray(y[LEADERS])

    def step(model, state):
        loss = lambda model: M.cross_entropy(xp.take(model(*inputs), leaders, axis=0), sides)
        model, state = opt.step(model, pb.grad(loss)(model), state)
        return model, state, pb.special.softmax(model(*inputs), axis=1)[:, 1]

    step, state, found = pb.compile(step, fast=False), opt.init(model), []
    for _ in range(STEPS):
        model, state, p = step(model, state)
        found.append(pb.to_numpy(p))
    return found


# %%
# Where to draw the members is found by gradients, too: distances shall be those along the edges.
a, b = np.triu_indices(MEMBERS, 1)
a, b, hops = map(pb.asarray, (a, b, np.minimum(shortest_path(friends | friends.T), 6)[a, b]))
apart = lambda at: xp.sqrt(xp.sum((xp.take(at, a, axis=0) - xp.take(at, b, axis=0)) ** 2, axis=1))
stress = lambda at: xp.sum((apart(at) / hops - 1) ** 2)
at = pb.to_numpy(pb.optim.minimize(stress, pb.asarray(random.standard_normal((MEMBERS, 2)))).x)

graph = train(M.GCN([MEMBERS, 16, 2], seed=0), (x, along))
alone = train(M.MLP([MEMBERS, 16, 2], seed=0), (x,))
assert np.mean((graph[-1] > 0.5) == y) > 0.9 > 0.75 > np.mean((alone[-1] > 0.5) == y)

figure, panels = plt.subplots(1, 4, figsize=(13, 3.9))
shown = {f"Graph network, step {k}": graph[k - 1] for k in (3, 20, STEPS)}
shown |= {f"Perceptron, step {STEPS}": alone[-1]}
for axes, (title, p) in zip(panels, shown.items(), strict=True):
    axes.add_collection(LineCollection(at[edges.T], colors="0.8", linewidths=0.6, zorder=1))
    for side, marker in enumerate("os"):
        own, size = y == side, np.where(np.isin(np.arange(MEMBERS), LEADERS), 220, 55)
        style = {"cmap": "PRGn", "vmin": 0, "vmax": 1, "edgecolors": "0.3", "marker": marker}
        dots = axes.scatter(*at[own].T, size[own], p[own], **style)
    wrong = (p > 0.5) != y
    axes.scatter(*at[wrong].T, 170, facecolors="none", edgecolors="C1", linewidths=1.5)
    axes.set(title=f"{title}\n{np.sum(~wrong)} of {MEMBERS} right", aspect="equal")
    axes.axis("off")
figure.colorbar(dots, ax=panels, label="probability of the squares' side", shrink=0.7)
plt.show()
