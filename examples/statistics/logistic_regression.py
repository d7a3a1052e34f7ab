r"""
Logistic regression, with labels {0, 1} and {−1, +1}
====================================================

The score :math:`f(x) = w^\top x + b` becomes a probability, :math:`P(y = 1 \mid x) = 1 / (1 + e^{-f(x)})`. Its log loss
has two spellings. With labels :math:`t \in \{0, 1\}` and with :math:`y = 2t - 1 \in \{-1, +1\}`,

.. math:: -t \log P - (1 - t) \log (1 - P) \;=\; \log\bigl(1 + e^{-y f(x)}\bigr) ,

where y belongs in the exponent. Both are one function with one gradient. The picture shows the probability over the
plane and along the score, and Newton's method on either loss.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
rng = np.random.default_rng(3)
t = np.repeat([0, 1], 80)
X = rng.standard_normal((160, 2)) @ [[1.0, 0.5], [0.0, 0.8]] + np.where(t[:, None] == 1, 1.0, -1.0)
features, labels = pb.asarray(X), pb.asarray(t)


def score(p, X):
    return X @ p["w"] + p["b"]


def loss(p, labels, signed):
    return pb.models.binary_cross_entropy(score(p, features), labels, signed=signed)


start = {"w": xp.zeros(2), "b": xp.asarray(0.0)}


def descent(labels, signed):
    """The minimum, and the losses on the way."""
    losses = [float(loss(start, labels, signed))]
    record = lambda state: losses.append(float(state.fun))
    arguments = {"args": (labels, signed), "callback": record, "gtol": 1e-9}
    return pb.optim.minimize(loss, start, method="newton", **arguments).x, losses


(found, zero_one), (_, signs) = descent(labels, False), descent(2 * labels - 1, True)
assert abs(zero_one[0] - np.log(2)) < 1e-12  # no knowledge costs log 2 a sample
assert np.allclose(zero_one, signs, rtol=1e-12, atol=0)
slope = pb.grad(loss)
difference = slope(start, labels, False)["w"] - slope(start, 2 * labels - 1, True)["w"]
assert bool(xp.all(abs(difference) < 1e-14))

# %%
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11.5, 3.7), width_ratios=[1.25, 1, 1])
line = np.linspace(-4.2, 4.2, 121)
plane = np.stack(np.meshgrid(line, line), axis=-1)
surface = pb.to_numpy(xp.sigmoid(score(found, pb.asarray(plane.reshape(-1, 2)))))
surface = surface.reshape(plane.shape[:2])
image = left.contourf(line, line, surface, np.linspace(0, 1, 21), cmap="RdBu", alpha=0.7)
left.clabel(
    left.contour(line, line, surface, [0.1, 0.5, 0.9], colors="k", linewidths=1), fontsize=8
)
for k, marker in enumerate("os"):
    left.plot(*X[t == k].T, marker, color=f"C{1 - k}", markersize=4, markeredgecolor="white")
left.set(title="P(y = 1 | x)", xlabel="x₁", ylabel="x₂", aspect="equal")
figure.colorbar(image, ax=left, ticks=[0, 0.5, 1], shrink=0.8)

f = pb.to_numpy(score(found, features))
s = np.linspace(-10, 10, 200)
middle.plot(s, 1 / (1 + np.exp(-s)), "k")
for k, marker in enumerate("os"):
    middle.plot(f[t == k], t[t == k], marker, color=f"C{1 - k}", markersize=5, alpha=0.4)
middle.set(
    title="Along the score", xlabel="score f(x)", ylabel="label, probability", xlim=(-10, 10)
)

right.plot(zero_one, "C2", linewidth=5, alpha=0.5, label="labels {0, 1}")
right.plot(signs, "ko--", markersize=4, linewidth=1, label="labels {−1, +1}")
right.set(title="One loss, two spellings", xlabel="step of Newton's method", ylabel="mean log loss")
right.legend()
plt.show()
