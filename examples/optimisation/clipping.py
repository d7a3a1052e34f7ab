r"""
A cliff, and why gradients are clipped
======================================

The loss of a recurrence can be flat and have a wall in it: where its state begins to grow with each step, the gradient
is the product of 50 slopes above 1. A step of gradient descent that touches the wall is thrown far away. *Clipping*
keeps the direction and limits the length, :math:`g \leftarrow g \min(1,\, c / \|g\|)`, so that the step is as long as
elsewhere at most; it is what most recurrent networks are trained with.

The recurrence has one unit, :math:`h_t = \sigma(w h_{t-1} + b)` for 50 steps, and the loss is
:math:`(h_{50} - 0.7)^2`. The pictures show its level curves with both paths, the losses, and the lengths of the
gradients (Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural
networks*, 2013, where this wall stands in figure 6).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
START, STEPS, RATE, LONGEST = np.asarray([4.4, -2.06]), 60, 0.5, 0.1


def loss(p):
    """p holds w and b."""
    h = 0.5
    for _ in range(50):
        h = xp.sigmoid(p[0] * h + p[1])
    return (h - 0.7) ** 2


value_and_slope = pb.compile(pb.value_and_grad(loss), fast=False)


def train(opt):
    """The points, the losses and the lengths of the gradients before they are clipped."""
    p, points, values, lengths = pb.asarray(START), [], [], []
    state = opt.init(p)
    for _ in range(STEPS):
        value, slope = value_and_slope(p)
        points.append(pb.to_numpy(p))
        values.append(float(value))
        lengths.append(float(pb.optim.global_norm(slope)))
        p, state = opt.step(p, slope, state)
    return np.asarray(points), values, lengths


runs = {
    "as they are": train(pb.optim.SGD(RATE)),
    f"clipped to {LONGEST:g}": train(pb.optim.Clipped(pb.optim.SGD(RATE), norm=LONGEST)),
}
(thrown, its_losses, its_lengths), (held, losses, _) = runs.values()
jumps = [np.linalg.norm(np.diff(points, axis=0), axis=1) for points in (thrown, held)]
assert np.argmax(jumps[0]) == np.argmax(its_lengths)  # it is the wall that throws it
assert np.max(jumps[0]) > 2
assert np.max(jumps[1]) < 1.001 * RATE * LONGEST
assert np.mean(losses[-10:]) < 0.01 < 0.05 < its_losses[-1]

figure = plt.figure(figsize=(10.5, 5.4))
axes = figure.subplot_mosaic([["plane", "loss"], ["plane", "length"]], width_ratios=[1.3, 1])
w, b = np.linspace(3.4, 4.6, 250), np.linspace(-2.3, -1.5, 250)
heights = pb.to_numpy(loss(pb.asarray(np.stack(np.meshgrid(w, b)))))
shades = axes["plane"].contourf(w, b, heights, np.linspace(0, 0.5, 26), cmap="Blues")
figure.colorbar(shades, ax=axes["plane"], label="loss", ticks=[0, 0.25, 0.5])
for (name, (points, values, lengths)), colour in zip(runs.items(), ("C1", "C2"), strict=True):
    style = {"color": colour, "markersize": 3, "linewidth": 1.2, "label": name}
    axes["plane"].plot(*points.T, "o-", **style)
    axes["loss"].semilogy(values, "o-", **style)
    axes["length"].semilogy(lengths, "o-", **style)
axes["plane"].plot(*START, "k+", markersize=10)
axes["plane"].set(xlim=w[[0, -1]], ylim=b[[0, -1]], xlabel="w", ylabel="b")
axes["plane"].set_title(f"Two paths that begin at +; one is thrown a way of {np.max(jumps[0]):.0f}")
axes["plane"].legend(title="gradients", loc="upper center")
axes["loss"].set(title="The loss", xlabel="step")
axes["length"].axhline(LONGEST, color="C2", linestyle="--", linewidth=1)
axes["length"].set(title="Lengths of the gradients, before clipping", xlabel="step")
plt.show()
