r"""
A penalty with a kink: the proximal step
========================================

The L1 penalty :math:`\lambda \|x\|_1` has no derivative where a coordinate is 0, which is where it wants to go. A
subgradient step leaps across the kink and back. A *proximal* step takes the gradient of the smooth part alone, and
then the point that balances the penalty against the way to it,

.. math:: x_{k+1} = \operatorname{prox}\bigl(x_k - s \nabla f(x_k)\bigr), \qquad
   \operatorname{prox}(v) = \operatorname*{argmin}_x\; \tfrac{1}{2s} \|x - v\|^2 + \lambda \|x\|_1
   = \operatorname{sign}(v) \max(|v| - s \lambda, 0),

the soft threshold (left): what is smaller than :math:`s\lambda` becomes **exactly** 0. In the middle both go down
:math:`\frac12 (x - c)^\top H (x - c) + \lambda \|x\|_1`, whose minimum is on an axis; on the right is the coordinate
that has to vanish (Beck and Teboulle, 2009).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
penalty = pb.optim.proximal.L1(1.0)  # λ = 1
H, c = pb.asarray([[2.0, 0.6], [0.6, 1.0]]), pb.asarray([1.8, 0.5])
STEP, STEPS, START = 0.25, 30, np.asarray([-0.9, 1.6])


def smooth(x):
    return 0.5 * (x - c) @ (H @ (x - c))


def whole(x):
    return smooth(x) + xp.sum(xp.abs(x))


def path(step):
    x, points = pb.asarray(START), [START]
    for _ in range(STEPS):
        x = step(x)
        points.append(pb.to_numpy(x))
    return np.asarray(points)


paths = {
    "subgradient steps": path(lambda x: x - STEP * pb.grad(whole)(x)),
    "proximal steps": path(lambda x: penalty.prox(x - STEP * pb.grad(smooth)(x), STEP)),
}
found = pb.optim.minimize(smooth, pb.asarray(START), method="fista", l1=1.0, gtol=1e-10)
best = pb.to_numpy(found.x)
leaps, lands = (points[:, 1] for points in paths.values())
assert best[1] == 0 == lands[-1]
assert np.count_nonzero(lands[10:]) == 0  # and it stays there
assert np.min(np.abs(leaps[10:])) > 1e-3
slope = pb.to_numpy(pb.grad(smooth)(found.x))
assert abs(slope[0] + np.sign(best[0])) < 1e-8  # 0 is in the subdifferential
assert abs(slope[1]) < 1

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11.5, 4), width_ratios=[1, 1.2, 1])
v = np.linspace(-1, 1, 401)
left.plot(v, v, color="0.7", linestyle="--", label="$v$")
left.plot(v, pb.to_numpy(penalty.prox(pb.asarray(v), STEP)), color="C0", label="prox$(v)$")
left.axvspan(-STEP, STEP, color="0.94")
left.text(0, -0.6, "exactly 0", ha="center")
left.set(title=f"The soft threshold, sλ = {STEP}", xlabel="v", aspect="equal")
left.legend(loc="upper left")
x, y = np.linspace(-1.1, 1.8, 200), np.linspace(-0.9, 1.75, 200)
grid = pb.asarray(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
heights = pb.to_numpy(pb.vmap(whole)(grid)).reshape(200, 200)
lowest = float(whole(found.x))
middle.contour(x, y, heights, lowest + np.geomspace(0.02, 6, 10), colors="0.8", linewidths=0.8)
middle.axhline(0, color="0.6", linewidth=0.8)
for (name, points), colour in zip(paths.items(), ("C1", "C0"), strict=True):
    middle.plot(*points.T, "o-", color=colour, markersize=3, linewidth=1.2, label=name)
    right.plot(points[:, 1], "o-", color=colour, markersize=3, linewidth=1.2, label=name)
middle.plot(*best, "k+", markersize=10, zorder=3)
middle.set(title="Down to a minimum on the axis", xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
right.set(title="The coordinate that vanishes", xlabel="step", ylabel="$x_2$")
right.legend()
plt.show()
