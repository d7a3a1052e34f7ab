r"""
Universal approximation by ReLUs
================================

A network with one hidden layer of rectifiers, :math:`\hat f(x) = c_0 + \sum_k c_k \max(0, w_k x + b_k)`, is linear
between points: unit :math:`k` switches at :math:`x = -b_k / w_k` and puts a kink there (dots). With :math:`n` kinks,
equally spaced, the error for a function of bounded curvature falls as :math:`1/n^2`, where steps have :math:`1/n`.
Training moves the kinks to where the function is curved.

The second row shows derivatives, by ``pb.vmap(pb.grad(f))``: that of the network is a staircase, the sum of thresholds
:math:`\sum_k c_k w_k\,\theta(w_k x + b_k)`, and that is all the function has to be.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

M = pb.models
x = np.linspace(0, 1, 401)
f = np.sin(2 * np.pi * x) + 0.5 * np.tanh(30 * (x - 0.7)) - 0.4 * x
inputs, targets = pb.asarray(x[:, None]), pb.asarray(f[:, None])
loss = lambda model: M.squared_error(model(inputs), targets)


def interpolant(n):
    """The network of n units with equally spaced kinks that goes through f there."""
    knots = np.arange(n + 1) / n
    y = np.interp(knots, x, f)
    changes = np.diff(np.diff(y) * n, prepend=0)  # of the slope, at each kink
    hidden = M.Linear(pb.asarray(np.ones((1, n))), pb.asarray(-knots[:-1]))
    return M.Sequential(hidden, "relu", M.Linear(pb.asarray(changes[:, None]), pb.asarray(y[:1])))


def kinks(model):
    places = pb.to_numpy(-model.layers[0].b / model.layers[0].W[0])
    return places[(places >= 0) & (places < 1)]


def slope(model):
    one = pb.grad(lambda t: model(pb.xp.reshape(t, (1, 1)))[0, 0])
    return pb.to_numpy(pb.vmap(one)(inputs[:, 0]))


counts = np.array([4, 8, 16, 32])
before = {n: interpolant(n) for n in counts}
after = {n: pb.optim.minimize(loss, before[n], maxiter=1000, gtol=1e-6).x for n in counts}
errors = np.array([[float(loss(m[n])) ** 0.5 for n in counts] for m in (before, after)])
assert errors[0, -1] < 1.2 * errors[0, 1] / 3**2  # a quarter of the distance
assert np.all(errors[1] < 0.5 * errors[0])
slopes = np.unique(slope(after[16]).round(6))
assert len(slopes) <= len(kinks(after[16])) + 1  # a value for each piece

figure, axes = plt.subplot_mosaic("abce;fghe", figsize=(12, 5.6), width_ratios=[1, 1, 1, 1.3])
shown = {"af": ("8 kinks", before[8]), "bg": ("8, moved", after[8]), "ch": ("16, moved", after[16])}
for (up, low), (name, model) in shown.items():
    places, colour = kinks(model), "C2" if "moved" in name else "C1"
    axes[up].plot(x, f, color="0.75", linewidth=4)
    axes[up].plot(x, pb.to_numpy(model(inputs)), color=colour)
    axes[up].plot(places, pb.to_numpy(model(pb.asarray(places[:, None]))), "o", color=colour, ms=5)
    axes[up].set(
        title=f"{name}: error {float(loss(model)) ** 0.5:.3f}", xlim=(0, 1), ylim=(-1.8, 1)
    )
    axes[low].plot(x, np.gradient(f, x), color="0.75", linewidth=4)
    axes[low].plot(x, slope(model), color=colour, drawstyle="steps-mid")
    axes[low].set(xlim=(0, 1), ylim=(-12, 18))
axes["a"].set_ylabel("function and network")
axes["f"].set_ylabel("their derivatives")
for e, colour, name in zip(errors, ["C1", "C2"], ["equally spaced", "trained"], strict=True):
    axes["e"].plot(counts, e, "o-", color=colour, label=name)
axes["e"].plot(counts, 0.5 / counts**2, color="0.5", linestyle="--", label="$1/n^2$")
axes["e"].set(title="The error falls as $1/n^2$", xlabel="units $n$", yscale="log")
axes["e"].set_ylabel("root mean square error")
axes["e"].set_xscale("log", base=2)
axes["e"].legend()

plt.show()
