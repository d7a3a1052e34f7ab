r"""
Who pollutes the station: an adjoint against the wind
=====================================================

Smoke of sources q is carried by a wind and spreads, :math:`A v = -\nu \Delta v + \text{wind} \cdot \nabla v = q`. The
matrix is not symmetric and is never formed: a function computes :math:`A v`, and GMRES or BiCGSTAB solve the system by
such products alone. A station measures F, the mean of v around it. Its gradient with respect to all sources at once,

.. math:: \frac{\partial F}{\partial q} = \lambda, \qquad A^\top \lambda = \frac{\partial F}{\partial v},

is again an iterative solve, with the transpose, which :func:`pullback.linalg.gmres` derives from the function: smoke
that runs *against* the wind from the station, and says how much of each place's smoke it will see. The right picture
has the residuals of both methods (Saad, *Iterative Methods for Sparse Linear Systems*, 2003,
chapters 6 and 7).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
n, nu = 40, 0.01
h = 1 / (n + 1)
place = np.linspace(h, 1 - h, n)
y, x = np.meshgrid(place, place, indexing="ij")
east, north = pb.asarray(0.6 + 0.4 * y), pb.asarray(0.5 * np.cos(3 * x))  # the wind


def A(v):
    """Diffusion and upwind transport on a grid with v = 0 around it."""
    p = xp.pad(v, 1)
    left, right, down, up = p[1:-1, :-2], p[1:-1, 2:], p[:-2, 1:-1], p[2:, 1:-1]
    spread = nu * (4 * v - left - right - down - up) / h**2
    along = xp.maximum(east, 0) * (v - left) + xp.minimum(east, 0) * (right - v)
    across = xp.maximum(north, 0) * (v - down) + xp.minimum(north, 0) * (up - v)
    return spread + (along + across) / h


station = pb.asarray(np.exp(-((x - 0.8) ** 2 + (y - 0.62) ** 2) / 0.002))
station = station / xp.sum(station)
chimneys = ((0.15, 0.3), (0.3, 0.75), (0.55, 0.15))
q = pb.asarray(sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.001) for a, b in chimneys))


def measured(q, solve):
    v, _ = solve(A, q, rtol=1e-10)
    return xp.sum(station * v)


adjoints = {}
for solve in (pb.linalg.gmres, pb.linalg.bicgstab):
    F, slope = pb.value_and_grad(lambda q, solve=solve: measured(q, solve))(q)
    adjoints[solve.__name__] = slope = pb.to_numpy(slope)
    assert np.isclose(np.sum(slope * pb.to_numpy(q)), float(F), rtol=1e-7)  # λ·q = F
assert np.allclose(*adjoints.values(), rtol=1e-5, atol=1e-9)

figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.9), width_ratios=[1, 1, 1.1])
v = pb.to_numpy(pb.linalg.gmres(A, q)[0])
fields = {"Smoke goes with the wind": v, "The adjoint goes against it": slope}
for ax, (title, field) in zip(axes, fields.items(), strict=False):
    ax.contourf(x, y, np.sqrt(np.maximum(field, 0) / field.max()), 20, cmap="Blues")
    wind = [pb.to_numpy(part)[::5, ::5] for part in (east, north)]
    ax.quiver(x[::5, ::5], y[::5, ::5], *wind, color="0.5", width=0.004)
    ax.plot(*np.transpose(chimneys), "o", color="C1", label="sources")
    ax.plot(0.8, 0.62, "*", color="C2", markersize=14, label="station")
    ax.set(title=title, aspect="equal", xticks=[], yticks=[])
axes[1].legend(loc="lower left", frameon=True)
# A cycle of GMRES is 20 products with the matrix, a step of BiCGSTAB 2.
for solve, products in ((pb.linalg.gmres, 20), (pb.linalg.bicgstab, 2)):
    seen = [xp.zeros_like(q)]
    solve(A, q, rtol=1e-10, callback=lambda v, seen=seen: seen.append(pb.asarray(v)))
    residuals = [float(xp.linalg.vector_norm(A(v) - q)) for v in seen]
    axes[2].semilogy(products * np.arange(len(seen)), residuals, label=solve.__name__)
axes[2].set(title="On the way to v", xlabel="products with A", ylabel=r"$\|A v - q\|$")
axes[2].legend()
plt.show()
