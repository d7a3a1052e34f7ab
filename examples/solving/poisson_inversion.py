"""What lies underground: 10,000 unknown conductivities from 50 measurements, by one adjoint solve a step.

The pressure u obeys −∇·(κ ∇u) = f on a square with u = 0 around it; κ = exp(m) varies from cell to cell, and u is
measured at 50 places. Looked for is the m that explains the measurements and is smooth,

    L(m) = ½ Σ ((u_i − d_i)/σ)² + ½ β Σ (m_j − m_k)² over neighbours j, k.

A step needs ∂L/∂m_j for all 10,000 cells. Finite differences would solve 10,000 systems; the adjoint solves one,
with the factor that u was found by. Finite volumes: the flow between two cells is T (u_j − u_k) with the harmonic
mean T of their κ, so that the matrix is sparse, and its gradient has the same sparsity.

    python examples/solving/poisson_inversion.py [picture.png]
"""

import sys

import numpy as np
import scipy.optimize

import pullback as pb

xp = pb.xp


def places(n):
    """The rows and columns of the matrix: first the diagonal, then each pair of neighbours both ways."""
    k = np.arange(n * n).reshape(n, n)
    first = np.concatenate([k[:, :-1].ravel(), k[:-1].ravel()])
    second = np.concatenate([k[:, 1:].ravel(), k[1:].ravel()])
    row = np.concatenate([k.ravel(), first, second])
    col = np.concatenate([k.ravel(), second, first])
    return row, col, first, second


def matrix(m, where):
    """The finite-volume matrix of κ = exp(m), m (n, n)."""
    n = m.shape[0]
    row, col, first, second = where
    kappa = xp.reshape(xp.exp(m), (-1,))
    a, b = xp.take(kappa, first), xp.take(kappa, second)
    T = 2 * a * b / (a + b) * n**2
    border = np.zeros((n, n))
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        border[edge] += 2.0 * n**2  # half a cell to the edge, where u = 0
    diagonal = (
        xp.segment_sum(xp.concat([T, T]), np.concatenate([first, second]), n * n)
        + kappa * border.ravel()
    )
    return pb.sparse.coo_array((xp.concat([diagonal, -T, -T]), (row, col)), shape=(n * n, n * n))


def truth(n):
    """A channel that conducts well, and a lens that does not."""
    y, x = (np.mgrid[:n, :n] + 0.5) / n
    channel = 1.2 * np.exp(-(((y - 0.55 - 0.15 * np.sin(5 * x)) / 0.1) ** 2))
    lens = -1.5 * np.exp(-(((x - 0.7) / 0.15) ** 2) - ((y - 0.22) / 0.1) ** 2)
    return channel + lens


def main(picture="poisson_inversion.png", n=100, sensors=50, steps=150, noise=0.01, smoothness=1.0):
    rng = np.random.default_rng(0)
    where, source = places(n), np.ones(n * n)
    m_true = truth(n)
    at = rng.choice(n * n, sensors, replace=False)
    u_true = pb.to_numpy(pb.linalg.spsolve(matrix(m_true, where), source))
    sigma = noise * np.abs(u_true).max()
    data = u_true[at] + sigma * rng.standard_normal(sensors)

    def loss(m):
        m = xp.reshape(m, (n, n))
        u = pb.linalg.spsolve(matrix(m, where), source)
        misfit = (xp.take(u, at) - data) / sigma
        roughness = xp.sum(xp.diff(m, axis=0) ** 2) + xp.sum(xp.diff(m, axis=1) ** 2)
        return 0.5 * (xp.sum(misfit**2) + smoothness * roughness)

    losses = []
    found = scipy.optimize.minimize(
        pb.value_and_grad(loss),
        np.zeros(n * n),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps},
        callback=lambda intermediate_result: losses.append(float(intermediate_result.fun)),
    )
    m = found.x.reshape(n, n)
    print(
        f"{n * n:,} conductivities from {sensors} measurements: {found.nfev} values and gradients"
    )
    alike = np.corrcoef(m.ravel(), m_true.ravel())[0, 1]
    print(f"loss {losses[0]:.1f} -> {losses[-1]:.1f}; correlation with the truth {alike:.3f}")
    draw(picture, m_true, m, at, losses)
    return m, m_true, losses


def draw(picture, m_true, m, at, losses):
    from matplotlib.figure import Figure

    n = len(m)
    figure = Figure(figsize=(11.5, 3.6), dpi=110, layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    limit = np.abs(m_true).max()
    for axes, field, title in (
        (left, m_true, "truth, and where u is measured"),
        (middle, m, "estimate"),
    ):
        image = axes.imshow(
            field, origin="lower", cmap="RdBu_r", vmin=-limit, vmax=limit, extent=(0, 1, 0, 1)
        )
        axes.set(title=title, xticks=[], yticks=[])
    left.plot((at % n + 0.5) / n, (at // n + 0.5) / n, "k.", markersize=4)
    figure.colorbar(image, ax=middle, label="log κ")
    right.semilogy(losses)
    right.set(xlabel="step of L-BFGS-B", ylabel="loss", title="loss")
    right.grid(alpha=0.3)
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:2])
