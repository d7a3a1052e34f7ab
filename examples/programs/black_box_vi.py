r"""
A HIPS autograd program: black-box variational inference
========================================================

A posterior that can only be evaluated is replaced by the Gaussian :math:`q = \mathcal{N}(\mu, LL^\top)` with the
largest

.. math:: \mathbb{E}_{z \sim q} \log p(z) + \mathrm{H}(q) \;\le\; \log \int p(z)\, dz .

The expectation is a mean over draws :math:`z = \mu + L\epsilon`, through which the gradient passes. The program knows
nothing of the posterior but its logarithm. The picture shows a funnel and a banana, with the Gaussian (one and two
deviations) on its way: it settles inside, and rather leaves out mass than claims what is not there. Below is the bound,
against the true :math:`\log \int p = 0` (Ranganath et al. 2014; Kucukelbir et al. 2017).
"""

import matplotlib.pyplot as plt
import numpy as onp  # NumPy's own, for data and pictures

import pullback as pb
import pullback.compat.autograd.numpy as np
from pullback.compat.autograd import value_and_grad


def log_normal(x, mean, log_std):
    return -0.5 * ((x - mean) / np.exp(log_std)) ** 2 - log_std - 0.5 * np.log(2 * np.pi)


def funnel(z):
    return log_normal(z[:, 1], 0.0, 0.3) + log_normal(z[:, 0], 0.0, z[:, 1])


def banana(z):
    return log_normal(z[:, 0], 0.0, 0.4) + log_normal(z[:, 1], z[:, 0] ** 2 / 2 - 1.5, -0.7)


def factor(p):
    return np.array([[np.exp(p[2]), 0.0], [p[3], np.exp(p[4])]])


def bound(p, log_posterior, noise):
    """The evidence lower bound; p holds the mean, and L with logarithms on its diagonal."""
    z = p[:2] + noise @ factor(p).T
    entropy = 1 + np.log(2 * np.pi) + p[2] + p[4]
    return np.mean(log_posterior(z)) + entropy


def fitted(log_posterior, start, steps=1000, draws=64):
    """Adam with a step size that falls to zero; all parameters on the way, and the bound."""
    rng, opt = onp.random.default_rng(0), pb.optim.Adam(pb.optim.CosineDecay(0.1, steps))
    p, path, values = pb.asarray(onp.asarray(start)), [], []
    state, slope = opt.init(p), value_and_grad(lambda p, noise: -bound(p, log_posterior, noise))
    for _ in range(steps):
        value, gradient = slope(p, pb.asarray(rng.standard_normal((draws, 2))))
        path.append(p)
        values.append(-float(value))
        p, state = opt.step(p, gradient, state)
    return [*path, p], onp.array(values)


# %%
figure, axes = plt.subplots(2, 2, figsize=(9.5, 6.8), height_ratios=[3, 1])
angle = onp.linspace(0, 2 * onp.pi, 100)
circle = onp.stack([onp.cos(angle), onp.sin(angle)])
x, y = onp.linspace(-4.5, 4.5, 201), onp.linspace(-4, 4, 201)
plane = pb.asarray(onp.stack(onp.meshgrid(x, y), axis=-1).reshape(-1, 2))
for (top, bottom), log_posterior in zip(axes.T, (funnel, banana), strict=True):
    path, values = fitted(log_posterior, [-2.0, 2.5, -1.0, 0.0, -1.0])
    assert onp.mean(values[:10]) + 1 < onp.mean(values[-50:]) < 0.05  # log ∫ p = 0 bounds it
    height = onp.maximum(pb.to_numpy(log_posterior(plane)).reshape(201, 201), -8)
    top.contourf(x, y, height, onp.linspace(-7, 0.5, 13), cmap="Blues", extend="max")
    for step, colour in ((0, "C4"), (20, "C3"), (100, "C2"), (1000, "C1")):
        mu, L = pb.to_numpy(path[step][:2, None]), pb.to_numpy(factor(path[step]))
        top.plot(*(mu + L @ circle), colour, label=f"step {step}")
        top.plot(*(mu + 2 * L @ circle), colour, linewidth=1)
    top.set(title=log_posterior.__name__.capitalize(), xlabel="z₁", ylabel="z₂", ylim=(-4, 4))
    bottom.plot(values, "C1", linewidth=0.8)
    bottom.axhline(0, color="k", linestyle="--", linewidth=1)
    bottom.set(xlabel="step", ylabel="bound (nats)", ylim=(-3, 0.5))
axes[0, 0].legend(fontsize="small", loc="lower left")
plt.show()
