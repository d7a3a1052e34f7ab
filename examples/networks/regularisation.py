r"""
L2, L1 and dropout side by side
===============================

The same network on the same 200 points, one label of ten wrong, trained for as long with four settings. Without
regularisation it fences in single wrong labels. L2 adds :math:`\frac{\lambda}{2}\sum w^2` to the loss, which makes
all weights small. L1 adds :math:`\lambda\sum|w|`; its proximal step ``sign(w) max(|w| − sλ, 0)`` makes most of them
exactly 0. Dropout leaves units out at random in each step, so that none can rely on another: the weights stay large,
the function becomes smooth.

Above, the probabilities and the boundary, with the true one dashed, and the log loss on 1000 other points; below, the
weights.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import pullback as pb

M = pb.models
rng = np.random.default_rng(1)


def points(n):
    x = rng.uniform(-3, 3, (n, 2)).astype("float32")
    wrong = rng.random(n) < 0.1
    y = (x[:, 1] > np.sin(1.2 * x[:, 0])) != wrong
    return pb.asarray(x), pb.asarray(y.astype("int64"))


train, test = points(200), points(1000)


def trained(weight_decay=0.0, l1=0.0, dropout=0.0):
    first, second, last = (M.Linear.init(*n, seed=0) for n in [(2, 64), (64, 64), (64, 2)])
    out = M.Dropout(dropout)
    network = M.Sequential(first, "tanh", out, second, "tanh", out, last)
    opt = pb.optim.SGD(0.1, momentum=0.9, weight_decay=weight_decay)
    settings = {"epochs": 250, "patience": 0, "batch_size": 50, "l1": l1}
    return pb.train.fit(network, M.cross_entropy, train, test, opt, **settings)


ways = {
    "nothing": {},
    "L2": {"weight_decay": 3e-3},
    "L1": {"l1": 1e-3},
    "dropout": {"dropout": 0.3},
}
side = np.linspace(-3, 3, 150)
plane = pb.asarray(np.stack(np.meshgrid(side, side), axis=-1).astype("float32"))
shades = LinearSegmentedColormap.from_list("", ["C0", "white", "C1"])
x, y = map(pb.to_numpy, train)
losses, weights = {}, {}
figure, axes = plt.subplots(2, 4, figsize=(12, 5.4), height_ratios=[1.6, 1], sharey="row")
for (name, way), above, below in zip(ways.items(), *axes, strict=True):
    run = trained(**way)
    model, losses[name] = run.last, run.history[-1].validation_loss
    w = weights[name] = np.concatenate([pb.to_numpy(model.layers[i].W).ravel() for i in (0, 3, 6)])
    p = pb.to_numpy(pb.special.softmax(model(plane), axis=-1))[..., 1]
    above.imshow(p, extent=2 * (-3, 3), origin="lower", cmap=shades, vmin=0, vmax=1, alpha=0.6)
    above.contour(side, side, p, levels=[0.5], colors="black", linewidths=1.2)
    above.plot(side, np.sin(1.2 * side), "--", color="0.3", linewidth=1)
    for label, colour in enumerate(["C0", "C1"]):
        above.scatter(*x[y == label].T, s=10, color=colour, edgecolors="white", linewidths=0.3)
    above.set(title=f"{name}: loss {losses[name]:.2f}", xticks=[], yticks=[])
    below.hist(w, bins=np.linspace(-1.52, 1.52, 77), log=True, color="C2")
    below.set(xlabel="weight", title=f"exactly 0: {100 * np.mean(w == 0):.0f} %")
axes[1, 0].set_ylabel("number of weights")

assert all(losses[name] < 0.8 * losses["nothing"] for name in ("L2", "L1", "dropout"))
assert np.mean(weights["L1"] == 0) > 0.7
assert np.abs(weights["L2"]).mean() < 0.5 * np.abs(weights["dropout"]).mean()

plt.show()
