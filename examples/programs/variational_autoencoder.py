r"""
A HIPS autograd program: a variational autoencoder on digits
============================================================

An encoder gives each image a Gaussian in a plane of two latent numbers, a decoder makes images of points of the
plane. The gradient of one bound on the likelihood trains both,

.. math:: \log p(x) \ge \mathbb{E}_{z \sim q} \log p(x \mid z) - \mathrm{KL}(q(z \mid x) \,\|\, \mathcal{N}(0, I)) ,

and passes through the draw of z, written as :math:`\mu + \sigma \epsilon` with an ε that has no parameters. The program
imports ``pullback.compat.autograd`` where it once imported ``autograd``. The picture shows where the digits go in the
plane, and what the decoder draws there (Kingma and Welling, *Auto-Encoding Variational Bayes*, 2014).
"""

import matplotlib.pyplot as plt
import numpy as onp  # NumPy's own, for data and pictures
from sklearn.datasets import load_digits

import pullback as pb
import pullback.compat.autograd.numpy as np
from pullback.compat.autograd import grad
from pullback.compat.autograd.misc.optimizers import adam

images, digits = load_digits(return_X_y=True)
rng = onp.random.default_rng(0)
data = pb.asarray(images / 16, dtype="float32")


def normal(*shape):
    return pb.asarray(rng.standard_normal(shape), dtype="float32")


def network(m, n, hidden=128):
    return normal(m, hidden) / m**0.5, normal(hidden), normal(hidden, n) / hidden**0.5, normal(n)


def forward(layers, x):
    A, a, B, b = layers
    return np.tanh(x @ A + a) @ B + b


def bound(p, x, noise):
    """The mean of the negative bound; grey values are taken as probabilities."""
    mu, log_sigma = np.split(forward(p["encoder"], x), 2, axis=1)
    logits = forward(p["decoder"], mu + np.exp(log_sigma) * noise)
    pixels = np.sum(x * logits - np.logaddexp(0.0, logits), axis=1)
    divergence = np.sum(mu**2 + np.exp(2 * log_sigma) - 1 - 2 * log_sigma, axis=1) / 2
    return np.mean(divergence - pixels)


batch, steps = 128, 850
order = [pb.asarray(rng.permutation(len(images))[:batch]) for _ in range(steps)]
noise = [normal(batch, 2) for _ in range(steps)]


objective = lambda p, i: bound(p, data[order[i]], noise[i])
start = {"encoder": network(64, 4), "decoder": network(2, 64)}
trained = adam(grad(objective), start, num_iters=steps, step_size=0.005)
plane = pb.to_numpy(forward(trained["encoder"], data))[:, :2]
assert objective(trained, 0) < 0.75 * objective(start, 0)
neighbours = onp.argsort(((plane[:, None] - plane) ** 2).sum(axis=-1), axis=1)[:, 1]
assert onp.mean(digits[neighbours] == digits) > 0.6  # they are mostly the same digit

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5.2), width_ratios=[1.15, 1])
style = {"ha": "center", "va": "center", "fontsize": 15, "weight": "bold"}
for digit in range(10):
    mine = plane[digits == digit].T
    left.scatter(*mine, s=6, color=plt.get_cmap("tab10")(digit), alpha=0.6)
    left.text(*onp.median(mine, axis=1), str(digit), **style)
left.set(title="Where the digits go", xlabel="z₁", ylabel="z₂")
line = onp.linspace(-2.2, 2.2, 13)
grid = onp.stack(onp.meshgrid(line, -line), axis=-1).reshape(-1, 2)
drawn = pb.to_numpy(forward(trained["decoder"], pb.asarray(grid, dtype="float32")))
tiles = (1 / (1 + onp.exp(-drawn))).reshape(13, 13, 8, 8).transpose(0, 2, 1, 3)
tiles = onp.pad(tiles, [(0, 0), (2, 2), (0, 0), (2, 2)])
right.imshow(tiles.reshape(156, 156), cmap="gray_r", extent=[-2.38, 2.38] * 2)
right.set(title="What the decoder draws there", xlabel="z₁", ylabel="z₂")
plt.show()
