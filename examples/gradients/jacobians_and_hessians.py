r"""
Jacobians and Hessians as images
================================

A Jacobian shows which output depends on which input. Here are three, by :func:`pullback.jacobian` and
:func:`pullback.hessian`, each of 36 rows and 36 columns:

- the residual of :math:`-\Delta u + u^3 = f` on a square grid, where each equation involves a cell and its four
  neighbours: five diagonals, and gaps where a row of the grid ends;
- the Hessian of Rosenbrock's chain :math:`\sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2`, tridiagonal;
- a network with two layers, where everything depends on everything.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
n = 6


def residual(u):
    """-Δu + u³ on an n × n grid, with u = 0 around it."""
    u = xp.reshape(u, (n, n))
    padded = xp.pad(u, 1)
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return xp.reshape(4 * u - around + u**3, (-1,))


def rosenbrock(x):
    return xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


rng = np.random.default_rng(0)
W1, W2 = (pb.asarray(rng.standard_normal((36, 36)) / 6) for _ in range(2))


def network(x):
    return W2 @ xp.tanh(W1 @ x)


x = pb.asarray(rng.standard_normal(n * n))
matrices = {
    r"Jacobian of $-\Delta u + u^3 - f$": pb.jacobian(residual)(x),
    "Hessian of Rosenbrock's chain": pb.hessian(rosenbrock)(x),
    "Jacobian of a network": pb.jacobian(network)(x),
}
matrices = {name: pb.to_numpy(M) for name, M in matrices.items()}
of_pde, of_chain, of_network = matrices.values()
assert np.count_nonzero(of_pde) == 5 * n * n - 4 * n
assert np.array_equal(of_chain, np.triu(np.tril(of_chain, 1), -1))
assert np.allclose(of_chain, of_chain.T)
assert np.count_nonzero(of_network) == of_network.size

fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.9))
for ax, (name, M) in zip(axes, matrices.items(), strict=True):
    limit = np.quantile(np.abs(M[M != 0]), 0.95)
    image = ax.imshow(np.where(M == 0, np.nan, M), cmap="RdBu_r", vmin=-limit, vmax=limit)
    share = np.count_nonzero(M) / M.size
    ax.set(
        title=f"{name}\n{share:.0%} of the elements are not 0", xlabel="input", xticks=[], yticks=[]
    )
    ax.spines[["top", "right"]].set_visible(True)
    fig.colorbar(image, ax=ax, orientation="horizontal", shrink=0.8)
axes[0].set_ylabel("output")
plt.show()
