r"""
Feature maps: a straight line in other coordinates
==================================================

Logistic regression cuts space by a straight line. Given features :math:`\phi(x)` in place of :math:`x` it cuts *their*
space by a plane, :math:`w \cdot \phi(x) + b = 0`, and what that is in the space of x may be any curve. Polynomials of
degree 2 have ellipses among their curves: in the plane of :math:`x_1^2` and :math:`x_2^2` (third picture) a ring and
its middle lie on two sides of a straight line, which in the second picture is an ellipse.

*Fourier features* :math:`\sqrt{2/D}\,\cos(W x + b)`, with random W and b, suit any shape, here two spirals. Their inner
products approach the Gaussian kernel :math:`\exp(-\|x - y\|^2 / 2\ell^2)` with an error like :math:`1/\sqrt D`, so that
a linear model on D features does what a kernel machine does (Rahimi and Recht, *Random features
for large-scale kernel machines*, 2007).
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import pullback as pb

xp, M = pb.xp, pb.models
rng = np.random.default_rng(0)
y = np.repeat([0, 1], 150)
angle, radius = rng.uniform(0, 2 * np.pi, 300), np.where(y == 1, 2.2, 0.8)
radius = radius + 0.25 * rng.standard_normal(300)
rings = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
r = np.sqrt(rng.uniform(0.05, 1, 300))
turn = 3 * np.pi * r + np.pi * y
spirals = 2.5 * np.stack([r * np.cos(turn), r * np.sin(turn)], axis=1)
labels = pb.asarray(y)


def fitted(features, x):
    """The weights and the bias of logistic regression on the features of x."""
    phi = features(pb.asarray(x))

    def loss(p):
        score = phi @ p["w"] + p["b"]
        return M.binary_cross_entropy(score, labels) + 1e-3 * xp.sum(p["w"] ** 2)

    start = {"w": xp.zeros(phi.shape[1]), "b": xp.asarray(0.0)}
    p = pb.optim.minimize(loss, start, maxiter=300).x
    return p, lambda x: pb.to_numpy(xp.sigmoid(features(pb.asarray(x)) @ p["w"] + p["b"]))


squares = lambda x: x**2
fourier = M.FourierFeatures.init(2, 300, width=0.5, seed=0, dtype="float64")
cases = {"x": (M.identity, rings), "the squares": (squares, rings), "cosines": (fourier, spirals)}
figure, axes = plt.subplots(1, 4, figsize=(13.5, 3.6))
shades = LinearSegmentedColormap.from_list("", ["C0", "white", "C1"])
side = np.linspace(-3, 3, 150)
plane = np.stack(np.meshgrid(side, side), axis=-1)
share, of_squares = {}, None
for ax, (name, (features, x)) in zip(axes[[0, 1, 3]], cases.items(), strict=True):
    p, probability = fitted(features, x)
    of_squares = p if features is squares else of_squares
    share[name] = np.mean((probability(x) > 0.5) == y)
    shown = probability(plane.reshape(-1, 2)).reshape(150, 150)
    ax.imshow(shown, extent=2 * (-3, 3), origin="lower", cmap=shades, vmin=0, vmax=1, alpha=0.6)
    ax.contour(side, side, shown, [0.5], colors="k", linewidths=1.2)
    ax.scatter(*x.T, s=9, c=y, cmap=shades, edgecolors="white", linewidths=0.3)
    ax.set(title=f"On {name}: {100 * share[name]:.1f} % right", xlabel="$x_1$", ylabel="$x_2$")
assert share["x"] < 0.7 < 0.95 < min(list(share.values())[1:])

# The inner products of Fourier features approach the Gaussian kernel.
points = pb.asarray(spirals[::10])
exact = pb.to_numpy(M.kernels.RBF(0.5)(points))
errors = {}
for D in (100, 10_000):
    phi = M.FourierFeatures.init(2, D, width=0.5, seed=1, dtype="float64")(points)
    errors[D] = np.sqrt(np.mean((pb.to_numpy(phi @ phi.mT) - exact) ** 2))
assert 4 < errors[100] / errors[10_000] < 25  # 10, but for chance

(a, b), c = pb.to_numpy(of_squares["w"]), float(of_squares["b"])
axes[2].scatter(*(rings**2).T, s=9, c=y, cmap=shades)
axes[2].plot([0, -c / a], [-c / b, 0], "k", linewidth=1.2)
axes[2].set(title="The squares, and a line", xlabel="$x_1^2$", ylabel="$x_2^2$")
plt.show()
