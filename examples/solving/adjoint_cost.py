r"""
One adjoint solve, or M forward solves
======================================

200 unknowns :math:`v` solve :math:`E(p)\, v = b`, with a matrix that depends on :math:`M` parameters, here
:math:`E = I + \sum_k p_k^2\, g_k g_k^\top`; the loss is :math:`F = \lVert v \rVert^2`. Differences solve :math:`M`
systems more. The adjoint solves one, :math:`E^\top \lambda = \partial F / \partial v`, with the factor that is there
already, and

.. math:: \frac{\partial F}{\partial p} = -\lambda^\top \frac{\partial E}{\partial p}\, v

for all parameters at once. That is what :func:`pullback.grad` does with :func:`pullback.linalg.solve`: its gradient
costs a few losses, whatever :math:`M`.
"""

from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
N, rng = 200, np.random.default_rng(0)
b, identity = pb.asarray(np.ones(N)), pb.asarray(np.eye(N))


def loss(p, G):
    E = identity + (G * (p * p)) @ G.T
    v = pb.linalg.solve(E, b, assume="positive")
    return xp.sum(v * v)


def differences(p, G, first, step=1e-6):
    """The first few of M forward differences, each of which solves a system, and one for all."""
    steps, base = pb.asarray(step * np.eye(first, len(p))), float(loss(p, G))
    return np.asarray([float(loss(p + e, G)) - base for e in steps]) / step


def by_hand(p, G):
    """The formula above, in NumPy."""
    p, G = pb.to_numpy(p), pb.to_numpy(G)
    E = np.eye(N) + (G * p**2) @ G.T
    v = np.linalg.solve(E, np.ones(N))
    adjoint = np.linalg.solve(E.T, 2 * v)
    return -2 * p * (adjoint @ G) * (G.T @ v)


def seconds(f, *args):
    return min(repeat(lambda: f(*args), number=1, repeat=3))


counts, most = [1, 3, 10, 30, 100, 300, 1000, 3000], 100
by_adjoint, by_differences = [], []
for M in counts:
    p = pb.asarray(rng.standard_normal(M))
    G = pb.asarray(rng.standard_normal((N, M)) / np.sqrt(N * M))
    gradient = pb.to_numpy(pb.grad(loss)(p, G))
    assert np.allclose(gradient, by_hand(p, G))
    assert np.allclose(gradient[:3], differences(p, G, min(M, 3)), rtol=1e-2, atol=1e-5)
    one = seconds(lambda p, G: float(loss(p, G)), p, G)
    whole = seconds(lambda p, G: pb.to_numpy(pb.grad(loss)(p, G)), p, G)
    by_adjoint.append(whole / one)
    if most >= M:
        by_differences.append(seconds(differences, p, G, M) / one)

fig, ax = plt.subplots()
measured = counts[: len(by_differences)]
(line,) = ax.loglog(measured, by_differences, "o-", label="forward differences")
rest = np.asarray(counts[len(measured) - 1 :])
ax.loglog(rest, by_differences[-1] * (rest + 1) / (measured[-1] + 1), ":", color=line.get_color())
ax.text(rest[-1], 3 * by_differences[-1], "as the count says", ha="right", color=line.get_color())
ax.loglog(counts, by_adjoint, "s-", label="adjoint, pb.grad")
ax.set(
    xlabel="parameters M", ylabel="gradient / one loss", title="What a gradient costs, in losses"
)
ax.legend()
plt.show()
