r"""
Newton's method squares the error
=================================

Newton's step :math:`x_{k+1} = x_k - (\nabla^2 f(x_k))^{-1} \nabla f(x_k)` goes to the minimum of the second-order
Taylor polynomial at :math:`x_k`, whose level curve is the ellipse in the left picture. Near a minimum with a positive
definite Hessian the error is squared in each step,
:math:`\|x_{k+1} - x^*\| \le C\, \|x_k - x^*\|^2`: the number of correct digits doubles, until rounding ends it. The
error of gradient descent only shrinks by a factor.

The right picture has the error after a step against the error before it, from 60 starts. Newton's lies along a line of
slope 2, gradient descent's along one of slope 1. ``pb.hessian`` is the derivative of a
derivative, and all starts step at once by ``pb.vmap``.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
BEST = np.asarray([-0.5 * np.log(2), 0.0])


def f(x):
    return xp.exp(x[0] + 3 * x[1] - 0.1) + xp.exp(x[0] - 3 * x[1] - 0.1) + xp.exp(-x[0] - 0.1)


newton = lambda x: x - xp.linalg.solve(pb.hessian(f)(x), pb.grad(f)(x)[:, None])[:, 0]
descent = lambda x: x - 0.05 * pb.grad(f)(x)  # below 1/M = 0.087 near the minimum


def paths(step, starts, count):
    """The points of all starts after each step: (count + 1, starts, 2)."""
    points = [pb.asarray(starts)]
    for _ in range(count):
        points.append(pb.vmap(step)(points[-1]))
    return pb.to_numpy(xp.stack(points))


random = np.random.default_rng(0)
starts = np.concatenate([[[-1.6, 0.7]], BEST + random.uniform(-0.5, 0.5, (60, 2))])
by_newton, by_descent = paths(newton, starts, 8), paths(descent, starts, 100)
error, slow = (np.linalg.norm(p - BEST, axis=2) for p in (by_newton, by_descent))
before, after = error[:-1].ravel(), error[1:].ravel()
near = (before < 0.1) & (before > 1e-7)
C = np.max(after[near] / before[near] ** 2)
assert C < 5
assert np.max(error[-1]) < 1e-12 < 1e-3 < slow[20, 0]

# %%
# The level curve of the second-order polynomial at :math:`x_k` whose centre is :math:`x_{k+1}`.
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12.5, 4.2), width_ratios=[1.25, 1, 1])
x, y = np.linspace(-2.1, 0.7, 200), np.linspace(-1.05, 1.05, 200)
heights = pb.to_numpy(f(pb.asarray(np.stack(np.meshgrid(x, y)))))
left.contour(x, y, heights, np.geomspace(2.6, 12, 9), colors="0.8", linewidths=0.8)
circle = np.exp(2j * np.pi * np.linspace(0, 1, 200))
for at, then in zip(by_newton[:2, 0], by_newton[1:3, 0], strict=True):
    H = pb.to_numpy(pb.hessian(f)(pb.asarray(at)))
    size = np.sqrt((at - then) @ H @ (at - then))
    ellipse = np.linalg.solve(np.linalg.cholesky(H).T, size * np.stack([circle.real, circle.imag]))
    left.plot(*(then[:, None] + ellipse), color="C4", linewidth=1.2)
left.plot(*by_newton[:, 0].T, "o-", color="C1", markersize=4)
left.plot(*BEST, "k+", markersize=9, zorder=3)
left.set(title="To the middle of each ellipse", xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
middle.semilogy(slow[:21, 0], "o-", color="C0", markersize=3, label="gradient descent")
middle.semilogy(np.maximum(error[:, 0], 1e-17), "o-", color="C1", markersize=4, label="Newton")
middle.set(title="The error of one path", xlabel="step k", ylabel=r"$\|x_k - x^*\|$")
middle.legend()
right.loglog(slow[:-1].ravel(), slow[1:].ravel(), ".", color="C0", markersize=3)
right.loglog(before, np.maximum(after, 1e-17), ".", color="C1", markersize=4)
line = np.geomspace(1e-8, 1, 10)
right.loglog(line, C * line**2, "k--", linewidth=1, label=f"${C:.1f}\\,\\|x_k - x^*\\|^2$")
right.set(title="The error against the one before", xlim=(3e-10, 3), ylim=(1e-17, 3))
right.set(xlabel=r"$\|x_k - x^*\|$", ylabel=r"$\|x_{k+1} - x^*\|$")
right.legend(loc="upper left")
plt.show()
