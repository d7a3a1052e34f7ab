r"""
Phase retrieval: complex gradients through the FFT
==================================================

Detectors see the intensity of light, not its phase. Behind K known masks :math:`m_k` an object x, an image of complex
numbers, gives diffraction patterns :math:`b_k^2 = |\mathcal{F}(m_k x)|^2`, and x is sought that explains them all:

.. math:: \min_{x \in \mathbb{C}^{n \times n}} \; \tfrac12 \sum_k \bigl\| \, |\mathcal{F}(m_k x)| - b_k \bigr\|^2 .

The loss is real and x is complex: :func:`pullback.grad` gives :math:`\partial L / \partial \mathrm{Re}\, x + i\,
\partial L / \partial \mathrm{Im}\, x`, so x minus a step along it descends. With the step 1/K and an orthonormal FFT
that is the projection method of Gerchberg and Saxton. The amplitude is a temple and the phase a flower; from an empty
image both are found, up to one phase that no intensity can know (Candès, Li and Soltanolkotabi 2015).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images

import pullback as pb

xp = pb.xp
rng = np.random.default_rng(0)
n, K = 96, 6
temple, flower = (photo[40:424, 100:484].mean(axis=2) for photo in load_sample_images().images)
temple, flower = (photo.reshape(n, 4, n, 4).mean(axis=(1, 3)) / 255 for photo in (temple, flower))
truth = (0.2 + temple) * np.exp(1j * np.pi * (1.6 * flower - 0.8))
masks = pb.asarray(np.exp(2j * np.pi * rng.uniform(size=(K, n, n))))


def patterns(x):
    return xp.abs(xp.fft.fftn(masks * x, axes=(-2, -1), norm="ortho"))


def loss(x, measured):
    return xp.sum((patterns(x) - measured) ** 2) / 2


measured = patterns(pb.asarray(truth))
x, losses, kept = pb.asarray(np.full((n, n), 0.6 + 0j)), [], {}
slope = pb.compile(pb.value_and_grad(loss), fast=False)
for i in range(101):
    if i in (0, 4, 100):
        kept[i] = pb.to_numpy(x)
    value, gradient = slope(x, measured)
    losses.append(float(value))
    x = x - gradient / K


def aligned(x):
    """Of all phases that give the same intensities, the one of the truth."""
    return x * np.exp(-1j * np.angle(np.vdot(truth, x)))


error = {i: np.linalg.norm(aligned(x) - truth) / np.linalg.norm(truth) for i, x in kept.items()}
assert error[0] > 0.5
assert error[100] < 1e-3

# %%
figure, axes = plt.subplots(2, 5, figsize=(13, 5.2), width_ratios=[1.25, 1, 1, 1, 1])
axes[0, 0].imshow(np.log(pb.to_numpy(measured)[0] + 0.05), cmap="magma")
axes[0, 0].set_title("one measured pattern (log)")
axes[1, 0].semilogy(losses)
axes[1, 0].set(title="loss", xlabel="step")
found = [(aligned(x), f"step {i}: error {error[i]:.0%}") for i, x in kept.items()]
for column, (x, name) in zip(axes.T[1:], [*found, (truth, "truth")], strict=True):
    column[0].imshow(np.abs(x), cmap="gray", vmin=0.2, vmax=1.2)
    column[1].imshow(np.angle(x), cmap="twilight", vmin=-np.pi, vmax=np.pi)
    column[0].set_title(name)
axes[0, 1].set_ylabel("amplitude")
axes[1, 1].set_ylabel("phase")
for ax in (axes[0, 0], *axes[:, 1:].flat):
    ax.set(xticks=[], yticks=[])
plt.show()
