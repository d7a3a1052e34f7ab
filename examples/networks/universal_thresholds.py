r"""
Universal approximation by thresholds: a moving staircase
=========================================================

A network with one hidden layer of threshold units, :math:`\hat f(x) = c_0 + \sum_k c_k\,\theta(x - t_k)`, is a
staircase: unit :math:`k` adds a step of height :math:`c_k` at :math:`t_k`. With :math:`n` steps it follows a function
:math:`f` to within half of what :math:`f` changes between two of them, at most :math:`\max|f'| / 2(n + 1)` where they
are equally spaced. So the error falls as :math:`1/n`, and for every continuous function, with a slope or without, it
falls to 0.

The steps may move. Placed where :math:`f` changes by equal amounts, close together where it is steep, the error is at
most the total variation :math:`\int|f'|` over :math:`2(n+1)`: the mean of :math:`|f'|` stands in place of its largest
value. This is universal approximation at work.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

x = np.linspace(0, 1, 20_001)
f = np.sin(2 * np.pi * x) + 0.5 * np.tanh(30 * (x - 0.7)) - 0.4 * x
variation = np.concatenate([[0], np.cumsum(np.abs(np.diff(f)))])  # of f between 0 and x


def staircase(thresholds):
    """The network whose steps are at these places, with the best height on each tread."""
    n = len(thresholds)
    edges = np.searchsorted(x, thresholds, side="right")  # a unit is 1 where x > its threshold
    heights = np.array([(p.max() + p.min()) / 2 for p in np.split(f, edges)])
    hidden = pb.models.Linear(pb.asarray(np.ones((1, n))), pb.asarray(-thresholds))
    output = pb.models.Linear(pb.asarray(np.diff(heights)[:, None]), pb.asarray(heights[:1]))
    return pb.models.Sequential(hidden, "threshold", output)


def equally_spaced(n):
    return np.arange(1, n + 1) / (n + 1)


def where_steep(n):
    return np.interp(variation[-1] * equally_spaced(n), variation, x)


outputs = lambda network: pb.to_numpy(network(pb.asarray(x[:, None])))[:, 0]

# %%
# Errors of both placements against their bounds.

counts = np.array([2, 4, 8, 16, 32, 64, 128, 256])
errors = {
    place: np.array([np.abs(outputs(staircase(place(n))) - f).max() for n in counts])
    for place in (equally_spaced, where_steep)
}
steepest = np.abs(np.diff(f)).max() / (x[1] - x[0])
assert np.all(errors[equally_spaced] <= steepest / (2 * (counts + 1)) + 1e-9)
between = np.abs(np.diff(f)).max()  # of f, from one point of x to the next
assert np.all(errors[where_steep] <= variation[-1] / (2 * (counts + 1)) + between)

figure, axes = plt.subplot_mosaic("abce;fghe", figsize=(12, 5.6), width_ratios=[1, 1, 1, 1.3])
for row, place, colour in zip(["abc", "fgh"], errors, ["C1", "C2"], strict=True):
    for name, n in zip(row, (4, 16, 64), strict=True):
        axes[name].plot(x, f, color="0.7", linewidth=4, label="$f$")
        axes[name].plot(x, outputs(staircase(place(n))), color=colour, label="network")
        axes[name].plot(place(n), np.full(n, -1.75), "|", color="C0", ms=9, label="thresholds")
        error = errors[place][counts == n][0]
        axes[name].set(title=f"{n} steps, error {error:.3f}", xlim=(0, 1), ylim=(-1.85, 1.35))
    axes[row[0]].legend(loc="upper right", fontsize="small", handlelength=1.2)
    name = "steps " + place.__name__.replace("_", " ")
    axes[row[0]].set_ylabel(name)
    axes["e"].loglog(counts, errors[place], "o-", color=colour, label=name)
axes["e"].plot(counts, 0.9 / counts, color="0.5", linestyle="--", label="$1/n$")
axes["e"].set(title="The error falls as $1/n$", xlabel="units $n$", ylabel="largest error")
axes["e"].legend()

plt.show()
