r"""
Universal approximation by logistic units
=========================================

A sum of logistic units, :math:`\hat f(x) = c_0 + \sum_k c_k\,\sigma(a_k (x - t_k))`, is a staircase whose steps have
round edges. With :math:`a_k` large it comes as close as one likes to the staircase of thresholds, so that it too
approximates every continuous function. First row, built by hand: 16 equal steps with units that are steeper and
steeper.

And it can be trained, since its units have gradients. Second row: all of :math:`a_k, t_k, c_k` found by L-BFGS, which
began with soft units spread over the interval. Eight trained units do what takes more than a hundred steps by hand. The
thin lines at the bottom are the units, :math:`\sigma(a_k(x - t_k))`, before they are weighted and added. This is
universal approximation.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

M = pb.models

x = np.linspace(0, 1, 301)
f = np.sin(2 * np.pi * x) + 0.5 * np.tanh(30 * (x - 0.7)) - 0.4 * x
inputs, targets = pb.asarray(x[:, None]), pb.asarray(f[:, None])
loss = lambda model: M.squared_error(model(inputs), targets)
rms_error = lambda model: float(loss(model)) ** 0.5


def built(n, steepness):
    """A staircase of n equal steps, whose units have this steepness."""
    edges = np.arange(1, n + 1) / (n + 1)
    heights = np.interp(np.arange(n + 1) / (n + 1) + 0.5 / (n + 1), x, f)
    hidden = M.Linear(pb.asarray(np.full((1, n), steepness)), pb.asarray(-steepness * edges))
    output = M.Linear(pb.asarray(np.diff(heights)[:, None]), pb.asarray(heights[:1]))
    return M.Sequential(hidden, "sigmoid", output)


def trained(n):
    """n units whose weights are found by L-BFGS; they begin as soft units spread over the interval."""
    return pb.optim.minimize(loss, built(n, 2.0 * (n + 1)), maxiter=600, gtol=1e-7).x


counts = np.array([2, 4, 8, 16, 32])
models = {n: trained(n) for n in counts}
of_trained = np.array([rms_error(models[n]) for n in counts])
of_steps = np.array([rms_error(built(n, 1e6)) for n in counts])
assert of_steps[-1] < 0.15 * of_steps[0]
assert np.all(of_trained < 0.5 * of_steps)
assert of_trained.min() < 0.01
assert rms_error(models[8]) < rms_error(built(100, 1e6))

figure, axes = plt.subplot_mosaic("abce;fghe", figsize=(12, 5.6), width_ratios=[1, 1, 1, 1.3])
rows = [(built(16, a), f"steepness {a}") for a in (20, 100, 1000)]
rows += [(models[n], f"{n} units") for n in (2, 4, 8)]
for name, (model, title) in zip("abcfgh", rows, strict=True):
    hidden, h, _ = model.layers
    units = pb.to_numpy(h(hidden(inputs)))  # between 0 and 1, drawn below
    colour = "C1" if name in "abc" else "C2"
    axes[name].plot(x, units - 3, color="C0", linewidth=0.7)
    axes[name].plot(x, f, color="0.75", linewidth=4)
    axes[name].plot(x, pb.to_numpy(model(inputs)), color=colour)
    axes[name].set(title=f"{title}, error {rms_error(model):.3f}", xlim=(0, 1), ylim=(-3.1, 1))
    axes[name].set_yticks([-1, 0, 1])
axes["a"].set_ylabel("units    16 steps, by hand")
axes["f"].set_ylabel("units        trained        ")
axes["e"].loglog(counts, of_steps, "o-", color="C1", label="steps by hand")
axes["e"].loglog(counts, of_trained, "o-", color="C2", label="trained")
axes["e"].set_xscale("log", base=2)
axes["e"].set(title="Training places and rounds the steps", xlabel="units")
axes["e"].set_ylabel("root mean square error")
axes["e"].legend()

plt.show()
