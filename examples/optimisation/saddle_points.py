r"""
Saddle points hold gradient descent up, and attract Newton's method
===================================================================

At a saddle point the gradient vanishes, and the Hessian has eigenvalues of both signs. The function
:math:`f(x) = \frac12 x_1^2 - \frac12 x_2^2 + \frac14 x_2^4` has one at the origin, between the minima
:math:`(0, \pm 1)`, where :math:`f = -\frac14` (× and + in the pictures).

Gradient descent that begins near the ridge :math:`x_2 = 0` goes to the saddle first and lingers: along a direction of
curvature :math:`-1` the distance grows by the factor :math:`1 + s` only. Momentum makes that growth faster; noise, as
that of minibatches, makes the distance less small. Newton's step :math:`-(\nabla^2 f)^{-1} \nabla f` goes to where the
gradient is zero, whatever the signs: it ends *at* the saddle. ``pb.optim.minimize`` therefore shifts the Hessian,
:math:`\nabla^2 f + \tau I`, until it is positive definite, and leaves.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
START = np.asarray([-1.4, 1e-5])
STEPS, RATE = 200, 0.1


def f(x):
    return 0.5 * x[0] ** 2 - 0.5 * x[1] ** 2 + 0.25 * x[1] ** 4


def path(opt, noise=0.0):
    """The points of an optimiser, with noise added to the gradients, the start included."""
    random = np.random.default_rng(2)
    x, state, found = pb.asarray(START), opt.init(pb.asarray(START)), [START]
    for _ in range(STEPS):
        gradient = pb.grad(f)(x) + pb.asarray(noise * random.standard_normal(2))
        x, state = opt.step(x, gradient, state)
        found.append(pb.to_numpy(x))
    return np.asarray(found)


paths = {
    "gradient descent": path(pb.optim.SGD(RATE)),
    "momentum 0.8": path(pb.optim.SGD(RATE, momentum=0.8)),
    "noise": path(pb.optim.SGD(RATE), noise=0.1),
}
pure, shifted = [START], [START]
for _ in range(STEPS):
    x = pb.asarray(pure[-1])
    step = xp.linalg.solve(pb.hessian(f)(x), pb.grad(f)(x)[:, None])[:, 0]
    pure.append(pb.to_numpy(x - step))
pb.optim.minimize(
    f, pb.asarray(START), method="newton", gtol=1e-8,
    callback=lambda result: shifted.append(pb.to_numpy(result.x)),
)  # fmt: skip
paths |= {"Newton": np.asarray(pure), "Newton, shifted": np.asarray(shifted)}

# %%
# How long each stays where the gradient is small and :math:`f` is not yet below :math:`-0.2`.
figure = plt.figure(figsize=(11, 6.4))
axes = figure.subplot_mosaic([list(paths), 5 * ["f"]], height_ratios=[1.15, 1])
x, y = np.linspace(-1.6, 0.7, 200), np.linspace(-1.3, 1.4, 200)
heights = pb.to_numpy(f(pb.asarray(np.stack(np.meshgrid(x, y)))))
leaves = {}
for i, (name, points) in enumerate(paths.items()):
    values = pb.to_numpy(f(pb.asarray(points.T)))
    leaves[name] = int(np.argmax(np.append(values, -1) < -0.2))  # the length of the path: never
    axes[name].contour(x, y, heights, np.linspace(-0.25, 1.2, 18), colors="0.8", linewidths=0.8)
    axes[name].plot(*points.T, "o-", color=f"C{i}", markersize=3, linewidth=1.2)
    axes[name].plot(0, 0, "kx", [0, 0], [-1, 1], "k+", markersize=8, zorder=3)
    axes[name].set(title=name, xlabel="$x_1$", aspect="equal")
    axes["f"].plot(values, "o-", color=f"C{i}", markersize=2.5, label=name, zorder=3 - 0.1 * i)
assert leaves["Newton"] == len(pure)  # never
assert leaves["Newton, shifted"] < 40
assert max(leaves["momentum 0.8"], leaves["noise"]) < leaves["gradient descent"]

axes["gradient descent"].set_ylabel("$x_2$")
axes["f"].axhline(-0.25, color="0.6", linestyle="--", linewidth=1)
axes["f"].set(xlabel="step", ylabel="f", ylim=(-0.3, 0.5), title="The saddle is at f = 0")
axes["f"].legend()
plt.show()
