r"""
The noise floor of stochastic gradients, and how schedules go below it
======================================================================

A stochastic gradient is the right one on average, and wrong each time: :math:`g_k = \nabla f(x_k) + \xi_k`. With a
constant rate :math:`s` the steps soon do nothing but jump about the minimum. For :math:`f(x) = \frac12 \|x\|^2` and
noise of the variance :math:`\sigma^2` in each of :math:`n` directions the mean of :math:`f` ends at the floor

.. math:: \frac{n}{2} \cdot \frac{s\, \sigma^2}{2 - s},

which is low where the rate is small (dashed). With rates :math:`s_k = c/\sqrt{k}` the mean falls like
:math:`1/\sqrt{k}`, with :math:`s_k = c/k` like :math:`1/k`: the sums of both rates diverge, so that every start is left
behind, and the rates go to zero, so that the noise averages out (Robbins and Monro, 1951, asked for a finite sum of
squares too, which :math:`c/k` has). With :math:`s_k = 1/k`, :math:`x_k` is here just minus the mean of all noise. The
upper pictures are single runs, the lower one is the mean over 300, which all step at once.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
RUNS, STEPS, SIGMA = 300, 2000, 1.0
START = np.asarray([4.0, 3.0])
SCHEDULES = {
    "constant, s = 0.4": pb.optim.Constant(0.4),
    "constant, s = 0.04": pb.optim.Constant(0.04),
    r"$c\,/\sqrt{k}$, c = 0.5": pb.optim.InverseSqrtDecay(0.5),
    "$c\\,/k$, c = 1": pb.optim.InverseDecay(1.0),
}


def f(x):
    return 0.5 * xp.sum(x**2, axis=-1)


def train(schedule):
    """The points of all runs after each step, (STEPS, RUNS, 2)."""
    opt = pb.optim.SGD(schedule)

    def step(carry, noise):
        x, state = carry
        gradient = pb.grad(lambda x: xp.sum(f(x)))(x) + noise
        carry = opt.step(x, gradient, state)
        return carry, carry[0]

    random = np.random.default_rng(0)
    noise = pb.asarray(SIGMA * random.standard_normal((STEPS, RUNS, 2)))
    run = pb.compile(lambda x, noise: pb.scan(step, (x, opt.init(x)), noise)[1], fast=False)
    return pb.to_numpy(run(pb.asarray(np.tile(START, (RUNS, 1))), noise))


figure = plt.figure(figsize=(11, 6.6))
axes = figure.subplot_mosaic([list(SCHEDULES), 4 * ["mean"]], height_ratios=[1, 1.5])
k = np.arange(1, STEPS + 1)
for i, (name, schedule) in enumerate(SCHEDULES.items()):
    points = train(schedule)
    means = pb.to_numpy(f(pb.asarray(points))).mean(axis=1)
    one = np.concatenate([START[None], points[:, 0]])
    axes[name].plot(*one.T, color=f"C{i}", linewidth=0.5)
    axes[name].plot(0, 0, "k+", markersize=9, zorder=3)
    axes[name].set(title=name, aspect="equal", xlim=(-2.5, 4.5), ylim=(-2.5, 3.5))
    axes["mean"].loglog(k, means, color=f"C{i}", label=name)
    end = means[-STEPS // 10 :].mean()
    if "constant" in name:
        floor = SIGMA**2 * schedule.lr / (2 - schedule.lr)  # n = 2
        axes["mean"].axhline(floor, color=f"C{i}", linestyle="--", linewidth=1)
        assert abs(end / floor - 1) < 0.15
    elif "sqrt" in name:
        assert 0.5 < end / (0.5 * SIGMA**2 / (2 * np.sqrt(0.95 * STEPS))) < 2
    else:
        assert abs(end * 0.95 * STEPS / SIGMA**2 - 1) < 0.2
axes["mean"].set(xlabel="step k", ylabel="mean of $f(x_k)$", title="The mean over 300 runs")
axes["mean"].legend(ncols=2)
plt.show()
