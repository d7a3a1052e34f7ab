r"""
Adaptive methods in a valley along an axis, and in one that is turned
=====================================================================

Adagrad, RMSprop and Adam divide each coordinate of the step by the size of that coordinate's gradients so far, for
RMSprop :math:`x \leftarrow x - s\, g / \sqrt{v}` with :math:`v \leftarrow \alpha v + (1 - \alpha)\, g^2`, element by
element. Where a long valley runs along a coordinate axis this undoes the bad scaling: the coordinate with small
gradients goes as fast as the one with large gradients. Turned by 45° the same valley looks alike in both coordinates,
there is nothing to undo, and the methods are slow again.

Gradient descent with momentum does not notice the turn: its steps are built from gradients alone, which turn with the
valley. The function is :math:`f = \frac12 (z_1^2 + 100\, z_2^2)`, the start the same point of the valley in both rows,
and each method has one learning rate for both.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
STEPS = 150
METHODS = {
    "Momentum": pb.optim.SGD(0.01, momentum=0.8),
    "Adagrad": pb.optim.Adagrad(0.6),
    "RMSprop": pb.optim.RMSprop(0.04, alpha=0.95),
    "Adam": pb.optim.Adam(0.15, b2=0.99),
}


def valley(turn):
    """The function, turned, and the point where the paths begin: (−4, 1) in the valley's own coordinates."""
    c, s = np.cos(turn), np.sin(turn)
    R = np.asarray([[c, -s], [s, c]])
    H = pb.asarray(R @ np.diag([1.0, 100.0]) @ R.T)
    return (lambda x: 0.5 * x @ (H @ x)), R @ [-4.0, 1.0]


def path(opt, f, start):
    x, state, found = pb.asarray(start), opt.init(pb.asarray(start)), [start]
    for _ in range(STEPS):
        x, state = opt.step(x, pb.grad(f)(x), state)
        found.append(pb.to_numpy(x))
    return np.asarray(found)


figure = plt.figure(figsize=(11, 9.2))
valleys = {"along an axis": valley(0.0), "turned by 45°": valley(np.pi / 4)}
axes = figure.subplot_mosaic(
    [[f"{method}, {name}" for method in METHODS] for name in valleys]
    + [2 * ["along an axis"] + 2 * ["turned by 45°"]]
)
values = {}
for name, (f, start) in valleys.items():
    x, y = np.linspace(-4.5, 1.5, 200), np.linspace(-3, 3, 200) + start[1] / 2
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    heights = pb.to_numpy(pb.vmap(f)(pb.asarray(grid))).reshape(200, 200)
    for i, (method, opt) in enumerate(METHODS.items()):
        points = path(opt, f, start)
        values[method, name] = pb.to_numpy(pb.vmap(f)(pb.asarray(points)))
        panel = axes[f"{method}, {name}"]
        panel.contour(x, y, heights, np.geomspace(0.5, 800, 10), colors="0.8", linewidths=0.8)
        panel.plot(*points.T, "o-", color=f"C{i}", markersize=2.5, linewidth=1.2)
        panel.plot(0, 0, "k+", markersize=9, zorder=3)
        panel.set(title=f"{method}, {name}", xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
        axes[name].semilogy(values[method, name], color=f"C{i}", label=method)
    axes[name].set(xlabel="step", ylabel="f", ylim=(1e-9, 1e4), title=f"A valley {name}")
    axes[name].legend(ncols=2)
np.testing.assert_allclose(
    values["Momentum", "along an axis"], values["Momentum", "turned by 45°"], rtol=1e-3, atol=1e-12
)
for method in ("Adagrad", "RMSprop", "Adam"):
    assert values[method, "along an axis"][-1] < 1e-3 < 1e-2 < values[method, "turned by 45°"][-1]
plt.show()
