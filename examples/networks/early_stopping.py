r"""
Over-fitting and early stopping
===============================

A large network on few, noisy points: the training loss keeps falling, until the network knows each point by heart.
The loss on other points, the validation part, falls at first, while what is learned holds for both, and then rises.
Early stopping keeps the weights of the epoch in which it was least.

``pb.train.fit`` does so: ``run.model`` has the best weights, ``run.last`` those of the end. Left, both losses; then
what the two networks decide, with the training points; the dashed line is the true boundary.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import pullback as pb

rng = np.random.default_rng(1)


def points(n):
    """Two classes on both sides of a wave; one label of ten is wrong."""
    x = rng.uniform(-3, 3, (n, 2)).astype("float32")
    wrong = rng.random(n) < 0.1
    y = (x[:, 1] > np.sin(1.2 * x[:, 0])) != wrong
    return pb.asarray(x), pb.asarray(y.astype("int64"))


train, validation = points(200), points(1000)
run = pb.train.fit(
    pb.models.MLP([2, 64, 64, 2], activation="tanh", seed=0),
    pb.models.cross_entropy,
    train,
    validation,
    pb.optim.Adam(3e-3),
    epochs=400,
    patience=0,  # never stop, so that both can be seen
    batch_size=20,
)
best, last = run.best, run.history[-1]
assert last.loss < 0.7 * best.loss
assert last.validation_loss > 1.2 * best.validation_loss

figure, axes = plt.subplots(1, 3, figsize=(12, 4), width_ratios=[1.25, 1, 1])
pb.train.plots.curves(run, ax=axes[0])
axes[0].set_title("The training loss falls, the validation loss turns")

# Probabilities of the second class, of the best weights and of the last.
shades = LinearSegmentedColormap.from_list("", ["C0", "white", "C1"])
side = np.linspace(-3, 3, 150)
plane = pb.asarray(np.stack(np.meshgrid(side, side), axis=-1).astype("float32"))
shown = {f"epoch {best.epoch}, the best": run.model, f"epoch {last.epoch}, the last": run.last}
x, y = map(pb.to_numpy, train)
for ax, (name, model) in zip(axes[1:], shown.items(), strict=True):
    p = pb.to_numpy(pb.special.softmax(model(plane), axis=-1))[..., 1]
    ax.imshow(p, extent=2 * (-3, 3), origin="lower", cmap=shades, vmin=0, vmax=1, alpha=0.6)
    ax.contour(side, side, p, levels=[0.5], colors="black", linewidths=1.2)
    ax.plot(side, np.sin(1.2 * side), "--", color="0.3", linewidth=1.2)
    for label, colour in enumerate(["C0", "C1"]):
        ax.scatter(*x[y == label].T, s=14, color=colour, edgecolors="white", linewidths=0.4)
    ax.set(title=name, xticks=[], yticks=[])

plt.show()
