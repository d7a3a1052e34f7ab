r"""
A HIPS autograd program: a Gaussian mixture fitted by gradients
===============================================================

A program written for HIPS autograd runs here, on a CPU and on a GPU, after one word in its imports has changed:
``autograd`` becomes ``pullback.compat.autograd``. This one maximises the likelihood of a mixture,

.. math:: \log p(X) = \sum_i \log \sum_k \pi_k\, \mathcal{N}(x_i \mid \mu_k, L_k L_k^\top),

in unconstrained parameters: the weights :math:`\pi` are a softmax, and each covariance is the square of a triangular
matrix with the exponential of its diagonal. The second derivatives come from the same program: ``hessian_vector_product``
gives SciPy's Newton-CG the products of the Hessian with vectors. The picture shows the components (one and two
deviations) at the start and at the end, and the likelihood on the way (mission.md §7; Bishop, section 9.2).
"""

import matplotlib.pyplot as plt
import scipy.optimize

import pullback as pb
import pullback.compat.autograd.numpy as np
from pullback.compat.autograd import grad, hessian_vector_product
from pullback.compat.autograd.misc import flatten
from pullback.compat.autograd.scipy.special import logsumexp

K, colours = 3, ["C0", "C1", "C2"]


def factors(p):
    """Triangular matrices (K, 2, 2): exp(l₁) and exp(l₂) on the diagonal, l₃ below."""
    first, second, below = np.exp(p["l"][:, 0]), np.exp(p["l"][:, 1]), p["l"][:, 2]
    rows = np.stack([first, 0 * first], axis=-1), np.stack([below, second], axis=-1)
    return np.stack(rows, axis=1)


def log_joint(p, X):
    """log π_k + log N(x_i | μ_k, L_k L_kᵀ), for all points and components."""
    log_pi = p["pi"] - logsumexp(p["pi"])
    z = np.linalg.solve(factors(p), np.swapaxes(X[None] - p["mu"][:, None], 1, 2))
    return log_pi[:, None] - np.sum(p["l"][:, :2], axis=1)[:, None] - np.log(2 * np.pi) - np.sum(z**2, axis=1) / 2


# %%
# Three clusters of different shapes, and a start that knows nothing of them.

import numpy as onp  # noqa: E402  NumPy's own, for the data and the pictures, as in many such programs

rng = onp.random.default_rng(4)
shapes = onp.array([[[1.6, 0.0], [1.1, 0.3]], [[0.5, 0.0], [-0.9, 0.6]], [[0.7, 0.0], [0.0, 0.7]]])
centres, sizes = onp.array([[0.0, 2.0], [3.5, -1.0], [-2.5, -1.5]]), (150, 100, 70)
data = onp.concatenate([c + rng.standard_normal((n, 2)) @ L.T for c, L, n in zip(centres, shapes, sizes, strict=True)])
X = pb.to_numpy(data)
start = {"pi": onp.zeros(K), "mu": rng.standard_normal((K, 2)) * 0.5, "l": onp.zeros((K, 3))}
flat, unflatten = flatten(start)


def objective(w):
    return -np.sum(logsumexp(log_joint(unflatten(w), X), axis=0)) / len(data)


path = [flat]
found = scipy.optimize.minimize(
    objective, flat, jac=grad(objective), hessp=hessian_vector_product(objective),
    method="Newton-CG", callback=path.append,
)
losses = [float(objective(w)) for w in path]
best = unflatten(found.x)
truth = {"pi": onp.log(sizes), "mu": centres, "l": onp.stack([onp.log(shapes[:, 0, 0]), onp.log(shapes[:, 1, 1]), shapes[:, 1, 0]], 1)}
assert found.success
assert losses[-1] < float(objective(flatten(truth)[0])) + 1e-9  # at least as likely as the truth
assert all(onp.min(onp.linalg.norm(best["mu"] - c, axis=1)) < 0.4 for c in centres)

# %%
figure, axes = plt.subplots(1, 3, figsize=(11.5, 3.9), width_ratios=[1.2, 1.2, 1])
circle = onp.stack([onp.cos(t := onp.linspace(0, 2 * onp.pi, 100)), onp.sin(t)])
for ax, p, title in ((axes[0], start, "The start"), (axes[1], best, f"After {len(path) - 1} steps of Newton-CG")):
    share = onp.exp(log_joint(p, X) - logsumexp(log_joint(p, X), axis=0)).T
    ax.scatter(*data.T, s=9, c=onp.clip(share @ [plt.matplotlib.colors.to_rgb(c) for c in colours], 0, 1), alpha=0.7)
    for L, mu, colour in zip(factors(p), p["mu"], colours, strict=True):
        for size in (1, 2):
            ax.plot(*(mu[:, None] + size * L @ circle), colour, linewidth=3 - size)
    ax.set(title=title, xlabel="x₁", ylabel="x₂", aspect="equal")
axes[2].plot(losses, "ko-", markersize=4)
axes[2].set(title="Negative log likelihood", xlabel="step", ylabel="per point")
plt.show()
