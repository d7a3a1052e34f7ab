r"""
The full backward pass, in order
================================

A network with one hidden layer on one example, every quantity written out. Forward, in blue, from 1 to 5:
:math:`z_1 = W_1 x + b_1,\; a_1 = \tanh z_1,\; z_2 = W_2 a_1 + b_2,\; a_2 = z_2,\; F = \tfrac12 (a_2 - y)^2`.
Backward, in orange, from 6 to 10: each error signal is computed from the one after it,

.. math:: \bar F = 1,\quad \bar a_2 = a_2 - y,\quad \bar z_2 = \bar a_2,\quad
   \bar a_1 = W_2^\top \bar z_2,\quad \bar z_1 = \bar a_1 \odot \tanh'(z_1),

and the gradients of the parameters on the way: :math:`\bar W_l = \bar z_l a_{l-1}^\top`, :math:`\bar b_l = \bar z_l`.
In :math:`\bar z_l = \bar a_l \odot h'(z_l)` it is the *signal* :math:`\bar a_l` that is multiplied, not the value
:math:`a_l`.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
x, y = np.asarray([1.0, -0.5]), np.asarray([0.5])
W1, b1 = np.asarray([[0.4, -0.6], [-0.9, 0.2]]), np.asarray([0.1, 0.3])
W2, b2 = np.asarray([[1.2, -0.7]]), np.asarray([-0.2])

z1 = W1 @ x + b1
a1 = np.tanh(z1)
z2 = W2 @ a1 + b2
a2 = z2
F = 0.5 * np.sum((a2 - y) ** 2)
signals = {"F": np.asarray(1.0), "a2": a2 - y, "z2": a2 - y}
signals["a1"] = W2.T @ signals["z2"]
signals["z1"] = signals["a1"] * (1 - np.tanh(z1) ** 2)
parameters = [np.outer(signals["z1"], x), signals["z1"], np.outer(signals["z2"], a1), signals["z2"]]


def loss(W1, b1, W2, b2, x, y):
    return 0.5 * xp.sum((W2 @ xp.tanh(W1 @ x + b1) + b2 - y) ** 2)


arrays = [pb.asarray(each) for each in (W1, b1, W2, b2, x, y)]
for ours, theirs in zip(parameters, pb.grad(loss, argnums=(0, 1, 2, 3))(*arrays), strict=True):
    assert np.allclose(ours, pb.to_numpy(theirs))


def words(v):
    rows = [", ".join(f"{e:.2f}" for e in row) for row in np.atleast_2d(v)]
    return "\n".join(rows).replace("-", "−")


fig, ax = plt.subplots(figsize=(9.6, 3.8))
box = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": "0.5"}
names = ["x", "z_1", "a_1", "z_2", "a_2", "F"]
there = ["W_1 x + b_1", r"\tanh z_1", "W_2 a_1 + b_2", "z_2", r"\frac{1}{2}(a_2 - y)^2"]
back = [r"\bar a_1 \odot (1-a_1^2)", r"W_2^\top \bar z_2", r"\bar a_2", "a_2 - y"]
for i, (name, v) in enumerate(zip(names, (x, z1, a1, z2, a2, F), strict=True)):
    ax.text(i, 0, f"${name}$", ha="center", va="center", bbox=box, size=14)
    ax.text(i, 0.42, words(v), ha="center", color="C0", weight="bold")
    if (signal := signals.get(name.replace("_", ""))) is not None:
        ax.text(i, -0.42, words(signal), ha="center", va="top", color="C1", weight="bold")
        ax.text(i, -0.74, rf"$\bar {name}$" if i < 5 else r"6   $\bar F$", ha="center", color="C1")
look = lambda c: {"arrowstyle": "->", "color": c}
arrow = lambda start, end, c: ax.annotate("", end, start, arrowprops=look(c))
for i, step in enumerate(there):
    arrow((i + 0.22, 0.07), (i + 0.78, 0.07), "C0")
    ax.text(i + 0.5, 0.14, f"{i + 1}   ${step}$", ha="center", color="C0", size=9)
for i, step in enumerate(back, 1):
    arrow((i + 0.78, -0.07), (i + 0.22, -0.07), "C1")
    ax.text(i + 0.5, -0.14, f"{11 - i}   ${step}$", ha="center", va="top", color="C1", size=9)
for i, layer, k in ((1, 1, 0), (3, 2, 2)):
    arrow((i, -0.78), (i, -1.04), "C2")
    for p, g, dx in (("W", parameters[k], -0.34), ("b", parameters[k + 1], 0.36)):
        label = rf"$\bar {p}_{layer}$" + "\n" + words(g)
        ax.text(i + dx, -1.08, label, ha="center", va="top", color="C2", weight="bold")
ax.set(xlim=(-0.5, 5.4), ylim=(-1.65, 0.6))
ax.set_title("Values there (blue), error signals back (orange), gradients (green)")
ax.axis("off")
plt.show()
