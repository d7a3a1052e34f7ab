r"""
k-fold cross-validation of the learning rate and the penalty
============================================================

The training data are divided into k = 5 folds. Each fold **validates once**, what is trained on the other four; the
setting with the least mean validation loss wins, is trained on all five, and is judged by test data that took no part.
Here the settings are the learning rate of 40 steps of gradient descent and the penalty λ of a softmax regression on
digits. All 63 settings are trained at once, by :func:`pullback.vmap` of the whole training over both.

The picture shows who validates when, the validation loss of each fold against the rate, and the mean of the folds for
both settings with the choice.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap, LogNorm
from sklearn.datasets import load_digits

import pullback as pb

xp, k = pb.xp, 5
X, labels = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(X))
X, labels = pb.asarray(X[order] / 16), pb.asarray(labels[order])
folds = np.array_split(np.arange(300), k)  # the other 1497 digits are for the test


def loss(W, rows):
    return pb.models.cross_entropy(xp.take(X, rows, axis=0) @ W, xp.take(labels, rows))


def trained(rate, penalty, rows, steps=40):
    """Weights after some steps of gradient descent on the penalised loss of some rows."""
    slope = pb.grad(lambda W: loss(W, rows) + penalty * xp.sum(W**2) / 2)
    W = xp.zeros((64, 10))
    for _ in range(steps):
        W = W - rate * slope(W)
    return W


rates, penalties = np.logspace(-1.5, 1.5, 9), np.logspace(-5, 0, 7)
grid = [pb.asarray(values.ravel()) for values in np.meshgrid(rates, penalties)]
validation = np.empty((k, len(penalties), len(rates)))
for i, held_out in enumerate(folds):
    rest = np.concatenate([fold for j, fold in enumerate(folds) if j != i])
    assert not set(rest) & set(held_out)  # no fold validates what it trained
    rows, held_out = pb.asarray(rest), pb.asarray(held_out)
    weights = pb.vmap(trained, in_axes=(0, 0, None))(*grid, rows)
    each = pb.vmap(loss, in_axes=(0, None))(weights, held_out)
    validation[i] = pb.to_numpy(each).reshape(len(penalties), -1)

mean = validation.mean(axis=0)
row, column = np.unravel_index(np.argmin(mean), mean.shape)
rate, penalty = rates[column], penalties[row]
W = trained(rate, penalty, pb.asarray(np.arange(300)))
right = float(xp.mean(xp.astype(xp.argmax(X[300:] @ W, axis=1) == labels[300:], X.dtype)))
print(f"rate {rate:.2g}, penalty {penalty:.2g}: {right:.1%} of the test digits are right")
assert right > 0.85
assert 0 < column < len(rates) - 1  # the best rate is neither the smallest nor the largest

# %%
figure, (left, middle, last) = plt.subplots(1, 3, figsize=(11.5, 3.8), width_ratios=[1, 1.1, 1.25])
options = {"cmap": ListedColormap(["C5", "C1"]), "extent": (0.5, 5.5, 5.5, 0.5), "aspect": "auto"}
left.imshow(np.eye(k), alpha=0.7, **options)
for i, j in np.ndindex(k, k):
    left.text(j + 1, i + 1, "validate" if i == j else "train", ha="center", va="center", fontsize=8)
left.set(title="Each fold validates once", xlabel="fold", ylabel="run")
middle.loglog(rates, validation[:, row].T, "C1", alpha=0.5, linewidth=1)
middle.loglog([], [], "C1", alpha=0.5, linewidth=1, label="one fold")
middle.loglog(rates, mean[row], "ko-", label="mean of the folds")
middle.set(title=f"Rates, at λ = {penalty:.1g}", xlabel="learning rate", ylabel="validation loss")
middle.legend()
options = {"norm": LogNorm(0.2, 10), "cmap": "viridis_r", "shading": "nearest"}
image = last.pcolormesh(rates, penalties, mean, **options)
last.plot(rate, penalty, "*", color="C1", markersize=18, markeredgecolor="white")
last.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="penalty λ")
last.set_title("Rate and penalty")
figure.colorbar(image, ax=last, label="mean validation loss", extend="max")
plt.show()
