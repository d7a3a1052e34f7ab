"""What a gradient costs as the number of parameters grows: one adjoint solve, or one more solve for each parameter.

200 unknowns: E(p) v = b with a matrix that depends on M parameters, and the loss F = Σ v². Forward differences solve
M systems more. The adjoint solves one, Eᵀ λ = ∂F/∂v, with the factor that is there already, and ∂F/∂p = −λᵀ (∂E/∂p) v
for all p at once.

    python examples/solving/adjoint_cost.py [picture.png]
"""

import sys
import time
from functools import partial

import numpy as np

import pullback as pb

xp = pb.xp
N = 200


def loss(p):
    """Each parameter stiffens its share of the matrix: E = I + Σ_k p_k² g_k g_kᵀ, g_k a column of G."""
    G = directions(p.shape[0])
    E = np.eye(N) + (G * (p * p)) @ G.T
    v = pb.linalg.solve(E, np.ones(N), assume="positive")
    return xp.sum(v * v)


_made = {}


def directions(M):
    """M fixed directions, made once."""
    if M not in _made:
        _made[M] = np.random.default_rng(M).standard_normal((N, M)) / np.sqrt(N * M)
    return _made[M]


def by_adjoint(p):
    return pb.value_and_grad(loss)(p)


def by_differences(p, step=1e-6, most=None):
    """Forward differences; of the first `most` parameters alone where that says enough about the time."""
    base = float(loss(p))
    units = np.eye(len(p) if most is None else most, len(p))
    return base, np.asarray([(float(loss(p + step * e)) - base) / step for e in units])


def seconds(f, repeats=5):
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        f()
        best = min(best, time.perf_counter() - start)
    return best


def main(
    picture="adjoint_cost.png", counts=(1, 3, 10, 30, 100, 300, 1000, 3000, 10_000), most=1000
):
    rng = np.random.default_rng(0)
    adjoint, differences = [], []
    for M in counts:
        p = rng.standard_normal(M)
        exact, rough = by_adjoint(p)[1], by_differences(p, most=min(M, 3))[1]
        np.testing.assert_allclose(rough, exact[:3], rtol=1e-2, atol=1e-5)
        one = seconds(partial(loss, p))
        adjoint.append(seconds(partial(by_adjoint, p)) / one)
        few = min(M, most)  # all M up to `most`; beyond, this is an extrapolation, and shown as one
        each = seconds(partial(by_differences, p, most=few), 1) / (few + 1)
        differences.append(each * (M + 1) / one)
        note = "" if few == M else f" (extrapolated from {few} of them)"
        print(
            f"M = {M:6d}: adjoint {adjoint[-1]:6.2f}, differences {differences[-1]:9.1f} times one loss{note}"
        )
    # an extrapolation is linear by construction: no part of the fit
    measured = sum(most >= M for M in counts)
    slopes = [slope(counts, adjoint), slope(counts[:measured], differences[:measured])]
    print(f"slopes of what was measured: adjoint {slopes[0]:.2f}, differences {slopes[1]:.2f}")
    draw(picture, counts, adjoint, differences, slopes, measured)
    return slopes


def slope(counts, cost):
    """Of the straight line through the points in a log-log plot."""
    return float(np.polyfit(np.log(counts), np.log(cost), 1)[0])


def draw(picture, counts, adjoint, differences, slopes, measured):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    label = f"forward differences, M^{slopes[1]:.2f}"
    (line,) = axes.loglog(counts[:measured], differences[:measured], "o-", label=label)
    if measured < len(counts):
        rest = slice(measured - 1, None)
        axes.loglog(
            counts[rest], differences[rest], "--", color=line.get_color(), label="extrapolated"
        )
    axes.loglog(counts, adjoint, "s-", label=f"adjoint, M^{slopes[0]:.2f}")
    axes.set(xlabel="parameters M", ylabel="cost of the gradient / cost of the loss")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:2])
