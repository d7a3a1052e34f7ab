r"""
A gradient for each example
===========================

A training step needs the mean of the gradients of all examples. :func:`pullback.vmap` of :func:`pullback.grad` gives
each of them, in one batched pass: :math:`g_i = \nabla_w\, \ell(w; x_i, y_i)`. An example whose gradient is still
large when the others have become small is one that the model cannot make sense of.

Here, 5 % of the digits are given a wrong label. A linear softmax model is trained on all of them; then the examples
are sorted by :math:`\lVert g_i \rVert`. The wrong labels come first, and the next ones are handwriting to argue
about.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import pullback as pb

xp = pb.xp
images, labels = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
wrong = np.zeros(len(labels), dtype=bool)
wrong[rng.choice(len(labels), len(labels) // 20, replace=False)] = True
given = np.where(wrong, (labels + rng.integers(1, 10, len(labels))) % 10, labels)
x, y = pb.asarray(images / 16), pb.asarray(given)


def loss(w, x, y):
    return pb.models.cross_entropy(x @ w["W"] + w["b"], y)


def penalised(w):
    return loss(w, x, y) + 1e-3 * xp.sum(w["W"] ** 2)


start = {"W": xp.zeros((64, 10), dtype=x.dtype), "b": xp.zeros(10, dtype=x.dtype)}
w = pb.optim.minimize(penalised, start, method="l-bfgs", maxiter=100).x


def of_one(w, x, y):
    return loss(w, x[None, :], y[None])


each = pb.vmap(pb.grad(of_one), in_axes=(None, 0, 0))(w, x, y)
mean = pb.grad(loss)(w, x, y)
for g, all_of_them in zip(pb.tree.leaves(mean), pb.tree.leaves(each), strict=True):
    assert np.allclose(pb.to_numpy(g), pb.to_numpy(all_of_them).mean(axis=0))
size = np.sqrt(
    sum(pb.to_numpy(g**2).reshape(len(labels), -1).sum(axis=1) for g in pb.tree.leaves(each))
)
order = np.argsort(-size)
found = wrong[order[: wrong.sum()]].mean()
print(f"of the {wrong.sum()} largest gradients, {found:.0%} belong to wrong labels")
assert found > 0.8

fig = plt.figure(figsize=(9, 5))
top, bottom = fig.subfigures(2, 1, height_ratios=[1.5, 1])
ax = top.subplots()
ax.set_xscale("log")
rank = np.arange(1, len(labels) + 1)
for mask, name in ((~wrong[order], "right label"), (wrong[order], "wrong label")):
    ax.plot(rank[mask], size[order][mask], ".", label=name, ms=5)
ax.set(xlabel="rank", ylabel="length of the gradient", title="Sorted by what each example asks for")
ax.legend()
for ax, i in zip(bottom.subplots(1, 10), order, strict=False):
    ax.imshow(images[i].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"called {given[i]}", color="C1" if wrong[i] else "C0")
    ax.axis("off")
bottom.suptitle("The ten longest")
plt.show()
