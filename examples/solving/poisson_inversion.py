r"""
What lies underground: an inverse Poisson problem
=================================================

The pressure :math:`u` obeys :math:`-\nabla \cdot (\kappa \nabla u) = f` on a square with :math:`u = 0` around it. The
conductivity :math:`\kappa = e^m` varies from cell to cell, and :math:`u` is measured at 50 places. Looked for is the
smooth :math:`m` that explains the measurements,

.. math:: L(m) = \tfrac12 \sum_i \Bigl(\frac{u_i - d_i}{\sigma}\Bigr)^2
   + \tfrac12 \sum_{\text{neighbours } j, k} (m_j - m_k)^2.

A step needs :math:`\partial L / \partial m_j` for all 3,600 cells: finite differences would solve 3,600 systems, the
adjoint one more, with the factor that :math:`u` was found by. Between two cells flows :math:`T (u_j - u_k)` with the
harmonic mean :math:`T` of their :math:`\kappa`, so that the matrix is sparse, and its gradient too.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
n, sensors, rng = 60, 50, np.random.default_rng(0)
k = np.arange(n * n).reshape(n, n)
first = np.r_[k[:, :-1].ravel(), k[:-1].ravel()]  # each pair of neighbours
second = np.r_[k[:, 1:].ravel(), k[1:].ravel()]
border = sum(np.isin(k, edge) for edge in (k[0], k[-1], k[:, 0], k[:, -1])).ravel() * 2.0
ends = np.r_[first, second]
rows, columns = np.r_[k.ravel(), first, second], np.r_[k.ravel(), second, first]
at = rng.choice(n * n, sensors, replace=False)
first, second, ends, border, at = map(pb.asarray, (first, second, ends, border, at))
source = pb.asarray(np.full(n * n, 1 / n**2))


def matrix(m):
    """The finite-volume matrix of κ = exp(m), sparse (n², n²), symmetric."""
    kappa = xp.exp(xp.reshape(m, (-1,)))
    a, b = xp.take(kappa, first), xp.take(kappa, second)
    T = 2 * a * b / (a + b)
    diagonal = xp.segment_sum(xp.concat([T, T]), ends, n * n) + kappa * border
    elements = xp.concat([diagonal, -T, -T])
    return pb.sparse.coo_array((elements, (rows, columns)), shape=(n * n, n * n))


y, x = (np.mgrid[:n, :n] + 0.5) / n  # a channel that conducts well, and a lens that does not
truth = 1.2 * np.exp(-(((y - 0.55 - 0.15 * np.sin(5 * x)) / 0.1) ** 2))
truth -= 1.5 * np.exp(-(((x - 0.7) / 0.15) ** 2) - ((y - 0.22) / 0.1) ** 2)
u = pb.linalg.spsolve(matrix(pb.asarray(truth)), source)
sigma = 0.01 * float(xp.max(u))
data = xp.take(u, at) + sigma * pb.asarray(rng.standard_normal(sensors))


def loss(m):
    u = pb.linalg.spsolve(matrix(m), source)
    misfit = (xp.take(u, at) - data) / sigma
    roughness = xp.sum(xp.diff(m, axis=0) ** 2) + xp.sum(xp.diff(m, axis=1) ** 2)
    return 0.5 * (xp.sum(misfit**2) + roughness)


start = pb.asarray(np.zeros((n, n)))
of_one = pb.linalg.spsolve(matrix(start), source)
assert abs(float(xp.max(of_one)) - 0.07367) < 1e-4  # of -Δu = 1 on the unit square, from the series
way = pb.asarray(rng.standard_normal((n, n)) / n)
difference = (float(loss(1e-4 * way)) - float(loss(-1e-4 * way))) / 2e-4
assert np.isclose(float(xp.sum(pb.grad(loss)(start) * way)), difference, rtol=1e-4)

early = pb.to_numpy(pb.optim.minimize(loss, start, maxiter=8).x)
found = pb.optim.minimize(loss, start, maxiter=80, gtol=1e-3)
m = pb.to_numpy(found.x)
alike = np.corrcoef(m.ravel(), truth.ravel())[0, 1]
assert alike > 0.6 > 30 * float(found.fun) / float(loss(start))

fig, axes = plt.subplots(1, 3, figsize=(10, 3.4))
titles = ["truth, and where $u$ is measured", "after 8 steps", f"after {found.nit} steps"]
for ax, image, title in zip(axes, (truth, early, m), titles, strict=True):
    drawn = ax.imshow(image, origin="lower", cmap="RdBu_r", vmin=-1.5, vmax=1.5)
    ax.set(title=title, xticks=[], yticks=[])
axes[0].plot(pb.to_numpy(at) % n, pb.to_numpy(at) // n, "k.", ms=4)
fig.colorbar(drawn, ax=axes, label=r"$\log\, \kappa$")
plt.show()
