r"""
The gradient, and why steepest descent zigzags
==============================================

The gradient :math:`\nabla f(x)` stands at right angles to the level curve through :math:`x`, and points to where
:math:`f` grows fastest. Steepest descent goes the opposite way:
:math:`x_{k+1} = x_k - s_k \nabla f(x_k)`. With exact line search, :math:`s_k` is where :math:`f` is lowest along the
ray; there the ray touches a level curve, so that the next gradient is orthogonal to this one, and the path turns by a
right angle in every step.

On :math:`f(x) = \frac12 (x_1^2 + \kappa x_2^2)` from :math:`x_0 = (\kappa, 1)` each step multiplies :math:`f` by
:math:`\bigl((\kappa - 1)/(\kappa + 1)\bigr)^2`: a long valley takes many steps (Boyd and Vandenberghe, *Convex
Optimization*, section 9.3.2).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
KAPPA = 8.0


def hill(x):
    return xp.exp(x[0] + 3 * x[1] - 0.1) + xp.exp(x[0] - 3 * x[1] - 0.1) + xp.exp(-x[0] - 0.1)


def valley(x):
    return 0.5 * (x[0] ** 2 + KAPPA * x[1] ** 2)


def values(f, x, y):
    return pb.to_numpy(f(pb.asarray(np.stack(np.meshgrid(x, y)))))


# %%
# Gradients at many points at once: ``pb.vmap`` makes of a function of one point a function of a stack of them. Along a
# level curve the function does not change: the directions from each point of the curve to the next are its tangents.
x, y = np.linspace(-2.6, 1.4, 400), np.linspace(-1.0, 1.0, 400)
figure, (left, right) = plt.subplots(2, 1, figsize=(7.5, 7.2))
levels = np.geomspace(2.6, 9, 6)
curves = left.contour(x, y, values(hill, x, y), levels, cmap="cividis", linewidths=1)
gradients = pb.vmap(pb.grad(hill))
cosines = []
for curve in (curves.allsegs[1][0], curves.allsegs[3][0]):
    at = pb.to_numpy(gradients(pb.asarray(curve[:-1])))
    tangent = np.diff(curve, axis=0)
    lengths = np.linalg.norm(at, axis=1) * np.linalg.norm(tangent, axis=1)
    cosines.append(np.abs(np.sum(at * tangent, axis=1)) / lengths)
    some = np.linspace(0, len(at) - 1, 15).astype(int)[:-1]
    arrows = {"angles": "xy", "scale_units": "xy", "scale": 33, "color": "C1", "width": 0.004}
    left.quiver(*curve[some].T, *at[some].T, **arrows)
assert np.median(np.concatenate(cosines)) < 0.03  # a contour's pieces are chords, not tangents

# Every step goes to the lowest point along the ray.
path = [np.asarray([KAPPA, 1.0])]
pb.optim.minimize(
    valley, pb.asarray(path[0]), method="gradient-descent", line_search="exact", maxiter=30,
    callback=lambda result: path.append(pb.to_numpy(result.x)),
)  # fmt: skip
path = np.asarray(path)
f = pb.to_numpy(valley(pb.asarray(path.T)))
np.testing.assert_allclose(f[1:] / f[:-1], ((KAPPA - 1) / (KAPPA + 1)) ** 2, rtol=1e-4)
turns = np.diff(path, axis=0)
products, squares = np.sum(turns[1:] * turns[:-1], axis=1), np.sum(turns[1:] ** 2, axis=1)
assert np.all(np.abs(products) < 1e-4 * squares)

left.plot(-0.5 * np.log(2), 0, "k+", markersize=9, zorder=3)
left.set(title="Gradients are orthogonal to level curves", aspect="equal")
x, y = np.linspace(-2.6, 8.6, 400), np.linspace(-1.7, 1.7, 200)
right.contour(x, y, values(valley, x, y), f[8::-2], cmap="cividis", linewidths=1)
right.plot(*path.T, "o-", color="C1", markersize=4)
right.plot(0, 0, "k+", markersize=9, zorder=3)
right.annotate("start", path[0], (5, 4), textcoords="offset points")
right.set(title=f"Steepest descent with exact steps, κ = {KAPPA:g}", aspect="equal")
for axes in (left, right):
    axes.set(xlabel="$x_1$", ylabel="$x_2$")
plt.show()
