r"""
Decision boundaries as layers grow
==================================

Without a hidden layer a network is logistic regression, and its boundary, where the probability is one half, is a
straight line. Each hidden layer bends the space before the last layer cuts it: one of 8 tanh units suffices for two
moons; two spirals of two turns take two.

Each network is trained on the 300 points that are drawn, by L-BFGS on the log loss of two classes with a small L2
penalty, and the titles say how many of them it gets right. Colours are its probabilities, the black line is the
boundary.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import pullback as pb

rng = np.random.default_rng(0)
y = np.repeat([0, 1], 150)
sign = 1 - 2 * y


def moons():
    angle = np.pi * rng.random(300)
    x = np.stack([np.cos(angle) * sign + y, np.sin(angle) * sign + 0.5 * y], axis=1)
    return 1.15 * (x + 0.15 * rng.normal(size=x.shape) - [0.5, 0.25])


def spirals():
    r = np.sqrt(rng.uniform(0.02, 1, 300))
    angle = 4 * np.pi * r + np.pi * y
    x = 2 * np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1)
    return x + 0.05 * rng.normal(size=x.shape)


def trained(x, layers):
    """The best of three starts: with few units some end in poor minima."""
    inputs, labels = pb.asarray(x), pb.asarray(y)

    def loss(model):
        data = pb.models.binary_cross_entropy(model(inputs)[:, 0], labels)
        return data + 1e-4 * pb.models.l2_penalty(model)

    sizes = [2, *[8] * layers, 1]
    starts = [pb.models.MLP(sizes, activation="tanh", seed=s, dtype="float64") for s in range(3)]
    runs = [pb.optim.minimize(loss, start, maxiter=400, gtol=1e-4) for start in starts]
    return min(runs, key=lambda run: run.fun).x


def probability(model, x):
    return pb.to_numpy(pb.models.sigmoid(model(pb.asarray(x))[..., 0]))


side = np.linspace(-2.4, 2.4, 160)
plane = np.stack(np.meshgrid(side, side), axis=-1)
shades = LinearSegmentedColormap.from_list("", ["C0", "white", "C1"])
figure, axes = plt.subplots(2, 4, figsize=(11, 5.8), sharex=True, sharey=True)
right = {}
for row, data in zip(axes, (moons, spirals), strict=True):
    x = data()
    for layers, ax in enumerate(row):
        model = trained(x, layers)
        p = probability(model, plane)
        right[data.__name__, layers] = np.mean((probability(model, x) > 0.5) == y)
        ax.imshow(p, extent=2 * (-2.4, 2.4), origin="lower", cmap=shades, vmin=0, vmax=1, alpha=0.6)
        ax.contour(side, side, p, levels=[0.5], colors="black", linewidths=1.2)
        for label, colour in enumerate(["C0", "C1"]):
            ax.scatter(*x[y == label].T, s=9, color=colour, edgecolors="white", linewidths=0.3)
        name = ["no hidden layer", "1 hidden layer", "2 hidden layers", "3 hidden layers"][layers]
        percent = 100 * right[data.__name__, layers]
        ax.set(title=f"{name}: {percent:.1f} % right", xticks=[], yticks=[])
assert right["moons", 0] < 0.95 < right["moons", 1]
assert right["spirals", 0] < 0.75
assert right["spirals", 2] > 0.95

plt.show()
