r"""
How smooth is the curve: a banded system
========================================

Whittaker's smoother (1923) draws the curve v through noisy values y that balances fit against bending,

.. math:: \min_v\; \sum_i m_i (v_i - y_i)^2 + \lambda \sum_i (v_{i-1} - 2 v_i + v_{i+1})^2, \qquad
   (M + \lambda D^\top D)\, v = M y,

with :math:`m_i = 0` where a value is held out. The matrix has five diagonals: :func:`pullback.linalg.solveh_banded`
stores and factors them alone, and the adjoint uses the factor again, so that value and gradient cost O(n) on a CPU.
The dense matrix of these 1000 unknowns would have a million elements. The error of the held-out values is a function
of :math:`\log \lambda` that L-BFGS goes down.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
n, rng = 1000, np.random.default_rng(0)
t = np.linspace(0, 1, n)
truth = np.sin(20 * t * t) + 0.5 * np.exp(-(((t - 0.3) / 0.05) ** 2))
noisy = truth + 0.5 * rng.standard_normal(n)
kept = rng.random(n) < 0.7
y, m, out = pb.asarray(noisy), pb.asarray(kept * 1.0), pb.asarray(~kept * 1.0)


def bending(n):
    """The diagonals of DᵀD, the main one first, (3, n)."""
    main, first, second = np.zeros((3, n))
    for i, a in enumerate((1.0, -2.0, 1.0)):
        main[i : n - 2 + i] += a * a
    first[: n - 2] -= 2
    first[1 : n - 1] -= 2
    second[: n - 2] = 1
    return pb.asarray(np.stack([main, first, second]))


def smooth(log_weight, m, y):
    rows = xp.exp(log_weight) * bending(len(y))
    return pb.linalg.solveh_banded(xp.concat([rows[:1] + m, rows[1:]]), m * y, lower=True)


def error(log_weight, m=m, y=y, out=out):
    return xp.sum(out * (smooth(log_weight, m, y) - y) ** 2) / xp.sum(out)


def dense(log_weight, m, y, out):
    D = pb.asarray(np.diff(np.eye(len(y)), 2, axis=0))
    v = pb.linalg.solve(xp.exp(log_weight) * D.T @ D + xp.eye(len(y)) * m, m * y)
    return xp.sum(out * (v - y) ** 2) / xp.sum(out)


# On the first 200 values it is what a dense solve says, and so is the gradient.
start, few = pb.asarray(np.asarray(3.0)), (m[:200], y[:200], out[:200])
pairs = zip(*(pb.value_and_grad(f)(start, *few) for f in (error, dense)), strict=True)
assert all(np.isclose(float(a), float(b), rtol=1e-6) for a, b in pairs)

found = pb.optim.minimize(error, start, gtol=1e-7)
best = float(found.x)
curves = {x: pb.to_numpy(smooth(pb.asarray(x), m, y)) for x in (0.0, best, 18.0)}
away = {x: np.sqrt(np.mean((curve - truth) ** 2)) for x, curve in curves.items()}
assert away[best] < 0.15
assert away[best] < 0.6 * min(away[0.0], away[18.0])

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=[1.6, 1])
left.plot(t, noisy, ".", color="0.8", markersize=2)
for x, name in zip(curves, ("too little", "found", "too much"), strict=True):
    left.plot(t, curves[x], linewidth=1.4, label=f"{name}: log λ = {x:.1f}")
left.plot(t, truth, "k--", linewidth=1, label="truth")
left.set(title="Noisy values, and smooth curves", xlabel="t", ylim=(-2.4, 2.9))
left.legend(ncols=2, loc="upper left", fontsize="small")
grid = np.linspace(-2, 20, 34)
right.plot(grid, [float(error(pb.asarray(x))) for x in grid])
right.plot(best, float(found.fun), "*", color="C1", markersize=14)
right.set(title="The held-out values", xlabel="log λ", ylabel="mean squared error")
plt.show()
