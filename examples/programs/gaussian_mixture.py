r"""
A HIPS autograd program: a Gaussian mixture fitted by gradients
===============================================================

A program written for HIPS autograd runs here, on a CPU and on a GPU, after one word in its imports has changed:
``autograd`` becomes ``pullback.compat.autograd``. This one maximises the likelihood of a mixture,

.. math:: \log p(X) = \sum_i \log \sum_k \pi_k\, \mathcal{N}(x_i \mid \mu_k, L_k L_k^\top),

in unconstrained parameters: the weights are a softmax, and the diagonals of the triangular L are exponentials. Second
derivatives come from the same program: ``hessian_vector_product`` gives SciPy's Newton-CG its products. The picture
shows the components at start and end, and the likelihood on the way (Bishop, section 9.2).
"""

import matplotlib.pyplot as plt
import numpy as onp  # NumPy's own, for data and pictures
import scipy.optimize
from matplotlib.colors import to_rgb

import pullback.compat.autograd.numpy as np
from pullback.compat.autograd import grad, hessian_vector_product
from pullback.compat.autograd.misc import flatten
from pullback.compat.autograd.scipy.special import logsumexp

K = 3


def factors(p):
    """Triangular matrices (K, 2, 2): exp(l₁) and exp(l₂) on the diagonal, l₃ below."""
    first, second, below = p["l"].T
    rows = np.stack([np.exp(first), 0 * first]), np.stack([below, np.exp(second)])
    return np.stack(rows).transpose(2, 0, 1)


def log_joint(p, X):
    """log π_k + log N(x_i | μ_k, L_k L_kᵀ), for all points and components."""
    log_pi = p["pi"] - logsumexp(p["pi"]) - np.sum(p["l"][:, :2], axis=1) - np.log(2 * np.pi)
    z = np.linalg.solve(factors(p), np.swapaxes(X[None] - p["mu"][:, None], 1, 2))
    return log_pi[:, None] - np.sum(z**2, axis=1) / 2


# %%
# Three clusters of different shapes, and a start that knows nothing of them.

rng = onp.random.default_rng(4)
shapes = onp.array([[[1.6, 0.0], [1.1, 0.3]], [[0.5, 0.0], [-0.9, 0.6]], [[0.7, 0.0], [0.0, 0.7]]])
centres, sizes = onp.array([[0.0, 2.0], [3.5, -1.0], [-2.5, -1.5]]), (150, 100, 70)
draws = [rng.standard_normal((n, 2)) @ L.T for n, L in zip(sizes, shapes, strict=True)]
data = onp.concatenate(draws) + onp.repeat(centres, sizes, axis=0)
start = {"pi": onp.zeros(K), "mu": rng.standard_normal((K, 2)) / 2, "l": onp.zeros((K, 3))}
diagonals = onp.log(shapes[:, [0, 1], [0, 1]])
truth = {"pi": onp.log(sizes), "mu": centres, "l": onp.c_[diagonals, shapes[:, 1, 0]]}
flat, unflatten = flatten(start)
path = [flat]
objective = lambda w: -np.mean(logsumexp(log_joint(unflatten(w), data), axis=0))
derivatives = {"jac": grad(objective), "hessp": hessian_vector_product(objective)}
options = {"method": "Newton-CG", "callback": path.append}
found = scipy.optimize.minimize(objective, flat, **derivatives, **options)
losses, best = [float(objective(w)) for w in path], unflatten(found.x)
assert losses[-1] < float(objective(flatten(truth)[0]))  # more likely than the truth
assert all(onp.min(onp.linalg.norm(best["mu"] - c, axis=1)) < 0.4 for c in centres)

# %%
figure, axes = plt.subplots(1, 3, figsize=(11.5, 3.9), width_ratios=[1.2, 1.2, 1])
angle = onp.linspace(0, 2 * onp.pi, 100)
circle, rgb = onp.stack([onp.cos(angle), onp.sin(angle)]), [to_rgb(f"C{k}") for k in range(K)]
titles = "The start", f"After {len(path) - 1} steps of Newton-CG"
for ax, p, title in zip(axes, (start, best), titles, strict=False):
    share = onp.exp(log_joint(p, data) - logsumexp(log_joint(p, data), axis=0)).T
    ax.scatter(*data.T, s=9, c=onp.clip(share @ rgb, 0, 1), alpha=0.7)
    for L, mu, colour in zip(factors(p), p["mu"], rgb, strict=True):
        for size in (1, 2):
            ax.plot(*(mu[:, None] + size * L @ circle), color=colour, linewidth=3 - size)
    ax.set(title=title, xlabel="x₁", ylabel="x₂", aspect="equal")
axes[2].plot(losses, "ko-", markersize=4)
axes[2].set(title="Negative log likelihood", xlabel="step", ylabel="per point")
plt.show()
