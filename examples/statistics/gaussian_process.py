r"""
Gaussian process regression by the gradient of its likelihood
=============================================================

A Gaussian process with kernel k puts a distribution on functions. With noise of variance :math:`\sigma^2` the
logarithm of the likelihood of the data,

.. math:: \log p(y \mid X) = -\tfrac12\, y^\top (K + \sigma^2 I)^{-1} y
   - \tfrac12 \log \det (K + \sigma^2 I) - \tfrac{n}{2} \log 2\pi ,

weighs fit against complexity: its gradient finds how smooth, how large and how noisy the function is, without data held
out. One Cholesky factor gives both terms, and serves again on the way back. The picture shows the posterior at a bad
guess and at the maximum, and the likelihood with the path of L-BFGS (Rasmussen and Williams, *Gaussian Processes for
Machine Learning*, 2006, chapter 5).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp, kernels = pb.xp, pb.models.kernels
rng = np.random.default_rng(2)
x = np.sort(np.concatenate([rng.uniform(0, 4, 16), rng.uniform(6, 10, 16)]))
at = np.linspace(-0.5, 10.5, 200)
both = np.concatenate([x, at])
K = pb.to_numpy(kernels.RBF(0.9)(pb.asarray(both[:, None])))
truth = np.linalg.cholesky(K + 1e-6 * np.eye(len(K))) @ rng.standard_normal(len(both))
y = truth[: len(x)] + 0.2 * rng.standard_normal(len(x))
X, Y, new = pb.asarray(x[:, None]), pb.asarray(y), pb.asarray(at[:, None])


def parts(p):
    """The kernel and the noise's variance; p holds logarithms, so that all stay positive."""
    size, length, noise = xp.exp(p)
    return kernels.Constant(size**2) * kernels.RBF(length), noise**2


def loss(p):
    kernel, noise = parts(p)
    return -pb.models.log_marginal_likelihood(kernel, X, Y, noise)


guess = pb.asarray(np.log([1.0, 3.0, 0.08]))  # size, length scale, noise
path = [guess]
found = pb.optim.minimize(loss, guess, callback=lambda state: path.append(state.x))
size, length, noise = np.exp(pb.to_numpy(found.x))
print(f"size {size:.2f}, length {length:.2f}, noise {noise:.2f} after {found.nfev} gradients")
assert float(pb.optim.global_norm(pb.grad(loss)(found.x))) < 1e-3
assert 0.5 < length < 1.5  # 0.9 is true
assert 0.1 < noise < 0.4  # 0.2 is

# %%
figure = plt.figure(figsize=(11, 6.4))
axes = figure.subplot_mosaic([["guess", "map"], ["maximum", "map"]], width_ratios=[1.35, 1])
for name, p in (("guess", guess), ("maximum", found.x)):
    model = pb.models.GaussianProcess.init(parts(p)[0], X, Y, parts(p)[1])
    mean, deviation = pb.to_numpy(model(new)), pb.to_numpy(model.std(new))
    draws = rng.multivariate_normal(mean, pb.to_numpy(model.covariance(new)), 4, method="eigh")
    ax, band = axes[name], (mean - 2 * deviation, mean + 2 * deviation)
    ax.fill_between(at, *band, color="C0", alpha=0.2, label="± 2 deviations")
    ax.plot(at, draws.T, "C0", alpha=0.5, linewidth=0.8)
    ax.plot(at, mean, "C0", linewidth=2.5, label="mean")
    ax.plot(at, truth[len(x) :], "k--", linewidth=1, label="truth")
    ax.plot(x, y, "C1o", markersize=4, label="data")
    ax.set(title=f"Posterior at the {name}", xlabel="x", ylabel="y", ylim=(-3.3, 3.6))
axes["guess"].legend(ncols=4, fontsize="small", loc="upper center")

line = np.linspace(np.log(0.3), np.log(4), 41), np.linspace(np.log(0.06), np.log(1.2), 41)
grid = np.stack([np.full(41 * 41, np.log(size)), *(v.ravel() for v in np.meshgrid(*line))], axis=1)
surface = -pb.to_numpy(pb.vmap(loss)(pb.asarray(grid))).reshape(41, 41)
levels, ax = surface.max() - np.geomspace(60, 0.1, 14), axes["map"]
ax.contourf(*np.exp(line), surface, levels, cmap="Blues", extend="max")
ax.plot(*np.exp([pb.to_numpy(p)[1:] for p in path]).T, "C1o-", markersize=4)
ax.plot(length, noise, "k*", markersize=14)
ax.set(xscale="log", yscale="log", xlabel="length scale", ylabel="noise (standard deviation)")
ax.set_title("Log likelihood, and the path of L-BFGS")
ax.set_xticks([0.3, 0.5, 1, 2, 4], ["0.3", "0.5", "1", "2", "4"])
ax.set_xticks([], minor=True)
plt.show()
