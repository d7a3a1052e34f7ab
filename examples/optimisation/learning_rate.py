r"""
A learning rate too small, right, and too big
=============================================

Gradient descent takes :math:`x_{k+1} = x_k - s \nabla f(x_k)`. Where the gradient has the Lipschitz constant
:math:`M`, that is :math:`\|\nabla f(x) - \nabla f(y)\| \le M \|x - y\|`, every step with :math:`s < 2/M` lowers
:math:`f`, and :math:`s = 1/M` promises the most:
:math:`f(x_{k+1}) \le f(x_k) - \frac{1}{2M} \|\nabla f(x_k)\|^2`.

On a quadratic function :math:`M` is the largest eigenvalue of the Hessian and :math:`m` the smallest one. Along an
eigenvector of eigenvalue :math:`\lambda` a step multiplies the distance from the minimum by :math:`1 - s \lambda`. Too
small a rate creeps; beyond :math:`2/M` the path leaps across the valley and ever farther away. The lower picture shows
where all rates have come to after 20 steps; the best one is :math:`2/(m + M)`.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
H = pb.asarray([[3.0, 1.0], [1.0, 1.5]])
START = np.asarray([1.8, -2.0])
STEPS = 20
m, M = pb.to_numpy(xp.linalg.eigvalsh(H))


def f(x):
    return 0.5 * x @ (H @ x)


def path(s):
    """All points of gradient descent with the rate s, the start included: (STEPS + 1, 2)."""

    def step(x, _):
        x = x - s * pb.grad(f)(x)
        return x, x  # what the next step begins with, and what is kept of this one

    start = pb.asarray(START)
    return xp.concat([start[None], pb.scan(step, start, length=STEPS)[1]])


# %%
# Three rates one by one, and 400 of them at once by ``pb.vmap``.
rates = {"too small": 0.05 / M, "right": 1 / M, "too big": 2.06 / M}
figure = plt.figure(figsize=(9, 6.4))
axes = figure.subplot_mosaic([list(rates), 3 * ["all"]], height_ratios=[1.1, 1])
side = np.linspace(-3.4, 3.4, 200)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
heights = pb.to_numpy(pb.vmap(f)(pb.asarray(grid))).reshape(200, 200)
f_start = float(f(pb.asarray(START)))
ends = {}
for colour, (name, s) in zip(("C0", "C2", "C1"), rates.items(), strict=True):
    points = pb.to_numpy(path(s))
    ends[name] = float(f(pb.asarray(points[-1]))) / f_start
    axes[name].contour(side, side, heights, np.geomspace(0.1, 40, 9), colors="0.75", linewidths=0.8)
    axes[name].plot(*points.T, "o-", color=colour, markersize=3.5, linewidth=1.2)
    axes[name].plot(0, 0, "k+", markersize=9, zorder=3)
    axes[name].set(title=f"{name}: s = {s * M:.2f}/M", xlabel="$x_1$", aspect="equal")
    axes[name].set(xlim=(-3.4, 3.4), ylim=(-3.4, 3.4))
    axes["all"].plot(s * M, ends[name], "o", color=colour, zorder=3)
axes["too small"].set_ylabel("$x_2$")

s = np.linspace(0.01, 2.2, 400) / M
after = pb.to_numpy(pb.vmap(lambda s: f(path(s)[-1]))(pb.asarray(s))) / f_start
assert ends["right"] < 1e-3 < 0.1 < ends["too small"] < 1 < ends["too big"]
assert np.max(after[s < 2 / M]) < 1 < np.min(after[s > 2.05 / M])
assert abs(s[np.argmin(after)] - 2 / (m + M)) < 0.1 / M

all_rates = axes["all"]
all_rates.semilogy(s * M, after, color="k", zorder=2)
for at, name in ((1, "1/M"), (2 * M / (m + M), "2/(m + M)"), (2, "2/M")):
    all_rates.axvline(at, color="0.6", linestyle="--", linewidth=1)
    all_rates.text(at + 0.01, 0.93, name, transform=all_rates.get_xaxis_transform())
all_rates.axhline(1, color="0.6", linewidth=0.8)
all_rates.set(
    xlabel="learning rate s, in units of 1/M", ylabel=f"$f(x_{{{STEPS}}})\\, /\\, f(x_0)$"
)
plt.show()
