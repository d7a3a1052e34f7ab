r"""
Bias and variance of ridge regression
=====================================

A polynomial of degree 9 is fitted by ridge regression, :math:`\min_w \|\Phi w - y\|^2 + \lambda \|w\|^2`, to 13 noisy
points of a sine, and to 200 such samples at once by :func:`pullback.vmap`. The expected error on new data splits into
three parts,

.. math:: \mathbb{E}\,(y - \hat f)^2 = \underbrace{(f - \mathbb{E} \hat f)^2}_{\text{bias}^2}
   + \underbrace{\mathbb{E}\,(\hat f - \mathbb{E} \hat f)^2}_{\text{variance}} + \sigma^2 .

With a small λ the fits scatter about the truth (variance); with a large one they agree on a wrong curve (bias). In
between the sum of both is least (Bishop, *Pattern Recognition and Machine Learning*, section 3.2).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
features = pb.models.PolynomialFeatures(degree=9)
rng = np.random.default_rng(0)
samples, n, sigma = 200, 13, 0.4


def truth(x):
    return np.sin(2 * np.pi * x)


x, at = np.linspace(0, 1, n), np.linspace(0, 1, 101)
y = pb.asarray(truth(x) + sigma * rng.standard_normal((samples, n)))
phi, new = (features(pb.asarray(2 * x - 1)[:, None]) for x in (x, at))  # powers within ±1


def fitted(y, penalty):
    """The curve of one sample."""
    A = phi.mT @ phi + penalty * xp.eye(phi.shape[1])
    return new @ pb.linalg.solve(A, phi.mT @ y, assume="positive")


def curves(penalty):
    return pb.to_numpy(pb.vmap(fitted, in_axes=(0, None))(y, penalty))


penalties = np.logspace(-6, 2, 41)
bias, variance = np.empty((2, len(penalties)))
for i, penalty in enumerate(penalties):
    found = curves(penalty)
    variance[i] = np.mean(found.var(axis=0, ddof=1))
    of_mean = np.mean((found.mean(axis=0) - truth(at)) ** 2)
    bias[i] = of_mean - variance[i] / samples  # the mean of 200 fits has a variance too
best = penalties[np.argmin(bias + variance)]
assert np.all(np.diff(variance) < 0)  # more penalty, less variance
assert bias[-1] > 100 * bias[0]
assert penalties[0] < best < penalties[-1]

# %%
figure, axes = plt.subplots(2, 2, figsize=(8.5, 6.4))
shown = (("little: variance", 1e-5), ("best", best), ("much: bias", 30.0))
for ax, (name, penalty) in zip(axes.flat, shown, strict=False):
    found = curves(penalty)
    ax.plot(at, found[:25].T, "C0", alpha=0.25, linewidth=0.8)
    ax.plot(at, truth(at), "k--", label="truth")
    ax.plot(at, found.mean(axis=0), "C1", linewidth=2.5, label="mean of 200 fits")
    ax.set(title=f"λ = {penalty:.2g} ({name})", xlabel="x", ylabel="y", ylim=(-1.9, 1.9))
axes[0, 0].plot([], [], "C0", alpha=0.5, linewidth=0.8, label="25 of the fits")
axes[0, 0].legend(loc="lower left", fontsize="small")

ax = axes[1, 1]
ax.loglog(penalties, bias + variance + sigma**2, "k", label="error on new data")
ax.loglog(penalties, variance, "C0", label="variance")
ax.loglog(penalties, bias, "C1", label="bias²")
ax.axhline(sigma**2, color="gray", linestyle=":", label="noise σ²")
ax.axvline(best, color="C2", linewidth=1)
ax.text(best * 1.2, 1.8, "best", color="C2")
ax.set(title="The trade-off", xlabel="penalty λ", ylabel="mean square", ylim=(2e-3, 3))
ax.legend(fontsize="small")
plt.show()
